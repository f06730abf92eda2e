"""What steering does: gains and costs of settings, of kinds of vectors, of chance."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from steering_core.publishing.claims import Measured
from steering_core.publishing.style import BLUE, GRID, INK, PALETTE, TEMPLATE, VERMILLION, use_style
from steering_core.steering.choice import PERPLEXITY, best_row
from steering_core.steering.lexicon import GENRES
from steering_core.steering.plots.layer_lines import layer_names
from steering_core.steering.plots.looks import SYMBOLS, looks_of
from steering_core.steering.plots.reading import nice

KIND_WORDS = {
    "uncentred": "uncentred",
    "centred": "less m",
    "position_matched": "less m, matched by position",
    "isolated": "less stories",
    "of_all_texts": "less all texts",
    "introduced": "pair: target less source",
    "one_pair": "one pair of texts",
    "principal": "principal direction",
    "logistic": "logistic direction",
    "whitened": "whitened difference",
    "along_mean": "along m alone",
}
"""A kind of vector as figures, tables and prose call it."""

GAIN, COST = "gain in target stems a completion", "perplexity, over that of unsteered text"
LAYER = "layer (emb: the embeddings; k: the output of block k - 1)"

LEAST_COST, ALL_COSTS = 0.7, 6.0  # perplexity ratios that are drawn


def kind_words(kind: str) -> str:
    """What a kind of vector is called; one without a name of its own by that of the code."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))


def frontier(table: pd.DataFrame) -> Figure:
    """Gain over cost: every setting of a sweep as a dot, and each kind's best at every cost.

    Args:
        table: rows of a sweep, of one model.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(7.2, 4.4))
        ax.axvline(PERPLEXITY, color=INK, linewidth=0.8, linestyle=":")
        ax.axhline(0, color=INK, linewidth=0.8)
        for kind, rows, (colour, marker) in _by_kind(table):
            cost = np.exp(rows.nats)
            ax.plot(cost, rows.gain, marker, color=colour, markersize=3, alpha=0.15, linewidth=0)
            best = envelope(rows)
            ax.step(best.cost, best.gain, where="post", color=colour, linewidth=2.2)
            ax.plot([], [], f"{marker}-", color=colour, label=kind_words(kind))
        ax.set(xscale="log", xlim=(LEAST_COST, ALL_COSTS), xlabel=COST, ylabel=GAIN)
        ax.set_xticks([1, 2, 3, 4, 6], ["1", "2", "3", "4", "6"], minor=False)
        ax.minorticks_off()
        fig.legend(loc="outside right center")
    return fig


def frontier_explorer(table: pd.DataFrame) -> go.Figure:
    """The same dots and steps; hovering a dot tells its setting, and a click on a name hides its
    kind.
    """
    fig = go.Figure(layout={"template": TEMPLATE})
    for kind, rows, (colour, marker) in _by_kind(table):
        best = envelope(rows)
        fig.add_scatter(
            x=best.cost.round(3),
            y=best.gain,
            mode="lines",
            name=kind_words(kind),
            legendgroup=kind,
            line={"color": colour, "width": 2.5, "shape": "hv"},
            hoverinfo="skip",
        )
        fig.add_scatter(
            x=np.exp(rows.nats).round(3),
            y=rows.gain,
            mode="markers",
            name=kind_words(kind),
            legendgroup=kind,
            showlegend=False,
            marker={"color": colour, "symbol": SYMBOLS[marker], "size": 6, "opacity": 0.3},
            customdata=rows[["layer", "position", "coefficient", "distinct"]],
            hovertemplate="gain %{y:.2f} at %{x:.2f} x perplexity<br>layer %{customdata[0]}, "
            "%{customdata[1]}, coefficient %{customdata[2]}<br>distinct-2 %{customdata[3]:.2f} of "
            "the unsteered",
        )
    fig.add_vline(x=PERPLEXITY, line={"dash": "dot", "width": 1})
    fig.update_layout(
        xaxis={
            "title": "perplexity, over the unsteered",
            "type": "log",
            "tickvals": [1, 2, 3, 4, 6],
        },
        yaxis={"title": GAIN},
        legend={"orientation": "h", "y": -0.25},
        height=520,
    )
    fig.update_xaxes(range=[np.log10(LEAST_COST), np.log10(ALL_COSTS)])
    return fig


def envelope(rows: pd.DataFrame) -> pd.DataFrame:
    """The largest gain at each cost or below it: columns cost and gain, both rising."""
    ordered = rows.sort_values(by="nats")
    best = ordered.gain.cummax()
    return pd.DataFrame({"cost": np.exp(ordered.nats), "gain": best})


def setting_maps(table: pd.DataFrame, kinds: Sequence[str], positions: Sequence[str]) -> Figure:
    """The best gain within the allowed cost at every layer and position, a map a kind.

    Args:
        table: rows of a sweep that are within the allowed cost.
        kinds: a map for each.
        positions: the rows of a map.
    """
    grids = {kind: _best_grid(table, kind, positions) for kind in kinds}
    highest = max(float(np.nanmax(grid)) for grid in grids.values())
    with use_style():
        fig, axes = plt.subplots(1, len(kinds), figsize=(9.6, 2.6), sharey=True)
        for ax, (kind, grid) in zip(np.atleast_1d(axes), grids.items(), strict=True):
            image = ax.imshow(grid, cmap="viridis", vmin=0, vmax=highest, aspect="auto")
            for row, column in np.argwhere(np.isfinite(grid)):
                value = grid[row, column]
                ink = "white" if value < 0.6 * highest else INK
                ax.text(column, row, f"{value:.1f}", ha="center", va="center", color=ink)
            ax.set_xticks(range(grid.shape[1]), layer_names(grid.shape[1]))
            ax.set_yticks(range(len(positions)), [p.replace("_", " ") for p in positions])
            ax.set_title(kind_words(kind))
        fig.supxlabel(LAYER, fontsize=10)
        fig.colorbar(image, ax=list(np.atleast_1d(axes)), label="gain in target stems")
    return fig


def dots(measures: Mapping[str, Measured], *, xlabel: str, zero: float = 0.0) -> Figure:
    """A dot and its 99% interval for each name, the first on top."""
    with use_style():
        fig, ax = plt.subplots(figsize=(7.2, 0.8 + 0.34 * len(measures)))
        ax.axvline(zero, color=INK, linewidth=0.8)
        for row, measured in enumerate(measures.values()):
            low, high = measured.interval or (measured.value, measured.value)
            ax.plot([low, high], [row, row], color=BLUE, linewidth=2)
            ax.plot(measured.value, row, "o", color=BLUE, markersize=6)
        ax.set_yticks(range(len(measures)), list(measures))
        ax.set_ylim(len(measures) - 0.5, -0.5)
        ax.set(xlabel=xlabel)
        ax.grid(axis="x", color=GRID)
    return fig


def dot_table(measures: Mapping[str, Measured]) -> pd.DataFrame:
    """What the dots show."""
    return pd.DataFrame(
        [
            {"what": name, "value": m.value, "interval": m.interval, "n": m.n}
            for name, m in measures.items()
        ]
    )


def setting_table(table: pd.DataFrame, model: str, kinds: Sequence[str]) -> pd.DataFrame:
    """Each kind's best setting within the allowed cost: where, how long a vector, gain and cost.

    Args:
        table: rows of a sweep.
        model: "first" or "second".
        kinds: a row for each.
    """
    best = pd.DataFrame([best_row(table, model, kind) for kind in kinds])
    best.index = [kind_words(kind) for kind in kinds]
    best["perplexity"] = np.exp(best.nats)
    best["distinct-2"] = best.distinct
    shown = ["layer", "position", "coefficient", "norm", "gain", "perplexity", "distinct-2"]
    return pd.DataFrame(best[shown]).round(2)


def interval_table(measures: Mapping[str, Mapping[str, Measured]]) -> pd.DataFrame:
    """Measurements as text, each with its 99% interval: a row for each outer name, a column for
    each inner one.
    """
    return pd.DataFrame(
        {
            row: {column: _with_interval(one) for column, one in own.items()}
            for row, own in measures.items()
        }
    ).T


def lexicon_table(
    lexicons: Mapping[str, Collection[str]], unsteered: Mapping[str, float], n: int
) -> str:
    """Each genre's stems, and how many a completion holds without steering, as a Markdown table.

    Args:
        lexicons: genre -> its stems.
        unsteered: genre -> how many of its stems an unsteered completion holds, on average.
        n: how many completions that is the mean of.
    """
    head = [f"| genre | in an unsteered completion (mean of {n}) | stems |", "| --- | --- | --- |"]
    rows = [
        f"| {nice(genre)} | {unsteered[genre]:.2f} | {len(own)}: {', '.join(sorted(own))} |"
        for genre, own in lexicons.items()
    ]
    return "\n".join(head + rows)


def pair_map(gains: Mapping[tuple[str, str], float]) -> Figure:
    """Gain for each genre of prompts (rows) and target (columns)."""
    grid = np.array([[gains.get((s, t), np.nan) for t in GENRES] for s in GENRES])
    names = [nice(genre) for genre in GENRES]
    highest = float(np.nanmax(np.abs(grid)))
    with use_style():
        fig, ax = plt.subplots(figsize=(5.4, 3.8))
        image = ax.imshow(grid, cmap="RdBu", vmin=-highest, vmax=highest)
        for row, column in np.argwhere(np.isfinite(grid)):
            value = grid[row, column]
            ink = "white" if abs(value) > 0.6 * highest else INK
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="steered towards", ylabel="prompts of")
        fig.colorbar(image, label=GAIN)
    return fig


def null_histograms(nulls: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Gains of vectors that only have the norm, and the true one's.

    Args:
        nulls: rows of one model.
        names: null -> how to call it, a panel each.
    """
    true = float(nulls[nulls.null == "none"].gain.iloc[0])
    with use_style():
        fig, axes = plt.subplots(1, len(names), figsize=(9.6, 2.8), sharex=True, sharey=True)
        axes = np.atleast_1d(axes)
        for ax, (null, name) in zip(axes, names.items(), strict=True):
            ax.hist(nulls[nulls.null == null].gain, bins=20, color=GRID, edgecolor=INK)
            ax.axvline(true, color=VERMILLION, linewidth=2, label="vectors less m")
            ax.set(title=name, xlabel=GAIN)
        axes[0].set_ylabel("vectors")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center")
    return fig


def change_bars(changes: Mapping[str, Float[np.ndarray, " trials"]]) -> Figure:
    """The share of prompts with each change in target stems, for each name."""
    everything = np.concatenate(list(changes.values()))
    steps = np.arange(everything.min(), everything.max() + 1)
    width = 0.8 / len(changes)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.8, 3.4))
        for which, (name, values) in enumerate(changes.items()):
            shares = [(values == step).mean() for step in steps]
            at = steps + (which - (len(changes) - 1) / 2) * width
            ax.bar(at, shares, width, color=PALETTE[which], label=name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="change in target stems of a completion", ylabel="share of prompts")
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def beside(rows: Sequence[tuple[str, str, str]]) -> str:
    """Prompts, unsteered and steered completions as a Markdown table."""
    head = ["| prompt | unsteered | steered |", "| --- | --- | --- |"]
    return "\n".join(head + [f"| {' | '.join(map(_cell, row))} |" for row in rows])


def _cell(text: str) -> str:
    marked = text.strip().replace("\\", "\\\\").replace("|", "\\|")
    for sign in "`*_<>[]#$":
        marked = marked.replace(sign, f"\\{sign}")
    return " / ".join(marked.splitlines())


def _by_kind(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame, tuple[str, str]]]:
    """Each kind, in the table's order, with its rows, as far as they are drawn, and its look."""
    near: Any = table[np.exp(table.nats) <= ALL_COSTS]
    kinds = list(near.kind.unique())
    looks = looks_of(map(kind_words, kinds))
    return [(kind, near[near.kind == kind], look) for kind, look in zip(kinds, looks, strict=True)]


def _best_grid(
    table: pd.DataFrame, kind: str, positions: Sequence[str]
) -> Float[np.ndarray, "positions layers"]:
    own = table[table.kind == kind]
    best = own.pivot_table(index="position", columns="layer", values="gain", aggfunc="max")
    layers = range(int(table.layer.max()) + 1)
    return best.reindex(index=list(positions), columns=layers).to_numpy(float)


def _with_interval(one: Measured) -> str:
    ends = "" if one.interval is None else f" [{one.interval[0]:.2f}, {one.interval[1]:.2f}]"
    return f"{one.value:.2f}{ends}"

"""Frontiers: error and truth against sparsity, and what one has over another."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.claims import Measured
from steering_core.publishing.style import (
    BLACK,
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    TEMPLATE,
    VERMILLION,
    YELLOW,
    use_style,
)
from steering_core.sparse_autoencoders.architectures import ARCHITECTURES

COLOURS = {
    "relu": BLACK,
    "relu_sqrt": "#8C8C8C",
    "scsae": SKY_BLUE,
    "scsae_multiplied": YELLOW,
    "prolu_relu": BLUE,
    "prolu_ste": PURPLE,
    "gated": ORANGE,
    "jumprelu": VERMILLION,
    "topk": GREEN,
    "batch_topk": "#7A5C2E",
}
MARKERS = {
    "relu": "o",
    "relu_sqrt": "s",
    "scsae": "x",
    "scsae_multiplied": "P",
    "prolu_relu": "D",
    "prolu_ste": "d",
    "gated": "^",
    "jumprelu": "v",
    "topk": "*",
    "batch_topk": "h",
}
SHOWN = (0.8, 30.0)
"""The L0 that are drawn."""


def words(architecture: str) -> str:
    """What pages call an architecture."""
    return ARCHITECTURES[architecture].words


def frontier_panels(table: Any, columns: Mapping[str, str], true: float) -> Figure:
    """One panel a column, against L0: a line for each architecture through its penalties, geometric
    means over seeds, with the seeds as dots.

    columns: of the table -> label of the axis.
    true: number of active features, marked.
    """
    with use_style():
        fig, axes = plt.subplots(
            1, len(columns), figsize=(max(5.8, 3.7 * len(columns) + 0.4), 3.9), squeeze=False
        )
        for ax, (column, label) in zip(axes[0], columns.items(), strict=True):
            ax.axvline(true, color=GRID, linewidth=5, zorder=0)
            for name, rows in table.groupby("architecture", sort=False):
                means = _means(rows, column)
                ax.plot(
                    means["l0"],
                    means[column],
                    marker=MARKERS[str(name)],
                    color=COLOURS[str(name)],
                    markersize=5,
                    linewidth=1.2,
                    label=words(str(name)),
                )
                ax.plot(rows["l0"], rows[column], ".", color=COLOURS[str(name)], ms=2, alpha=0.5)
            ax.set(xscale="log", xlabel="latents that fire, L0", ylabel=label, xlim=SHOWN)
            ax.set_ylim(*_range(table, column))
            ax.set_xticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
            ax.minorticks_off()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def _range(table: Any, column: str) -> tuple[float, float]:
    """Limits of an axis that hold all of a column at the L0 that are drawn."""
    within = table[table["l0"].between(*SHOWN)][column].dropna()
    if within.empty:
        return 0.0, 1.0
    room = 0.05 * max(float(within.max() - within.min()), 1e-3)
    return float(within.min()) - room, float(within.max()) + room


def _means(rows: Any, column: str) -> Any:
    """Over seeds, at each penalty: geometric of L0, arithmetic of the column."""
    means = rows.groupby("penalty").agg(
        l0=("l0", lambda v: float(np.exp(np.log(v.clip(lower=1e-3)).mean()))),
        **{column: (column, "mean")},
    )
    return means.reset_index()


def frontier_explorer(table: Any, true: float) -> go.Figure:
    """Error against L0, every autoencoder a point that says all about itself; lines join the means
    over seeds."""
    fig = go.Figure()
    fig.add_vline(x=true, line={"color": GRID, "width": 5}, layer="below")
    for name, rows in table.groupby("architecture", sort=False):
        rows = rows.sort_values(["seed", "penalty"])
        fig.add_scatter(
            x=rows["l0"],
            y=rows["fvu"],
            mode="markers",
            name=words(str(name)),
            legendgroup=str(name),
            marker={"color": COLOURS[str(name)], "size": 6},
            customdata=rows[["penalty", "seed", "f1", "mcc", "shrinkage"]],
            hovertemplate=(
                "%{fullData.name}<br>penalty %{customdata[0]:.3g}, seed %{customdata[1]}<br>"
                "L0 %{x:.2f}, error %{y:.3f}<br>F1 %{customdata[2]:.2f}, "
                "MCC %{customdata[3]:.2f}<br>length %{customdata[4]:.2f}<extra></extra>"
            ),
        )
        fig.add_scatter(**line_of_means(str(name), _means(rows, "fvu"), "fvu"))
    fig.update_layout(
        template=TEMPLATE,
        height=480,
        xaxis={
            "type": "log",
            "title": "latents that fire, L0",
            "range": np.log10(SHOWN).tolist(),
            "tickvals": [1, 2, 5, 10, 20],
        },
        yaxis={"title": "share of variance unexplained", "range": list(_range(table, "fvu"))},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"t": 10},
    )
    return fig


def line_of_means(name: str, means: Any, column: str, **look: Any) -> dict[str, Any]:
    """A trace that joins an architecture's means over seeds, without an entry in the legend.

    name: of the architecture.
    means: with columns `l0` and `column`, in the order in which they are joined.
    look: more of the line, such as its dashes.
    """
    return {
        "x": means["l0"],
        "y": means[column],
        "mode": "lines",
        "legendgroup": name,
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"color": COLOURS[name], "width": 1.5} | look,
    }


def ratios_table(
    ratios: Mapping[str, Mapping[float, Measured | None]],
) -> pd.DataFrame:
    """Ratio and interval by rival and level; only where both reach the level."""
    return pd.DataFrame(
        [
            {
                "rival": rival,
                "l0": level,
                "ratio": measured.value,
                "low": (measured.interval or (measured.value,) * 2)[0],
                "high": (measured.interval or (measured.value,) * 2)[1],
                "seeds": measured.n,
            }
            for rival, levels in ratios.items()
            for level, measured in levels.items()
            if measured is not None
        ]
    )


def ratios_panels(table: Any, levels: Sequence[float], label: str) -> Figure:
    """One panel a rival: the ratio at each matched L0, with intervals; below 1 is in favour."""
    rivals = list(dict.fromkeys(table["rival"]))
    with use_style():
        fig, panels = panels_of(len(rivals), across=4)
        for ax, rival in zip(panels, rivals, strict=True):
            rows = table[table["rival"] == rival]
            places = [list(levels).index(level) for level in rows["l0"]]
            spread = np.stack([rows["ratio"] - rows["low"], rows["high"] - rows["ratio"]])
            ax.axhline(1, color=INK, linewidth=0.8)
            ax.errorbar(places, rows["ratio"], spread, fmt="o", color=COLOURS[rival], markersize=4)
            ax.set(title=words(rival), xlim=(-0.6, len(levels) - 0.4), yscale="log")
            ax.title.set_fontsize(9)
            ax.set_xticks(range(len(levels)), [f"{level:g}" for level in levels], fontsize=8)
        ticks = [0.5, 0.7, 1, 1.4, 2]
        panels[0].set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        panels[0].minorticks_off()
        panels[0].text(-0.5, 1.02, "the same", fontsize=8, va="bottom")
        fig.supylabel(label, fontsize=10)
        fig.supxlabel("matched L0", fontsize=10)
    return fig


def panels_of(count: int, across: int) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels in rows, with one axis of ordinates."""
    down = -(-count // across)
    fig, axes = plt.subplots(
        down, across, figsize=(7.8, 2.3 * down + 0.6), sharey=True, squeeze=False
    )
    for ax in axes.flat[count:]:
        ax.remove()
    return fig, list(axes.flat[:count])


def bars_panel(table: Any, column: str, label: str, band: tuple[float, float]) -> Figure:
    """A horizontal dot with its interval for each architecture; the band is what counts as right.

    table: with columns `architecture`, `column`, `low`, `high`.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 0.32 * len(table) + 0.9))
        ax.axvspan(*band, color=GRID, alpha=0.6, linewidth=0)
        for place, (_, row) in enumerate(table.iterrows()):
            ax.errorbar(
                [row[column]],
                [place],
                xerr=[[row[column] - row["low"]], [row["high"] - row[column]]],
                fmt=MARKERS[row["architecture"]],
                color=COLOURS[row["architecture"]],
                markersize=6,
            )
        ax.set_yticks(range(len(table)), [words(name) for name in table["architecture"]])
        ax.set(xlabel=label, ylim=(len(table) - 0.5, -0.5))
    return fig

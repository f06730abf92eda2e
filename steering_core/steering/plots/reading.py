"""What vectors read like: columns of tokens, and how they change with the layer."""

from collections.abc import Mapping, Sequence
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float64
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import GRID, INK, TEMPLATE, use_style
from steering_core.steering.plots.layer_lines import Band, bands, layer_names
from steering_core.steering.plots.looks import looks_of

Words = Mapping[str, Sequence[Sequence[str]]]
"""Tokens as text: name of a vector -> layer -> the likeliest first."""

NICE = {"scifi": "sci-fi", "shakespeare": "Shakespeare"}


def nice(genre: str) -> str:
    """A genre as it is written."""
    return NICE.get(genre, genre)


def shown(token: str) -> str:
    """A token as it can be read: without the space in front, line breaks as strokes."""
    return token.replace("\n", "↵").strip() or "␣"


def token_table(kinds: Mapping[str, Words], layer: int) -> Figure:
    """The columns of each kind of vector at one layer, side by side."""
    with use_style():
        fig, axes = plt.subplots(1, len(kinds), figsize=(9.6, 2.9))
        for ax, (kind, words) in zip(np.atleast_1d(axes), kinds.items(), strict=True):
            ax.set_axis_off()
            ax.set_title(kind)
            for column, (name, layers) in enumerate(words.items()):
                x = (column + 0.5) / len(words)
                rows = [nice(name), *map(shown, layers[layer])]
                for row, word in enumerate(rows):
                    weight = "bold" if row == 0 else "normal"
                    ax.text(x, 1 - row / len(rows), word, ha="center", va="top", weight=weight)
    return fig


def token_explorer(kinds: Mapping[str, Words], *, first: int) -> go.Figure:
    """The columns of all kinds, one below the other, a layer at a time behind a slider; a pointer
    on a token tells its vector and its rank.

    Args:
        kinds: name of the kind -> its words at every layer.
        first: the layer that is shown at first.
    """
    names = list(next(iter(kinds.values())))
    n_layers = len(next(iter(kinds.values()))[names[0]])
    fig = go.Figure(layout={"template": TEMPLATE})
    for layer in range(n_layers):
        cells = _cells(kinds, layer)
        fig.add_scatter(
            x=cells.column,
            y=cells.row,
            text=cells.text,
            customdata=cells[["what"]],
            mode="text",
            visible=layer == first,
            hovertemplate="%{customdata[0]}<extra></extra>",
            showlegend=False,
        )
    steps = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [layer == k for layer in range(n_layers)]}],
        }
        for k, name in enumerate(layer_names(n_layers))
    ]
    slider = {"active": first, "steps": steps, "currentvalue": {"prefix": "layer "}}
    n_rows = int(_cells(kinds, first).row.max()) + 1
    fig.update_layout(
        sliders=[slider | {"pad": {"t": 10}}],
        height=24 * n_rows + 120,
        margin={"l": 10, "r": 10, "t": 20, "b": 20},
        xaxis={"visible": False, "range": [-0.6, len(names) - 0.4], "fixedrange": True},
        yaxis={"visible": False, "range": [n_rows - 0.5, -0.5], "fixedrange": True},
    )
    return fig


def _cells(kinds: Mapping[str, Words], layer: int) -> pd.DataFrame:
    """Where each token and each heading stands at one layer, and what a pointer on it says."""
    cells, top = [], 0
    for kind, words in kinds.items():
        cells.append((len(words) // 2, top, f"<i>{kind}</i>", kind))
        for column, (name, layers) in enumerate(words.items()):
            cells.append((column, top + 1, f"<b>{nice(name)}</b>", f"{nice(name)}, {kind}"))
            for rank, token in enumerate(layers[layer], 1):
                what = f"{nice(name)}, {kind}: rank {rank}"
                cells.append((column, top + 1 + rank, escape(shown(token), quote=False), what))
        top += 3 + len(next(iter(words.values()))[layer])
    return pd.DataFrame(cells, columns=["column", "row", "text", "what"])


def word_table(kinds: Mapping[str, Words]) -> pd.DataFrame:
    """What the table shows, at every layer: a row for each kind, vector, layer and rank."""
    return pd.DataFrame(
        [
            {"vector": kind, "texts": name, "layer": layer, "rank": rank, "token": token}
            for kind, words in kinds.items()
            for name, layers in words.items()
            for layer, tokens in enumerate(layers)
            for rank, token in enumerate(tokens, 1)
        ]
    )


def lines_over_layers(
    lines: Mapping[str, Band | Float64[Tensor, " layers"]],
    *,
    ylabel: str,
    middle: range | None = None,
    rule: tuple[float, str] | None = None,
    ylim: tuple[float | None, float | None] = (0, None),
) -> Figure:
    """A line a name over the layers, with bands where there are intervals.

    Args:
        lines: name -> values at every layer, or (values, lower, upper).
        ylabel: what is counted.
        middle: layers to shade, on which a claim is decided.
        rule: a height to mark, and its label.
        ylim: of the axis.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(6.8, 3.8))
        bands(ax, {n: v if isinstance(v, tuple) else (v, v, v) for n, v in lines.items()})
        if middle is not None:
            ax.axvspan(middle[0] - 0.3, middle[-1] + 0.3, color=GRID, alpha=0.35, zorder=0)
        if rule is not None:
            ax.axhline(rule[0], color=INK, linewidth=0.8, linestyle=":", label=rule[1])
        ax.set(ylabel=ylabel, ylim=ylim)
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def few_texts(
    sizes: Sequence[int], cosines: Float64[Tensor, "sizes draws layers"], *, chosen: int
) -> Figure:
    """Cosine of a centre from few texts with that of all, over the number of texts, a line a layer.

    Args:
        sizes: numbers of texts.
        cosines: of each draw.
        chosen: the number that the claim is about.
    """
    n_layers = cosines.shape[-1]
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.8))
        shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, n_layers))
        for layer, (name, shade) in enumerate(zip(layer_names(n_layers), shades, strict=True)):
            values = cosines[..., layer]
            low, high = np.quantile(values, [0.005, 0.995], axis=1)
            ax.plot(sizes, values.mean(1), "o-", color=shade, label=name, markersize=4)
            ax.fill_between(sizes, low, high, color=shade, alpha=0.12, linewidth=0)
        ax.axvline(chosen, color=INK, linewidth=0.8, linestyle=":")
        ax.axhline(0.95, color=INK, linewidth=0.8, linestyle=":")
        ax.set(xscale="log", xlabel="texts averaged", ylabel="cosine with the mean of all texts")
        fig.legend(title="layer", loc="outside right center")
    return fig


def centre_norms(parts: Mapping[str, Float64[Tensor, " layers"]]) -> Figure:
    """How long each part of a vector is, side by side at every layer."""
    n_layers = len(next(iter(parts.values())))
    width = 0.8 / len(parts)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.8, 3.6))
        looks = looks_of(name.removeprefix("shared, ") for name in parts)
        for which, ((name, norms), (colour, _)) in enumerate(
            zip(parts.items(), looks, strict=True)
        ):
            at = np.arange(n_layers) + (which - (len(parts) - 1) / 2) * width
            ax.bar(at, norms.numpy(), width, color=colour, label=name)
        ax.set_xticks(range(n_layers), layer_names(n_layers))
        ax.set(xlabel="layer", ylabel="norm")
        fig.legend(loc="outside upper center", ncols=1)
    return fig


def layer_rows(lines: Mapping[str, Band | Float64[Tensor, " layers"]]) -> pd.DataFrame:
    """What lines over layers show: a row for each line and layer."""
    rows = []
    for name, line in lines.items():
        ends = line if isinstance(line, tuple) else (line, line, line)
        for layer, (value, low, high) in enumerate(zip(*(e.tolist() for e in ends), strict=True)):
            rows.append({"line": name, "layer": layer, "value": value, "low": low, "high": high})
    return pd.DataFrame(rows)

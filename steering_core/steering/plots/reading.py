"""What vectors read like: columns of tokens, and how they change with the layer."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float64
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import BLUE, GRID, INK, PALETTE, TEMPLATE, use_style
from steering_core.steering.plots.anisotropy import Band, bands, layer_names

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
    """The same, a layer at a time behind a slider.

    Args:
        kinds: name of the kind -> its words at every layer.
        first: the layer that is shown at first.
    """
    n_layers = len(next(iter(next(iter(kinds.values())).values())))
    height = 1 / len(kinds)
    fig = go.Figure(layout={"template": TEMPLATE})
    for which, (kind, words) in enumerate(kinds.items()):
        top = 1 - which * height
        for layer in range(n_layers):
            fig.add_table(
                domain={"y": [top - height + 0.03, top]},
                header={
                    "values": [f"{kind}:<br>{nice(name)}" for name in words],
                    "fill": {"color": BLUE},
                    "font": {"color": "white", "size": 13},
                },
                cells={
                    "values": [[shown(t) for t in column[layer]] for column in words.values()],
                    "fill": {"color": "#f4f4f4"},
                    "font": {"color": "#222222", "size": 13},
                    "height": 22,
                },
                visible=layer == first,
            )
    steps = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [i % n_layers == k for i in range(n_layers * len(kinds))]}],
        }
        for k, name in enumerate(layer_names(n_layers))
    ]
    slider = {"active": first, "steps": steps, "currentvalue": {"prefix": "layer "}}
    fig.update_layout(
        sliders=[slider | {"pad": {"t": 10}}],
        height=250 * len(kinds) + 110,
        margin={"l": 10, "r": 10, "t": 20, "b": 20},
    )
    return fig


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
        for which, (name, norms) in enumerate(parts.items()):
            at = np.arange(n_layers) + (which - (len(parts) - 1) / 2) * width
            ax.bar(at, norms.numpy(), width, color=PALETTE[which], label=name)
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

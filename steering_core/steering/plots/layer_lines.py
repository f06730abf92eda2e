"""Lines over the layers, each with its band: cosines and shares of norms."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import BLUE, INK, TEMPLATE, use_style
from steering_core.steering.plots.looks import looks_of

Band = tuple[Tensor, Tensor, Tensor]
"""Value, lower and upper end of the interval, each (layers,)."""


def layer_names(n: int) -> list[str]:
    """Ticks for n layers: the embeddings, then the blocks' outputs by number."""
    return ["emb", *map(str, range(1, n))]


def bands(ax: Axes, lines: Mapping[str, Band]) -> None:
    """A line with its band for each name, over the layers."""
    looks = looks_of(lines)
    for (name, (value, low, high)), (colour, marker) in zip(lines.items(), looks, strict=True):
        at = np.arange(len(value))
        ax.plot(at, value, f"{marker}-", color=colour, label=name, markersize=5)
        ax.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)
    n = len(next(iter(lines.values()))[0])
    ax.set_xticks(range(n), layer_names(n))
    ax.set_xlabel("layer (emb: the embeddings; k: the output of block k - 1)")


def band_table(lines: Mapping[str, Band]) -> pd.DataFrame:
    """What the lines show: a row for each layer and line."""
    return pd.DataFrame(
        [
            {"line": name, "layer": layer, "value": v, "low": low, "high": high}
            for name, band in lines.items()
            for layer, (v, low, high) in enumerate(
                zip(*(end.tolist() for end in band), strict=True)
            )
        ]
    )


def cosine_lines(lines: Mapping[str, Band]) -> Figure:
    """Mean cosine at every layer, each line with its band."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.8))
        bands(ax, lines)
        ax.axhline(0.1, color=INK, linewidth=0.8, linestyle=":", label="0.1, the rule of I-1")
        ax.set(ylabel="mean cosine of two tokens")
        if min(float(low.min()) for _, low, _ in lines.values()) >= 0:
            ax.set_ylim(bottom=0)
        ax.legend()
    return fig


def cosine_lines_interactive(lines: Mapping[str, Band]) -> go.Figure:
    """The same, with the numbers under the pointer."""
    fig = go.Figure(layout={"template": TEMPLATE})
    for name, (value, low, high) in lines.items():
        ends = np.stack([low.numpy(), high.numpy()], axis=-1)
        fig.add_scatter(
            x=layer_names(len(value)),
            y=value.numpy(),
            customdata=ends,
            name=name,
            mode="lines+markers",
            hovertemplate="%{y:.3f}, 99% interval %{customdata[0]:.3f} to %{customdata[1]:.3f}",
        )
    fig.update_layout(
        hovermode="x unified",
        xaxis={
            "title": "layer (emb: embeddings;<br>k: output of block k - 1)",
            "type": "category",
        },
        yaxis={"title": "mean cosine of two tokens", "rangemode": "tozero"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    return fig


def share_lines(lines: Mapping[str, Band]) -> Figure:
    """Norm of the mean over mean of the norms, at every layer."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.4))
        bands(ax, lines)
        ax.set(ylabel="norm of mean / mean of norms", ylim=(0, 1))
        ax.legend()
    return fig


def agreement_lines(
    lines: Mapping[str, Float[Tensor, " layers"]],
) -> Figure:
    """Cosine between the means of sets of texts, at every layer."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.4))
        bands(ax, {name: (value, value, value) for name, value in lines.items()})
        ax.set(ylabel="cosine between means", ylim=(None, 1.005))
        ax.legend()
    return fig


def published_curves(
    published: Sequence[float], ours: Float64[Tensor, " layers"], *, labels: tuple[str, str]
) -> Figure:
    """A published curve and the shipped model's, over depth from first block to last."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.6))
        blocks = np.linspace(0, 1, len(published))
        ax.plot(blocks, published, "o-", color=INK, markersize=3, label=labels[0])
        own = np.linspace(0, 1, len(ours) - 1)
        ax.plot(own, ours[1:], "s-", color=BLUE, markersize=5, label=labels[1])
        ax.set(
            xlabel="depth, from the output of the first block to that of the last",
            ylabel="mean cosine",
            ylim=(0, 1),
        )
        ax.legend()
    return fig

"""Where activations lie: the cloud, its cosines, its norms."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Float64
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import BLUE, GRID, INK, PALETTE, TEMPLATE, VERMILLION, use_style

Band = tuple[Tensor, Tensor, Tensor]
"""Value, lower and upper end of the interval, each (layers,)."""

BINS = np.linspace(-1, 1, 81)


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


def histogram_table(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> pd.DataFrame:
    """What the histograms show: a row for each layer and bin."""
    n_layers, n_bins = raw.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layers), n_bins),
            "from": np.tile(BINS[:-1], n_layers),
            "to": np.tile(BINS[1:], n_layers),
            "share as they are": raw.ravel(),
            "share with the mean taken away": centred.ravel(),
        }
    )


def norm_table(norms: Float64[Tensor, "layers positions"]) -> pd.DataFrame:
    """What the profile shows: a row for each layer and position, positions from 1."""
    n_layers, n_positions = norms.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layers), n_positions),
            "position": np.tile(np.arange(1, n_positions + 1), n_layers),
            "mean norm": norms.flatten().tolist(),
        }
    )


def layer_names(n: int) -> list[str]:
    """Ticks for n layers: the embeddings, then the blocks' outputs by number."""
    return ["emb", *map(str, range(1, n))]


def cloud(mean_part: Float[Tensor, " n"], other_part: Float[Tensor, " n"], *, layer: int) -> Figure:
    """Activations in the plane of their mean and of the direction in which they vary most."""
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 4.0))
        ax.scatter(
            mean_part, other_part, s=6, color=BLUE, alpha=0.35, linewidths=0, label="a token"
        )
        ax.plot(0, 0, "+", color=INK, markersize=14, markeredgewidth=2, label="zero")
        centre = (float(mean_part.mean()), float(other_part.mean()))
        ax.annotate(
            "", centre, (0, 0), arrowprops={"arrowstyle": "->", "color": VERMILLION, "lw": 2}
        )
        ax.plot([], [], color=VERMILLION, label="the mean")
        ax.set(xlabel=f"along the mean, layer {layer}", ylabel="direction of most variation")
        ax.set_aspect("equal")
        fig.legend(loc="outside lower center", ncols=3)
    return fig


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
        xaxis={"title": "layer (emb: embeddings; k: output of block k - 1)", "type": "category"},
        yaxis={"title": "mean cosine of two tokens", "rangemode": "tozero"},
        legend={"orientation": "h", "y": 1.12},
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


def cosine_histograms(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> Figure:
    """How the cosines of pairs are spread, before and after the mean is taken away."""
    n = len(raw)
    middle = (BINS[1:] + BINS[:-1]) / 2
    with use_style():
        fig, axes = plt.subplots(1, n, figsize=(9.6, 2.5), sharey=True, sharex=True)
        for ax, name, a, b in zip(axes, layer_names(n), raw, centred, strict=True):
            ax.fill_between(middle, b, color=GRID, label="mean taken away")
            ax.plot(middle, a, color=BLUE, linewidth=1.4, label="as they are")
            ax.axvline(0, color=INK, linewidth=0.8)
            ax.set(title=name, xlim=(-1, 1))
            ax.set_yticks([])
        axes[0].set_ylabel("share of pairs")
        fig.supxlabel("cosine of two tokens", fontsize=10)
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def cosine_explorer(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> go.Figure:
    """The same, a layer at a time behind a slider."""
    middle = (BINS[1:] + BINS[:-1]) / 2
    names = layer_names(len(raw))
    fig = go.Figure(layout={"template": TEMPLATE})
    for which, counts, colour in (
        ("mean taken away", centred, "#999999"),
        ("as they are", raw, BLUE),
    ):
        for row in counts:
            fig.add_bar(
                x=middle,
                y=row,
                name=which,
                marker_color=colour,
                opacity=0.65,
                visible=False,
                hovertemplate="cosine %{x:.2f}: %{y:.1%} of pairs",
            )
    n = len(names)
    first = 1
    fig.data[first].visible = fig.data[n + first].visible = True
    steps = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [i % n == k for i in range(2 * n)]}],
        }
        for k, name in enumerate(names)
    ]
    fig.update_layout(
        barmode="overlay",
        bargap=0,
        sliders=[
            {
                "active": first,
                "steps": steps,
                "currentvalue": {"prefix": "layer "},
                "pad": {"t": 60},
            }
        ],
        xaxis={"title": "cosine of two tokens", "range": [-1, 1]},
        yaxis={"title": "share of pairs", "tickformat": ".0%"},
        legend={"orientation": "h", "y": 1.12},
    )
    return fig


def norm_profile(norms: Float64[Tensor, "layers positions"]) -> Figure:
    """Mean norm at each position, a line a layer."""
    n = len(norms)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.6))
        shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, n))
        for row, name, shade in zip(norms, layer_names(n), shades, strict=True):
            ax.plot(np.arange(1, len(row) + 1), row, color=shade, label=name, linewidth=1.4)
        ax.set(xscale="log", yscale="log", xlabel="position, from 1", ylabel="mean norm")
        fig.legend(title="layer", loc="outside right center")
    return fig


def layer_map(cosines: Float64[Tensor, "layers layers"]) -> Figure:
    """Cosine between the means of each two layers, as a table of colours."""
    names = layer_names(len(cosines))
    with use_style():
        fig, ax = plt.subplots(figsize=(4.6, 3.8))
        image = ax.imshow(cosines, cmap="RdBu", vmin=-1, vmax=1)
        for row, column in np.ndindex(*cosines.shape):
            value = float(cosines[row, column])
            ink = "white" if abs(value) > 0.6 else INK
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="layer", ylabel="layer")
        fig.colorbar(image, label="cosine between means")
    return fig


def layer_table(cosines: Float64[Tensor, "layers layers"]) -> pd.DataFrame:
    """What the map shows: a row for each two layers."""
    return pd.DataFrame(
        [
            {"layer": row, "other layer": column, "cosine": float(cosines[row, column])}
            for row, column in np.ndindex(*cosines.shape)
        ]
    )


def writer_map(shares: Mapping[int, Mapping[str, float]]) -> Figure:
    """Each part's share of the mean at each layer; the parts in order of writing."""
    parts = list(shares[max(shares)])
    grid = np.array([[column.get(part, np.nan) for column in shares.values()] for part in parts])
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 4.6))
        image = ax.imshow(grid, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        for row, column in np.argwhere(np.isfinite(grid)):
            value = grid[row, column]
            ink = "white" if abs(value) > 0.6 else INK
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        ax.set_xticks(range(len(shares)), [str(layer) for layer in shares])
        ax.set_yticks(range(len(parts)), parts)
        ax.set(xlabel="layer (k: the output of block k - 1)")
        fig.colorbar(image, label="share of the mean")
    return fig


def writer_table(shares: Mapping[int, Mapping[str, float]]) -> pd.DataFrame:
    """What the map shows: a row for each layer and part."""
    return pd.DataFrame(
        [
            {"layer": layer, "part": part, "share": share}
            for layer, column in shares.items()
            for part, share in column.items()
        ]
    )


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


def bands(ax: Axes, lines: Mapping[str, Band]) -> None:
    """A line with its band for each name, over the layers."""
    looks = cycle(zip(PALETTE, "osDv^<>P", strict=True))
    for (name, (value, low, high)), (colour, marker) in zip(lines.items(), looks, strict=False):
        at = np.arange(len(value))
        ax.plot(at, value, f"{marker}-", color=colour, label=name, markersize=5)
        ax.fill_between(at, low, high, color=colour, alpha=0.25, linewidth=0)
    n = len(next(iter(lines.values()))[0])
    ax.set_xticks(range(n), layer_names(n))
    ax.set_xlabel("layer (emb: the embeddings; k: the output of block k - 1)")

"""One instance of the motif: its circuit, what it answers, and the model around it."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from plotly.subplots import make_subplots
from torch import Tensor

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.motifs import Motif
from steering_core.absolute_value.neurons import rescaled
from steering_core.absolute_value.parts import Parts, take_apart
from steering_core.publishing.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    YELLOW,
    use_style,
)

STRONG, WEAK, MAIN = ORANGE, VERMILLION, BLUE
_POSITIVE, _NEGATIVE = "#2166AC", "#B2182B"  # as in the maps of errors
_ROLES = ("strong", "weak", "main")
_GRID = torch.linspace(-1, 1, 41)


def circuit_panels(net: Net, motifs: Sequence[Motif]) -> Figure:
    """Of every instance three features, the neuron and the inhibitor, with rescaled weights."""
    w_in, w_out = rescaled(net.w_in, net.w_out)
    rows, middle = (2.0, 1.0, 0.0), (1.5, 0.5)
    with use_style():
        fig, axes = plt.subplots(len(motifs), 1, figsize=(6.6, 2.9 * len(motifs)), squeeze=False)
        for ax, motif in zip(axes[:, 0], motifs, strict=True):
            features = (motif.strong, motif.weak, motif.main)
            neurons = (motif.neuron, motif.inhibitor)
            colours = (STRONG, WEAK, MAIN)
            for y, role, feature, colour in zip(rows, _ROLES, features, colours, strict=True):
                _node(ax, 0.0, y, f"x {feature}", colour)
                _node(ax, 2.0, y, f"y′ {feature}", colour)
                ax.text(-0.22, y, role, ha="right", va="center", fontsize=10)
            for y_neuron, name, k in zip(middle, ("neuron", "inhibitor"), neurons, strict=True):
                _node(ax, 1.0, y_neuron, f"h {k}", INK)
                ax.text(1, y_neuron + 0.24, name, ha="center", fontsize=9)
                for y, feature in zip(rows, features, strict=True):
                    _edge(ax, (0.0, y), (1.0, y_neuron), float(w_in[k, feature]), 0.28)
                    _edge(ax, (1.0, y_neuron), (2.0, y), float(w_out[feature, k]), 0.72)
            ax.set(xlim=(-0.75, 2.35), ylim=(-0.4, 2.4))
            ax.axis("off")
    return fig


def _node(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    ax.plot(x, y, "o", markersize=25, color="white", markeredgecolor=colour, markeredgewidth=2.4)
    ax.text(x, y, text, ha="center", va="center", fontsize=8.5)


def _edge(
    ax: Axes, begin: tuple[float, float], end: tuple[float, float], weight: float, where: float
) -> None:
    """A line as wide as its weight, with the number; weights that hardly count are left out."""
    if abs(weight) < 0.03:
        return
    (x, y), (u, v) = begin, end
    colour = _POSITIVE if weight > 0 else _NEGATIVE
    ax.plot(
        [x, u], [y, v], color=colour, linewidth=min(4.5, 0.8 + abs(weight)), alpha=0.55, zorder=0
    )
    place = (x + (u - x) * where, y + (v - y) * where)
    ax.text(
        *place,
        f"{weight:.2f}".replace("-", "−"),
        ha="center",
        va="center",
        fontsize=8.5,
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
    )


def answers(
    net: Net, motif: Motif, x: Float[Tensor, "n inputs"], *, cut: bool
) -> dict[str, Tensor]:
    """Pre-activations of both outputs, with the inhibitor or without its view of the strong one."""
    heard = net.w_in @ x
    z = net.w_out @ heard.clamp_min(0) + net.bias[:, None]
    weak = z[motif.weak]
    if cut:
        own = heard[motif.inhibitor]
        deaf = own - net.w_in[motif.inhibitor, motif.strong] * x[motif.strong]
        weight = net.w_out[motif.weak, motif.inhibitor]
        weak = weak + weight * (deaf.clamp_min(0) - own.clamp_min(0))
    return {"strong": z[motif.strong], "weak": weak}


def _inputs(net: Net, motif: Motif, strong: Tensor, weak: Tensor) -> Tensor:
    x = torch.zeros(net.w_in.shape[1], len(strong))
    x[motif.strong], x[motif.weak] = motif.strong_sign * strong, motif.weak_sign * weak
    return x


def answers_table(net: Net, motif: Motif) -> pd.DataFrame:
    """Strong alone, weak alone, and both at one size, from 0 to 1."""
    size = torch.linspace(0, 1, 51)
    none = torch.zeros_like(size)
    frames = []
    for name, strong, weak in (
        ("strong alone", size, none),
        ("weak alone", none, size),
        ("both", size, size),
    ):
        x = _inputs(net, motif, strong, weak)
        whole, cut = (answers(net, motif, x, cut=without) for without in (False, True))
        frames.append(
            pd.DataFrame(
                {
                    "inputs": name,
                    "size": size,
                    "strong": whole["strong"],
                    "weak": whole["weak"],
                    "weak_cut": cut["weak"],
                    "weak_target": weak,
                    "strong_target": strong,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).round(5)


def answers_panels(table: pd.DataFrame) -> Figure:
    """Pre-activations of the two outputs for the three kinds of inputs."""
    with use_style():
        fig, axes = plt.subplots(1, 3, figsize=(7.6, 2.9), sharey=True)
        for ax, (name, rows) in zip(axes, table.groupby("inputs", sort=False), strict=True):
            ax.axhspan(-99, 0, color=GRID, alpha=0.45, linewidth=0)
            ax.plot(rows["size"], rows["strong"], color=STRONG, label="strong output")
            ax.plot(rows["size"], rows["weak"], color=WEAK, label="weak output")
            ax.plot(
                rows["size"], rows["weak_cut"], "--", color=WEAK, label="weak output, inhibitor cut"
            )
            ax.plot(rows["size"], rows["weak_target"], ":", color=INK, label="right for weak")
            ax.set(title=name, xlabel="size of the inputs")
        values = table[["strong", "weak", "weak_cut"]].to_numpy()
        axes[0].set(
            ylabel="before the output's ReLU", ylim=(values.min() - 0.2, values.max() + 0.2)
        )
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(
            [*handles, Patch(color=GRID, alpha=0.6)],
            [*labels, "hidden by the ReLU"],
            loc="outside upper center",
            ncols=5,
            fontsize=8,
            columnspacing=1.0,
        )
    return fig


def error_maps(net: Net, motif: Motif) -> tuple[Float[np.ndarray, "weak strong"], ...]:
    """y' - |x| of the weak output over both features, with the inhibitor and without."""
    weak, strong = torch.meshgrid(_GRID, _GRID, indexing="ij")
    x = torch.zeros(net.w_in.shape[1], weak.numel())
    x[motif.strong], x[motif.weak] = strong.flatten(), weak.flatten()
    return tuple(
        (answers(net, motif, x, cut=cut)["weak"].clamp_min(0) - weak.flatten().abs())
        .reshape(weak.shape)
        .numpy()
        for cut in (False, True)
    )


_MAPS = ("with the inhibitor", "inhibitor cut")


def maps_panels(net: Net, motif: Motif) -> Figure:
    """Errors of the weak output over the plane of both features."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(6.8, 3.1), sharey=True)
        for ax, values, name in zip(axes, error_maps(net, motif), _MAPS, strict=True):
            image = ax.imshow(
                values, origin="lower", extent=(-1, 1, -1, 1), cmap="RdBu", vmin=-2, vmax=2
            )
            ax.set(title=name, xlabel=f"strong feature, x {motif.strong}", xticks=[-1, 0, 1])
        axes[0].set(ylabel=f"weak feature, x {motif.weak}", yticks=[-1, 0, 1])
        fig.colorbar(image, ax=axes, label="error of the weak output", extend="both")
    return fig


def maps_explorer(net: Net, motif: Motif) -> go.Figure:
    """The same to hover over."""
    fig = make_subplots(cols=2, shared_yaxes=True, subplot_titles=_MAPS, horizontal_spacing=0.05)
    for column, values in enumerate(error_maps(net, motif), start=1):
        fig.add_heatmap(
            x=_GRID.numpy().round(3),
            y=_GRID.numpy().round(3),
            z=values.round(3),
            coloraxis="coloraxis",
            hovertemplate="strong %{x}, weak %{y}<br>error %{z:.2f}<extra></extra>",
            row=1,
            col=column,
        )
    fig.update_xaxes(title_text=f"strong, x {motif.strong}", tickvals=[-1, 0, 1], tickangle=0)
    fig.update_yaxes(title_text=f"weak, x {motif.weak}", col=1)
    fig.update_layout(
        height=400,
        coloraxis={"colorscale": "RdBu", "cmin": -2, "cmax": 2, "colorbar": {"thickness": 10}},
    )
    return fig


def maps_table(net: Net, motif: Motif) -> pd.DataFrame:
    """What `maps_panels` draws."""
    weak, strong = np.meshgrid(_GRID.numpy(), _GRID.numpy(), indexing="ij")
    whole, cut = error_maps(net, motif)
    columns = {"strong": strong, "weak": weak, "error": whole, "error_cut": cut}
    return pd.DataFrame({name: values.ravel().round(4) for name, values in columns.items()})


# A feature of the motifs each; all others are grey.
_FEATURE_COLOURS = (ORANGE, VERMILLION, BLUE, GREEN, PURPLE, SKY_BLUE, YELLOW, "#7A5C00", "#444444")


def motif_table(motifs: Sequence[Motif]) -> pd.DataFrame:
    """What each instance is, in words; a column an instance."""
    return pd.DataFrame(
        {f"motif {number}": _in_words(one) for number, one in enumerate(motifs, start=1)}
    )


def _in_words(one: Motif) -> dict[str, str]:
    def side(feature: int, sign: int) -> str:
        return f"{feature}, {'positive' if sign > 0 else 'negative'} side"

    def number(value: float) -> str:
        return f"{value:.3g}".replace("-", "−")

    return {
        "neuron k": str(one.neuron),
        "inhibitor j": str(one.inhibitor),
        "strong feature a": side(one.strong, one.strong_sign),
        "weak feature b": side(one.weak, one.weak_sign),
        "main feature of j": side(one.main, one.main_sign),
        "input weight of a over that of b": number(one.ratio),
        "what a writes on b over the reverse, through k": number(one.one_way),
        "what j takes from b over what k adds, a alone": number(one.inhibition),
        "output b before its ReLU, a alone": number(one.alone),
        "the same when j does not hear a": number(one.cut),
        "by how much main alone moves output b": number(one.main_alone),
        "passes the causal test": "yes" if one.causal else "no",
    }


def apart_rows(net: Net, motifs: Sequence[Motif]) -> list[tuple[str, Tensor, Tensor]]:
    """Name, input and output weights (rescaled) of the whole, the plain parts, each instance by
    itself, and the rest."""
    w_in, w_out = rescaled(net.w_in, net.w_out)
    parts = take_apart(*net.weights, list(motifs))

    def only(some: Parts, *names: str) -> tuple[Tensor, Tensor]:
        inner = torch.stack([some.w_in[name] for name in names]).any(0)
        outer = torch.stack([some.w_out[name] for name in names]).any(0)
        return w_in * inner, w_out * outer

    rows = [("whole", w_in, w_out), ("plain", *only(parts, "pairs", "single sides"))]
    for number, motif in enumerate(motifs, start=1):
        rows.append((f"motif {number}", *only(take_apart(*net.weights, [motif]), "motifs")))
    return [*rows, ("rest", *only(parts, "rest"))]


def apart_panels(net: Net, motifs: Sequence[Motif]) -> Figure:
    """Stack plots of input and output weights, with their signs, part by part."""
    rows = apart_rows(net, motifs)
    roles = dict.fromkeys(f for one in motifs for f in (one.strong, one.weak, one.main))
    colours: dict[int, str] = dict(zip(roles, _FEATURE_COLOURS, strict=False))
    order = net.w_in.abs().argmax(1).argsort(stable=True).tolist()
    with use_style():
        fig, axes = plt.subplots(len(rows), 2, figsize=(7.6, 1.3 * len(rows) + 0.8), sharex=True)
        for pair, (name, inner, outer) in zip(axes, rows, strict=True):
            _stacks(pair[0], inner[order], colours)
            _stacks(pair[1], outer.mT[order], colours)
            pair[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
        for column, title in enumerate(("input weights W₁", "output weights W₂")):
            limits = [ax.get_ylim() for ax in axes[:, column]]
            low, high = min(one[0] for one in limits), max(one[1] for one in limits)
            for ax in axes[:, column]:
                ax.set(ylim=(low, high), xticks=range(len(order)))
            axes[0, column].set_title(title)
            axes[-1, column].set_xticklabels(order)
            axes[-1, column].set_xlabel("neuron")
        handles = [Patch(color=colour, label=f"feature {f}") for f, colour in colours.items()]
        handles.append(Patch(color=GRID, label="other features"))
        fig.legend(handles=handles, loc="outside upper center", ncols=5)
    return fig


def _stacks(ax: Axes, weights: Float[Tensor, "m n"], colours: dict[int, str]) -> None:
    """Positive weights up and negative ones down, features with a colour first."""
    values = weights.numpy()
    order = [*colours, *(i for i in range(values.shape[1]) if i not in colours)]
    up, down = np.zeros(len(values)), np.zeros(len(values))
    for feature in order:
        size = values[:, feature]
        bottom = np.where(size > 0, up, down)
        colour = colours.get(feature, GRID)
        ax.bar(
            range(len(values)), size, bottom=bottom, color=colour, edgecolor="white", linewidth=0.4
        )
        up, down = up + size.clip(0, None), down + size.clip(None, 0)
    ax.axhline(0, color=INK, linewidth=0.8)


def apart_table(net: Net, motifs: Sequence[Motif]) -> pd.DataFrame:
    """Every weight that is not zero, a row a part, neuron and feature."""
    frames: list[Any] = []
    for name, inner, outer in apart_rows(net, motifs):
        neuron, feature = np.indices(inner.shape)
        frames.append(
            pd.DataFrame(
                {
                    "part": name,
                    "neuron": neuron.ravel(),
                    "feature": feature.ravel(),
                    "w_in": inner.numpy().ravel().round(5),
                    "w_out": outer.mT.numpy().ravel().round(5),
                }
            )
        )
    whole: Any = pd.concat(frames, ignore_index=True)
    return whole[(whole["w_in"] != 0) | (whole["w_out"] != 0)]

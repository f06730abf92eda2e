"""Each instance of the motif: its features, its neuron and its inhibitor, drawn and in words."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.motifs import Motif
from steering_core.absolute_value.neurons import rescaled
from steering_core.publishing.style import BLUE, INK, ORANGE, VERMILLION, use_style

STRONG, WEAK, MAIN = ORANGE, VERMILLION, BLUE
_POSITIVE, _NEGATIVE = "#2166AC", "#B2182B"  # as in the maps of errors
_ROLES = ("strong", "weak", "main")


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

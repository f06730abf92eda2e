"""A model taken apart: its plain parts, each instance of the motif, and the rest."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
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

# A feature of the motifs each; all others are grey.
_FEATURE_COLOURS = (ORANGE, VERMILLION, BLUE, GREEN, PURPLE, SKY_BLUE, YELLOW, "#7A5C00", "#444444")


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

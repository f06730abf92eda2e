"""Sharing against how much of a negative push an activation lets through."""

from collections.abc import Callable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import BLUE, GRID, INK, VERMILLION, use_style
from steering_core.superposition.bottleneck import TrainedBottleneck
from steering_core.superposition.geometry import off_diagonal_mass
from steering_core.superposition.leak import leak

_NEAR: dict[str, Any] = {"textcoords": "offset points"}


def leak_table(
    trained: TrainedBottleneck, activations: Mapping[str, Callable[[Tensor], Tensor]]
) -> pd.DataFrame:
    """Leak, and off-diagonal mass of each seed, of the activations in the order they were trained.

    Raises:
        ValueError: another number of activations than was trained.
    """
    if len(activations) != len(trained.activations):
        raise ValueError(
            f"activations: got {len(activations)}; allowed is one for each of "
            f"{len(trained.activations)} that were trained"
        )
    mass: Tensor = off_diagonal_mass(trained.weights[:, 0, 0])
    return pd.DataFrame(
        [
            {"activation": name, "leak": leak(f), "seed": int(seed), "mass": float(value)}
            for (name, f), row in zip(activations.items(), mass, strict=True)
            for seed, value in zip(trained.seeds, row, strict=True)
        ]
    )


def leak_panel(table: pd.DataFrame, band: tuple[float, float], ends: tuple[str, str]) -> Figure:
    """Mass against leak: a dot a seed, a line through the family of leaky ReLUs, the others named.

    Args:
        table: from `leak_table`; names of the family begin with "leaky".
        band: leaks between which the pair of two features stops being the better choice.
        ends: what the two edges of the band stand for.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(7.6, 4.2))
        ax.axvspan(*band, color=GRID, alpha=0.7, linewidth=0, label="the pair stops being better")
        leaky = table["activation"].str.startswith("leaky").to_numpy()
        means: Any = table[leaky].groupby("leak")["mass"].mean()
        for edge, words, side in zip(band, ends, ("right", "left"), strict=True):
            ax.annotate(
                words, (edge, 1.06), (3 if side == "left" else -3, 0), ha=side, fontsize=8, **_NEAR
            )
        ax.plot(
            means.index, means.to_numpy(), color=BLUE, label="leaky ReLU, mean; slopes beside it"
        )
        for x, y in zip(means.index, means.to_numpy(), strict=True):
            ax.annotate(f"{x**0.5:g}", (x, y), (5, 4), color=BLUE, fontsize=8, **_NEAR)
        for mine, colour in ((leaky, BLUE), (~leaky, VERMILLION)):
            rows: Any = table[mine]
            # a little apart, so that no seed hides another
            across = rows["leak"] + 0.003 * (rows["seed"] - rows["seed"].mean())
            ax.plot(across, rows["mass"], "o", color=colour, markersize=3, alpha=0.6)
        others: Any = table[~leaky].groupby("activation", sort=False)[["leak", "mass"]].min()
        for name, (x, y) in zip(others.index, others.to_numpy(), strict=True):
            ax.annotate(name, (x, y), (0, -16), ha="center", color=INK, fontsize=9, **_NEAR)
        ax.set(xlabel="leak, E f(−x)² / E x²", ylabel="off-diagonal mass", ylim=(-0.1, 1.14))
        fig.legend(loc="outside upper center", ncols=2, frameon=False)
    return fig

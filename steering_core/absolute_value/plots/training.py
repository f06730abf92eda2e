"""How well nets train: losses against density and recipe, and what is dead."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from steering_core.absolute_value.density_claims import PAIRS
from steering_core.publishing.style import BLUE, GRID, INK, ORANGE, VERMILLION, use_style


def loss_panels(ours: Any, usual: Any) -> Figure:
    """Top: normalised loss of every net. Bottom: dead sides of the twenty top features, of 40."""
    with use_style():
        fig, axes = plt.subplots(2, 1, figsize=(6.8, 5.2), sharex=True, height_ratios=[3, 2])
        for table, colour, name, shift in (
            (usual, VERMILLION, "usual recipe", 1.06),
            (ours, BLUE, "ours", 0.94),
        ):
            x = table["density"] * shift
            axes[0].plot(x, table["loss"], "o", color=colour, markersize=4, alpha=0.5, label=name)
            axes[1].plot(x, table["dead_sides"], "o", color=colour, markersize=4, alpha=0.5)
        axes[0].axhline(PAIRS, color=INK, linewidth=1, label="twenty exact pairs, 0.8²⁰")
        axes[0].set(yscale="log", ylabel="normalised loss")
        axes[1].set(
            ylabel="dead sides of 40", ylim=(-1.5, 41), xlabel="density 1 − S", xscale="log"
        )
        axes[1].axhline(0, color=GRID, linewidth=1, zorder=0)
        axes[1].set_xticks([1, 0.1, 0.01, 0.001], ["1", "0.1", "0.01", "0.001"])
        axes[1].invert_xaxis()
        fig.legend(loc="outside upper center", ncols=3)
    return fig


def cures_panels(table: Any, densities: Sequence[float] = (1.0, 0.1, 0.001)) -> Figure:
    """Normalised loss and dead sides of every recipe at three densities, a dot a net."""
    names = list(dict.fromkeys(table["recipe"]))
    colours = dict(zip(densities, (BLUE, ORANGE, VERMILLION), strict=False))
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.6, 0.32 * len(names) + 1.3), sharey=True)
        for offset, (density, colour) in zip((-0.22, 0, 0.22), colours.items(), strict=False):
            rows = table[table["density"] == density]
            y = rows["recipe"].map({name: place for place, name in enumerate(names)}) + offset
            for ax, column in ((axes[0], "loss"), (axes[1], "dead_sides")):
                label = f"{density:g}" if ax is axes[0] else None
                ax.plot(rows[column], y, "o", color=colour, markersize=4, alpha=0.65, label=label)
        axes[0].axvline(PAIRS, color=INK, linewidth=1)
        axes[0].annotate("pairs", (PAIRS, -0.75), (3, 0), textcoords="offset points", fontsize=8)
        axes[0].set(xscale="log", xlabel="normalised loss", ylim=(len(names) - 0.4, -0.9))
        axes[0].set_yticks(range(len(names)), names)
        axes[1].set(xlabel="dead sides of 40")
        for ax in axes:
            ax.grid(axis="y", color=GRID, linewidth=0.6)
        fig.legend(loc="outside upper center", ncols=3, title="density 1 − S")
    return fig


def loss_table(ours: Any, usual: Any) -> pd.DataFrame:
    """What `loss_panels` draws."""
    columns = ["density", "seed", "loss", "dead_sides"]
    return pd.concat([ours[columns].assign(recipe="ours"), usual[columns].assign(recipe="usual")])


def summary_table(table: Any) -> pd.DataFrame:
    """Best and median loss, median of dead sides, by density."""
    groups = table.groupby("density", sort=False)
    summary = pd.DataFrame(
        {
            "nets": groups.size(),
            "best loss": groups["loss"].min(),
            "median loss": groups["loss"].median(),
            "median loss over pairs": groups["loss"].median() / PAIRS,
            "dead sides of 40, median": groups["dead_sides"].median(),
        }
    )
    return summary.loc[sorted(summary.index, reverse=True)]

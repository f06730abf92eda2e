"""Dimensions per feature against sparsity: the published curves and ours, and how far apart."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from steering_core.publishing.style import GRID, INK, PALETTE, use_style
from steering_core.superposition.dimension_measures import Runs
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import (
    ACTIVATION_COLOURS,
    expansion_axis,
    named,
    plain_ticks,
)

Curve = Float[np.ndarray, " levels"]
AGREES = 0.05  # the largest distance at which a published curve counts as reproduced


def dimension_curves(
    live: Mapping[str, Curve],
    studied: Mapping[str, Runs],
    published: Mapping[str, Curve],
    expansion: Curve,
) -> Figure:
    """D* against 1/(1-S), an activation a panel.

    Args:
        live: our recipe, a model a level.
        studied: the published recipe; the line is the mean over seeds, the band their range.
        published: the curves of the source.
        expansion: 1/(1-S) of the levels.
    """
    check_curves(live, studied, published)
    with use_style():
        fig, axes = plt.subplots(2, 4, figsize=(8.6, 4.6), sharex=True, sharey=True)
        for ax, name in zip(axes.flat, NAMES, strict=False):
            colour = ACTIVATION_COLOURS[name]
            runs = studied[name]
            line_and_range(ax, runs.densities, runs.column("dimensions"), color=colour)
            ax.plot(expansion, live[name], "--", color=INK, linewidth=1)
            ax.plot(
                expansion,
                published[name],
                "o",
                color=INK,
                markerfacecolor="none",
                markersize=4.5,
                markeredgewidth=0.7,
            )
            ax.set_title(NAMES[name])
            expansion_axis(ax, label=False)
            ax.set(yscale="log", ylim=(0.025, 1.3))
            plain_ticks(ax, "y", (0.05, 0.1, 0.2, 0.5, 1.0))
            ax.grid(alpha=0.6)
        axes[0, 3].tick_params(labelbottom=True)  # no panel below it
        axes[1, 3].axis("off")
        axes[1, 3].legend(handles=_kinds(), loc="center", borderaxespad=0)
        fig.supxlabel("1/(1 − S)", fontsize=10)
        fig.supylabel("D*, dimensions per feature", fontsize=10)
    return fig


def _kinds() -> list[Line2D]:
    """The three kinds of curve, for a legend."""
    open_circle = {"marker": "o", "markerfacecolor": "none", "markersize": 4, "linestyle": "none"}
    return [
        Line2D([], [], color=INK, label="published curve", **open_circle),
        Line2D([], [], color=ACTIVATION_COLOURS["relu"], label="published recipe,\nrange of seeds"),
        Line2D([], [], color=INK, linestyle="--", linewidth=1, label="our recipe, live"),
    ]


def recipe_bars(explained: pd.DataFrame) -> Figure:
    """The largest distance to the published curve, by activation (row) and recipe (column)."""
    named(list(explained.index), holder="explained")
    with use_style():
        fig, ax = plt.subplots(figsize=(7.0, 3.6))
        rows = np.arange(len(NAMES))
        shifts = np.linspace(-0.28, 0.28, len(explained.columns))
        looks = zip(explained.columns, cycle(PALETTE), cycle("osD^vP"), shifts, strict=False)
        for recipe, colour, marker, shift in looks:
            values = explained.loc[list(NAMES), recipe].to_numpy(float)
            ax.plot(values, rows + shift, marker, color=colour, label=recipe, markersize=6)
        ax.axvline(AGREES, color=INK, linestyle=":", linewidth=1.2, label=f"{AGREES:g}, the rule")
        for row in rows[:-1]:
            ax.axhline(row + 0.5, color=GRID, linewidth=0.8, zorder=0)
        ax.set_xscale("log")
        plain_ticks(ax, "x", (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
        ax.set_yticks(rows, list(NAMES.values()))
        ax.tick_params(axis="y", length=0)
        ax.set(ylim=(len(NAMES) - 0.5, -0.5), xlabel="largest distance to the published D*")
        fig.legend(title="recipe", loc="outside right center")
    return fig


def line_and_range(
    ax: Axes, densities: Curve, values: Float[np.ndarray, "levels seeds"], **style: Any
) -> None:
    """The mean over seeds as a line, their range as a band."""
    ax.plot(1 / densities, values.mean(1), **{"linewidth": 1.8, **style})
    ends = values.min(1), values.max(1)
    ax.fill_between(1 / densities, *ends, color=style["color"], alpha=0.25, linewidth=0)


def check_curves(
    live: Mapping[str, Curve], studied: Mapping[str, Runs], published: Mapping[str, Curve]
) -> None:
    """Each of the three has a curve for every activation.

    Raises:
        ValueError: one of them lacks an activation.
    """
    for holder, curves in (("live", live), ("studied", studied), ("published", published)):
        named(curves, holder=holder)

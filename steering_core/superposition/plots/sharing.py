"""How features share directions, as sparsity grows: the study of ten features in five dimensions.

Here too is the look of each activation, which all drawings keep.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import Stroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from steering_core.publishing.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    use_style,
)
from steering_core.superposition.activation_measures import (
    SUPERPOSED,
    cells,
    entry,
    over_seeds,
    superposed,
)
from steering_core.superposition.plots.maps import NAMES

ACTIVATION_COLOURS = {
    "linear": INK,
    "relu": BLUE,
    "gelu": VERMILLION,
    "silu": ORANGE,
    "sigmoid": PURPLE,
    "tanh": SKY_BLUE,
    "solu": GREEN,
}
ACTIVATION_MARKERS = {
    "linear": "x",
    "relu": "o",
    "gelu": "s",
    "silu": "D",
    "sigmoid": "^",
    "tanh": "P",
    "solu": "v",
}
MASS_FLOOR = 1e-3


def named(names: Sequence[str] | Mapping[str, Any], *, holder: str, needed: Any = NAMES) -> None:
    """Check that `holder` has what is needed.

    Raises:
        ValueError: a name that is missing.
    """
    missing = [name for name in needed if name not in names]
    if missing:
        raise ValueError(
            f"{holder}: got none for {', '.join(missing)}; allowed are {', '.join(needed)}, each"
        )


def look(activation: str) -> dict[str, Any]:
    """The colour, marker and name of an activation, for `Axes.plot`."""
    return {
        "color": ACTIVATION_COLOURS[activation],
        "marker": ACTIVATION_MARKERS[activation],
        "label": NAMES[activation],
    }


def density_axis(ax: Axes, *, label: bool = True) -> None:
    """Densities from 1 at the left to sparse at the right, logarithmic."""
    ax.set_xscale("log")
    ax.invert_xaxis()
    plain_ticks(ax, "x", (1.0, 0.3, 0.1, 0.03, 0.01))
    if label:
        ax.set_xlabel("density 1 − S (sparser to the right)")


def expansion_axis(ax: Axes, *, label: bool = True) -> None:
    """1/(1 - S) from 1 to 20, logarithmic."""
    ax.set_xscale("log")
    plain_ticks(ax, "x", (1.0, 2.0, 5.0, 10.0, 20.0))
    if label:
        ax.set_xlabel("1/(1 − S)")


def plain_ticks(ax: Axes, which: str, ticks: Sequence[float]) -> None:
    """These ticks alone, as plain numbers."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def over_density(
    table: pd.DataFrame, model: str, column: str
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, "D 3"]]:
    """Densities, falling, and there the mean over seeds with the ends of its 99% interval."""
    values = cells(table, model, column)
    rows = []
    for row in values.to_numpy(float):
        measured = over_seeds(row, lambda v: float(v.mean()))
        low, high = measured.interval or (measured.value, measured.value)
        rows.append((measured.value, low, high))
    return values.index.to_numpy(float), np.array(rows)


def draw_lines(
    ax: Axes,
    table: pd.DataFrame,
    models: Sequence[str],
    column: str,
    *,
    floor: float | None = None,
    **style: Any,
) -> None:
    """Means over seeds with 99% bands against density; nothing is drawn below `floor`."""
    for model in models:
        densities, band = over_density(table, model, column)
        value, low, high = np.maximum(band, -np.inf if floor is None else floor).T
        given = {"markersize": 4, "linewidth": 1.5, **look(model), **style}
        ax.plot(densities, value, **given)
        ax.fill_between(densities, low, high, color=given["color"], alpha=0.2, linewidth=0)
    density_axis(ax)


def pairs_panels(table: pd.DataFrame, cosines: Mapping[str, Float[np.ndarray, " k"]]) -> Figure:
    """Cosines between represented features, and the share of features in an antipodal pair.

    Args:
        table: of the study `ten-features`.
        cosines: of all pairs, at one density, for each activation to show.
    """
    named(NAMES, holder="colours", needed=cosines)
    with use_style():
        fig: Any = plt.figure(figsize=(8.4, 4.2))
        left, right = fig.subfigures(1, 2, width_ratios=(1, 1.35))
        axes = left.subplots(len(cosines), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        bins = np.linspace(-1.025, 1.025, 42)  # one bin around -1, one around 0
        for ax, (name, values) in zip(axes, cosines.items(), strict=True):
            share = np.histogram(values, bins)[0] / max(1, len(values))
            ax.stairs(share, bins, color=ACTIVATION_COLOURS[name], fill=True)
            ax.set_title(NAMES[name], fontsize=10, loc="left")
            ax.set_xlim(bins[0], bins[-1])
        axes[-1].set_xlabel("cosine of two represented features")
        left.supylabel("share of pairs", fontsize=10)
        ax = right.subplots()
        draw_lines(ax, table, list(NAMES), "paired")
        ax.set(ylabel="represented features with a partner", ylim=(-0.03, 1.03))
        right.legend(loc="outside upper center", ncols=4)
    return fig


def mass_panel(table: pd.DataFrame) -> Figure:
    """Off-diagonal mass of W^T W against density; what is below 0.001 is drawn there."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.8, 4.0))
        draw_lines(ax, table, list(NAMES), "mass", floor=MASS_FLOOR)
        mass_axis(ax, "y")
        ax.set_ylabel("off-diagonal mass")
        fig.legend(loc="outside right center")
    return fig


def mass_axis(ax: Axes, which: str) -> None:
    """Logarithmic, from the floor on; its tick says that less is drawn there too."""
    ticks = (MASS_FLOOR, 0.01, 0.1, 1.0, 10.0)
    if which == "y":
        ax.set_yscale("log")
        ax.set_ylim(MASS_FLOOR * 0.8, max(ax.get_ylim()[1], 2.0))
    else:
        ax.set_xscale("log")
        ax.set_xlim(MASS_FLOOR * 0.8, max(ax.get_xlim()[1] * 1.5, 2.0))
    plain_ticks(ax, which, ticks)
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"≤ {value:g}" if value <= MASS_FLOOR else f"{value:g}")
    )


def directions_panel(table: pd.DataFrame) -> Figure:
    """Directions that carry at most two features, and coordinates of h, against density."""
    with use_style():
        fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.9), sharey=True)
        draw_lines(left, table, list(NAMES), "at_most_two")
        flat = [n for n in NAMES if (over_density(table, n, "at_most_two")[1][:, 0] > 0.995).all()]
        if flat:  # their lines hide each other
            words = "at 1 throughout: " + ", ".join(NAMES[name] for name in flat)
            left.text(0.01, 1.06, words, transform=left.get_yaxis_transform(), fontsize=9)
        left.set(title="directions of features", ylabel="share that carries at most two features")
        draw_lines(right, table, ("gelu", "silu"), "coordinates", linestyle="--")
        right.set(title="coordinates of h", ylim=(-0.03, 1.17))
        handles, names = left.get_legend_handles_labels()
        fig.legend(handles, names, loc="outside upper center", ncols=len(names))
    return fig


ENTRIES = ("relu", "gelu", "silu", "sigmoid")


def entry_panels(table: pd.DataFrame) -> Figure:
    """Each feature's off-diagonal sum, by importance rank and density; a line where it enters.

    The line lies before the first density at which the mean over seeds exceeds 0.1.
    """
    found = {name: superposed(table, name) for name in ENTRIES}
    densities = cells(table, ENTRIES[0], "mass").index
    means = {name: values.mean(-1) for name, values in found.items()}
    highest = max(float(mean.max()) for mean in means.values())
    scale = LogNorm(0.01, max(highest, 0.1))
    with use_style():
        fig, axes = plt.subplots(2, 2, figsize=(8.0, 6.4), sharex=True, sharey=True)
        for ax, (name, mean) in zip(axes.flat, means.items(), strict=True):
            image = ax.imshow(mean.clip(0.01), cmap="cividis", norm=scale, aspect="auto")
            edges = entry(found[name]) - 0.5
            rows = np.arange(len(mean) + 1) - 0.5
            ax.stairs(
                edges,
                rows,
                orientation="horizontal",
                baseline=None,
                color="white",
                linewidth=1.8,
                path_effects=[Stroke(linewidth=3.6, foreground=INK), Stroke()],
                clip_on=False,
            )
            ax.set_title(NAMES[name])
            labels = [f"{density:g}" for density in densities]
            ax.set_xticks(range(len(densities)), labels, rotation=90)
            ax.set_yticks(range(len(mean)), [str(i + 1) for i in range(len(mean))])
            ax.set(xlim=(-0.5, len(densities) - 0.5), ylim=(len(mean) - 0.5, -0.5))
        fig.supylabel("rank of importance", fontsize=10)
        fig.supxlabel("density 1 − S (sparser to the right)", fontsize=10)
        bar = fig.colorbar(
            image,
            ax=axes,
            label=r"$\sum_{j \neq i} |W_i \cdot W_j|$",
            extend="min",
        )
        bar.ax.axhline(SUPERPOSED, color="white", linewidth=1.8)
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    return fig

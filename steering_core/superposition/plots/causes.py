"""What becomes of an effect when its supposed cause is taken away."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.style import GRID, INK, VERMILLION, use_style
from steering_core.superposition.dimension_measures import runs_of
from steering_core.superposition.plots.curves import line_and_range
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import (
    ACTIVATION_COLOURS,
    MASS_FLOOR,
    expansion_axis,
    mass_axis,
    over_density,
)

BETAS = (1, 2, 4, 8, 16)
TARGETS = (
    "linear",
    "linear, targets in [-1, 1]",
    "tanh",
    "tanh, targets in [-1, 1]",
    "(tanh + 1) / 2",
    "sigmoid",
)
REACH = ("sigmoid", "sigmoid to (-0.1, 1.1)")
DENSE, SPARSE = 0.9, 0.03
SEEDS = 3  # of the smooth relatives


def causes_panels(dimensions: pd.DataFrame, ten: pd.DataFrame) -> Figure:
    """Smooth relatives of ReLU; targets and ranges; a sigmoid that reaches 0 and 1.

    Args:
        dimensions: the table of the study `dimensions-per-feature`.
        ten: that of `ten-features`.
    """
    with use_style():
        fig: Any = plt.figure(figsize=(8.4, 6.4))
        above, below = fig.subfigures(2, 1, height_ratios=(1.15, 1))
        _smooth(above.subplots(), dimensions)
        above.legend(loc="outside right center")
        left, right = below.subplots(1, 2)
        for k, model in enumerate(TARGETS):
            colour = ACTIVATION_COLOURS[_kin(model)]
            _dot(left, ten, model, SPARSE, k, color=colour, marker="o")
        left.set_title(f"b. targets and ranges, density {SPARSE}")
        _rows(left, TARGETS)
        for density, colour, marker, shift in (
            (DENSE, INK, "o", -0.12),
            (SPARSE, VERMILLION, "s", 0.12),
        ):
            for k, model in enumerate(REACH):
                label = f"density {density}" if k == 0 else None
                _dot(right, ten, model, density, k + shift, label, color=colour, marker=marker)
        right.set_title("c. a sigmoid beyond [0, 1]")
        _rows(right, REACH)
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=2)
    return fig


def _smooth(ax: Axes, dimensions: pd.DataFrame) -> None:
    shades = plt.get_cmap("viridis_r")(np.linspace(0.15, 0.95, len(BETAS)))
    ax.axhspan(0.47, 0.53, color=GRID, alpha=0.7, linewidth=0, label="1/2 ± 0.03")
    lines = [
        (
            f"swish {beta}",
            rf"$z\,\sigma({beta if beta > 1 else ''}z)$",
            {"color": shade, "linestyle": "-"},
        )
        for beta, shade in zip(BETAS, shades, strict=True)
    ]
    lines.append(("softplus 16", "softplus, β = 16", {"color": VERMILLION, "linestyle": "--"}))
    lines.append(("relu", "ReLU", {"color": "black", "marker": "o", "markersize": 4}))
    for activation, label, style in lines:
        runs = runs_of(dimensions, "ours", activation, seeds=SEEDS)
        line_and_range(ax, runs.densities, runs.column("dimensions"), label=label, **style)
    expansion_axis(ax)
    ax.set(ylabel="D*", ylim=(0, None), title="a. smooth relatives of ReLU")


def _kin(model: str) -> str:
    """The activation whose colour a variation has."""
    return next(name for name in ("linear", "tanh", "sigmoid") if name in model)


def _at(ten: pd.DataFrame, model: str, density: float) -> Float[np.ndarray, " 3"]:
    densities, band = over_density(ten, model, "mass")
    where = np.flatnonzero(np.isclose(densities, density))
    if not len(where):
        raise ValueError(f"ten: got no density {density} of {model}; allowed are {densities}")
    return band[where[0]]


def _dot(
    ax: Axes,
    ten: pd.DataFrame,
    model: str,
    density: float,
    row: int | float,
    label: str | None = None,
    **style: Any,
) -> None:
    """A mean over seeds with its interval."""
    value, low, high = np.maximum(_at(ten, model, density), MASS_FLOOR)
    ax.plot([low, high], [row, row], color=style["color"], linewidth=2)
    ax.plot(value, row, linestyle="none", markersize=7, label=label, **style)


def _rows(ax: Axes, models: tuple[str, ...]) -> None:
    mass_axis(ax, "x")
    labels = [
        NAMES.get(model, model).replace(", targets", ",\ntargets").replace(" to ", "\nto ")
        for model in models
    ]
    ax.set_yticks(range(len(models)), labels)
    ax.set_ylim(len(models) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.set_xlabel("off-diagonal mass")

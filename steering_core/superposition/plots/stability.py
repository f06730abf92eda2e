"""Drawings of local minima: where training gets stuck, and what the sparse limit forces."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import BLUE, INK, VERMILLION, use_style
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import EXTRA_ONLY, FIRST_ONLY, OPPOSITE
from steering_core.superposition.plots.maps import NAMES, log_axes
from steering_core.superposition.plots.sharing import ACTIVATION_COLOURS
from steering_core.superposition.stability import Dedicated
from steering_core.superposition.trained import TrainedDiagram


def trap_panels(
    trained: Mapping[str, TrainedDiagram],
    exact: Mapping[str, PhaseDiagram],
    dedicated: Mapping[str, Dedicated],
    same_sign: Bool[np.ndarray, "D I R"],
) -> Figure:
    """Share of restarts that keep one feature, by the signs of their start; an activation a column.

    White line: the boundary of the exact superposed phase. Dashed: the dedicated models are local
    minima outside of these lines. A cell without a start of that kind is left blank.
    """
    starts = {"opposite signs": ~same_sign, "one sign": same_sign}
    with use_style():
        fig, axes = plt.subplots(
            2, len(trained), figsize=(2.5 * len(trained) + 1, 5.0), sharex=True, sharey=True
        )
        for row, (start, marked) in zip(axes, starts.items(), strict=True):
            for ax, (name, d) in zip(row, trained.items(), strict=True):
                share = 100 * d.share_of_restarts(FIRST_ONLY, EXTRA_ONLY, among=marked)
                _draw_share(ax, d, share)
                superposed = (exact[name].phase == OPPOSITE).astype(float)
                place = exact[name].importances, exact[name].densities
                ax.contour(*place, superposed, [0.5], colors="white", linewidths=1.5)
                if name in dedicated:
                    for r in (dedicated[name].boundary, 1 / dedicated[name].boundary):
                        ax.plot(r, dedicated[name].densities, color=VERMILLION, linestyle="--")
                log_axes(ax)
                ax.set(title=f"{NAMES[name]}, {start}", xlim=(0.1, 10), ylim=(0.01, 1))
        fig.supxlabel("importance of the extra feature", fontsize=10)
        fig.supylabel("density 1 − S", fontsize=10)
        fig.colorbar(axes[0, 0].collections[0], ax=axes, label="restarts with one feature, %")
    return fig


def _draw_share(ax: Axes, d: TrainedDiagram, percent: Float[np.ndarray, "D I"]) -> None:
    ax.pcolormesh(
        d.importances,
        d.densities,
        percent,
        cmap="cividis",
        vmin=0,
        vmax=100,
        shading="nearest",
        rasterized=True,
    )


def sparse_panels(
    dedicated: Mapping[str, Dedicated], limits: Mapping[str, float], sigmoid: PhaseDiagram
) -> Figure:
    """The importance below which the dedicated model is stable; sigmoid's optimum when sparse."""
    with use_style():
        fig, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.4))
        for name, d in dedicated.items():
            colour = ACTIVATION_COLOURS[name]
            left.plot(d.densities, d.boundary, color=colour, label=NAMES[name])
            if name in limits:
                left.plot(d.densities[0], limits[name], "o", color=colour)
        left.set(
            xscale="log",
            xlabel="density 1 − S",
            ylabel="stable below this importance",
            ylim=(0, None),
        )
        left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
        p = sigmoid.densities
        right.plot(p, sigmoid.bias[:, 0].amin(-1), color=BLUE, label="bias $b$")
        right.plot(
            p, sigmoid.weights[:, 0, 0].square().amax(-1), color=VERMILLION, label="squared weight"
        )
        right.axhline(0, color=INK, linewidth=0.8)
        right.set(xscale="log", xlabel="density 1 − S", title="sigmoid's optimum, importance 1")
        right.legend()
    return fig


def confused_panels(with_bias: PhaseDiagram, without_bias: PhaseDiagram) -> Figure:
    """Optimal weights against importance, at one density, with and without a bias."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(8.0, 3.2), sharey=True)
        panels = ((without_bias, "without a bias"), (with_bias, "with a bias"))
        for ax, (diagram, title) in zip(axes, panels, strict=True):
            weights: Float[Tensor, "I 2"] = diagram.weights[0, :, 0]
            for i, name in enumerate(("first feature", "extra feature")):
                ax.plot(diagram.importances, weights[:, i], label=name)
            ax.set(xscale="log", title=title, xlabel="importance of the extra feature")
            ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axes[0].set_ylabel("optimal weight")
        axes[0].legend()
    return fig

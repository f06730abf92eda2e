"""Phase diagrams as coloured maps: importance across, density upwards, both logarithmic."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter
from torch import Tensor

from steering_core.publishing.style import BLUE, GREEN, GRID, INK, ORANGE, VERMILLION, use_style
from steering_core.superposition import phases
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.theory import superposition_boundary
from steering_core.superposition.trained import TrainedDiagram

COLOURS = {
    phases.FIRST_ONLY: GREEN,
    phases.EXTRA_ONLY: ORANGE,
    phases.OPPOSITE: BLUE,
    phases.SAME_SIGN: VERMILLION,
    phases.NEITHER: GRID,
    phases.EXTRA_LEFT_OUT: GREEN,
    phases.EXTRA_DEDICATED: ORANGE,
    phases.EXTRA_SHARES: BLUE,
    phases.FEWER: GRID,
}
NAMES = {
    "linear": "linear",
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "solu": "SoLU",
}

Diagram = PhaseDiagram | TrainedDiagram


def draw_map(
    ax: Axes, densities: Tensor, importances: Tensor, phase: Shaped[np.ndarray, "D I"]
) -> None:
    """One diagram: a coloured cell for each density and importance."""
    names = list(COLOURS)
    codes = np.array([names.index(str(name)) for name in phase.ravel()]).reshape(phase.shape)
    colours = ListedColormap(list(COLOURS.values()))
    ax.pcolormesh(
        importances.numpy(),
        densities.numpy(),
        codes,
        cmap=colours,
        vmin=-0.5,
        vmax=len(names) - 0.5,
        shading="nearest",
        rasterized=True,
    )
    log_axes(ax)


def log_axes(ax: Axes) -> None:
    """Logarithmic axes for importance and density, with plain numbers."""
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    ax.set(xscale="log", yscale="log")
    for axis, ticks in ((ax.xaxis, (0.1, 1, 10)), (ax.yaxis, (0.01, 0.1, 1))):
        axis.set_ticks(ticks)
        axis.set_major_formatter(plain)
        axis.set_minor_formatter(NullFormatter())


def legend(target: Axes | Figure, names: Sequence[str], **where: object) -> None:
    """The colours of the phases that are named."""
    patches = [Patch(facecolor=COLOURS[name], edgecolor=INK, label=name) for name in names]
    target.legend(handles=patches, **where)  # type: ignore[arg-type]


def map_panels(diagrams: Mapping[str, Diagram], columns: int = 4) -> Figure:
    """Diagrams under their titles, `columns` a row, with a legend of the phases that occur."""
    rows = -(-len(diagrams) // columns)
    with use_style():
        fig, axes = plt.subplots(
            rows,
            columns,
            figsize=(2.1 * columns, 2.1 * rows + 0.5),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        for ax, (title, diagram) in zip(axes.flat, diagrams.items(), strict=False):
            draw_map(ax, diagram.densities, diagram.importances, phase_of(diagram))
            ax.set_title(NAMES.get(title, title))
        for ax in axes.flat[len(diagrams) :]:
            ax.axis("off")
        fig.supxlabel("importance of the extra feature", fontsize=10)
        fig.supylabel("density 1 − S", fontsize=10)
        seen = {str(name) for diagram in diagrams.values() for name in phase_of(diagram).flat}
        names = [name for name in COLOURS if name in seen]
        legend(fig, names, loc="outside upper center", ncols=min(len(names), 5))
    return fig


def phase_of(diagram: Diagram) -> Shaped[np.ndarray, "D I"]:
    """(D, I) names of phases; of a trained diagram, those of the best restarts."""
    return diagram.phase if isinstance(diagram, PhaseDiagram) else diagram.phase()


def theory_panels(relu: PhaseDiagram, linear: PhaseDiagram, gap: Float[Tensor, "D I"]) -> Figure:
    """ReLU and linear with the theory's boundaries, and how far below it ReLU's optimum lies."""
    with use_style():
        fig, axes = plt.subplots(1, 3, figsize=(8.4, 3.1), sharey=True)
        for ax, diagram, name in zip(axes, (relu, linear), ("ReLU", "linear"), strict=False):
            draw_map(ax, diagram.densities, diagram.importances, diagram.phase)
            ax.set_title(name)
        r = relu.importances
        axes[0].plot(r, superposition_boundary(r), color=INK)
        axes[0].plot([1, 1], [4 / 7, 1], color=INK)
        axes[1].axvline(1, color=INK)
        image = axes[2].pcolormesh(
            r, relu.densities, 100 * gap, cmap="cividis", shading="nearest", rasterized=True
        )
        log_axes(axes[2])
        axes[2].set_title("ReLU: gain over the theory")
        fig.colorbar(image, ax=axes[2], label="% of the best candidate's loss")
        axes[0].set_ylabel("density 1 − S")
        fig.supxlabel("importance of the extra feature", fontsize=10)
        seen = [n for n in COLOURS if (relu.phase == n).any() or (linear.phase == n).any()]
        legend(fig, seen, loc="outside upper center", ncols=len(seen))
    return fig

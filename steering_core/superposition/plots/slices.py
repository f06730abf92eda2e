"""Three features in two dimensions: the map of the extra feature, and slices through it."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from steering_core.publishing.style import INK, PURPLE, SKY_BLUE, use_style
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.plots.maps import COLOURS, draw_map, legend

# None of these colours is that of a phase.
_FEATURES = (
    ("first feature", SKY_BLUE, "-"),
    ("second feature", PURPLE, "--"),
    ("extra feature", INK, "-"),
)


def slice_panels(whole: PhaseDiagram, slices: PhaseDiagram) -> Figure:
    """The map, with a line for each slice, and the r_i of all features along each of them."""
    with use_style():
        columns = -(-(1 + len(slices.densities)) // 2)
        fig, grid = plt.subplots(2, columns, figsize=(3.8 * columns, 5.6))
        axes = grid.flat
        draw_map(axes[0], whole.densities, whole.importances, whole.phase)
        axes[0].set(title="phase of the extra feature", ylabel="density 1 − S")
        for ax, density, r in zip(axes[1:], slices.densities, slices.represented, strict=True):
            axes[0].axhline(density, color=INK, linestyle=":")
            for i, (name, colour, dash) in enumerate(_FEATURES):
                ax.plot(slices.importances, r[:, i], dash, color=colour, label=name)
            ax.axhline(0.5, color=INK, linewidth=0.8)
            ax.set(xscale="log", ylim=(-0.05, 1.05), title=f"density {density:g}", ylabel="$r_i$")
            ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        axes[1].legend(loc="lower left")
        fig.supxlabel("importance of the extra feature", fontsize=10)
        seen = [name for name in COLOURS if (whole.phase == name).any()]
        legend(fig, seen, loc="outside upper center", ncols=len(seen))
    return fig

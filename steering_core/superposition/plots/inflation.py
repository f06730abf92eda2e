"""What dimensions per feature count: features, or the length of their vectors."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from steering_core.publishing.style import INK, use_style
from steering_core.superposition.dimension_measures import Runs, explained_features
from steering_core.superposition.dimension_study import FRACTIONS, N_FEATURES, N_HIDDEN
from steering_core.superposition.plots.curves import line_and_range
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import (
    ACTIVATION_COLOURS,
    expansion_axis,
    look,
    named,
)

CEILING = N_FEATURES / N_HIDDEN


def dimensionality_panel(
    densities: Sequence[float], dimensionalities: Sequence[Float[np.ndarray, " k"]]
) -> Figure:
    """D_i of every feature against 1/(1-S), over lines at the fractions of regular shapes."""
    with use_style():
        fig, ax = plt.subplots(figsize=(7.0, 4.2))
        for fraction in FRACTIONS.values():
            ax.axhline(fraction, color=INK, linewidth=0.8, linestyle=":", zorder=0)
            place = {2 / 5: "bottom", 3 / 8: "top"}.get(fraction, "center")  # two are close
            words = str(Fraction(fraction).limit_denominator(9))
            at = ax.get_yaxis_transform()
            ax.text(1.01, fraction, words, transform=at, va=place, fontsize=9)
        for density, each in zip(densities, dimensionalities, strict=True):
            spread = np.exp(0.05 * (np.arange(len(each)) * 0.618034 % 1 - 0.5))
            ax.scatter(
                spread / density,
                each,
                s=5,
                color=ACTIVATION_COLOURS["relu"],
                alpha=0.2,
                linewidths=0,
            )
        expansion_axis(ax)
        ax.set(ylabel="feature dimensionality $D_i$", ylim=(-0.03, 1.05))
    return fig


def inflation_panels(runs: Mapping[str, Runs]) -> Figure:
    """What 1/D* counts: features, or the length of their vectors; ranges are those of the seeds."""
    named(NAMES, holder="names", needed=runs)
    panels: dict[str, tuple[Callable[[Runs], Float[np.ndarray, "levels seeds"]], float | None]] = {
        "1/D*": (lambda one: 1 / one.column("dimensions"), CEILING),
        "sum of $D_i$ over m": (lambda one: one.column("capacity") / N_HIDDEN, 1.0),
        r"mean of $|W_i|^2$": (lambda one: one.column("squared_norm"), None),
        "sum of $r_i$ over m": (lambda one: explained_features(one) / N_HIDDEN, None),
    }
    with use_style():
        fig, axes = plt.subplots(2, 2, figsize=(7.6, 5.4), sharex=True)
        for ax, (title, (of, ceiling)) in zip(axes.flat, panels.items(), strict=True):
            for name, one in runs.items():
                line_and_range(ax, one.densities, of(one), markersize=4, **look(name))
            if ceiling is not None:
                ax.axhline(ceiling, color=INK, linestyle=":", linewidth=1.2)
                text = "at most 1" if ceiling == 1 else f"n/m = {ceiling:g}"
                ax.annotate(
                    text, (20, ceiling), (0, 5), textcoords="offset points", ha="right", fontsize=9
                )
            expansion_axis(ax, label=False)
            ax.set_title(title)
            ax.set_ylim(0, max(ax.get_ylim()[1], 1.2 * (ceiling or 0)))
        note = f"all features would be {CEILING:g}"
        axes[1, 1].text(0.97, 0.05, note, transform=axes[1, 1].transAxes, ha="right", fontsize=9)
        fig.supxlabel("1/(1 − S)", fontsize=10)
        handles, names = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, names, loc="outside upper center", ncols=len(runs))
    return fig

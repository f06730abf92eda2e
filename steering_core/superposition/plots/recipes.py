"""What a recipe changes: SoLU's axis, and the seconds that a model takes."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from steering_core.publishing.style import BLUE, GREEN, INK, ORANGE, VERMILLION, use_style
from steering_core.superposition.dimension_measures import Runs, over_axis


def solu_panel(
    outputs: Runs, axes: pd.DataFrame, published: Float[np.ndarray, " levels"]
) -> Figure:
    """D* against 1/(1-S) for the softmax over outputs, models and inputs; published as circles."""
    lines = {
        "over the outputs, as defined": (outputs, BLUE, "-"),
        "over the models": (over_axis(axes, "models"), VERMILLION, "-"),
        "over the inputs": (over_axis(axes, "inputs"), GREEN, "--"),
    }
    with use_style():
        fig, ax = plt.subplots(figsize=(7.0, 3.4))
        for label, (runs, colour, dash) in lines.items():
            values = runs.column("dimensions")
            x = 1 / runs.densities
            ax.fill_between(x, values.min(1), values.max(1), color=colour, alpha=0.25, linewidth=0)
            ax.plot(x, values.mean(1), dash, color=colour, label=label)
        x, control = 1 / outputs.densities, over_axis(axes, "outputs").curve()
        ax.plot(x, control, "x", color=BLUE, markersize=5, label="over the outputs, short recipe")
        ax.plot(x, published, "o", mfc="none", color=INK, markersize=5, label="published")
        ticks = [1, 2, 5, 10, 20]
        ax.set(xscale="log", yscale="log", xlabel="1/(1 − S)", ylabel="dimensions per feature D*")
        ax.set_xticks(ticks, [str(t) for t in ticks])
        ax.set_yticks([0.05, 0.1, 0.2, 0.5], ["0.05", "0.1", "0.2", "0.5"])
        ax.minorticks_off()
        fig.legend(loc="outside right center", frameon=False)
    return fig


def speed_panel(table: pd.DataFrame) -> Figure:
    """Seconds a model, a dot an ingredient, with how many times as fast as the first."""
    seconds, times = table["seconds a model"].to_numpy(), table["times as fast"].to_numpy()
    with use_style():
        fig, ax = plt.subplots(figsize=(7.0, 2.6))
        places = np.arange(len(table))[::-1]
        colours = [ORANGE, *[BLUE] * (len(table) - 1)]
        ax.scatter(seconds, places, s=60, color=colours, zorder=2)
        for place, second, factor in zip(places, seconds, times, strict=True):
            text = f"   {second:.2g} s" + (f" ({factor:.0f} times)" if factor > 1.5 else "")
            ax.text(second, place, text, va="center")
        ax.set_yticks(places, table["ingredient"])
        ax.set(xscale="log", xlabel="seconds a model", xlim=(seconds.min() / 2, seconds.max() * 4))
        ax.set_ylim(-0.6, len(table) - 0.4)
    return fig

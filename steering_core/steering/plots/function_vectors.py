"""Published function vectors: accuracy with and without centring, and the gain over anisotropy."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.style import BLUE, GRID, INK, PAPER, VERMILLION, use_style
from steering_core.steering.function_vectors import GPT_J, LLAMA_2

TITLES = {GPT_J: "GPT-J 6B", LLAMA_2: "Llama-2 7B"}
LOOKS = (("uncentred", "as it is", "o", VERMILLION), ("centred", "mean taken away", "s", BLUE))


def function_vector_lines(by_layer: pd.DataFrame) -> Figure:
    """Accuracy over layers, with and without centring: a panel a model, each line with its band.

    Args:
        by_layer: from `function_vectors.gain_by_layer`.
    """
    models = list(by_layer["model"].unique())
    widths = [int((by_layer["model"] == model).sum()) for model in models]
    with use_style():
        fig, (axes,) = plt.subplots(
            1, len(models), figsize=(9.6, 3.6), sharey=True, squeeze=False, width_ratios=widths
        )
        for ax, model in zip(axes, models, strict=True):
            _accuracies(ax, by_layer.query("model == @model"))
            ax.set_title(TITLES.get(model, model))
        axes[0].set(ylabel="accuracy, mean over tasks", ylim=(0, None))
        fig.supxlabel("block whose output the vector is added to, from 0", fontsize=10)
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, title="function vector", loc="outside right center")
    return fig


def gain_scatter(by_layer: pd.DataFrame, cosine: pd.DataFrame) -> Figure:
    """GPT-J's gain from centring at each layer, with its interval, over the mean cosine there.

    Args:
        by_layer: from `function_vectors.gain_by_layer`.
        cosine: `block` and `mean_cosine`; a layer without a cosine is left out.
    """
    own = by_layer.query("model == @GPT_J").merge(cosine, left_on="layer", right_on="block")
    x, y = own["mean_cosine"], own["gain"]
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 4.2))
        ax.axhline(0, color=INK, linewidth=0.8)
        ax.vlines(x, own["gain_low"], own["gain_high"], color=GRID, linewidth=1.6)
        ax.plot(x, y, "o", color=BLUE, markersize=5)
        for layer, at, height in zip(own["layer"], x, y, strict=True):
            _label(ax, str(layer), (at, height), left=_is_beside(own, at, height))
        ax.margins(x=0.08)
        ax.set(
            xlabel="mean cosine of activations at the output of the block",
            ylabel="gain of accuracy from centring",
        )
    return fig


def _accuracies(ax: Axes, own: pd.DataFrame) -> None:
    for column, name, marker, colour in LOOKS:
        ax.plot(own["layer"], own[column], f"{marker}-", color=colour, label=name, markersize=5)
        ax.fill_between(
            own["layer"],
            own[f"{column}_low"],
            own[f"{column}_high"],
            color=colour,
            alpha=0.18,
            linewidth=0,
        )
    ax.set_xticks(own["layer"])


def _is_beside(own: pd.DataFrame, at: float, height: float) -> bool:
    """Whether another point lies where a label to the right of this one would."""
    apart = own["mean_cosine"] - at
    near = (apart > 0) & (apart < 0.01) & ((own["gain"] - height).abs() < 0.02)
    return bool(near.any())


def _label(ax: Axes, text: str, point: tuple[float, float], *, left: bool) -> None:
    ax.annotate(
        text,
        point,
        xytext=(-7 if left else 7, 0),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        fontsize=9,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.5},  # over the line at zero
    )

"""Published function vectors: accuracy with and without centring, and the gain over anisotropy."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.style import (
    BLACK,
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    use_style,
)
from steering_core.steering.function_vectors import GPT_J, LLAMA_2

TITLES = {GPT_J: "GPT-J 6B", LLAMA_2: "Llama-2 7B"}
LOOKS = (("uncentred", "uncentred", "o", VERMILLION), ("centred", "less the mean", "s", BLUE))
TASK_COLOURS = (VERMILLION, BLACK, GREEN, PURPLE, ORANGE, SKY_BLUE)


def function_vector_lines(by_layer: pd.DataFrame, by_task: pd.DataFrame) -> Figure:
    """A column a model: accuracy over blocks with and without centring, and what centring adds,
    over all tasks with its band and for each task.

    Args:
        by_layer: from `function_vectors.gain_by_layer`.
        by_task: from `function_vectors.gain_by_task`.
    """
    models = list(by_layer["model"].unique())
    widths = [int((by_layer["model"] == model).sum()) for model in models]
    with use_style():
        fig, axes = plt.subplots(
            2,
            len(models),
            figsize=(9.6, 6.4),
            sharex="col",
            sharey="row",
            squeeze=False,
            width_ratios=widths,
        )
        for (above, below), model in zip(axes.T, models, strict=True):
            _accuracies(above, by_layer.query("model == @model"))
            _gains(below, by_layer.query("model == @model"), by_task.query("model == @model"))
            above.set_title(TITLES.get(model, model))
            below.set_xlabel("block, counted from 0")
        axes[0, 0].set(ylabel="accuracy, mean over tasks", ylim=(0, None))
        axes[1, 0].set(ylabel="what centring adds")
        axes[0, -1].legend(*axes[0, 0].get_legend_handles_labels(), title="function vector")
        handles, labels = axes[1, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=4)
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
    ax.set_xticks(own["layer"])


def _gains(ax: Axes, own: pd.DataFrame, tasks: pd.DataFrame) -> None:
    ax.axhline(0, color=INK, linewidth=0.8)
    looks = zip(TASK_COLOURS, "os^vDP", strict=True)
    for task, (colour, marker) in zip(tasks.columns.drop(["model", "layer"]), looks, strict=False):
        line = f"{marker}-"
        ax.plot(tasks["layer"], tasks[task], line, color=colour, label=task, lw=0.9, markersize=3)
    ax.plot(own["layer"], own["gain"], color=BLUE, label="mean over tasks", linewidth=2.6)
    ax.fill_between(
        own["layer"], own["gain_low"], own["gain_high"], color=BLUE, alpha=0.18, linewidth=0
    )


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

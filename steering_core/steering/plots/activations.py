"""Activations themselves: the cloud beside zero, and their norms by position."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float, Float64
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from steering_core.publishing.style import BLUE, INK, VERMILLION, use_style
from steering_core.steering.plots.layer_lines import layer_names


def cloud(mean_part: Float[Tensor, " n"], other_part: Float[Tensor, " n"], *, layer: int) -> Figure:
    """Activations in the plane of their mean and of the direction in which they vary most."""
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 4.0))
        ax.scatter(
            mean_part, other_part, s=6, color=BLUE, alpha=0.35, linewidths=0, label="a token"
        )
        ax.plot(0, 0, "+", color=INK, markersize=14, markeredgewidth=2, label="zero")
        centre = (float(mean_part.mean()), float(other_part.mean()))
        ax.annotate(
            "", centre, (0, 0), arrowprops={"arrowstyle": "->", "color": VERMILLION, "lw": 2}
        )
        ax.plot([], [], color=VERMILLION, label="the mean")
        ax.set(xlabel=f"along the mean, layer {layer}", ylabel="direction of most variation")
        ax.set_aspect("equal")
        fig.legend(loc="outside lower center", ncols=3)
    return fig


def norm_profile(norms: Float64[Tensor, "layers positions"]) -> Figure:
    """Mean norm at each position, a line a layer."""
    n = len(norms)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.6))
        shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, n))
        for row, name, shade in zip(norms, layer_names(n), shades, strict=True):
            ax.plot(np.arange(1, len(row) + 1), row, color=shade, label=name, linewidth=1.4)
        ax.set(xscale="log", yscale="log", xlabel="position, from 1", ylabel="mean norm")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_locator(NullLocator())
        fig.legend(title="layer", loc="outside right center")
    return fig


def norm_table(norms: Float64[Tensor, "layers positions"]) -> pd.DataFrame:
    """What the profile shows: a row for each layer and position, positions from 1."""
    n_layers, n_positions = norms.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layers), n_positions),
            "position": np.tile(np.arange(1, n_positions + 1), n_layers),
            "mean norm": norms.flatten().tolist(),
        }
    )

"""The chapter on the bias, trained: where descent ends, what can be reached, what it follows."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

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
from steering_core.sparse_autoencoders.response import fit


def family_panels(
    ends: pd.DataFrame,
    maps: dict[float, Float[np.ndarray, "B W"]],
    weights: Float[np.ndarray, " W"],
    biases: Float[np.ndarray, " B"],
) -> Figure:
    """The error over norm and bias at s = 1, the line on which it is zero, and where training ends.

    Args:
        ends: from `bias_runs.ends_table`, with a column `start`.
        maps: noise -> errors over the power.
        weights, biases: of the maps.
    """
    with use_style():
        fig, axes = plt.subplots(1, len(maps), figsize=(6.6, 3.7), sharey=True, squeeze=False)
        for ax, (noise, errors) in zip(axes[0], maps.items(), strict=True):
            image = ax.contourf(weights, biases, errors.clip(1e-9), **_SHADES)
            least = fit(1.0, noise).weight
            line = np.array([least, weights.max()])
            ax.plot(line, 1 - line, color=GREEN, linewidth=2.5, label="error 0")
            mine: Any = ends[(ends["s"] == 1) & np.isclose(ends["n"], noise)]
            for (_, row), colour, mark in zip(mine.iterrows(), _STARTS, _MARKS, strict=True):
                look = {"color": colour, "fillstyle": "none", "markersize": 6.5}
                ax.plot(
                    [row["start"], row["weight"]],
                    [0, row["bias"]],
                    "-",
                    color=colour,
                    linewidth=1,
                    alpha=0.8,
                )
                name = f"from norm {row['start']:g}"
                ax.plot(row["weight"], row["bias"], mark, label=name, linewidth=0, **look)
            look = {"color": INK, "fillstyle": "none", "markersize": 11, "linewidth": 0}
            ax.plot(least, 1 - least, "s", label="draft", **look)
            ax.set(title=f"n = {noise:g}", xlabel="norm", xlim=(0.4, 4.2), ylim=(-3, 0.3))
            ax.set(xticks=[1, 2, 3, 4], yticks=[-3, -2, -1, 0])
        axes[0, 0].set_ylabel("bias")
        bar = fig.colorbar(image, ax=list(axes[0]), label="error, over the power")
        bar.set_ticks(_SHADES["levels"], labels=["0.0001", "0.001", "0.01", "0.1", "1"])
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


_SHADES: dict[str, Any] = {
    "levels": [1e-4, 1e-3, 1e-2, 1e-1, 1.0],
    "colors": ["#FFFFFF", "#F2F2F2", "#E3E3E3", "#D2D2D2", "#BFBFBF", "#A6A6A6"],
    "extend": "both",
}
_STARTS = (ORANGE, VERMILLION, PURPLE, BLUE)
_MARKS = ("o", "^", "v", "D")


def noisy_panels(ends: pd.DataFrame, penalty: float) -> Figure:
    """Norm and bias of latents that are asked for their own input, over the noise; a mark a start,
    beside one another where they would coincide.

    Args:
        ends: from `bias_runs.ends_table`, with a column `start`.
        penalty: that they were trained with.
    """
    share = np.linspace(0, 0.55, 56)
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.5))
        for ax, column, found in zip(axes, ("weight", "bias"), (1.0, -penalty / 2), strict=True):
            drafted = [getattr(fit(1.0, float(noise)), column) for noise in share]
            ax.plot(share, drafted, "--", color=GREEN, label="the draft's, at s = 1")
            ax.axhline(found, color=INK, linewidth=1, label="norm 1, bias −λ/2")
            for k, (start, rows) in enumerate(ends.groupby("start")):
                aside = 0.014 * (k - 1.5)
                look = {"color": _STARTS[k], "markersize": 6, "linewidth": 0, "fillstyle": "none"}
                name = f"from norm {start:g}"
                ax.plot(rows["n"] / rows["s"] + aside, rows[column], _MARKS[k], label=name, **look)
            ax.set(xlabel="noise n, in units of s", xticks=[0, 0.1, 0.25, 0.5])
        axes[0].set_ylabel("norm")
        axes[1].set_ylabel("bias")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def spread_panel(least: pd.DataFrame, trained: pd.DataFrame) -> Figure:
    """Error over the power against the spread: what can be reached, and what was.

    Args:
        least: from `bias_runs.least_errors`.
        trained: from `bias_runs.trained_errors`.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 4.0))
        for (noise, rows), colour in zip(
            least.groupby("n"), (ORANGE, VERMILLION, PURPLE), strict=True
        ):
            over = 100 * rows["relu"] / rows["power"]
            ax.plot(rows["r"], over, color=colour, label=f"least of ReLU, n = {noise:g}")
        flat: Any = least.groupby("r")[["scsae", "power"]].max()
        ax.plot(flat.index, 100 * flat["scsae"] / flat["power"], color=BLUE, label="least of SCSAE")
        looks = {"relu": ("o", PURPLE, "ReLU"), "scsae": ("D", BLUE, "SCSAE")}
        for gate, (mark, colour, name) in looks.items():
            rows = trained[trained["gate"] == gate]
            over = 100 * rows["error"] / rows["power"]
            look = {"color": colour, "fillstyle": "none", "linewidth": 0, "clip_on": False}
            ax.plot(rows["r"], over, mark, label=f"{name}, trained", markersize=8, **look)
        ax.set(xlabel="r: magnitudes uniform on [1 − r, 1 + r]", ylabel="error, % of the power")
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def spread_table(least: pd.DataFrame, trained: pd.DataFrame) -> pd.DataFrame:
    """What `spread_panel` draws: a row for each least error and each trained latent."""
    lines = least.melt(["r", "n", "power"], ["relu", "scsae"], "gate", "error").assign(what="least")
    marks = trained[trained["gate"].isin(["relu", "scsae"])].drop(columns="relu")
    return pd.concat([lines, marks.assign(what="trained")], ignore_index=True)


def gradient_panels(table: pd.DataFrame) -> Figure:
    """A panel a gate: the derivative in b that there is, and what training is given.

    Args:
        table: from `bias_runs.gradient_table`.
    """
    looks = {
        "true_b": ("in b, true", INK, ":", 2.4),
        "for_b": ("in b, used", VERMILLION, "-", 2.0),
        "for_m": ("in m, used", SKY_BLUE, "-", 4.5),
    }
    with use_style():
        fig, axes = plt.subplots(3, 2, figsize=(6.0, 6.4), sharex=True, sharey=True)
        for ax, (gate, rows) in zip(axes.flat, table.groupby("gate", sort=False), strict=True):
            for column in ("for_m", "for_b", "true_b"):
                label, colour, line, width = looks[column]
                ax.plot(rows["m"], rows[column], line, color=colour, linewidth=width, label=label)
            ax.set_title(_NAMES[str(gate)])
        for ax in axes[-1]:
            ax.set_xlabel("m")
        for ax in axes[:, 0]:
            ax.set_ylabel("gradient")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


_NAMES = {
    "relu": "ReLU",
    "scsae": "SCSAE",
    "scsae_multiplied": "SCSAE, multiplied",
    "prolu_relu": "ProLU, as ReLU",
    "prolu_ste": "ProLU, STE",
    "jump_relu": "JumpReLU",
}

"""The chapter on the bias, in closed form: response curves, the draft's formulas, the gate.

What was trained or differentiated is drawn by `plots.bias_ends`, whose functions are here too.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    SKY_BLUE,
    VERMILLION,
    use_style,
)
from steering_core.sparse_autoencoders.plots.bias_ends import (
    family_panels,
    gradient_panels,
    noisy_panels,
    spread_panel,
    spread_table,
)
from steering_core.sparse_autoencoders.plots.bias_explorer import response_explorer, response_table
from steering_core.sparse_autoencoders.response import (
    Fitted,
    drafted_gate,
    drafted_response,
    response,
)

__all__ = [
    "drafted_panels",
    "drafted_table",
    "family_panels",
    "gate_panels",
    "gate_table",
    "gradient_panels",
    "jobs_panel",
    "jobs_table",
    "magnitude_panel",
    "magnitude_table",
    "noisy_panels",
    "response_explorer",
    "response_panels",
    "response_table",
    "spread_panel",
    "spread_table",
]

RELU, GATE = VERMILLION, BLUE
_SHADES = (SKY_BLUE, GREEN, ORANGE, VERMILLION)


def jobs_table() -> pd.DataFrame:
    """A unit encoder without a bias, with one of -0.5, and with one that only gates."""
    m = _grid(0.5, 2.0)
    latents = {
        "no_bias": Fitted(1.0, 0.0),
        "relu": Fitted(1.0, -0.5),
        "gate": Fitted(1.0, -0.5, "scsae"),
    }
    return pd.DataFrame({"magnitude": m} | {name: of(m) for name, of in latents.items()})


def jobs_panel(table: pd.DataFrame) -> Figure:
    """What comes out for what goes in; the two jobs of the bias are marked."""
    with use_style():
        fig, ax = plt.subplots(figsize=(5.4, 3.7))
        m = table["magnitude"]
        ax.plot(m, table["no_bias"], ":", color=INK, label="no bias: exact")
        ax.plot(m, table["gate"], color=GATE, linewidth=3, alpha=0.75, label="bias gates only")
        ax.plot(m, table["relu"], color=RELU, label="bias gates and shifts (ReLU)")
        arrow = {"arrowstyle": "<->", "color": INK, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (1.5, 1.5), (1.5, 1.0), arrowprops=arrow)
        ax.text(1.53, 1.22, "shift", va="center")
        ax.annotate("", (0, -0.12), (0.5, -0.12), arrowprops=arrow)
        ax.text(0.25, -0.18, "gate", ha="center", va="top")
        ticks = [0, 0.5, 1, 1.5, 2]
        ax.set(xticks=ticks, yticks=ticks, ylim=(-0.4, 2.1))
        ax.set(xlabel="magnitude of the feature", ylabel="what comes out")
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def magnitude_table() -> pd.DataFrame:
    """Fitted to s = 1 with noise 0.5: outputs of both kinds from -0.5 to 2.5."""
    m = np.unique(np.concatenate([np.linspace(-0.5, 0.5, 21), _grid(0.5, 2.5)]))
    outputs = {kind: response(m, fitted_magnitude=1.0, noise=0.5, kind=kind) for kind in _KINDS}
    return pd.DataFrame({"magnitude": m} | outputs)


def magnitude_panel(table: pd.DataFrame) -> Figure:
    """Nothing for noise, s for s, and 3 for 2."""
    with use_style():
        fig, ax = plt.subplots(figsize=(5.4, 3.9))
        ax.axvspan(-0.5, 0.5, color=GRID, alpha=0.7, linewidth=0, label="noise, up to n = 0.5")
        m = table["magnitude"]
        ax.plot([0, 2.5], [0, 2.5], ":", color=INK, label="what went in")
        ax.plot(m, table["relu"], color=RELU, label="ReLU, norm 2, bias −1")
        for at, said, offset in ((1.0, "1 for 1", (8, -12)), (2.0, "3 for 2", (-8, 0))):
            (out,) = np.interp([at], m, table["relu"])
            ax.plot(at, out, "o", color=RELU)
            side = "left" if offset[0] > 0 else "right"
            ax.annotate(said, (at, out), offset, textcoords="offset points", ha=side, va="center")
        ax.set(xlabel="length along the feature", ylabel="what comes out", xlim=(-0.5, 2.5))
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def response_panels(table: pd.DataFrame) -> Figure:
    """The same responses as `response_explorer` shows, at four of its noises."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.5), sharey=True)
        for ax, kind, title in zip(axes, _KINDS, _TITLES, strict=True):
            ax.plot([0, 3], [0, 3], ":", color=INK, zorder=3, label="what went in")
            for share, colour in zip((0.1, 0.3, 0.5, 0.7), _SHADES, strict=True):
                rows = table[np.isclose(table["noise"], share)]
                ax.plot(rows["magnitude"], rows[kind], color=colour, label=f"n = {share:g} s")
            ax.plot(1, 1, "o", color=INK, markersize=4)
            ax.set(title=title, xlabel="magnitude, in units of s", xlim=(0, 3), ylim=(0, 6))
            ax.set_xticks([0, 1, 2, 3])
        axes[0].set_ylabel("output, in units of s")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


_KINDS = ("relu", "scsae")
_TITLES = ("gates and shifts", "gates only")


def drafted_table() -> pd.DataFrame:
    """Noise s/4; outputs over s for m from 1 to 4: the law and both formulas of the draft."""
    m = np.linspace(1, 4, 31)
    frames = []
    for s in (0.5, 1.0, 2.0):
        setting: dict[str, Any] = {"fitted_magnitude": s, "noise": s / 4}
        columns = {
            "law": response(m * s, **setting),
            "vector": drafted_response(m, **setting, form="vector"),
            "unit": drafted_response(m, **setting, form="unit"),
        }
        over_s = {name: values / s for name, values in columns.items()}
        frames.append(pd.DataFrame({"s": s, "n": s / 4, "m": m} | over_s))
    return pd.concat(frames, ignore_index=True)


def drafted_panels(table: pd.DataFrame) -> Figure:
    """One panel a fitted magnitude; heights in units of it."""
    looks = {
        "law": ("what comes out", INK, "-"),
        "vector": ("(1 + (m − 1)/(s − n)) v", ORANGE, "--"),
        "unit": ("v + (m − 1)/(s − n) v̂", SKY_BLUE, "-."),
    }
    with use_style():
        fig, axes = plt.subplots(1, 3, figsize=(6.4, 3.3), sharey=True)
        for ax, (s, rows) in zip(axes, table.groupby("s"), strict=True):
            for column, (label, colour, line) in looks.items():
                width = 3.5 if column == "law" else 1.8
                alpha = 0.35 if column == "law" else 1.0
                style = {"linewidth": width, "alpha": alpha, "linestyle": line}
                ax.plot(rows["m"], rows[column], color=colour, label=label, **style)
            ax.set(title=f"s = {s:g}", xlabel="m", xticks=[1, 2, 3, 4], yticks=[0, 5, 10, 15])
        axes[0].set_ylabel("output, in units of s")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def gate_table() -> pd.DataFrame:
    """The gate as drafted and mended, norm 1, at b = -0.5 and b = 1."""
    m = np.unique(np.concatenate([_grid(0.5, 1.5), -_grid(1.0, 1.5), [-1.0 + 1e-9]]))
    frames = []
    for bias in (-0.5, 1.0):
        drafted, mended = drafted_gate(m, weight=1.0, bias=bias), Fitted(1.0, bias, "scsae")(m)
        columns = {"bias": bias, "magnitude": m, "drafted": drafted, "mended": mended}
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)


def gate_panels(table: pd.DataFrame) -> Figure:
    """Both gates at both biases; what they give below zero is shaded, and named at wx = -0.5."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(6.4, 3.5), sharey=True)
        for ax, (bias, rows) in zip(axes, table.groupby("bias"), strict=True):
            _cross(ax)
            m = rows["magnitude"]
            ax.fill_between(
                m, rows["drafted"].clip(upper=0), color=SKY_BLUE, alpha=0.5, linewidth=0
            )
            ax.plot(m, rows["drafted"], color=SKY_BLUE, linewidth=4, label="as drafted")
            ax.plot(m, rows["mended"], color=GREEN, label="mended: and wx > 0")
            ax.set(title=f"b = {bias:g}".replace("-", "−"), xlabel="wx")
            ax.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
        axes[1].plot(-0.5, -0.5, "o", color=INK, markersize=5)
        axes[1].annotate(
            "−0.5 for −0.5", (-0.5, -0.5), (7, -3), textcoords="offset points", va="top"
        )
        axes[0].set_ylabel("what comes out")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def _cross(ax: Axes) -> None:
    for line in (ax.axhline, ax.axvline):
        line(0, color=GRID, linewidth=1)


def _grid(kink: float, high: float) -> np.ndarray:
    """From 0 to `high` in twentieths, and a hair above the kink: so a jump is drawn upright."""
    return np.union1d(np.linspace(0, high, round(20 * high) + 1), [kink, kink + 1e-9])

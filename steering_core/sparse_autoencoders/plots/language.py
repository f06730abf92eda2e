"""Frontiers on language models: what the model loses against how many latents fire."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.claims import Measured
from steering_core.publishing.style import GRID, INK, PAPER, TEMPLATE, use_style
from steering_core.sparse_autoencoders.plots.frontiers import (
    COLOURS,
    MARKERS,
    line_of_means,
    panels_of,
    ratios_table,
    words,
)

TITLES = {"first": "first model", "second": "second model"}
RIGHT = (0.95, 1.05)
"""Lengths that count as right, in the rules of the claim."""
L0, LEAST = [1, 2, 4, 8, 16, 32], 0.8
"""Ticks, and the L0 below which lengths are not drawn."""
ADDED = [0.05, 0.1, 0.2, 0.5, 1]
"""Ticks of the loss added, in nats."""


def frontier_panels(table: Any, column: str, label: str) -> Figure:
    """One panel a model: a line for each architecture through its penalties, means over seeds, with
    the seeds as dots.

    table: of the study, with columns `model`, `architecture`, `seed`, `penalty`, `l0` and `column`.
    """
    models = list(dict.fromkeys(table["model"]))
    with use_style():
        fig, axes = plt.subplots(
            1, len(models), figsize=(3.7 * len(models) + 0.4, 4.0), squeeze=False, sharey=True
        )
        for ax, model in zip(axes[0], models, strict=True):
            _lines(ax, table[table["model"] == model], column)
            ax.set(title=TITLES[model], yscale="log")
        axes[0, 0].set_ylabel(label)
        _plain_ticks(axes[0, 0], table[column])
        _legend(fig, axes[0, 0])
    return fig


def floor_panels(table: Any, floors: Mapping[str, str]) -> Figure:
    """One panel a floor, of one height: the share of the loss that is recovered over it.

    table: rows of one model.
    floors: column -> title of its panel.
    """
    with use_style():
        fig, axes = plt.subplots(
            1, len(floors), figsize=(3.7 * len(floors) + 0.4, 3.9), sharey=True
        )
        for ax, (column, title) in zip(np.atleast_1d(axes), floors.items(), strict=True):
            _lines(ax, table, column)
            ax.axhline(1, color=INK, linewidth=0.8)
            ax.set(title=title)
        np.atleast_1d(axes)[0].set_ylabel("share of the loss recovered")
        _legend(fig, np.atleast_1d(axes)[0])
    return fig


def length_panels(tables: Mapping[str, Any]) -> Figure:
    """One panel a table: relative length of outputs against L0; the band is what counts as right.

    tables: title -> rows with columns `architecture`, `seed`, `penalty`, `l0` and `shrinkage`.
    """
    with use_style():
        fig, axes = plt.subplots(
            1, len(tables), figsize=(3.7 * len(tables) + 0.4, 3.9), squeeze=False, sharey=True
        )
        for ax, (title, table) in zip(axes[0], tables.items(), strict=True):
            ax.axhspan(*RIGHT, color=GRID, alpha=0.6, linewidth=0)
            _lines(ax, table, "shrinkage")
            ax.set(title=title, xlim=(LEAST if table["l0"].min() < LEAST else None, None))
        axes[0, 0].set_ylabel("relative length of outputs")
        _legend(fig, axes[0, 0])
    return fig


def frontier_explorer(table: Any) -> go.Figure:
    """Every autoencoder a point that says all about itself; hollow, and joined by dashes, for the
    second model."""
    fig = go.Figure()
    for name, of_name in table.groupby("architecture", sort=False):
        for model, rows in of_name.groupby("model", sort=False):
            first = model == next(iter(TITLES))
            colour = COLOURS[str(name)]
            fig.add_scatter(
                x=rows["l0"],
                y=rows["added"],
                mode="markers",
                name=words(str(name)),
                legendgroup=str(name),
                showlegend=bool(first),
                marker={
                    "color": colour if first else PAPER,
                    "line": {"color": colour, "width": 1.5},
                    "size": 7,
                },
                customdata=rows[["penalty", "seed", "fvu", "shrinkage", "recovered"]],
                hovertemplate=(
                    f"{words(str(name))}, {TITLES[str(model)]}<br>"
                    "penalty %{customdata[0]:.3g}, seed %{customdata[1]}<br>"
                    "L0 %{x:.1f}, %{y:.3f} nats added<br>"
                    "error %{customdata[2]:.3f}, length %{customdata[3]:.2f}<br>"
                    "recovered %{customdata[4]:.1%} over zeros<extra></extra>"
                ),
            )
            means = rows.groupby("penalty")[["l0", "added"]].mean()
            dash = {} if first else {"dash": "dash"}
            fig.add_scatter(**line_of_means(str(name), means, "added", **dash))
    fig.update_layout(
        template=TEMPLATE,
        height=520,
        xaxis={"type": "log", "title": "latents that fire, L0", "tickvals": L0},
        yaxis={"type": "log", "title": "loss added, nats a token", "tickvals": ADDED},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"t": 10},
    )
    return fig


def ratio_rows(quotients: Mapping[str, Mapping[str, Mapping[float, Measured | None]]]) -> Any:
    """Ratio and interval by model, architecture and level: model -> rival -> L0 -> ratio."""
    return pd.concat(
        [ratios_table(of_model).assign(model=model) for model, of_model in quotients.items()],
        ignore_index=True,
    )


def ratio_panels(table: Any, levels: Sequence[float], label: str) -> Figure:
    """One panel an architecture: the ratio at each matched L0 with its interval, hollow for the
    second model; below 1 less is lost.

    table: what `ratio_rows` gives.
    """
    rivals = list(dict.fromkeys(table["rival"]))
    with use_style():
        fig, panels = panels_of(len(rivals), across=3)
        for ax, rival in zip(panels, rivals, strict=True):
            ax.axhline(1, color=INK, linewidth=0.8)
            for which, model in enumerate(dict.fromkeys(table["model"])):
                rows = table[(table["rival"] == rival) & (table["model"] == model)]
                places = [list(levels).index(level) + 0.3 * which for level in rows["l0"]]
                spread = np.stack([rows["ratio"] - rows["low"], rows["high"] - rows["ratio"]])
                ax.errorbar(
                    places,
                    rows["ratio"],
                    spread,
                    fmt="o",
                    color=COLOURS[rival],
                    markerfacecolor=PAPER if which else COLOURS[rival],
                    markersize=4,
                    linewidth=1.2,
                    label=TITLES[model],
                )
            ax.set(xlim=(-0.6, len(levels) - 0.1), yscale="log")
            ax.set_title(words(rival), fontsize=9)
            ax.set_xticks(np.arange(len(levels)) + 0.15, [f"{v:g}" for v in levels])
        ax = panels[0]
        _plain_ticks(ax, [*table["low"], *table["high"], 1])
        ax.text(-0.5, 0.98, "the same", fontsize=8, va="top")
        handles, labels = ax.get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
        fig.supylabel(label, fontsize=10)
        fig.supxlabel("matched L0", fontsize=10)
    return fig


def _lines(ax: Axes, table: Any, column: str) -> None:
    """A line for each architecture through the means over seeds at its penalties."""
    for name, rows in table.groupby("architecture", sort=False):
        means = rows.groupby("penalty")[["l0", column]].mean()
        look = {"color": COLOURS[str(name)], "linewidth": 1.2, "markersize": 5}
        ax.plot(
            means["l0"], means[column], marker=MARKERS[str(name)], label=words(str(name)), **look
        )
        ax.plot(rows["l0"], rows[column], ".", color=COLOURS[str(name)], ms=2, alpha=0.5)
    ax.set(xscale="log", xlabel="latents that fire, L0")
    shown = [tick for tick in L0 if table["l0"].min() <= 1.1 * tick <= 1.2 * table["l0"].max()]
    ax.set_xticks(shown, [str(tick) for tick in shown])
    ax.minorticks_off()


def _plain_ticks(ax: Axes, values: Any) -> None:
    """Ticks of a logarithmic axis in plain numbers, as many as lie among the values."""
    low, high = float(np.min(values)), float(np.max(values))
    steps = [s * 10.0**power for power in range(-4, 3) for s in (1, 1.5, 2, 3, 5, 7)]
    shown = [step for step in steps if 0.8 * low <= step <= 1.25 * high]
    ax.set_yticks(shown, [f"{step:g}" for step in shown])
    ax.minorticks_off()


def _legend(fig: Figure, ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=3)

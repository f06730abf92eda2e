"""Dimensions per feature against sparsity: the published curves and ours, and what they count."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from steering_core.publishing.style import GRID, INK, PALETTE, use_style
from steering_core.superposition.dimension_measures import Runs, explained_features
from steering_core.superposition.dimension_study import FRACTIONS, N_FEATURES, N_HIDDEN
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import (
    ACTIVATION_COLOURS,
    expansion_axis,
    look,
    named,
    plain_ticks,
)

Curve = Float[np.ndarray, " levels"]
AGREES = 0.05  # the largest distance at which a published curve counts as reproduced
CEILING = N_FEATURES / N_HIDDEN
_PLOTLY_MARKERS = {
    "linear": "x-thin-open",
    "relu": "circle-open",
    "gelu": "square-open",
    "silu": "diamond-open",
    "sigmoid": "triangle-up-open",
    "tanh": "cross-open",
    "solu": "triangle-down-open",
}


def dimension_curves(
    live: Mapping[str, Curve],
    studied: Mapping[str, Runs],
    published: Mapping[str, Curve],
    expansion: Curve,
) -> Figure:
    """D* against 1/(1-S), an activation a panel.

    Args:
        live: our recipe, a model a level.
        studied: the published recipe; the line is the mean over seeds, the band their range.
        published: the curves of the source.
        expansion: 1/(1-S) of the levels.
    """
    _check(live, studied, published)
    with use_style():
        fig, axes = plt.subplots(2, 4, figsize=(8.6, 4.6), sharex=True, sharey=True)
        for ax, name in zip(axes.flat, NAMES, strict=False):
            colour = ACTIVATION_COLOURS[name]
            runs = studied[name]
            _line_and_range(ax, runs.densities, runs.column("dimensions"), color=colour)
            ax.plot(expansion, live[name], "--", color=INK, linewidth=1)
            ax.plot(
                expansion,
                published[name],
                "o",
                color=INK,
                markerfacecolor="none",
                markersize=4.5,
                markeredgewidth=0.7,
            )
            ax.set_title(NAMES[name])
            expansion_axis(ax, label=False)
            ax.set(yscale="log", ylim=(0.025, 1.3))
            plain_ticks(ax, "y", (0.05, 0.1, 0.2, 0.5, 1.0))
            ax.grid(alpha=0.6)
        axes[0, 3].tick_params(labelbottom=True)  # no panel below it
        axes[1, 3].axis("off")
        axes[1, 3].legend(handles=_kinds(), loc="center", borderaxespad=0)
        fig.supxlabel("1/(1 − S)", fontsize=10)
        fig.supylabel("D*, dimensions per feature", fontsize=10)
    return fig


def _kinds() -> list[Line2D]:
    """The three kinds of curve, for a legend."""
    open_circle = {"marker": "o", "markerfacecolor": "none", "markersize": 4, "linestyle": "none"}
    return [
        Line2D([], [], color=INK, label="published curve", **open_circle),
        Line2D([], [], color=ACTIVATION_COLOURS["relu"], label="published recipe,\nrange of seeds"),
        Line2D([], [], color=INK, linestyle="--", linewidth=1, label="our recipe, live"),
    ]


def dimension_explorer(
    live: Mapping[str, Curve],
    studied: Mapping[str, Runs],
    published: Mapping[str, Curve],
    expansion: Curve,
) -> go.Figure:
    """The same in one plot: as D* or as features per dimension; a click in the legend isolates."""
    _check(live, studied, published)
    fig = go.Figure()
    forms: list[list[tuple[Curve, Float[np.ndarray, "levels 4"]]]] = [[], []]
    for name in NAMES:
        group = {"legendgroup": name, "name": NAMES[name], "hovertemplate": _HOVER}
        colour = ACTIVATION_COLOURS[name]
        fig.add_scatter(mode="lines", line={"color": colour, "width": 2}, **group)
        fig.add_scatter(
            mode="markers",
            marker={"symbol": _PLOTLY_MARKERS[name], "color": colour, "size": 8},
            showlegend=False,
            **group,
        )
        fig.add_scatter(
            mode="lines",
            line={"color": colour, "width": 1, "dash": "dash"},
            showlegend=False,
            **group,
        )
        curves = [
            np.asarray(c, float) for c in (studied[name].curve(), published[name], live[name])
        ]
        for form, shown in zip(forms, (curves, [1 / c for c in curves]), strict=True):
            ours, theirs, quick = shown
            numbers = np.stack([ours, theirs, ours - theirs, quick], axis=-1).round(4)
            form += [(c.round(4), numbers) for c in shown]
    traces: Any = fig.data
    for trace, (y, numbers) in zip(traces, forms[0], strict=True):
        trace.update(x=np.asarray(expansion, float).round(3), y=y, customdata=numbers)
    titles = ("D*, dimensions per feature", "1/D*, features per dimension")
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"y": [y.tolist() for y, _ in form], "customdata": [c.tolist() for _, c in form]},
                {
                    "yaxis.title.text": title,
                    "shapes[0].visible": is_inverse,
                    "annotations[0].visible": is_inverse,
                },
            ],
        }
        for label, title, form, is_inverse in zip(
            ("D*", "1/D*"), titles, forms, (False, True), strict=True
        )
    ]
    fig.update_layout(
        height=580,
        margin={"t": 60},
        hoverlabel={"bgcolor": "white"},
        xaxis={
            "type": "log",
            "title": f"1/(1 − S)<br><sub>{_KEY}</sub>",
            "tickvals": [1, 2, 5, 10, 20],
        },
        yaxis={"title": titles[0], "rangemode": "tozero"},
        legend={
            "orientation": "h",
            "y": -0.26,
            "yanchor": "top",
            "itemclick": "toggleothers",
            "itemdoubleclick": "toggle",
            "groupclick": "togglegroup",
        },
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "active": 0,
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
            }
        ],
        shapes=[
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": CEILING,
                "y1": CEILING,
                "line": {"color": INK, "dash": "dot", "width": 1.5},
                "visible": False,
            }
        ],
        annotations=[
            {
                "text": f"n/m = {CEILING:g}",
                "xref": "paper",
                "x": 0.01,
                "xanchor": "left",
                "y": CEILING,
                "yanchor": "bottom",
                "showarrow": False,
                "visible": False,
            }
        ],
    )
    return fig


_KEY = "line: our rerun; marks: published; dashed: our recipe"
_HOVER = (
    "1/(1 − S) = %{x:.3g}<br>our rerun %{customdata[0]:.4f}<br>"
    "published %{customdata[1]:.4f}<br>difference %{customdata[2]:+.4f}<br>"
    "our recipe %{customdata[3]:.4f}"
)


def recipe_bars(explained: pd.DataFrame) -> Figure:
    """The largest distance to the published curve, by activation (row) and recipe (column)."""
    named(list(explained.index), holder="explained")
    with use_style():
        fig, ax = plt.subplots(figsize=(7.0, 3.6))
        rows = np.arange(len(NAMES))
        shifts = np.linspace(-0.28, 0.28, len(explained.columns))
        looks = zip(explained.columns, cycle(PALETTE), cycle("osD^vP"), shifts, strict=False)
        for recipe, colour, marker, shift in looks:
            values = explained.loc[list(NAMES), recipe].to_numpy(float)
            ax.plot(values, rows + shift, marker, color=colour, label=recipe, markersize=6)
        ax.axvline(AGREES, color=INK, linestyle=":", linewidth=1.2, label=f"{AGREES:g}, the rule")
        for row in rows[:-1]:
            ax.axhline(row + 0.5, color=GRID, linewidth=0.8, zorder=0)
        ax.set_xscale("log")
        plain_ticks(ax, "x", (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0))
        ax.set_yticks(rows, list(NAMES.values()))
        ax.tick_params(axis="y", length=0)
        ax.set(ylim=(len(NAMES) - 0.5, -0.5), xlabel="largest distance to the published D*")
        fig.legend(title="recipe", loc="outside right center")
    return fig


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
        "sum of $r_i$ over m": (lambda one: explained_features(one) / N_HIDDEN, CEILING),
    }
    with use_style():
        fig, axes = plt.subplots(2, 2, figsize=(7.6, 5.4), sharex=True)
        for ax, (title, (of, ceiling)) in zip(axes.flat, panels.items(), strict=True):
            for name, one in runs.items():
                _line_and_range(ax, one.densities, of(one), markersize=4, **look(name))
            if ceiling is not None:
                ax.axhline(ceiling, color=INK, linestyle=":", linewidth=1.2)
                text = "at most 1" if ceiling == 1 else f"n/m = {ceiling:g}"
                ax.annotate(
                    text, (20, ceiling), (0, 5), textcoords="offset points", ha="right", fontsize=9
                )
            expansion_axis(ax, label=False)
            ax.set_title(title)
            ax.set_ylim(0, max(ax.get_ylim()[1], 1.2 * (ceiling or 0)))
        fig.supxlabel("1/(1 − S)", fontsize=10)
        handles, names = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, names, loc="outside upper center", ncols=len(runs))
    return fig


def _line_and_range(
    ax: Axes, densities: Curve, values: Float[np.ndarray, "levels seeds"], **style: Any
) -> None:
    """The mean over seeds as a line, their range as a band."""
    ax.plot(1 / densities, values.mean(1), **{"linewidth": 1.8, **style})
    ends = values.min(1), values.max(1)
    ax.fill_between(1 / densities, *ends, color=style["color"], alpha=0.25, linewidth=0)


def _check(
    live: Mapping[str, Curve], studied: Mapping[str, Runs], published: Mapping[str, Curve]
) -> None:
    for holder, curves in (("live", live), ("studied", studied), ("published", published)):
        named(curves, holder=holder)

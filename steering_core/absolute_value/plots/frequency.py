"""How often the motif forms, whether it works, and what share of a model it is."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.absolute_value.density_measures import over_nets
from steering_core.absolute_value.motif_measures import COLUMNS, rows_of, shares
from steering_core.absolute_value.motif_study import BASE, CHANGED_AT, CHANGES, CONTROL_DENSITIES
from steering_core.absolute_value.parts import NAMES
from steering_core.publishing.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    use_style,
)

_COUNTS = {
    "instances": ("as trained", BLUE),
    "causal": ("of these causal", GREEN),
    "null": ("permuted but for main features", ORANGE),
    "null_all": ("permuted", VERMILLION),
}


def counts_table(table: pd.DataFrame) -> pd.DataFrame:
    """Instances a model at every density of the base setting, with intervals, and the nulls."""
    base: Any = rows_of(table)
    return pd.DataFrame(
        [
            {"density": density, "count": name} | _numbers(rows[name])
            for density, rows in base.groupby("density", sort=False)
            for name in _COUNTS
        ]
    )


def _numbers(values: Any) -> dict[str, float]:
    measured = over_nets(values.to_numpy(float))
    low, high = measured.interval or (measured.value, measured.value)
    return {"mean": measured.value, "low": low, "high": high, "models": measured.n}


def counts_panels(counts: Any, table: pd.DataFrame) -> Figure:
    """Left: instances a model. Right: share of models with one, two or more, just two."""
    base: Any = rows_of(table)
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.3))
        for name, (label, colour) in _COUNTS.items():
            rows = counts[counts["count"] == name]
            spread = np.stack([rows["mean"] - rows["low"], rows["high"] - rows["mean"]])
            axes[0].errorbar(
                rows["density"],
                rows["mean"],
                spread,
                fmt="o-",
                color=colour,
                markersize=4,
                label=label,
            )
        axes[0].set(ylabel="instances a network")
        axes[0].set_yscale("symlog", linthresh=0.1)
        axes[0].set_yticks([0, 0.1, 1, 10], ["0", "0.1", "1", "10"])
        for has, colour, label in (
            (base["instances"] >= 1, BLUE, "at least 1"),
            (base["instances"] >= 2, PURPLE, "at least 2"),
            (base["instances"] == 2, ORANGE, "just 2"),
        ):
            share = has.groupby(base["density"]).mean()
            axes[1].plot(share.index, share, "o-", color=colour, markersize=4, label=label)
        axes[1].set(ylabel="share of networks", ylim=(-0.03, 1.03))
        for ax in axes:
            ax.set(xscale="log", xlabel="density 1 − S")
            ax.set_xticks([1, 0.1, 0.01], ["1", "0.1", "0.01"])
            ax.invert_xaxis()
        axes[1].legend(loc="upper left")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8)
    return fig


_TASKS = {
    "storage": "storage: x in [0, 1]",
    "bottleneck": "storage, linear hidden layer",
    "mixed labels": "mixed labels",
}


def changes_table(table: pd.DataFrame) -> pd.DataFrame:
    """Instances a model when one thing is changed, with intervals; tasks at two densities."""
    rows = []
    for change in ({}, *CHANGES):
        densities = (CHANGED_AT,) if change and "task" not in change else CONTROL_DENSITIES
        for density in densities:
            models: Any = rows_of(table, density=density, **change)
            rows.append(
                {"change": _words(change), "density": density}
                | _numbers(models["instances"])
                | {"causal": models["causal"].sum() / max(1, models["instances"].sum())}
                | {"null": models["null"].mean()}
            )
    return pd.DataFrame(rows)


def _words(change: Mapping[str, Any]) -> str:
    if not change:
        return "base: " + f"{BASE['width']} neurons, importance {BASE['decay']}ⁱ"
    name, value = next(iter(change.items()))
    if name == "task":
        return _TASKS[value]
    if name == "decay":
        return "importance 1 for all" if value == 1 else f"importance {value}ⁱ"
    return f"{value} neurons" if name == "width" else f"weight decay {value}"


def changes_panel(changes: Any) -> Figure:
    """Instances a model when one thing is changed."""
    names = {name: place for place, name in enumerate(dict.fromkeys(changes["change"]))}
    with use_style():
        fig, ax = plt.subplots(figsize=(6.8, 0.3 * len(names) + 1.0))
        for (density, rows), colour in zip(
            changes.groupby("density", sort=False), (BLUE, VERMILLION), strict=True
        ):
            spread = np.stack([rows["mean"] - rows["low"], rows["high"] - rows["mean"]])
            ax.errorbar(
                rows["mean"],
                rows["change"].map(names),
                xerr=spread,
                fmt="o",
                color=colour,
                markersize=4,
                label=f"{density:g}",
            )
        ax.set_yticks(range(len(names)), list(names))
        ax.set(xlabel="instances a network", ylim=(len(names) - 0.5, -0.5))
        ax.set_xscale("log")
        ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.grid(axis="y", color=GRID, linewidth=0.6)
        fig.legend(loc="outside upper center", ncols=2, title="density 1 − S")
    return fig


def causal_panels(instances: Mapping[float, pd.DataFrame]) -> Figure:
    """Pre-activation of the weak output, strong feature alone: as it is against uninhibited; both
    axes are linear from -1 to 1, and logarithmic beyond."""
    with use_style():
        fig, axes = plt.subplots(
            1, len(instances), figsize=(7.4, 3.4), sharex=True, sharey=True, squeeze=False
        )
        for ax, (density, rows) in zip(axes[0], instances.items(), strict=True):
            ax.axhspan(-1e3, 0, color=GRID, alpha=0.45, linewidth=0)
            ax.plot([-1e3, 1e3], [-1e3, 1e3], color=INK, linewidth=0.8)
            passes = rows["causal"].to_numpy(bool)
            for mask, colour, label in (
                (passes, BLUE, "passes the causal test"),
                (~passes, VERMILLION, "fails it"),
            ):
                ax.plot(
                    rows["cut"][mask],
                    rows["alone"][mask],
                    "o",
                    color=colour,
                    markersize=2.5,
                    alpha=0.5,
                    label=label,
                )
            ax.set(title=f"density {density:g}", xlabel="without the inhibition")
        _frame(axes[0, 0], pd.concat(list(instances.values())))
        axes[0, 0].set_ylabel("as it is")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def _frame(ax: Axes, rows: Any) -> None:
    """Axes that hold every instance, and do not crowd those near zero."""
    ticks = [-10, -1, 0, 1, 10]
    names = [f"{tick}".replace("-", "−") for tick in ticks]
    ax.set(xscale="symlog", yscale="symlog")
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.set(xlim=_around(rows["cut"]), ylim=_around(rows["alone"]))


def _around(values: Any) -> tuple[float, float]:
    return 1.3 * min(values.min(), -1.0), 1.3 * max(values.max(), 1.0)


_PART_COLOURS = (BLUE, "#7FB8D9", VERMILLION, GRID)


def shares_table(table: pd.DataFrame) -> pd.DataFrame:
    """Mean shares of the four parts by density, of squared weights and of what cutting costs."""
    base: Any = rows_of(table)
    return pd.DataFrame(
        [
            {"density": density, "share_of": kind} | shares(rows, kind).mean().to_dict()
            for kind in ("norm", "cost")
            for density, rows in base.groupby("density", sort=False)
        ]
    )


def shares_panels(table: Any) -> Figure:
    """Stacked shares of the four parts against density."""
    titles = {"norm": "of the squared weights", "cost": "of what cutting costs"}
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.2), sharey=True)
        for ax, (kind, rows) in zip(axes, table.groupby("share_of", sort=False), strict=True):
            bottom = np.zeros(len(rows))
            for column, name, colour in zip(COLUMNS, NAMES, _PART_COLOURS, strict=True):
                ax.bar(range(len(rows)), rows[column], bottom=bottom, color=colour, label=name)
                bottom += rows[column].to_numpy()
            ax.set_xticks(range(len(rows)), [f"{density:g}" for density in rows["density"]])
            ax.set(title=titles[str(kind)], xlabel="density 1 − S", ylim=(0, 1))
        axes[0].set_ylabel("share")
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=4)
    return fig

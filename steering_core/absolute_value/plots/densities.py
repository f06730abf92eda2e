"""What neurons carry, against density: shares, degrees, order, weights, activations, basis."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.density_measures import at
from steering_core.absolute_value.neurons import Neurons
from steering_core.publishing.style import (
    BLUE,
    GRID,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    use_style,
)

_DENSITY = "density 1 − S"


def curve_of(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean of a number over nets and its interval at every density where any net has it."""
    rows = []
    for density in sorted(table["density"].unique(), reverse=True):
        if table.loc[table["density"] == density, column].notna().any():
            measured = at(table, density, column)
            low, high = measured.interval or (measured.value, measured.value)
            rows.append((density, measured.value, low, high, measured.n))
    return pd.DataFrame(rows, columns=["density", "value", "low", "high", "nets"])


def curves_table(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Several such curves under each other."""
    return pd.concat(
        [curve_of(table, column).assign(measure=column) for column in columns], ignore_index=True
    )


def _curve(ax: Axes, table: pd.DataFrame, column: str, **style: Any) -> None:
    curve: Any = curve_of(table, column)
    ax.fill_between(
        curve["density"], curve["low"], curve["high"], alpha=0.25, linewidth=0, color=style["color"]
    )
    ax.plot(curve["density"], curve["value"], "o-", markersize=4, **style)


def _density_axis(ax: Axes) -> None:
    ax.set(xscale="log", xlabel=_DENSITY)
    ax.set_xticks([1, 0.1, 0.01, 0.001], ["1", "0.1", "0.01", "0.001"])
    ax.invert_xaxis()


def sharing_panels(table: pd.DataFrame) -> Figure:
    """Left: shares of neurons with one, two or three, and more features. Right: how many."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.2))
        for column, colour, name in (
            ("single", BLUE, "one feature"),
            ("polysemantic", VERMILLION, "several"),
            ("two_or_three", ORANGE, "two or three"),
        ):
            _curve(axes[0], table, column, color=colour, label=name)
        axes[0].set(ylabel="share of live neurons", ylim=(-0.03, 1.03))
        _curve(
            axes[1],
            table,
            "carried_by_polysemantic",
            color=VERMILLION,
            label="polysemantic neurons",
        )
        _curve(axes[1], table, "carried", color=INK, label="all live neurons")
        axes[1].set(ylabel="features carried, mean", yscale="log")
        axes[1].set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
        for ax in axes:
            _density_axis(ax)
            ax.legend()
    return fig


def order_table(found: Sequence[Neurons], densities: Sequence[float]) -> pd.DataFrame:
    """Every live neuron of one model a density: rank of its primary feature, features carried."""
    return pd.DataFrame(
        [
            {"density": density, "rank": int(rank), "carried": int(carried)}
            for density, one in zip(densities, found, strict=True)
            for rank, carried in zip(one.primary, one.features, strict=True)
            if carried > 0
        ]
    )


def pure_table(rows: pd.DataFrame, *, last: int = 19) -> pd.DataFrame:
    """Share of neurons that carry one feature, by density and the rank of the primary.

    Args:
        rows: `order_table`.
        last: ranks above it are left out.
    """
    ranks: Any = pd.cut(rows["rank"], range(-1, last + 1, 5))
    names = {one: f"{int(one.left) + 1} to {int(one.right)}" for one in ranks.cat.categories}
    pure: Any = (rows["carried"] == 1).groupby([rows["density"], ranks], observed=True).mean()
    return pure.unstack().rename(columns=names).sort_index(ascending=False)


def order_panels(rows: Any, correlations: dict[float, float]) -> Figure:
    """Features carried against the rank of the primary feature, a panel a density."""
    with use_style():
        fig, axes = plt.subplots(
            1, len(correlations), figsize=(7.4, 2.5), sharex=True, sharey=True, squeeze=False
        )
        for ax, (density, correlation) in zip(axes[0], correlations.items(), strict=True):
            here: Any = rows[rows["density"] == density]
            ax.plot(here["rank"], here["carried"], "o", color=BLUE, markersize=4, alpha=0.55)
            ax.set(title=f"{density:g}: ρ = {correlation:.2f}".replace("-", "−"))
            ax.margins(y=0.1)
        axes[0, 0].set(ylabel="features carried", xlim=(-2, max(25, rows["rank"].max()) + 2))
        axes[0, 0].yaxis.set_major_locator(MaxNLocator(integer=True))
        fig.supxlabel("rank of the primary feature (0: most important)", fontsize=10)
    return fig


def primary_table(nets: Sequence[Net], neurons: Sequence[Neurons]) -> pd.DataFrame:
    """A row for each polysemantic neuron: second over first weight, and the primary's share of the
    activation in each decile.

    Args:
        nets: some nets.
        neurons: of each.
    """
    frames = []
    for net, found in zip(nets, neurons, strict=True):
        shares = primary_share(found, density=net.density, n_inputs=65_536)
        shares = shares[found.polysemantic].numpy()
        deciles = {f"decile_{d + 1}": shares[:, d] for d in range(10)}
        ratios = found.second_over_first[found.polysemantic].numpy()
        columns = {"density": net.density, "seed": net.seed, "second_over_first": ratios}
        frames.append(pd.DataFrame(columns | deciles))
    return pd.concat(frames, ignore_index=True)


def primary_panels(rows: Any, every: pd.DataFrame) -> Figure:
    """Left: the second weight over the first. Right: the primary's share by decile.

    Args:
        rows: `primary_table` of some nets.
        every: the study's table; its means are circles, beside the curves of the few.
    """
    colours = (BLUE, VERMILLION, ORANGE, PURPLE)
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.4, 3.1))
        deciles = [f"decile_{d}" for d in range(1, 11)]
        for (density, some), colour in zip(
            rows.groupby("density", sort=False), colours, strict=False
        ):
            ratios = np.sort(some["second_over_first"])
            axes[0].plot(
                ratios,
                np.arange(1, len(ratios) + 1) / len(ratios),
                color=colour,
                label=f"{density:g}",
            )
            axes[1].plot(range(1, 11), some[deciles].mean(), "o-", markersize=4, color=colour)
            means: Any = every[every["density"] == density].mean(numeric_only=True)
            for ax, x, y in (
                (axes[0], [0.5], means[["below_half"]]),
                (axes[1], [5.5, 10], means[["middle", "top"]]),
            ):
                ax.plot(x, y, "o", markersize=8, markerfacecolor="none", color=colour)
        axes[0].axvline(0.5, color=GRID, zorder=0)
        axes[0].annotate("half", (0.5, 0.02), (3, 0), textcoords="offset points", fontsize=8)
        axes[0].set(
            xlabel="second weight over first",
            ylabel="share of neurons with a ratio\nof at most this",
            xlim=(0, 1),
        )
        axes[1].set(
            xlabel="decile of the neuron's activation",
            ylabel="primary's share of it",
            ylim=(-0.03, 1.03),
            xticks=[1, 5, 10],
        )
        axes[1].set_xticklabels(["weakest", "5th", "strongest"])
        fig.legend(loc="outside upper center", ncols=4, title=_DENSITY)
    return fig


STATUSES = ("not there", "shared neurons only", "its own and a shared one", "neurons of its own")
_STATUS_COLOURS = ("#FFFFFF", VERMILLION, ORANGE, BLUE)


def status_table(found: Sequence[Neurons], densities: Sequence[float]) -> pd.DataFrame:
    """For each feature and density, in which kinds of neurons it is; one model a density."""
    rows = []
    for density, one in zip(densities, found, strict=True):
        own = (one.carried & ~one.polysemantic[:, None]).any(0)
        shared = (one.carried & one.polysemantic[:, None]).any(0)
        for feature, (alone, together) in enumerate(
            zip(own.tolist(), shared.tolist(), strict=True)
        ):
            status = STATUSES[(2 if together else 3) if alone else (1 if together else 0)]
            rows.append({"density": density, "feature": feature, "status": status})
    return pd.DataFrame(rows)


def status_panel(rows: Any) -> Figure:
    """Features by density, coloured by the kinds of neurons that carry them."""
    densities = list(dict.fromkeys(rows["density"]))
    codes = rows["status"].map(dict(zip(STATUSES, range(4), strict=True))).to_numpy()
    grid = codes.reshape(len(densities), -1)
    last = min(grid.shape[1], int(np.flatnonzero(grid.any(0)).max(initial=-1)) + 2)
    with use_style():
        fig, ax = plt.subplots(figsize=(7.4, 2.9))
        ax.imshow(
            grid[:, :last],
            cmap=ListedColormap(list(_STATUS_COLOURS)),
            vmin=0,
            vmax=3,
            aspect="auto",
        )
        ax.set(xlabel="feature, most important first", ylabel=_DENSITY)
        ax.set_yticks(range(len(densities)), [f"{density:g}" for density in densities])
        ax.set_xticks(np.arange(-0.5, last), minor=True)
        ax.set_yticks(np.arange(-0.5, len(densities)), minor=True)
        ax.grid(which="minor", color="white", linewidth=1)
        ax.tick_params(which="minor", length=0)
        handles = [
            Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=GRID) for colour in _STATUS_COLOURS
        ]
        fig.legend(handles[::-1], STATUSES[::-1], loc="outside upper center", ncols=4)
    return fig


def basis_panel(table: pd.DataFrame, linear: pd.DataFrame) -> Figure:
    """Kurtosis of the rows of W1 against density, beside the largest of 99 rotations; and of nets
    with a linear hidden layer."""
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 3.1))
        for column, colour, name in (
            ("kurtosis", BLUE, "as trained"),
            ("kurtosis_rotated", INK, "largest of 99 rotations"),
        ):
            _curve(ax, table, column, color=colour, label=name)
        for column, fill, name in (
            ("kurtosis", VERMILLION, "linear hidden layer"),
            ("kurtosis_rotated", "white", "largest of 99 rotations, linear"),
        ):
            style = {"color": VERMILLION, "markerfacecolor": fill, "markersize": 5, "label": name}
            ax.plot(linear["density"], linear[column], "s", **style)
        ax.set(ylabel="kurtosis of a row of W₁", yscale="log")
        ax.set_yticks([3, 10, 30, 100], ["3", "10", "30", "100"])
        _density_axis(ax)
        fig.legend(loc="outside upper center", ncols=2)
    return fig

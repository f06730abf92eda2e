"""Thresholds against noise, loss curves, what little penalty does, and one thing changed at a
time."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from steering_core.publishing.claims import Measured
from steering_core.publishing.style import BLUE, GREEN, GRID, INK, ORANGE, VERMILLION, use_style
from steering_core.sparse_autoencoders.plots.frontiers import COLOURS, MARKERS, words


def threshold_panels(tables: Mapping[str, Any]) -> Figure:
    """One panel an autoencoder: each latent's threshold against the most noise that it meets.

    tables: title -> what `thresholds` gives.
    """
    with use_style():
        fig, axes = plt.subplots(
            1, len(tables), figsize=(4.4 * len(tables) + 1.4, 4.2), squeeze=False, sharey=True
        )
        top = max(float(rows[["ceiling", "threshold"]].max().max()) for rows in tables.values())
        for ax, (title, rows) in zip(axes[0], tables.items(), strict=True):
            ax.plot([0, top], [0, top], color=INK, linewidth=0.8)
            ax.plot(
                rows["ceiling"],
                rows["floor"],
                "_",
                color=GREEN,
                ms=6,
                mew=1.4,
                alpha=0.85,
                label="least with the feature there",
            )
            ax.plot(
                rows["ceiling"],
                rows["p999"],
                ".",
                color=ORANGE,
                ms=3,
                alpha=0.6,
                label="99.9% of the noise lies below",
            )
            ax.plot(
                rows["ceiling"], rows["threshold"], ".", color=BLUE, ms=5, label="the threshold"
            )
            ax.set(title=title, xlabel="most noise met", xlim=(0, None), ylim=(0, None))
        axes[0, 0].set_ylabel("along the encoder")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


BEGUN = 2_000
"""Steps after which a curve is never above its panel; before, it has come down from far above."""


def curve_panels(curves: Any) -> Figure:
    """One panel a penalty: loss over steps, a thin line a seed, for each gradient."""
    penalties = sorted(set(curves["penalty"]))
    with use_style():
        fig, axes = plt.subplots(1, len(penalties), figsize=(7.6, 3.3), squeeze=False)
        for ax, penalty in zip(axes[0], penalties, strict=True):
            rows = curves[curves["penalty"] == penalty]
            for (name, seed), run in rows.groupby(["architecture", "seed"], sort=False):
                ax.plot(
                    run["step"],
                    run["loss"],
                    color=COLOURS[str(name)],
                    linewidth=0.9,
                    label=words(str(name)) if seed == 0 else None,
                )
            low = float(rows["loss"].min())
            high = float(rows.loc[rows["step"] > BEGUN, "loss"].max())
            ax.set(title=f"penalty {penalty:g}", xlabel="steps", yscale="log")
            ax.set_ylim(0.95 * low, 1.1 * max(high, 2 * low))
            ticks = [t for t in (10, 15, 20, 30, 40, 50, 70, 100) if low <= t <= 1.1 * high]
            ax.set_yticks(ticks, [str(tick) for tick in ticks])
            ax.minorticks_off()
            ax.set_xticks([0, 10_000, 20_000], ["0", "10,000", "20,000"])
        axes[0, 0].set_ylabel("loss")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=3)
    return fig


def balance_panel(table: Any) -> Figure:
    """Histograms over latents of the two balances.

    table: what `balance.balances` gives.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(6.2, 3.2))
        edges = np.linspace(-1, 1, 41).tolist()
        for column, colour, label in (
            ("encoder", BLUE, "E[g m], which moves the encoder"),
            ("bias", VERMILLION, "E[g], which moves the bias"),
        ):
            ax.hist(table[column], edges, color=colour, alpha=0.55, label=label)
            ax.axvline(table[column].median(), color=colour, linewidth=2)
        ax.axvline(0, color=INK, linewidth=0.8)
        ax.set(xlabel="balance: −1 all up, 1 all down", ylabel="latents")
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def little_table(table: Any, variants: Mapping[str, str]) -> pd.DataFrame:
    """Means over seeds of what little penalty does, by variant and penalty.

    variants: names in the table -> words.
    """
    columns = ["f1", "mcc", "l0", "up_right", "down_wrong", "negative"]
    rows = table[table["variant"].isin(list(variants))]
    means: Any = rows.groupby(["variant", "penalty"], sort=False)[columns].mean().reset_index()
    return means.assign(variant=means["variant"].map(dict(variants)))


def little_panels(means: Any) -> Figure:
    """F1, latents that fire, and the share of right activations that push up: one place a penalty.

    means: from `little_table`. Where a variant was trained at more than two penalties, a line joins
        them.
    """
    labels = {
        "f1": "F1",
        "l0": "latents that fire, L0",
        "up_right": "right activations that push up",
    }
    with use_style():
        fig, axes = plt.subplots(1, 3, figsize=(7.8, 3.3))
        places = sorted(set(means["penalty"]))
        colours = dict(
            zip(dict.fromkeys(means["variant"]), (BLUE, VERMILLION, GREEN), strict=False)
        )
        for ax, (column, label) in zip(axes, labels.items(), strict=True):
            for (name, rows), mark in zip(
                means.groupby("variant", sort=False), ("o", "s", "^"), strict=False
            ):
                rows = rows.sort_values("penalty")
                at = [places.index(penalty) for penalty in rows["penalty"]]
                line = "-" if len(rows) > 2 else ""
                ax.plot(at, rows[column], mark + line, color=colours[name], label=name, ms=5)
            ax.set(xlabel="penalty", ylabel=label, xlim=(-0.4, len(places) - 0.6))
            ax.set_xticks(range(len(places)), [f"{penalty:g}" for penalty in places])
        axes[1].set_yscale("log")
        axes[1].set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axes[1].minorticks_off()
        axes[2].axhline(0.5, color=GRID, linewidth=3, zorder=0)
        handles, names = axes[0].get_legend_handles_labels()
        fig.legend(handles, names, loc="outside upper center", ncols=3)
    return fig


def measured_table(measured: Mapping[str, Measured]) -> pd.DataFrame:
    """Name, value and interval."""
    return pd.DataFrame(
        [
            {
                "what": name,
                "value": one.value,
                "low": (one.interval or (one.value,) * 2)[0],
                "high": (one.interval or (one.value,) * 2)[1],
                "seeds": one.n,
            }
            for name, one in measured.items()
        ]
    )


def measured_panel(
    table: Any, label: str, *, line: float = 1.0, band: tuple[float, float] | None = None
) -> Figure:
    """A dot with its interval for each row; a line where nothing changes, and a band of no account.

    table: what `measured_table` gives.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 0.36 * len(table) + 1.0))
        if band is not None:
            ax.axvspan(*band, color=GRID, alpha=0.6, linewidth=0)
        ax.axvline(line, color=INK, linewidth=0.8)
        spread = np.stack([table["value"] - table["low"], table["high"] - table["value"]])
        ax.errorbar(
            table["value"], range(len(table)), xerr=spread, fmt="o", color=BLUE, markersize=5
        )
        ax.set_yticks(range(len(table)), list(table["what"]))
        ax.set(xlabel=label, ylim=(len(table) - 0.5, -0.5))
    return fig


def overlap_panel(table: Any) -> Figure:
    """Least error against the cosine of pairs, a line for each architecture; marks stand a little
    aside of one another.

    table: with columns `architecture`, `overlap`, `fvu`, `low`, `high`.
    """
    with use_style():
        fig, ax = plt.subplots(figsize=(6.2, 3.8))
        for k, (name, rows) in enumerate(table.groupby("architecture", sort=False)):
            spread = np.stack([rows["fvu"] - rows["low"], rows["high"] - rows["fvu"]])
            ax.errorbar(
                rows["overlap"] + 0.007 * (k - 4),
                rows["fvu"],
                spread,
                fmt=MARKERS[str(name)] + "-",
                color=COLOURS[str(name)],
                markersize=5,
                linewidth=1.2,
                label=words(str(name)),
            )
        ax.set(xlabel="cosine of a pair", ylabel="least error", yscale="log")
        ax.set_xticks(sorted(set(table["overlap"])))
        ticks = [t for t in (0.03, 0.04, 0.05, 0.07, 0.1, 0.15) if t < 1.1 * table["high"].max()]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        fig.legend(loc="outside upper center", ncols=3)
    return fig


def absorption_panel(table: Any, order: Sequence[str]) -> Figure:
    """How often a parent's latent fires, without and with a child; a dot a parent, and the means.

    table: with columns `architecture`, `parent`, `alone`, `with_child`.
    """
    rng = np.random.default_rng(0)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.4))
        for place, name in enumerate(order):
            rows = table[table["architecture"] == name]
            for shift, column, label in (
                (-0.17, "alone", "without a child"),
                (0.17, "with_child", "with a child"),
            ):
                colour = BLUE if column == "alone" else VERMILLION
                values = rows[column].dropna()
                x = place + shift + rng.uniform(-0.08, 0.08, len(values))
                ax.plot(x, values, ".", color=colour, ms=3, alpha=0.5)
                ax.plot(
                    [place + shift - 0.13, place + shift + 0.13],
                    [values.mean()] * 2,
                    color=colour,
                    linewidth=2.5,
                    label=label if place == 0 else None,
                )
        ax.set_xticks(range(len(order)), [words(name) for name in order], rotation=20)
        ax.set(ylabel="how often the parent's latent fires", ylim=(-0.03, 1.03))
        fig.legend(loc="outside upper center", ncols=2)
    return fig

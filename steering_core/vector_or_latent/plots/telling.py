"""How well vectors and latents tell genres, and the differences that decide."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steering_core.publishing.claims import Measured
from steering_core.publishing.style import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    use_style,
)
from steering_core.vector_or_latent.contrast import METHOD
from steering_core.vector_or_latent.directions import LATENTS
from steering_core.vector_or_latent.steering_study import BY_TRIAL

COLOURS = {
    "centred": BLUE,
    "isolated": SKY_BLUE,
    "latent": VERMILLION,
    LATENTS[0]: PURPLE,
    BY_TRIAL: VERMILLION,
    "eight latents": ORANGE,
    "random direction": BLACK,
    METHOD: GREEN,
}
MARKERS = {
    "centred": "o",
    "isolated": "s",
    "latent": "^",
    LATENTS[0]: "v",
    BY_TRIAL: "^",
    "eight latents": "D",
    "random direction": "x",
    METHOD: "P",
}
NAMES = {
    "centred": "mean-centred vector",
    "isolated": "isolated vector",
    "latent": "best latent",
    LATENTS[0]: "latent that tells best",
    BY_TRIAL: "best of four latents, by trial",
    "eight latents": "eight latents",
    "random direction": "best of 512 random directions",
    METHOD: "less all other sets",
}
GENRES = {
    "fantasy": "fantasy",
    "scifi": "sci-fi",
    "sports": "sports",
    "shakespeare": "Shakespeare",
}
TITLES = {"first": "first model", "second": "second model"}
OF_MODEL = {"first": BLUE, "second": GREEN}


def area_table(detected: Mapping[str, Any]) -> pd.DataFrame:
    """AUROC with its 99% interval, a row for each model, genre and method.

    Args:
        detected: model -> table of `measures.aurocs`, with or without that of `contrast_aurocs`.
    """
    rows = []
    for model, table in detected.items():
        for (genre, method), own in table.groupby(["genre", "method"], sort=False):
            value = float(own.loc[own["draw"] < 0, "auroc"].iloc[0])
            low, high = np.quantile(own.loc[own["draw"] >= 0, "auroc"], [0.005, 0.995])
            ends = (min(float(low), value), max(float(high), value))
            rows.append((model, genre, method, value, *ends))
    return pd.DataFrame(rows, columns=["model", "genre", "method", "auroc", "low", "high"])


def area_panels(table: Any) -> Figure:
    """One panel a model: for each genre the AUROC of every method, with its interval.

    Args:
        table: from `area_table`.
    """
    models, methods = (list(dict.fromkeys(table[c])) for c in ("model", "method"))
    with use_style():
        fig, axes = plt.subplots(
            1, len(models), figsize=(3.9 * len(models) + 0.4, 4.4), sharey=True, squeeze=False
        )
        for ax, model in zip(axes[0], models, strict=True):
            for which, method in enumerate(methods):
                rows = table[(table["model"] == model) & (table["method"] == method)]
                rows = rows.set_index("genre").loc[list(GENRES)]
                places = np.arange(len(GENRES)) + (which - (len(methods) - 1) / 2) * 0.13
                spread = [rows["auroc"] - rows["low"], rows["high"] - rows["auroc"]]
                ax.errorbar(
                    rows["auroc"],
                    places,
                    xerr=np.stack(spread),
                    fmt=MARKERS[method],
                    color=COLOURS[method],
                    markersize=5,
                    linewidth=1.2,
                    label=NAMES[method],
                )
            ax.set(title=TITLES[model], xlabel="AUROC, odd texts", xlim=(None, 1.01))
            ax.set_yticks(range(len(GENRES)), list(GENRES.values()))
        axes[0, 0].invert_yaxis()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def difference_table(parts: Mapping[str, Measured], names: Mapping[str, str]) -> pd.DataFrame:
    """Differences with their intervals, in the order of their names.

    Args:
        parts: of the claim, such as `measures.all_parts` gives.
        names: part of the first model -> what to call it; `_second` marks the other model's.
    """
    rows = []
    for part, name in names.items():
        for model, suffix in (("first", ""), ("second", "_second")):
            if (one := parts.get(part + suffix)) is not None:
                low, high = one.interval or (one.value, one.value)
                rows.append((part, name, model, one.value, low, high, one.n))
    columns = ["part", "what", "model", "difference", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns)


def difference_panels(table: Any, groups: Mapping[str, Sequence[str]]) -> Figure:
    """One panel a group of parts, one below the other: dots with intervals, and a line where two
    are alike; hollow for the second model.

    Args:
        table: from `difference_table`.
        groups: label of the axis -> parts.
    """
    heights = [len(parts) for parts in groups.values()]
    with use_style():
        fig, axes = plt.subplots(
            len(groups),
            1,
            figsize=(7.4, 0.42 * sum(heights) + 0.9 * len(groups)),
            height_ratios=heights,
            squeeze=False,
        )
        for ax, (label, parts) in zip(axes[:, 0], groups.items(), strict=True):
            _differences(ax, table[table["part"].isin(list(parts))], list(parts))
            ax.set(xlabel=label)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def _differences(ax: Axes, table: Any, parts: list[str]) -> None:
    ax.axvline(0, color=INK, linewidth=0.8)
    for which, (model, rows) in enumerate(table.groupby("model", sort=False)):
        places = [parts.index(part) + 0.25 * which for part in rows["part"]]
        ax.errorbar(
            rows["difference"],
            places,
            xerr=np.stack([rows["difference"] - rows["low"], rows["high"] - rows["difference"]]),
            fmt="o",
            color=OF_MODEL[str(model)],
            markerfacecolor=PAPER if which else OF_MODEL[str(model)],
            markersize=5,
            label=TITLES[str(model)],
        )
    named = table.drop_duplicates("part").set_index("part")["what"]
    ax.set_yticks(range(len(parts)), [named[part] for part in parts])
    ax.set_ylim(len(parts) - 0.4, -0.6)

"""What latents read, as figures: how much each fires in each set, and whether seeds agree."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Float64
from matplotlib.figure import Figure

from steering_core.publishing.style import INK, PALETTE, TEMPLATE, use_style

COLUMNS = {
    "fantasy": "fantasy",
    "scifi": "sci-fi",
    "sports": "sports",
    "shakespeare": "Shakesp.",
    "stories": "stories",
    "neutral": "neutral",
    "loving": "loving",
    "hateful": "hateful",
}
"""Sets of texts as the columns of a map are headed."""


def set_map(means: Any) -> Figure:
    """Latents by sets: how much each latent fires in each set, over the most it does in any.

    means: a frame with a row a latent, a column a set, in the order in which they are drawn.
    """
    shares = _shares(means)
    with use_style():
        fig, ax = plt.subplots(figsize=(7.4, 0.27 * len(means) + 1.2))
        image = ax.imshow(shares, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        ax.set_yticks(range(len(means)), list(means.index))
        ax.set_xticks(range(means.shape[1]), [COLUMNS[name] for name in means.columns])
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        ax.spines[:].set_visible(False)
        fig.colorbar(image, label="mean activation, over the row's largest")
    return fig


def set_explorer(means: Any, tokens: Sequence[Sequence[str]]) -> go.Figure:
    """The same map; a pointer on a cell tells the mean and the tokens at which the latent peaks.

    means: as for `set_map`.
    tokens: of each latent.
    """
    said = [escape(", ".join(own), quote=False) or "nowhere" for own in tokens]
    fig = go.Figure(
        go.Heatmap(
            z=_shares(means),
            x=[COLUMNS[name] for name in means.columns],
            y=list(means.index),
            customdata=np.stack(
                [means.round(4).astype(str), np.tile(np.array(said)[:, None], means.shape[1])],
                axis=-1,
            ),
            hovertemplate="%{y}, %{x}<br>mean activation %{customdata[0]}<br>peaks at "
            "%{customdata[1]}<extra></extra>",
            colorscale="Viridis",
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": "over the<br>row's largest"}, "thickness": 12},
        )
    )
    fig.update_layout(
        template=TEMPLATE,
        height=24 * len(means) + 110,
        xaxis={"side": "top", "tickangle": -90},
        yaxis={"autorange": "reversed"},
        margin={"t": 90, "b": 10, "r": 10},
    )
    return fig


def map_table(means: Any) -> pd.DataFrame:
    """What the map shows, a row a cell."""
    shares = _shares(means)
    return pd.DataFrame(
        [
            {"latent": latent, "set": name, "mean": float(means.iloc[i, j]), "share": shares[i, j]}
            for i, latent in enumerate(means.index)
            for j, name in enumerate(means.columns)
        ]
    )


def cosine_panel(cosines: Mapping[str, Float[np.ndarray, " _"]]) -> Figure:
    """Histograms of the cosine of each row with its nearest, a colour a name."""
    edges = np.linspace(0, 1, 41).tolist()
    with use_style():
        fig, ax = plt.subplots(figsize=(6.6, 3.4))
        for colour, (name, values) in zip(PALETTE, cosines.items(), strict=False):
            weights = np.full(len(values), 1 / len(values))
            ax.hist(values, edges, weights=weights, color=colour, alpha=0.5, label=name)
            ax.axvline(float(np.median(values)), color=colour, linewidth=2)
        ax.set(xlabel="cosine with the nearest of the other", ylabel="share", xlim=(0, 1))
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def area_panel(areas: Mapping[str, Float64[np.ndarray, " _"]], line: float) -> Figure:
    """For each name the share of its columns whose AUROC is at least so much, over how much.

    line: an AUROC to mark.
    """
    at = np.linspace(0.5, 1, 101)
    with use_style():
        fig, ax = plt.subplots(figsize=(6.6, 3.4))
        ax.axvline(line, color=INK, linewidth=0.8, linestyle=":")
        for colour, (name, values) in zip(PALETTE, areas.items(), strict=False):
            ax.plot(at, (values[:, None] >= at).mean(0), color=colour, label=name)
        ax.set(
            xlabel="AUROC of a text's set, odd texts", ylabel="share that reaches it", ylim=(0, 1)
        )
        fig.legend(loc="outside upper center", ncols=2)
    return fig


def _shares(means: Any) -> Float64[np.ndarray, "latents sets"]:
    values = means.to_numpy(float)
    return values / np.maximum(values.max(1, keepdims=True), 1e-12)

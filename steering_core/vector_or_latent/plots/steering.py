"""What steering by vectors and by latents gains, and what it costs."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure

from steering_core.publishing.style import INK, TEMPLATE, use_style
from steering_core.steering.choice import PERPLEXITY
from steering_core.vector_or_latent.directions import LATENTS
from steering_core.vector_or_latent.plots.telling import COLOURS, GENRES, MARKERS, NAMES, TITLES
from steering_core.vector_or_latent.steering_study import BY_TRIAL, OF_VECTORS, REPORTED, best

COSTS_SHOWN = (0.8, 4.2)
"""Perplexities, over the unsteered, that the interactive figure shows."""
RANKS = {name: rank for name, rank in zip(LATENTS, ("best", "2nd", "3rd", "4th"), strict=True)}
"""Latents by how well they tell a genre, as a table names them."""


def chosen_table(table: Any, model: str, seed: int) -> pd.DataFrame:
    """What the sweep chose for one model and autoencoder: a row a genre, a column a kind, and in it
    the coefficient, behind the rank of the latent where one was picked.

    Args:
        table: of the study of sweeps.
        model: "first" or "second".
        seed: of the autoencoder.
    """
    columns = {}
    for kind in REPORTED:
        chosen = best(table, model, kind, 0 if kind in OF_VECTORS else seed)
        said = {genre: (RANKS.get(name, ""), f"x {c:g}") for genre, (name, c) in chosen.items()}
        columns[NAMES[kind]] = {
            GENRES[g]: ", ".join(filter(None, part)) for g, part in said.items()
        }
    return pd.DataFrame(columns)


def frontier_panels(table: Any) -> Figure:
    """One panel a model: the gain of each kind at each cost or below it.

    Args:
        table: from `effects.frontier`.
    """
    models = list(dict.fromkeys(table["model"]))
    with use_style():
        fig, axes = plt.subplots(
            1, len(models), figsize=(3.7 * len(models) + 0.4, 4.2), sharey=True, squeeze=False
        )
        for ax, model in zip(axes[0], models, strict=True):
            ax.axvline(PERPLEXITY, color=INK, linewidth=0.8, linestyle=":")
            for kind, rows in table[table["model"] == model].groupby("kind", sort=False):
                ax.step(
                    rows["perplexity"],
                    rows["gain"],
                    where="post",
                    color=COLOURS[str(kind)],
                    marker=MARKERS[str(kind)],
                    markevery=12,
                    markersize=5,
                    linewidth=1.6,
                    label=NAMES[str(kind)],
                )
            ax.set(title=TITLES[model], xscale="log", xlabel="perplexity, over the unsteered")
            ax.set_xticks([1, 1.5, 2, 3, 4], ["1", "1.5", "2", "3", "4"])
            ax.minorticks_off()
        axes[0, 0].set_ylabel("gain in target stems a completion")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def frontier_explorer(table: Any, reach: Any) -> go.Figure:
    """Every row of one model's sweep as a dot that tells its genre, latent and coefficient, and the
    steps of `frontier_panels`.

    Args:
        table: rows of the study of sweeps, of one model.
        reach: from `effects.frontier`, of the same model.
    """
    fig = go.Figure()
    for kind, own in reach.groupby("kind", sort=False):
        fig.add_scatter(
            x=own["perplexity"],
            y=own["gain"].round(4),
            mode="lines",
            name=NAMES[str(kind)],
            line={"color": COLOURS[str(kind)], "width": 2, "shape": "hv"},
            hoverinfo="skip",
        )
    for kind in (*(k for k in REPORTED if k not in (LATENTS[0], BY_TRIAL)), BY_TRIAL):
        own = table[table["kind"].isin(LATENTS if kind == BY_TRIAL else (kind,))]
        fig.add_scatter(
            x=np.exp(own["nats"]).round(3),
            y=own["gain"],
            mode="markers",
            name="one of four latents" if kind == BY_TRIAL else f"{NAMES[kind]}, one genre",
            showlegend=kind == BY_TRIAL,
            marker={"color": COLOURS[kind], "size": 6, "opacity": 0.4},
            customdata=own.assign(target=own["target"].astype(str).map(GENRES))[
                ["target", "kind", "seed", "coefficient", "distinct"]
            ],
            hovertemplate=(
                "to %{customdata[0]}: gain %{y:.2f} at %{x:.2f} x perplexity<br>%{customdata[1]}, "
                "seed %{customdata[2]}, coefficient %{customdata[3]}<br>distinct-2 "
                "%{customdata[4]:.2f} of the unsteered<extra></extra>"
            ),
        )
    within = table[table["nats"].between(*np.log(COSTS_SHOWN))]["gain"]
    fig.add_vline(x=PERPLEXITY, line={"dash": "dot", "width": 1})
    fig.update_layout(
        template=TEMPLATE,
        height=520,
        xaxis={"title": "perplexity, over the unsteered", "type": "log", "tickvals": [1, 2, 3, 4]},
        yaxis={
            "title": "gain in target stems",
            "range": [float(within.min()) - 0.2, float(within.max()) + 0.2],
        },
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin={"t": 10},
    )
    fig.update_xaxes(range=np.log10(COSTS_SHOWN).tolist())
    return fig


def effect_table(measured: Any) -> pd.DataFrame:
    """Gains with their intervals as a table.

    Args:
        measured: model -> what `effects.gains_by_genre` gives.
    """
    return pd.DataFrame(
        [
            (model, kind, genre, one.value, *(one.interval or (one.value, one.value)), one.n)
            for model, kinds in measured.items()
            for kind, genres in kinds.items()
            for genre, one in genres.items()
        ],
        columns=["model", "kind", "target", "gain", "low", "high", "n"],
    )


def effect_panels(table: Any) -> Figure:
    """One panel a model: the gain of each kind towards each genre, and over all, with intervals.

    Args:
        table: from `effect_table`.
    """
    models, kinds = (list(dict.fromkeys(table[c])) for c in ("model", "kind"))
    targets = list(dict.fromkeys(table["target"]))
    with use_style():
        fig, axes = plt.subplots(
            1, len(models), figsize=(3.9 * len(models) + 0.4, 4.8), sharey=True, squeeze=False
        )
        for ax, model in zip(axes[0], models, strict=True):
            ax.axvline(0, color=INK, linewidth=0.8)
            for which, kind in enumerate(kinds):
                rows = table[(table["model"] == model) & (table["kind"] == kind)]
                rows = rows.set_index("target").loc[targets]
                places = np.arange(len(targets)) + (which - (len(kinds) - 1) / 2) * 0.15
                ax.errorbar(
                    rows["gain"],
                    places,
                    xerr=np.stack([rows["gain"] - rows["low"], rows["high"] - rows["gain"]]),
                    fmt=MARKERS[kind],
                    color=COLOURS[kind],
                    markersize=5,
                    linewidth=1.2,
                    label=NAMES[kind],
                )
            ax.set(title=TITLES[model], xlabel="gain in target stems a completion")
            ax.set_yticks(range(len(targets)), [GENRES.get(t, "all four") for t in targets])
        axes[0, 0].invert_yaxis()
        handles, labels = axes[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig

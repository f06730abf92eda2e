"""What steering by vectors and by latents gains: at each cost of a sweep, and by genre afterwards.

Not here: the differences that decide (`measures`), and the drawings (`plots`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from steering_core.publishing.claims import Measured
from steering_core.steering.choice import DISTINCT
from steering_core.steering.effects import over_prompts
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.directions import LATENTS
from steering_core.vector_or_latent.measures import gains
from steering_core.vector_or_latent.steering_study import BY_TRIAL, REPORTED

COSTS = np.geomspace(1.0, 4.0, 61)
"""Perplexity ratios at which a frontier is read off."""
ALL = "all"
"""What stands for the four genres together."""


def frontier(table: Any) -> pd.DataFrame:
    """The most that each kind gains at each cost or below it, mean over genres and seeds.

    Of each genre and seed the coefficient that gains most is taken, by trial the latent too; where
    none is so cheap, or none gains, nothing is added and nothing gained. Rows whose distinct-2 is
    too small are left out.

    Args:
        table: of the study of sweeps.

    Returns:
        Columns model, kind, perplexity, gain.
    """
    rows = []
    for model, of_model in table.groupby("model", sort=False):
        for kind in REPORTED:
            own = of_model[of_model["kind"].isin(LATENTS if kind == BY_TRIAL else (kind,))]
            cells = own.groupby(["target", "seed"]).ngroups
            fit = own[own["distinct"] >= DISTINCT]
            for cost in COSTS:
                cheap = fit[fit["nats"] <= np.log(cost)]
                best = cheap.groupby(["target", "seed"])["gain"].max().clip(lower=0)
                rows.append((model, kind, float(cost), float(best.sum()) / max(cells, 1)))
    return pd.DataFrame(rows, columns=["model", "kind", "perplexity", "gain"])


def gains_by_genre(table: Any, model: str) -> dict[str, dict[str, Measured]]:
    """The gain of each kind towards each genre and over all, with intervals over prompts.

    Args:
        table: of the study of effects.
        model: "first" or "second".

    Returns:
        kind -> genre, or `ALL` -> its gain.
    """
    by_trial = gains(table, model)
    targets = by_trial.index.get_level_values("target")
    masks = {genre: targets == genre for genre in GENRES} | {ALL: np.ones(len(targets), bool)}
    return {
        kind: {name: over_prompts(by_trial.loc[mask, kind]) for name, mask in masks.items()}
        for kind in REPORTED
    }


def gain_table(table: Any, model: str) -> pd.DataFrame:
    """The mean gain of each kind: a row a genre, then all four, and all but Shakespeare.

    Args:
        table: of the study of effects.
        model: "first" or "second".
    """
    by_trial: Any = gains(table, model)[list(REPORTED)]
    targets = by_trial.index.get_level_values("target")
    rows = {genre: by_trial[targets == genre].mean() for genre in GENRES}
    rows["all four"] = by_trial.mean()
    rows["without Shakespeare"] = by_trial[targets != "shakespeare"].mean()
    return pd.DataFrame(rows).T


def costs(table: Any, model: str) -> pd.DataFrame:
    """What the chosen coefficients cost on the prompts that are reported: perplexity and distinct-2
    over the unsteered, a row a kind.

    Args:
        table: of the study of effects.
        model: "first" or "second".
    """
    means = table[table["model"] == model].groupby("kind")[["nats", "distinct"]].mean()
    kinds = list(REPORTED)
    return pd.DataFrame(
        {
            "perplexity": np.exp(means.loc[kinds, "nats"] - means.loc["none", "nats"]),
            "distinct-2": means.loc[kinds, "distinct"] / means.loc["none", "distinct"],
        }
    )

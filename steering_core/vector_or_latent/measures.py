"""Measures of the claim on which parts I and IV meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int64

from steering_core.publishing.claims import Measured
from steering_core.steering.effects import over_prompts
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.detection import (
    METHODS,
    Labelled,
    auroc,
    is_genre,
    scores_of,
)
from steering_core.vector_or_latent.directions import LATENTS
from steering_core.vector_or_latent.steering_study import BY_TRIAL

RESAMPLES = 400
SUFFIX = {"first": "", "second": "_second"}
TELLS = {
    "tells": ("centred", "latent"),
    "over_chance": ("latent", "random direction"),
    "eight_tell": ("centred", "eight latents"),
    "isolated_tells": ("isolated", "latent"),
}
"""Part -> the method whose AUROC is taken, and the one that is taken from it."""
STEERS = {
    "steers": ("centred", BY_TRIAL),
    "isolated_steers": ("isolated", BY_TRIAL),
    "detector_steers": ("centred", LATENTS[0]),
    "eight_steer": ("centred", "eight latents"),
}
DECIDING = ("tells", "steers")


def aurocs(labelled: Labelled, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """How well each method tells each genre's odd texts, as they are and drawn again.

    Args:
        labelled: from `read_latents`.
        resamples: draws of the odd texts with replacement, within each set.
        seed: of the draws.

    Returns:
        Columns method, genre, draw (-1: the texts as they are), auroc, the mean over the
        autoencoders' seeds, and texts, how many there are.
    """
    odd = np.flatnonzero(labelled.half("odd"))
    draws = [odd, *(_redrawn(labelled, odd, seed * 10_000 + r) for r in range(resamples))]
    seeds = range(len(labelled.latents))
    rows = []
    for genre in GENRES:
        target = is_genre(labelled, genre)
        for method in METHODS:
            scores = np.stack([scores_of(labelled, method, s, genre) for s in seeds], axis=1)
            for draw, texts in enumerate(draws, start=-1):
                value = float(auroc(scores[texts], target[texts]).mean())
                rows.append((method, genre, draw, value, len(odd)))
    return pd.DataFrame(rows, columns=["method", "genre", "draw", "auroc", "texts"])


def telling(table: Any) -> dict[str, Measured]:
    """The differences of `TELLS`, mean over genres, with intervals over texts."""
    means = table.groupby(["method", "draw"])["auroc"].mean().unstack("draw")
    n = int(table["texts"].iloc[0])
    found = {}
    for part, (one, other) in TELLS.items():
        difference = means.loc[one] - means.loc[other]
        low, high = np.quantile(difference[difference.index >= 0], [0.005, 0.995])
        value = float(difference[-1])
        found[part] = Measured(value, n=n, interval=(min(low, value), max(high, value)))
    return found


def gains(table: Any, model: str) -> pd.DataFrame:
    """Target stems of each trial, steered less unsteered, mean over the autoencoders' seeds: a row
    a trial, a column a kind.
    """
    rows = table[table["model"] == model].assign(kind=lambda t: t["kind"].astype(str))
    trial = ["source", "target", "text"]
    stems = rows.groupby([*trial, "kind"])["target_stems"].mean().unstack("kind")
    return stems.drop(columns="none").sub(stems["none"], axis=0)


def steering(table: Any, model: str) -> dict[str, Measured]:
    """The differences of `STEERS`, with intervals over prompts."""
    found = {}
    by_trial = gains(table, model)
    for part, (one, other) in STEERS.items():
        found[part] = over_prompts(by_trial[one] - by_trial[other])
    return found


def all_parts(detected: Mapping[str, Any], steered: Any) -> dict[str, Measured]:
    """Every part of the claim.

    Args:
        detected: model -> table of `aurocs`.
        steered: table of the study of effects.
    """
    first = telling(detected["first"]) | steering(steered, "first")
    second = telling(detected["second"]) | steering(steered, "second")
    return first | {part + SUFFIX["second"]: second[part] for part in DECIDING}


def _redrawn(
    labelled: Labelled, texts: Int64[np.ndarray, " odd"], seed: int
) -> Int64[np.ndarray, " odd"]:
    """As many texts of each set, drawn with replacement."""
    chance = np.random.default_rng(seed)
    owners = np.array(labelled.set_of)[texts]
    return np.concatenate(
        [
            chance.choice(texts[owners == name], (owners == name).sum())
            for name in dict.fromkeys(owners)
        ]
    )

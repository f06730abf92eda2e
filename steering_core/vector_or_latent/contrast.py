"""A control of telling: the difference of means that knows what a latent's choice knows.

A latent is chosen for telling a genre from the seven other sets. The vectors of part I never see
those sets: they take away the mean of training text, or of stories. The plain difference, of the
genre's texts less those of all other sets, does see them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.detection import Labelled, Scores, auroc, is_genre

METHOD = "difference of means"


def contrast_scores(labelled: Labelled, genre: str) -> Scores:
    """Every text's activation along the mean of a genre's even texts less that of all others'.

    Args:
        labelled: the texts.
        genre: what is to be told.

    Raises:
        ValueError: a genre that is none of the four.
    """
    target, even = is_genre(labelled, genre), labelled.half("even")
    x = labelled.activations().numpy()
    return x @ (x[even & target].mean(0) - x[even & ~target].mean(0))


def contrast_aurocs(labelled: Labelled, *, resamples: int = 400, seed: int = 0) -> pd.DataFrame:
    """How well it tells odd texts, as they are and drawn again, in the columns of
    `measures.aurocs`.

    Args:
        labelled: from `read_latents`.
        resamples: draws of the odd texts with replacement, within each set.
        seed: of the draws.
    """
    odd, owners = labelled.half("odd"), np.array(labelled.set_of)
    sets = [np.flatnonzero(odd & (owners == name)) for name in dict.fromkeys(labelled.set_of)]
    rows = []
    for genre in GENRES:
        scores, target = contrast_scores(labelled, genre), is_genre(labelled, genre)
        for draw in range(-1, resamples):
            chance = np.random.default_rng([seed, draw + 1])
            chosen = [own if draw < 0 else chance.choice(own, len(own)) for own in sets]
            texts = np.concatenate(chosen)
            rows.append(
                (METHOD, genre, draw, float(auroc(scores[texts], target[texts])), odd.sum())
            )
    return pd.DataFrame(rows, columns=["method", "genre", "draw", "auroc", "texts"])

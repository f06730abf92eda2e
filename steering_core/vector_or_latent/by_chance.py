"""What telling by the best of many directions is worth when none of them was trained.

`detection` has one such method, with one draw for each seed of the autoencoders. Here are more
draws, so that their spread can be seen, and sums of several directions beside sums of latents.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float64

from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.detection import TOP, Labelled, Scores, auroc, is_genre


def best_and_eight(
    labelled: Labelled, scores: Float64[np.ndarray, "texts columns"], genre: str
) -> tuple[Scores, Scores]:
    """The column that tells a genre's even texts best; and the eight best, each over its standard
    deviation on even texts, added up."""
    even, target = labelled.half("even"), is_genre(labelled, genre)
    order = np.argsort(-auroc(scores[even], target[even]), kind="stable")[:TOP]
    few = scores[:, order]
    return few[:, 0], (few / np.maximum(few[even].std(0), 1e-12)).sum(1)


def latent_aurocs(labelled: Labelled) -> pd.DataFrame:
    """AUROC on odd texts of latents that are chosen on even texts: a row a seed of the
    autoencoders, with `one`, the best, and `eight`, means over genres."""
    return pd.DataFrame([_told(labelled, latents.numpy()) for latents in labelled.latents])


def random_aurocs(labelled: Labelled, draws: int = 20, seed: int = 0) -> pd.DataFrame:
    """The same of random directions, as many as there are latents: a row a draw.

    Args:
        labelled: from `read_labelled`.
        draws: of the directions.
        seed: of the draws.
    """
    x = labelled.activations().numpy()
    size = (x.shape[1], labelled.latents.shape[2])
    drawn = (np.random.default_rng([seed, k]).standard_normal(size) for k in range(draws))
    return pd.DataFrame([_told(labelled, (x - x.mean(0)) @ directions) for directions in drawn])


def spread_table(latents: pd.DataFrame, chance: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and largest over draws or seeds, of one direction and of eight.

    Args:
        latents: from `latent_aurocs`.
        chance: from `random_aurocs`.
    """
    columns = {
        "best latent": latents["one"],
        "best random direction": chance["one"],
        "eight latents": latents["eight"],
        "eight random directions": chance["eight"],
    }
    rows = [(name, v.mean(), v.min(), v.max(), len(v)) for name, v in columns.items()]
    names = ["method", "mean AUROC", "least", "largest", "draws or seeds"]
    return pd.DataFrame(rows, columns=pd.Index(names)).set_index("method")


def _told(labelled: Labelled, scores: Float64[np.ndarray, "texts columns"]) -> dict[str, float]:
    odd = labelled.half("odd")
    areas = [
        [
            float(auroc(score[odd], is_genre(labelled, genre)[odd]))
            for score in best_and_eight(labelled, scores, genre)
        ]
        for genre in GENRES
    ]
    one, eight = np.mean(areas, axis=0)
    return {"one": float(one), "eight": float(eight)}

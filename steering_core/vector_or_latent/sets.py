"""Which of the eight sets of texts a latent tells, and how well: of all latents, not the best ones.

As for genres, a set is chosen on even texts, and how well it is told is measured on odd ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float64
from torch import Tensor

from steering_core.steering.material import SETS, Half
from steering_core.vector_or_latent.detection import Labelled, auroc


def set_aurocs(
    labelled: Labelled, scores: Float64[Tensor, "texts columns"], half: Half
) -> pd.DataFrame:
    """How well each column of scores tells each set's texts from those of the seven others.

    Args:
        labelled: the texts.
        scores: of every text, such as `labelled.latents[0]`.
        half: of the texts that count.

    Returns:
        A row a column of scores, a column a set.
    """
    owners, which = np.array(labelled.set_of), labelled.half(half)
    values = scores.numpy()[which]
    return pd.DataFrame({name: auroc(values, owners[which] == name) for name in SETS})


def best_sets(labelled: Labelled, scores: Float64[Tensor, "texts columns"]) -> pd.DataFrame:
    """The set that each column of scores tells best on even texts, and how well on odd ones.

    Returns:
        A row a column of scores: `set`, `auroc`.
    """
    chosen = set_aurocs(labelled, scores, "even").to_numpy().argmax(1)
    odd = set_aurocs(labelled, scores, "odd").to_numpy()
    return pd.DataFrame(
        {"set": [SETS[c] for c in chosen], "auroc": odd[np.arange(len(chosen)), chosen]}
    )


def means_by_set(labelled: Labelled, seed: int, latents: list[int]) -> pd.DataFrame:
    """The mean of each latent over the texts of each set: a row a latent, a column a set."""
    owners = np.array(labelled.set_of)
    values = labelled.latents[seed][:, latents].numpy()
    return pd.DataFrame({name: values[owners == name].mean(0) for name in SETS}, index=latents)

"""Absorption: a parent's latent falls silent where a child is active too.

A feature that is always there when a more special one is can be left to the special one's latent.
That saves a latent and so is rewarded by every pressure to be sparse (Chanin et al. 2024). In a
ground truth with a hierarchy it can be counted.
"""

import pandas as pd
import torch

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import match
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample
from steering_core.sparse_autoencoders.thresholds import ALIKE


def absorption(one: Autoencoders, sample: Sample, truth: GroundTruth) -> pd.DataFrame:
    """One row for each parent.

    Columns: `parent`; `known`, whether a latent of its own points its way (cosine of at least
    `ALIKE`); `alone`, how often that latent fires where the parent is active and no child is;
    `with_child`, where one is. The drop from the first to the second is absorption.

    Args:
        one: a single autoencoder.
        sample: inputs.
        truth: with children.

    Raises:
        ValueError: a truth without a hierarchy, or more than one autoencoder.
    """
    if not truth.children:
        raise ValueError("truth: got children = 0; allowed is a hierarchy")
    latents, features, cosines = match(one, truth)
    of_feature = dict(zip(features.tolist(), zip(latents, cosines, strict=True), strict=True))
    fires = one.encode(sample.activations)[0] > 0
    active = sample.features > 0
    rows = []
    for parent in range(truth.parents):
        latent, cosine = of_feature.get(parent, (0, 0.0))
        child = active[:, parent + truth.parents :: truth.parents].any(1)
        there, on = active[:, parent], fires[:, int(latent)]
        known = bool(cosine >= ALIKE)
        rows.append(
            {
                "parent": parent,
                "known": known,
                "alone": _share(on[there & ~child]) if known else float("nan"),
                "with_child": _share(on[there & child]) if known else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def _share(fires: torch.Tensor) -> float:
    return float(fires.double().mean()) if len(fires) else float("nan")

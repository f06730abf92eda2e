"""Where latents switch on, against the noise that they meet; and who explains that noise.

For a latent that is matched with a feature, noise is what lies along its encoder while the feature
is absent: other features that are not orthogonal, and noise proper.
"""

from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import check_features, match
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample

ALIKE = 0.7
"""Least cosine of a decoder row and a direction for the latent to count as the feature's."""


def cuts(autoencoders: Autoencoders) -> Float[Tensor, "M latents"]:
    """What bias and threshold ask of the bias-free pre-activation m: below it a latent is off.

    It may be off above it too: ProLU's where m < 0, Gated's where its magnitude is not above 0.
    NaN where k latents are on, whatever they are.
    """
    p = autoencoders.parameters
    if autoencoders.architecture == "topk":
        return torch.full_like(p["b_enc"], float("nan"))
    if autoencoders.architecture == "jumprelu":
        return p["log_threshold"].exp() - p["b_enc"]
    if autoencoders.architecture == "batch_topk":
        return p["threshold"][:, None] - p["b_enc"]
    return -p["b_enc"]


def thresholds(one: Autoencoders, sample: Sample, truth: GroundTruth) -> pd.DataFrame:
    """One row for each latent whose feature is known (cosine of at least `ALIKE`), that fires, and
    that meets noise: its feature is not there in all inputs.

    Columns: `latent`, `feature`, `cosine`; in normalised units along the encoder's direction:
    `threshold`, `ceiling` (the most noise in the sample), `p99` and `p999` (quantiles of noise),
    `floor` (the least with the feature there);
    `explained`, the share of the power along the decoder's direction, while the feature is absent,
    that the other latents' output takes away.

    Raises:
        ValueError: more than one autoencoder, or a sample that does not fit.
    """
    check_features(sample, truth)
    latents, features, cosines = match(one, truth)
    m = one.pre_activations(sample.activations)[0]
    acts = one.encode(sample.activations)[0]
    p = {name: value[0] for name, value in one.parameters.items()}
    norms, cut = p["w_enc"].norm(dim=0), cuts(one)[0]
    rows = torch.nn.functional.normalize(p["w_dec"], dim=1)
    x = sample.activations * one.scale - p["b_dec"]
    out = acts @ p["w_dec"]
    table = []
    for latent, feature, cosine in zip(
        latents.tolist(), features.tolist(), cosines.tolist(), strict=True
    ):
        if cosine < ALIKE or not (acts[:, latent] > 0).any():
            continue
        there = sample.features[:, feature] > 0
        if there.all():
            continue
        along = m[:, latent] / norms[latent]
        noise = along[~there]
        own = acts[:, latent, None] * p["w_dec"][latent]
        before = x[~there] @ rows[latent]
        after = before - (out - own)[~there] @ rows[latent]
        p99, p999 = noise.quantile(torch.tensor([0.99, 0.999])).tolist()
        table.append(
            {
                "latent": latent,
                "feature": feature,
                "cosine": cosine,
                "threshold": float(cut[latent] / norms[latent]),
                "ceiling": float(noise.max()),
                "p99": p99,
                "p999": p999,
                "floor": float(along[there].min()) if there.any() else float("nan"),
                "explained": 1 - float(after.square().sum() / before.square().sum()),
            }
        )
    columns = ["latent", "feature", "cosine", "threshold", "ceiling", "p99", "p999", "floor"]
    return pd.DataFrame(table, columns=[*columns, "explained"])


def negative_share(one: Autoencoders, sample: Sample) -> float:
    """Share of the latents that fire in the sample whose bias is below zero."""
    if one.diverged[0]:
        return float("nan")
    fires = (one.encode(sample.activations)[0] != 0).any(0)
    bias = one.parameters["b_enc"][0]
    return float((bias[fires] < 0).double().mean()) if fires.any() else float("nan")


def summary(table: Any) -> dict[str, float]:
    """Spearman's rank correlation of threshold and ceiling, the medians of their ratio, of the
    share of the threshold in the noise's 99.9th percentile, and of what others explain; NaN where
    fewer than ten latents are known.

    table: what `thresholds` gives.
    """
    names = ("spearman", "ratio", "ratio_p999", "explained")
    if len(table) < 10 or table["threshold"].isna().any():
        known = {"explained": float(table["explained"].median())} if len(table) >= 10 else {}
        return dict.fromkeys(names, float("nan")) | known
    ranks = table[["threshold", "ceiling"]].rank().to_numpy()
    return {
        "spearman": float(np.corrcoef(ranks.T)[0, 1]),
        "ratio": float((table["threshold"] / table["ceiling"]).median()),
        "ratio_p999": float((table["threshold"] / table["p999"]).median()),
        "explained": float(table["explained"].median()),
    }

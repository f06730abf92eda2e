"""How many dimensions a feature gets: two measures of Elhage et al. 2022 on the geometry of W.

Both need W only. Neither says whether a feature can be read back: that takes the loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def dimensions_per_feature(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch"]:
    """D* = m / ||W||_F^2, hidden dimensions over the features that W holds, if these have norm 1.

    Norms other than 1 count as more or fewer features; see `feature_dimensionality` for a measure
    that they do not move.

    Raises:
        ValueError: weights without two axes, or all zero.
    """
    _check(weights)
    norm = weights.square().sum((-2, -1))
    if not (norm > 0).all():
        raise ValueError(
            "weights: got a model that is zero; allowed are models that hold something"
        )
    return weights.shape[-2] / norm


def feature_dimensionality(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch n"]:
    """D_i = ||W_i||^2 / sum_j (What_i . W_j)^2, the share of a dimension that feature i has.

    What_i is W_i over its norm. 1 for a feature alone in its dimension, 1/2 for one of an antipodal
    pair, and 0 for one that is not there; the sum over features is at most m.

    Raises:
        ValueError: weights without two axes.
    """
    _check(weights)
    squared = weights.square().sum(-2)
    overlap = (weights.mT @ weights).square().sum(-1)  # ||W_i||^2 sum_j (What_i . W_j)^2
    return torch.where(overlap > 0, squared**2 / overlap.where(overlap > 0, 1.0), 0.0)


def _check(weights: Tensor) -> None:
    if weights.dim() < 2:
        raise ValueError(f"weights: got shape {tuple(weights.shape)}; allowed is (..., m, n)")
    if not weights.isfinite().all():
        raise ValueError("weights: got a value that is not finite; allowed are finite numbers")

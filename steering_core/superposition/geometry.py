"""How features share directions: measures on the geometry of W alone.

W_i is column i of W, What_i its direction. None of them says whether a feature can be read back:
that takes the error (`sampled_errors`, `expected_errors`).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def dimensions_per_feature(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch"]:
    """D* = m / ||W||_F^2, hidden dimensions over the features that W holds, if these have norm 1.

    Norms other than 1 count as more or fewer features; see `feature_dimensionality` for a measure
    that they do not move.

    Args:
        weights: (..., m, n), column i the direction of feature i.

    Returns:
        (...)

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

    Args:
        weights: (..., m, n), column i the direction of feature i.

    Returns:
        (..., n)

    Raises:
        ValueError: weights without two axes.
    """
    _check(weights)
    squared = weights.square().sum(-2)
    overlap = (weights.mT @ weights).square().sum(-1)  # ||W_i||^2 sum_j (What_i . W_j)^2
    return torch.where(overlap > 0, squared**2 / overlap.where(overlap > 0, 1.0), 0.0)


def off_diagonal(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch n"]:
    """sum over j != i of |W_i . W_j|: how much the other features write on feature i's output.

    Raises:
        ValueError: weights without two axes.
    """
    _check(weights)
    gram = (weights.mT @ weights).abs()
    return gram.sum(-1) - gram.diagonal(dim1=-2, dim2=-1)


def off_diagonal_mass(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch"]:
    """The off-diagonal of W^T W over its diagonal, both summed by size; 0 without superposition.

    Raises:
        ValueError: weights without two axes, or all zero.
    """
    size = dimensions_per_feature(weights).reciprocal() * weights.shape[-2]  # |W|^2
    return off_diagonal(weights).sum(-1) / size


def overlap(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch n"]:
    """sum over j != i of cos^2(W_i, W_j): how crowded a direction is, whatever the norms.

    Raises:
        ValueError: weights without two axes.
    """
    cosines = _directions(weights).mT @ _directions(weights)
    return cosines.square().sum(-1) - cosines.diagonal(dim1=-2, dim2=-1).square()


def has_partner(
    weights: Float[Tensor, "*batch m n"], *, cosine: float = -0.9
) -> Bool[Tensor, "*batch n"]:
    """Whether another feature points the opposite way, at a cosine below `cosine`.

    Raises:
        ValueError: weights without two axes.
    """
    return ((_directions(weights).mT @ _directions(weights)) < cosine).any(-1)


def carried(
    weights: Float[Tensor, "*batch m n"], directions: Float[Tensor, "*batch m k"] | None = None
) -> Float[Tensor, "*batch k n"]:
    """|What_i . W_j|: how much of each feature j the direction of feature i carries.

    Args:
        weights: W.
        directions: to look along, unit vectors as columns; the features' own if None. Those of the
            identity matrix are the coordinates of h, which are no better than any rotation of them.

    Raises:
        ValueError: weights without two axes.
    """
    _check(weights)
    along = _directions(weights) if directions is None else directions
    return (along.mT @ weights).abs()


def _directions(weights: Tensor) -> Tensor:
    """Columns over their norms; zero stays zero."""
    _check(weights)
    norm = weights.norm(dim=-2, keepdim=True)
    return weights / norm.where(norm > 0, 1.0)


def _check(weights: Tensor) -> None:
    if weights.dim() < 2:
        raise ValueError(f"weights: got shape {tuple(weights.shape)}; allowed is (..., m, n)")
    if not weights.isfinite().all():
        raise ValueError("weights: got a value that is not finite; allowed are finite numbers")

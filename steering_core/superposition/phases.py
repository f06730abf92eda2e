"""Which features a small model represents, and the name of that phase.

Feature i is represented when r_i = 1 - L_i / (I_i Var x_i) exceeds one half: when the model removes
more than half of the squared error that the best constant would leave. A phase is named after the
represented features, and after how they share dimensions.

Not here: where a model comes from, be it an optimum or a training run.
"""

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

FIRST_ONLY = "first only"
EXTRA_ONLY = "extra only"
OPPOSITE = "superposed opposite"
SAME_SIGN = "superposed same sign"
NEITHER = "neither"
PHASES_OF_TWO = (FIRST_ONLY, EXTRA_ONLY, OPPOSITE, SAME_SIGN, NEITHER)

EXTRA_LEFT_OUT = "extra left out"
EXTRA_DEDICATED = "extra dedicated"
EXTRA_SHARES = "extra shares a dimension"
FEWER = "fewer features than dimensions"
PHASES_OF_THREE = (EXTRA_LEFT_OUT, EXTRA_DEDICATED, EXTRA_SHARES, FEWER)


def variance(density: Tensor) -> Tensor:
    """Var x_i = p/3 - p^2/4 of an input that is uniform on [0, 1] with probability p, else zero."""
    return density / 3 - density**2 / 4


def represented(
    errors: Float[Tensor, "*batch n"], density: Float[Tensor, "*#batch"]
) -> Float[Tensor, "*batch n"]:
    """r_i = 1 - E (x_i - x'_i)^2 / Var x_i, at most 1, and 0 for the best constant."""
    return 1 - errors / variance(density)[..., None]


def label(
    weights: Float[Tensor, "*batch m n"],
    fraction: Float[Tensor, "*batch n"],
    threshold: float = 0.5,
) -> Shaped[np.ndarray, "*batch"]:
    """The phase of each model, out of `PHASES_OF_TWO` or `PHASES_OF_THREE`.

    With two features and one dimension: which of them are represented, and if both, whether their
    weights have opposite signs. With more dimensions or features: whether the last ("extra")
    feature is left out, shares a dimension (its interference with another is at least half of its
    squared norm), or has one of its own.

    Args:
        weights: W.
        fraction: r_i of `represented`.
        threshold: r_i above which a feature counts.
    """
    seen = (fraction > threshold).numpy()
    gram = (weights.mT @ weights).detach().numpy()
    if seen.shape[-1] == 2:
        first, extra = seen[..., 0], seen[..., 1]
        conditions = [
            first & ~extra,
            extra & ~first,
            first & extra & (gram[..., 0, 1] < 0),
            first & extra,
        ]
        return np.select(conditions, PHASES_OF_TWO[:4], NEITHER)
    extra = seen[..., -1]
    interference = np.abs(gram[..., -1, :-1]).max(-1)
    shares = interference >= 0.5 * gram[..., -1, -1]
    enough = seen.sum(-1) >= weights.shape[-2]
    conditions = [~enough, ~extra, shares, ~shares]
    return np.select(conditions, (FEWER, EXTRA_LEFT_OUT, EXTRA_SHARES, EXTRA_DEDICATED), "")


def canonical(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch m n"]:
    """The same model up to a rotation of the hidden space, in a form that can be compared.

    W and QW are one model for any orthogonal Q. Of these, the triangular one whose rows have a
    positive entry of largest size.
    """
    rotated = weights
    if weights.shape[-2] > 1:
        rotated = torch.linalg.qr(weights).R
    largest = rotated.abs().argmax(-1, keepdim=True)
    sign = rotated.gather(-1, largest).sign()
    return rotated * torch.where(sign == 0, torch.ones_like(sign), sign)

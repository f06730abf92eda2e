"""Plain pairs: the solution without superposition, and its loss.

Two neurons compute one absolute value exactly, one for each side of zero; m neurons serve m/2
features, and the outputs of the others are constant. No net needs to be worse than that.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.absolute_value.checks import check_count, check_density, check_importance


def plain_pairs(
    n: int, m: int, *, density: float
) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"], Float[Tensor, "n"]]:
    """(w_in, w_out, bias) that compute the first m // 2 of n features exactly.

    An output without neurons is the mean of its label, density / 2.

    Args:
        n: features, at least 1.
        m: neurons, at least 1.
        density: probability that a feature is active, in (0, 1].

    Raises:
        ValueError: sizes below 1, or density out of range.
    """
    check_count("n", n)
    check_count("m", m)
    check_density(density)
    exact = min(n, m // 2)
    w_in = torch.zeros(m, n)
    for feature in range(exact):
        w_in[2 * feature, feature], w_in[2 * feature + 1, feature] = 1.0, -1.0
    bias = torch.full((n,), density / 2)
    bias[:exact] = 0.0
    return w_in, w_in.abs().mT.contiguous(), bias


def pairs_loss(importance: Float[Tensor, "n"], m: int) -> float:
    """The normalised loss of `plain_pairs`: the share of importance of features without neurons.

    With importance 0.8^i it is 0.8^(m/2), but for the end of the row: 0.01153 for m = 40. It is
    the same at every density, as losses are normalised by the variance of a label.

    Args:
        importance: (n,) positive.
        m: neurons, at least 1.

    Raises:
        ValueError: importance that is not positive, or m below 1.
    """
    check_count("m", m)
    importance = check_importance(importance).double()
    return float(importance[m // 2 :].sum() / importance.sum())

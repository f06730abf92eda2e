"""The expected loss of a small bottleneck model, without sampling.

The model is x' = f(W^T W x + b) (Elhage et al. 2022, Demonstrating Superposition). Input x_i is
zero with probability 1 - density and uniform on [0, 1] otherwise, independently. The rules that
give the expectation (`errors`) are refined until two of them agree.

Not here: who minimises it.
"""

import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.superposition.activations import Activation, resolve
from steering_core.superposition.checks import (
    check_batch,
    check_density,
    check_importance,
    check_model,
)
from steering_core.superposition.errors import errors_at_order

WARN_ABOVE = 1e-6
"""Estimated relative error above which `expected_loss` warns."""

_PLAIN_ORDERS = {1: (12, 16), 2: (12, 16), 3: (8, 10)}
_SPLIT_ORDERS = {1: (6, 10, 16, 32, 64, 128), 2: (6, 10, 16, 32, 64, 128), 3: (4, 6, 8, 12, 16, 24)}
_NODES_AT_ONCE = 2_000_000


def expected_loss(
    weights: Float[Tensor, "*batch m n"],
    bias: Float[Tensor, "*batch n"],
    *,
    activation: str | Callable[[Tensor], Tensor],
    density: float | Float[Tensor, "*#batch"],
    importance: Float[Tensor, "*#batch n"],
) -> Float[Tensor, "*batch"]:
    """sum_i I_i E (x_i - x'_i)^2 for at most three inputs, differentiable in weights and bias.

    The rule's order is doubled for the models that need it until two orders agree.

    Args:
        weights: W, from n inputs to m hidden dimensions; computed in float64.
        bias: b, one an output.
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n); one with kinks declares
            them (see `Activation`).
        density: probability that an input is active, 1 - S in the source works, in (0, 1].
        importance: weight of each input's squared error, positive.

    Returns:
        The loss in float64. Warns (`RuntimeWarning`) if its estimated relative error is above 1e-6.

    Raises:
        ValueError: bad shapes, more than three inputs, density or importance out of range, an
            activation that is unknown, changes the shape or returns NaN.

    Source:
        Elhage et al. 2022, Toy Models of Superposition, the loss under "Experiment Setup".
    """
    errors = expected_errors(weights, bias, activation=activation, density=density)
    importance = check_importance(importance, n=weights.shape[-1])
    check_batch("importance", importance.shape[:-1], errors.shape[:-1])
    return (importance * errors).sum(-1)


def expected_errors(
    weights: Float[Tensor, "*batch m n"],
    bias: Float[Tensor, "*batch n"],
    *,
    activation: str | Callable[[Tensor], Tensor],
    density: float | Float[Tensor, "*#batch"],
) -> Float[Tensor, "*batch n"]:
    """E (x_i - x'_i)^2 of each input; errors and source as in `expected_loss`.

    Args:
        weights: (..., m, n) with n <= 3.
        bias: (..., n).
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        density: probability that an input is active, in (0, 1]; a number, or one a model.

    Returns:
        (..., n)
    """
    function = resolve(activation)
    check_model(weights, bias, function)
    density = check_density(density)
    n = weights.shape[-1]
    batch = check_batch("bias", bias.shape[:-1], weights.shape[:-2])
    batch = check_batch("density", density.shape, batch)
    gram = (weights.double().mT @ weights.double()).expand(*batch, n, n).reshape(-1, n, n)
    flat_bias = bias.double().expand(*batch, n).reshape(-1, n)
    flat_density = density.expand(batch).reshape(-1)
    errors = _refined(gram, flat_bias, flat_density, function).reshape(*batch, n)
    bad = errors.isnan().nonzero()
    if len(bad):
        cell = tuple(bad[0, :-1].tolist())
        raise ValueError(f"activation: got NaN for the model at index {cell}; allowed are numbers")
    return errors


def _refined(gram: Tensor, bias: Tensor, density: Tensor, f: Activation) -> Tensor:
    """Errors (models, n), the rule refined for the models on which two rules still disagree."""
    rules = _rules(gram.shape[-1], f)
    result = _in_chunks(gram, bias, density, f, rules[0])
    open_ = torch.arange(len(gram), device=gram.device)
    worst = 0.0
    for rule in rules[1:]:
        better = _in_chunks(gram[open_], bias[open_], density[open_], f, rule)
        scale = better.detach().sum(-1).clamp_min(1e-9 * density[open_])
        gap = (better - result[open_]).detach().abs().sum(-1) / scale
        result = result.index_copy(0, open_, better)
        open_, worst = open_[gap > WARN_ABOVE / 100], gap.max().item()
        if not len(open_):
            return result
    if worst > WARN_ABOVE:
        warnings.warn(
            f"expected_loss: estimated relative error {worst:.1e} is above {WARN_ABOVE:.0e}; "
            "weights are extreme, or the activation has kinks that it does not declare",
            RuntimeWarning,
            stacklevel=4,
        )
    return result


def _rules(n: int, f: Activation) -> list[tuple[int, bool]]:
    """(order, whether panels are split), the cheapest first; one panel will not do for kinks."""
    plain, split = _PLAIN_ORDERS[n], _SPLIT_ORDERS[n]
    return [(order, False) for order in plain if not f.kinks] + [(order, True) for order in split]


def _in_chunks(
    gram: Tensor, bias: Tensor, density: Tensor, f: Activation, rule: tuple[int, bool]
) -> Tensor:
    """`errors_at_order`, for few enough models at a time to fit into memory."""
    order, split = rule
    n = gram.shape[-1]
    planes = 0
    if split:
        planes = len(f.kinks) or 1 if f.elementwise else n * len(f.kinks) + n * (n - 1) // 2
    panels = n * (planes + 1) * (2 * planes + 1) ** (n > 1) * (4 * planes + 1) ** (n > 2)
    size = max(1, _NODES_AT_ONCE // (panels * order**n))
    pieces = zip(gram.split(size), bias.split(size), density.split(size), strict=True)
    return torch.cat(
        [errors_at_order(*piece, f, order, split=split, follow=True) for piece in pieces]
    )

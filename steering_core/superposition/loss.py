"""The expected loss of a small bottleneck model, without sampling.

The model is x' = f(W^T W x + b) (Elhage et al. 2022, Demonstrating Superposition). Each input x_i is
zero with probability 1 - density and uniform on [0, 1] otherwise, independently. With two or three
inputs the expectation is a sum over the sets of active features of an integral over a cube of at
most three dimensions, which Gauss-Legendre rules give to rounding.

Not here: who minimises it.
"""

import warnings
from collections.abc import Callable
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.superposition.activations import Activation, resolve
from steering_core.superposition.checks import check_density, check_importance, check_model
from steering_core.superposition.quadrature import cube_rule, split_cube_rule

WARN_ABOVE = 1e-6
"""Estimated relative error above which `expected_loss` warns."""

_ORDERS = {1: (6, 10, 16, 32, 64, 128), 2: (6, 10, 16, 32, 64, 128), 3: (4, 6, 8, 12, 16, 24)}
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
    check_importance(importance, n=weights.shape[-1])
    return (importance.double() * errors).sum(-1)


def expected_errors(
    weights: Float[Tensor, "*batch m n"],
    bias: Float[Tensor, "*batch n"],
    *,
    activation: str | Callable[[Tensor], Tensor],
    density: float | Float[Tensor, "*#batch"],
) -> Float[Tensor, "*batch n"]:
    """E (x_i - x'_i)^2 of each input; arguments, errors and source as in `expected_loss`."""
    function = resolve(activation)
    check_model(weights, bias, function)
    density = check_density(density)
    n = weights.shape[-1]
    batch = torch.broadcast_shapes(weights.shape[:-2], bias.shape[:-1], density.shape)
    gram = (weights.double().mT @ weights.double()).expand(*batch, n, n).reshape(-1, n, n)
    flat_bias = bias.double().expand(*batch, n).reshape(-1, n)
    flat_density = density.expand(batch).reshape(-1)
    return _refined(gram, flat_bias, flat_density, function).reshape(*batch, n)


def _refined(gram: Tensor, bias: Tensor, density: Tensor, f: Activation) -> Tensor:
    """Errors (models, n), the order raised for the models on which two orders still disagree."""
    orders = _ORDERS[gram.shape[-1]]
    result = _in_chunks(gram, bias, density, f, orders[0])
    open_ = torch.arange(len(gram))
    for order in orders[1:]:
        better = _in_chunks(gram[open_], bias[open_], density[open_], f, order)
        scale = better.detach().sum(-1).clamp_min(1e-12 * density[open_])
        gap = (better - result[open_]).detach().abs().sum(-1) / scale
        result = result.index_copy(0, open_, better)
        still = gap > WARN_ABOVE / 100
        worst, open_ = gap.max().item() if len(gap) else 0.0, open_[still]
        if not len(open_):
            return result
    if worst > WARN_ABOVE:
        warnings.warn(
            f"expected_loss: estimated relative error {worst:.1e} is above {WARN_ABOVE:.0e}; weights "
            "are extreme, or the activation has kinks that it does not declare",
            RuntimeWarning,
            stacklevel=4,
        )
    return result


def _in_chunks(gram: Tensor, bias: Tensor, density: Tensor, f: Activation, order: int) -> Tensor:
    n = gram.shape[-1]
    planes = len(f.kinks) or 1
    if not f.elementwise:
        planes = n * len(f.kinks) + n * (n - 1) // 2
    panels = n * (planes + 1) * (2 * planes + 1) ** (n > 1) * (4 * planes + 1) ** (n > 2)
    size = max(1, _NODES_AT_ONCE // (panels * order**n))
    pieces = zip(gram.split(size), bias.split(size), density.split(size), strict=True)
    return torch.cat([errors_at_order(*piece, f, order, split=True) for piece in pieces])


def errors_at_order(
    gram: Float[Tensor, "models n n"],
    bias: Float[Tensor, "models n"],
    density: Float[Tensor, "models"],
    f: Activation,
    order: int,
    *,
    split: bool,
) -> Float[Tensor, "models n"]:
    """E (x_i - x'_i)^2 by rules of one order: the plain kernel that searches call.

    Args:
        gram: W^T W.
        split: cut the panels where pre-activations cross the kinks of f (zero if it has none).
    """
    n = gram.shape[-1]
    p = density[:, None]
    total = (1 - p) ** n * f(bias) ** 2
    for size in range(1, n + 1):
        for active in combinations(range(n), size):
            errors = _split_errors if split else _plain_errors
            given = errors(gram[..., list(active)], bias, active, f, order)
            total = total + p**size * (1 - p) ** (n - size) * given
    return total


def _plain_errors(
    slopes: Tensor, bias: Tensor, active: tuple[int, ...], f: Activation, order: int
) -> Tensor:
    """E of the squared errors (models, n) given the active set, on one panel shared by all."""
    x, weights = cube_rule(len(active), order)  # (nodes, active), (nodes,)
    z = torch.einsum("bna,ka->bkn", slopes, x) + bias[:, None]
    target = x.new_zeros(len(x), bias.shape[-1])
    target[:, list(active)] = x
    return torch.einsum("bkn,k->bn", (target - f(z)) ** 2, weights)


def _split_errors(
    slopes: Tensor, bias: Tensor, active: tuple[int, ...], f: Activation, order: int
) -> Tensor:
    """The same, each model on panels of its own: for each output apart if f acts entry by entry."""
    n = bias.shape[-1]
    kinks = f.kinks or (0.0,) * f.elementwise
    offsets = bias[..., None] - torch.tensor(kinks, dtype=slopes.dtype)  # (models, n, kinks)
    planes = slopes[..., None, :].expand(*offsets.shape, slopes.shape[-1])
    if f.elementwise:
        x, weights = split_cube_rule(planes, offsets, order)  # (models, n, nodes, active)
        z = torch.einsum("bna,bnka->bnk", slopes, x) + bias[..., None]
        target = torch.stack(
            [
                x[:, i, :, active.index(i)] if i in active else torch.zeros_like(z[:, i])
                for i in range(n)
            ],
            dim=1,
        )
        return ((target - f(z)) ** 2 * weights).sum(-1)
    pairs = list(combinations(range(n), 2))
    planes = [planes.flatten(1, 2), *(slopes[:, None, i] - slopes[:, None, j] for i, j in pairs)]
    levels = [offsets.flatten(1, 2), *(bias[:, None, i] - bias[:, None, j] for i, j in pairs)]
    x, weights = split_cube_rule(torch.cat(planes, 1), torch.cat(levels, 1), order)
    z = torch.einsum("bna,bka->bkn", slopes, x) + bias[:, None]
    target = torch.stack(
        [
            x[..., active.index(i)] if i in active else torch.zeros_like(z[..., i])
            for i in range(n)
        ],
        dim=-1,
    )
    return ((target - f(z)) ** 2 * weights[..., None]).sum(-2)

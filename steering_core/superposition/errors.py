"""The expected squared errors of a small bottleneck model, by Gauss-Legendre rules of one order.

With two or three inputs the expectation is a sum over the sets of active features of an integral
over a cube of at most three dimensions, which the rules give to rounding if the order is high
enough.

Not here: which order is (`loss`).
"""

from functools import cache
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.superposition.activations import Activation
from steering_core.superposition.quadrature import cube_rule, split_cube_rule


def errors_at_order(
    gram: Float[Tensor, "models n n"],
    bias: Float[Tensor, "models n"],
    density: Float[Tensor, "models"],
    f: Activation,
    order: int,
    *,
    split: bool,
    follow: bool = False,
) -> Float[Tensor, "models n"]:
    """E (x_i - x'_i)^2 by rules of one order: the plain kernel that searches call.

    Args:
        gram: W^T W.
        split: cut the panels where pre-activations cross the kinks of f (zero if it has none).
        follow: differentiate through the places of these cuts too. They add nothing to first
            derivatives, as the integrand is continuous there, but second ones need them.
    """
    if split:
        return _split_errors(gram, bias, density, f, order, follow)
    return _plain_errors(gram, bias, density, f, order)


def active_set_chances(n: int, density: Float[Tensor, "models"]) -> Float[Tensor, "models sets"]:
    """The probability that exactly the inputs of each of `_active_sets` are active."""
    p = density[:, None]
    return torch.cat([p ** len(s) * (1 - p) ** (n - len(s)) for s in _active_sets(n)], dim=-1)


@cache
def _active_sets(n: int) -> tuple[tuple[int, ...], ...]:
    return tuple(s for size in range(n + 1) for s in combinations(range(n), size))


@cache
def _plain_rule(n: int, order: int) -> tuple[Tensor, Tensor]:
    """Inputs (n, nodes) of every active set, one after the other, and weights (nodes, sets)."""
    inputs, weights = [], []
    for active in _active_sets(n):
        x, w = cube_rule(len(active), order)
        inputs.append(torch.zeros(n, len(x), dtype=x.dtype))
        inputs[-1][list(active)] = x.T
        weights.append(w[:, None])
    return torch.cat(inputs, dim=-1), torch.block_diag(*weights)


def _plain_errors(gram: Tensor, bias: Tensor, density: Tensor, f: Activation, order: int) -> Tensor:
    """Errors on one rule that all models share; products of matrices do the work."""
    n = gram.shape[-1]
    inputs, weights = (one.to(gram) for one in _plain_rule(n, order))
    with_one = torch.cat([inputs, torch.ones_like(inputs[:1])])
    z = torch.cat([gram, bias[..., None]], dim=-1).flatten(0, 1) @ with_one
    z = z.unflatten(0, (-1, n))  # (models, n, nodes)
    output = f(z) if f.elementwise else f(z.mT).mT
    given = ((inputs - output) ** 2).flatten(0, 1) @ weights  # (models * n, sets)
    return torch.linalg.vecdot(given.unflatten(0, (-1, n)), active_set_chances(n, density)[:, None])


def _split_errors(
    gram: Tensor, bias: Tensor, density: Tensor, f: Activation, order: int, follow: bool
) -> Tensor:
    """Errors on panels that end at the kinks of each model, one active set after the other."""
    n = gram.shape[-1]
    given = [
        _split_errors_given(gram[..., list(active)], bias, active, f, order, follow)
        for active in _active_sets(n)
    ]
    return torch.linalg.vecdot(torch.stack(given, -1), active_set_chances(n, density)[:, None])


def _split_errors_given(
    slopes: Tensor, bias: Tensor, active: tuple[int, ...], f: Activation, order: int, follow: bool
) -> Tensor:
    """E of the squared errors (models, n) given the active set.

    For each output apart if possible.
    """
    n = bias.shape[-1]
    if not active:
        return f(bias) ** 2
    with torch.set_grad_enabled(follow and torch.is_grad_enabled()):
        x, weights = split_cube_rule(*_cuts(slopes, bias, f), order)
    if f.elementwise:  # x: (models, n, nodes, active)
        z = torch.einsum("bna,bnka->bnk", slopes, x) + bias[..., None]
        target = [
            x[:, i, :, active.index(i)] if i in active else 0 * x[:, i, :, 0] for i in range(n)
        ]
        return torch.linalg.vecdot((torch.stack(target, 1) - f(z)) ** 2, weights)
    z = torch.einsum("bna,bka->bkn", slopes, x) + bias[:, None]
    target = [x[..., active.index(i)] if i in active else 0 * x[..., 0] for i in range(n)]
    return torch.linalg.vecdot((torch.stack(target, -1) - f(z)) ** 2, weights[..., None], dim=-2)


def _cuts(slopes: Tensor, bias: Tensor, f: Activation) -> tuple[Tensor, Tensor]:
    """The planes at which panels end, as slopes and offsets.

    Where a pre-activation meets a kink: for each output by itself, (models, n, kinks, active), if f
    acts entry by entry. Else for all outputs together, (models, planes, active), and also where two
    pre-activations are equal, around which a softmax turns.
    """
    kinks = f.kinks or (0.0,) * f.elementwise
    offsets = bias[..., None] - slopes.new_tensor(kinks)
    planes = slopes[..., None, :].expand(*offsets.shape, slopes.shape[-1])
    if f.elementwise:
        return planes, offsets
    i, j = torch.triu_indices(bias.shape[-1], bias.shape[-1], 1)
    ties = slopes[:, i] - slopes[:, j]
    tie_offsets = bias[:, i] - bias[:, j]
    return torch.cat([planes.flatten(1, 2), ties], 1), torch.cat(
        [offsets.flatten(1, 2), tie_offsets], 1
    )

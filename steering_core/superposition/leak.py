"""What an activation does at two places: below zero, and where it puts out one half.

How much of a negative push it lets through says something about sharing.

Take two features of importances 1 and r on opposite sides of one direction, W = (1, -1), and an
activation with f(x) = x for positive x. When features are rare, at most one is active at a time.
Then the active feature comes out right, and the other output shows f(-x) where it should show 0. So
the pair costs (1 + r) E f(-x)^2 for each active feature, and to drop the second costs r E x^2. The
pair is the better one where the leak, E f(-x)^2 / E x^2, is below r / (1 + r).
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from steering_core.superposition.activations import Activation, resolve


def leak(activation: str | Callable[[Tensor], Tensor], *, order: int = 64) -> float:
    """E f(-x)^2 / E x^2 for x uniform on [0, 1], by Gauss-Legendre quadrature.

    0 for ReLU, 1 for the identity. It says nothing of an activation that a bias has to move first,
    as sigmoid's does.

    Raises:
        ValueError: an unknown activation, or one that mixes its inputs.
    """
    f = resolve(activation)
    if not f.elementwise:
        raise ValueError("activation: got one that mixes its inputs; allowed are elementwise ones")
    nodes, weights = np.polynomial.legendre.leggauss(order)
    x = torch.tensor((nodes + 1) / 2)
    return float(3 * (torch.tensor(weights / 2) * f(-x).square()).sum())


def leaky_relu(slope: float) -> Activation:
    """x above 0, slope times x below: a leak of slope squared."""
    return Activation(
        lambda z: torch.nn.functional.leaky_relu(z, negative_slope=slope), kinks=(0.0,)
    )


def pair_is_better_below(importance: float) -> float:
    """The leak below which the antipodal pair beats dropping the second feature, when both are
    rare: r / (1 + r)."""
    if not importance > 0:
        raise ValueError(f"importance: got {importance}; allowed are numbers above 0")
    return importance / (1 + importance)


def slope_at_half(activation: str | Callable[[Tensor], Tensor]) -> float:
    """f'(z) where f(z) = 1/2, for z in [-20, 20].

    D* of a dense model (density 1, many more features than dimensions): W^T W is a projector over
    this slope.

    Raises:
        ValueError: an activation that mixes its inputs, or does not come through 1/2.
    """
    f = resolve(activation)
    if not f.elementwise:
        raise ValueError("activation: got one that mixes its inputs; allowed are elementwise ones")

    def above_half(z: float) -> float:
        return float(f(torch.tensor([z], dtype=torch.float64))) - 0.5

    if above_half(-20.0) * above_half(20.0) >= 0:
        raise ValueError(
            "activation: got one that stays below 1/2; allowed are those that rise to it"
        )
    half: float = brentq(above_half, -20.0, 20.0)  # type: ignore[assignment]
    z = torch.tensor([half], dtype=torch.float64, requires_grad=True)
    return float(torch.autograd.grad(f(z).sum(), z)[0])

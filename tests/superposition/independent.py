"""The expected loss once more, from its definition, by scipy's adaptive quadrature.

Written from scratch, so that it shares no line with the package: a sum over the sets of active
features, and for each an integral of the squared error of each output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.integrate import cubature, quad

Array = NDArray[np.float64]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "gelu": lambda z: z * special.ndtr(z),
    "silu": lambda z: z * special.expit(z),
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "solu": lambda z: z * special.softmax(z, axis=-1),
}
"""On pre-activations (..., n)."""

CENTRES = {name: (0.0,) for name in ACTIVATIONS}
"""Where each function bends, or bends most."""


def _expit(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


SCALAR: dict[str, Callable[[float], float]] = {
    "linear": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "gelu": lambda z: z * math.erfc(-z / math.sqrt(2)) / 2,
    "silu": lambda z: z * _expit(z),
    "sigmoid": _expit,
    "tanh": math.tanh,
}
"""The same on one number; adaptive quadrature asks for one at a time."""


def loss(
    weights: Array,
    bias: Array,
    activation: str,
    density: float,
    importance: Array,
    *,
    function: Callable[[float], float] | None = None,
    kinks: tuple[float, ...] = (0.0,),
) -> float:
    """sum_i I_i E (x_i - x'_i)^2 of one model of two inputs, weights (m, 2)."""
    gram = weights.T @ weights
    total = 0.0
    for i, active in product(range(2), ((), (0,), (1,), (0, 1))):
        chance = density ** len(active) * (1 - density) ** (2 - len(active))
        if chance:
            given = _error_given(gram, bias, activation, active, i, function, kinks)
            total += importance[i] * chance * given
    return total


def loss_of_three(
    weights: Array, bias: Array, activation: str, density: float, importance: Array
) -> float:
    """The same of one model of three inputs, to about 1e-6."""
    gram, f = weights.T @ weights, ACTIVATIONS[activation]
    total = float(importance @ f(bias) ** 2) * (1 - density) ** 3
    for active in (s for size in (1, 2, 3) for s in combinations(range(3), size)):

        def weighted_error(points: Array, active: tuple[int, ...] = active) -> Array:
            x = np.zeros((len(points), 3))
            x[:, active] = points
            return (x - f(x @ gram + bias)) ** 2 @ importance

        zeros, ones = [0.0] * len(active), [1.0] * len(active)
        result = cubature(weighted_error, zeros, ones, rule="gk15", rtol=1e-6)
        assert result.status == "converged"
        chance = density ** len(active) * (1 - density) ** (3 - len(active))
        total += chance * float(result.estimate)
    return total


def midpoint_loss(
    parameters: Array, activation: str, density: float, importance: Array, points: int = 48
) -> float:
    """The loss of W and b in one row, by the midpoint rule: rough, but a few lines and quick."""
    x, chance = _midpoints(density, points)
    w, b = parameters[:2], parameters[2:]
    output = ACTIVATIONS[activation](np.outer(x @ w, w) + b)
    return float(chance @ ((x - output) ** 2 @ importance))


def sampled_losses(
    weights: Array, bias: Array, activation: str, density: float, importance: Array, samples: int
) -> Array:
    """Losses of that many inputs drawn at random."""
    rng = np.random.default_rng(0)
    n = len(bias)
    x = rng.random((samples, n)) * (rng.random((samples, n)) < density)
    output = ACTIVATIONS[activation](x @ weights.T @ weights + bias)
    return (x - output) ** 2 @ importance


def _error_given(
    gram: Array,
    bias: Array,
    activation: str,
    active: tuple[int, ...],
    i: int,
    function: Callable[[float], float] | None,
    kinks: tuple[float, ...],
) -> float:
    """E of the squared error of output i, given which inputs are active."""
    own, other = gram[i, list(active)].tolist(), gram[1 - i, list(active)].tolist()
    b_own, b_other = float(bias[i]), float(bias[1 - i])
    f = function or SCALAR.get(activation)

    def error(*x: float) -> float:
        z = math.fsum((*map(math.prod, zip(own, x, strict=True)), b_own))
        if f is not None:
            output = f(z)
        else:  # SoLU: softmax over two entries is the logistic function of their difference
            output = z * _expit(
                z - math.fsum((*map(math.prod, zip(other, x, strict=True)), b_other))
            )
        return ((x[active.index(i)] if i in active else 0.0) - output) ** 2

    lines = [(own, b_own - kink) for kink in kinks]
    if f is None:
        lines += [
            (other, b_other),
            ([p - q for p, q in zip(own, other, strict=True)], b_own - b_other),
        ]
    return _integral(error, lines, len(active))


def _integral(
    f: Callable[..., float], lines: list[tuple[list[float], float]], dimensions: int
) -> float:
    """Over the unit cube of up to two dimensions, told of the lines on which f may bend."""
    if dimensions == 0:
        return f()
    if dimensions == 1:
        return _quad(f, [-c / a for (a,), c in lines if a])

    def over_the_second(x: float) -> float:
        cuts = [-(c + a * x) / b for (a, b), c in lines if b]
        return _quad(lambda y: f(x, y), cuts)

    at_the_sides = [-(c + b * y) / a for (a, b), c in lines if a for y in (0.0, 1.0)]
    return _quad(over_the_second, at_the_sides)


def _quad(f: Callable[[float], float], cuts: list[float]) -> float:
    inside = sorted({round(cut, 13) for cut in cuts if 1e-9 < cut < 1 - 1e-9})
    pieces = zip([0.0, *inside], [*inside, 1.0], strict=True)
    return sum(quad(f, a, b, epsabs=1e-11, epsrel=1e-9, limit=200)[0] for a, b in pieces)


@cache
def _midpoints(density: float, points: int) -> tuple[Array, Array]:
    """Inputs (nodes, 2) of all sets of active features, and the weight of each."""
    line = (np.arange(points) + 0.5) / points
    rows = {
        (): np.zeros((1, 2)),
        (0,): np.stack([line, 0 * line], -1),
        (1,): np.stack([0 * line, line], -1),
        (0, 1): np.stack(np.meshgrid(line, line), -1).reshape(-1, 2),
    }
    chances = [density ** len(s) * (1 - density) ** (2 - len(s)) for s in rows]
    weights = [np.full(len(x), p / len(x)) for x, p in zip(rows.values(), chances, strict=True)]
    return np.concatenate(list(rows.values())), np.concatenate(weights)

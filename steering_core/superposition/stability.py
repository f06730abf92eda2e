"""Is the dedicated model a local minimum? A closed form for smooth, elementwise activations.

The dedicated model keeps the first feature, w = (w1, 0), and puts out a constant for the extra one.
It is stationary at every density. Eliminating w1, b1 and b2, the curvature of the loss along w2 is

    C = 2 V [ a K - r g (2 - a g) ],    a = w1^2,  g = f'(b2),  K = E f'(z)^2 + (f(z) - x) f''(z),

with z = a x + b1 the first feature's pre-activation, f(b2) = p/2, and V = Var x. So the model is a
local minimum for r < a K / (g (2 - a g)). As the density goes to zero, an f with f(0) = 0 has
b1 = b2 = 0 and this tends to c / (2 - c), where c = a f'(0). Derived in this book.

Not here: activations with a kink at zero. ReLU lets a pair of opposite sign grow without cost.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.optimize import brentq
from torch import Tensor

from steering_core.superposition.activations import Activation, resolve
from steering_core.superposition.checks import check_density
from steering_core.superposition.errors import errors_at_order
from steering_core.superposition.optimise import minimise
from steering_core.superposition.phases import variance
from steering_core.superposition.quadrature import gauss_legendre

_ORDER = 64
_WEIGHTS, _BIASES = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, -3.0, -6.0])  # starts


@dataclass(frozen=True)
class Dedicated:
    """The model that keeps the first of two features, at each of D densities.

    Attributes:
        densities: (D,).
        gain: (D,), a = w1^2. bias: (D, 2), b1 and b2.
        stiffness: (D,), K of the module's formula. slope: (D,), f'(b2).
    """

    densities: Float[Tensor, "D"]
    gain: Float[Tensor, "D"]
    bias: Float[Tensor, "D 2"]
    stiffness: Float[Tensor, "D"]
    slope: Float[Tensor, "D"]

    @property
    def boundary(self) -> Float[Tensor, "D"]:
        """The importance of the extra feature below which the model is a local minimum."""
        return self.gain * self.stiffness / (self.slope * (2 - self.gain * self.slope))

    def curvature(self, importance: float | Float[Tensor, "#D"]) -> Float[Tensor, "D"]:
        """C of the module's formula, at an importance r of the extra feature."""
        pull = importance * self.slope * (2 - self.gain * self.slope)
        return 2 * variance(self.densities) * (self.gain * self.stiffness - pull)

    @property
    def weights(self) -> Float[Tensor, "D 1 2"]:
        """W = (w1, 0)."""
        return torch.stack([self.gain.sqrt(), torch.zeros_like(self.gain)], -1)[:, None]


def dedicated_model(
    activation: str | Callable[[Tensor], Tensor], densities: Float[Tensor, "D"]
) -> Dedicated:
    """The best model that keeps one feature only.

    Raises:
        ValueError: an activation that is unknown, has kinks, or mixes its inputs; a density out of
            range.
    """
    f = _smooth(activation)
    p = check_density(densities)
    starts = torch.cartesian_prod(_WEIGHTS, _BIASES).double().repeat_interleave(len(p), 0)
    density = p.repeat(len(starts) // len(p))

    def loss(x: Tensor, index: Tensor) -> Tensor:
        gram, bias = x[:, :1, None] ** 2, x[:, 1:]
        here = density[index]
        return errors_at_order(gram, bias, here, f, _ORDER, split=False)[:, 0] / here

    ends, values = minimise(loss, starts, tolerance=1e-15)
    best = values.reshape(-1, len(p)).argmin(0)
    x = ends.reshape(-1, len(p), 2)[best, torch.arange(len(p))]
    gain, b1 = x[:, 0] ** 2, x[:, 1]
    b2 = torch.tensor([_inverse(f, mean) for mean in (p / 2).tolist()], dtype=torch.float64)
    slope, _ = _derivatives(f, b2)
    stiffness = _stiffness(f, gain, b1, p)
    return Dedicated(p, gain, torch.stack([b1, b2], -1), stiffness, slope)


def sparse_limit_boundary(activation: str | Callable[[Tensor], Tensor]) -> float:
    """c / (2 - c) with c = a f'(0), where a minimises E (x - f(a x))^2 over x uniform on [0, 1].

    Raises:
        ValueError: as `dedicated_model`; an activation with f(0) other than 0.
    """
    f = _smooth(activation)
    zero = torch.zeros(1, dtype=torch.float64)
    if f(zero).abs().item() > 1e-12:
        raise ValueError(f"activation: got f(0) = {f(zero).item():.3g}; allowed is f(0) = 0")
    x, w = gauss_legendre(_ORDER)

    def loss(a: Tensor, _: Tensor) -> Tensor:
        return ((x - f(a * x)) ** 2) @ w

    gain, _ = minimise(loss, torch.ones(1, 1, dtype=torch.float64), tolerance=1e-15)
    c = gain.item() * _derivatives(f, zero)[0].item()
    return c / (2 - c)


def hessian(
    weights: Float[Tensor, "1 2"],
    bias: Float[Tensor, "2"],
    *,
    activation: str | Callable[[Tensor], Tensor],
    density: float,
    importance: float,
) -> Float[Tensor, "4 4"]:
    """Of the expected loss, in the order w1, w2, b1, b2, by automatic differentiation."""
    f, p = _smooth(activation), check_density(density)[None]
    weight = torch.tensor([1.0, importance], dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        gram = x[:2, None] * x[:2]
        return errors_at_order(gram[None], x[None, 2:], p, f, _ORDER, split=False)[0] @ weight

    point = torch.cat([weights.flatten(), bias]).double()
    matrix = torch.autograd.functional.hessian(loss, point)
    assert isinstance(matrix, Tensor)
    return matrix


def curvature_along_extra(matrix: Float[Tensor, "4 4"]) -> float:
    """What is left along w2 when the other parameters follow: the Schur complement."""
    rest = [0, 2, 3]
    cross = matrix[rest, 1]
    return (matrix[1, 1] - cross @ torch.linalg.solve(matrix[rest][:, rest], cross)).item()


def _smooth(activation: str | Callable[[Tensor], Tensor]) -> Activation:
    f = resolve(activation)
    if f.kinks or not f.elementwise:
        raise ValueError(
            f"activation: got {activation!r}; allowed are smooth ones that act entry by entry"
        )
    return f


def _inverse(f: Activation, value: float) -> float:
    """The largest b with f(b) = value > 0, for an f that grows from 0 or below."""

    def above(b: float) -> float:
        return f(torch.tensor([b], dtype=torch.float64)).item() - value

    return float(brentq(above, -40, 40, maxiter=500))  # type: ignore[arg-type]


def _derivatives(f: Activation, z: Tensor) -> tuple[Tensor, Tensor]:
    """f' and f'' at every entry of z."""
    z = z.detach().requires_grad_()
    (first,) = torch.autograd.grad(f(z).sum(), z, create_graph=True)
    if not first.requires_grad:  # f is linear
        return first, torch.zeros_like(first)
    (second,) = torch.autograd.grad(first.sum(), z, allow_unused=True)
    return first.detach(), torch.zeros_like(z) if second is None else second.detach()


def _stiffness(f: Activation, gain: Tensor, bias: Tensor, p: Tensor) -> Float[Tensor, "D"]:
    """K = E f'(z)^2 + (f(z) - x) f''(z), x zero with probability 1 - p."""
    x, w = gauss_legendre(_ORDER)
    x, w = torch.cat([x.new_zeros(1), x]), torch.cat([1 - p[:, None], p[:, None] * w], -1)
    z = gain[:, None] * x + bias[:, None]
    first, second = _derivatives(f, z)
    return (w * (first**2 + (f(z) - x) * second)).sum(-1)

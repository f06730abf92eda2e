"""Many small smooth minimisations at once: BFGS, every problem with its own step and its own end.

Thousands of problems of a handful of parameters each cost as much as one when they share every
tensor operation. A problem that has converged leaves the batch.

Not here: global search. Starting points come from the caller.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

Objective = Callable[[Float[Tensor, "active p"], Int[Tensor, "active"]], Float[Tensor, "active"]]

_ARMIJO = 1e-4
_SMALLEST_STEP = 1e-10


def minimise(
    objective: Objective,
    start: Float[Tensor, "problems p"],
    *,
    tolerance: float = 1e-10,
    max_steps: int = 300,
) -> tuple[Float[Tensor, "problems p"], Float[Tensor, "problems"]]:
    """A local minimum of each problem, by BFGS with backtracking (Nocedal & Wright, alg. 6.1).

    Args:
        objective: maps parameters (active, p) and the indices (active,) of the problems still open
            to their values (active,); differentiable by autograd.
        start: where each problem starts.
        tolerance: a problem ends when the fall that its quadratic model predicts is below this
            share of its value, or no step along the model's direction lowers it any more.
        max_steps: evaluations at most.

    Returns:
        Parameters and values at the ends.
    """
    best = start.clone()
    values = start.new_empty(len(start))
    open_ = torch.arange(len(start), device=start.device)
    x = start.clone()
    value, gradient = _value_and_gradient(objective, x, open_)
    values[open_] = value
    inverse = torch.eye(x.shape[-1]).to(x).expand(len(x), -1, -1).clone()
    inverse /= gradient.norm(dim=-1).clamp_min(1.0)[:, None, None]
    step = torch.ones_like(value)
    fresh = torch.ones_like(value, dtype=torch.bool)
    for _ in range(max_steps):
        direction = -(inverse @ gradient[..., None])[..., 0]
        slope = (direction * gradient).sum(-1)
        trial = x + step[:, None] * direction
        trial_value, trial_gradient = _value_and_gradient(objective, trial, open_)
        accept = trial_value <= value + _ARMIJO * step * slope
        s, y = trial - x, trial_gradient - gradient
        inverse = torch.where(accept[:, None, None], _bfgs_update(inverse, s, y, fresh), inverse)
        fresh &= ~accept
        done = torch.where(
            accept,
            -slope * step <= tolerance * trial_value.abs(),
            (step < _SMALLEST_STEP) | (-slope <= tolerance * value.abs()),
        )
        x = torch.where(accept[:, None], trial, x)
        gradient = torch.where(accept[:, None], trial_gradient, gradient)
        value = torch.where(accept, trial_value, value)
        step = torch.where(accept, torch.ones_like(step), _shorter(step, slope, value, trial_value))
        best[open_], values[open_] = x, value
        if done.any():
            keep = ~done
            open_, x, gradient, value = open_[keep], x[keep], gradient[keep], value[keep]
            inverse, step, fresh = inverse[keep], step[keep], fresh[keep]
        if not len(open_):
            break
    return best, values


def _value_and_gradient(objective: Objective, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    x = x.detach().requires_grad_()
    value = objective(x, index)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def _shorter(step: Tensor, slope: Tensor, value: Tensor, trial: Tensor) -> Tensor:
    """The minimum of the parabola through what is known, between a tenth and a half of the step."""
    rise = trial - value - step * slope
    parabola = -slope * step**2 / (2 * rise)
    parabola = torch.where(parabola.isfinite(), parabola, 0.1 * step)
    return torch.minimum(torch.maximum(parabola, 0.1 * step), 0.5 * step)


def _bfgs_update(inverse: Tensor, s: Tensor, y: Tensor, fresh: Tensor) -> Tensor:
    """The BFGS update of the inverse Hessian.

    Skipped where the curvature along s is not positive.
    """
    curvature = (s * y).sum(-1)
    yy = (y * y).sum(-1)
    positive = curvature > 1e-12 * s.norm(dim=-1) * y.norm(dim=-1)
    rho = torch.where(positive, 1 / curvature, torch.zeros_like(curvature))[:, None, None]
    scale = torch.where(fresh & positive, curvature / yy, torch.ones_like(yy))[:, None, None]
    eye = torch.eye(s.shape[-1]).to(s)
    base = torch.where(fresh[:, None, None] & positive[:, None, None], scale * eye, inverse)
    left = eye - rho * s[:, :, None] * y[:, None, :]
    updated = left @ base @ left.mT + rho * s[:, :, None] * s[:, None, :]
    return torch.where(positive[:, None, None], updated, inverse)

"""Bad input is refused before any work: what was got, and what is allowed."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from steering_core.superposition.activations import Activation

MAX_INPUTS = 3
"""Inputs for which an expected loss is an integral of few enough dimensions."""


def check_density(density: float | Tensor, *, name: str = "density") -> Tensor:
    """The density as float64, all in (0, 1]; `name` is the argument's."""
    density = torch.as_tensor(density, dtype=torch.float64)
    bad = ~((density > 0) & (density <= 1))
    if bad.any():
        raise ValueError(f"{name}: got {density[bad][0].item()}; allowed is (0, 1]")
    return density


def check_importance(
    importance: Tensor, *, n: int | None = None, name: str = "importance"
) -> Tensor:
    """The importances as float64, positive and finite, n on the last axis if n is given."""
    importance = torch.as_tensor(importance, dtype=torch.float64)
    if n is not None and (importance.dim() == 0 or importance.shape[-1] != n):
        raise ValueError(f"{name}: got shape {tuple(importance.shape)}; allowed is (..., {n})")
    bad = ~((importance > 0) & importance.isfinite())
    if bad.any():
        raise ValueError(
            f"{name}: got {importance[bad][0].item()}; allowed are finite numbers above 0"
        )
    return importance


def check_model(weights: Tensor, bias: Tensor, activation: Activation) -> None:
    """Shapes (..., m, n) and (..., n) that fit, at most three inputs, a well-behaved activation."""
    if weights.dim() < 2:
        raise ValueError(f"weights: got shape {tuple(weights.shape)}; allowed is (..., m, n)")
    n = weights.shape[-1]
    if not 1 <= n <= MAX_INPUTS:
        raise ValueError(f"weights: got n = {n} inputs; allowed are 1 to {MAX_INPUTS}")
    if bias.dim() < 1 or bias.shape[-1] != n:
        raise ValueError(f"bias: got shape {tuple(bias.shape)}; allowed is (..., {n})")
    check_batch("bias", bias.shape[:-1], weights.shape[:-2])
    for name, tensor in (("weights", weights), ("bias", bias)):
        if not tensor.isfinite().all():
            raise ValueError(f"{name}: got a value that is not finite; allowed are finite numbers")
    check_activation(activation, bias.detach().double())


def check_batch(name: str, shape: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    """The batch shape to which an argument's and the others' broadcast."""
    try:
        return np.broadcast_shapes(tuple(shape), tuple(others))
    except ValueError:
        raise ValueError(
            f"{name}: got batch shape {tuple(shape)} beside {tuple(others)}; "
            "allowed are shapes that broadcast"
        ) from None


def check_shape(activation: Activation, z: Tensor) -> Tensor:
    """What the activation returns for z (..., n), which has the same shape."""
    out = activation.function(z)
    if not isinstance(out, Tensor) or out.shape != z.shape:
        got = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"activation: got shape {got} for {tuple(z.shape)}; allowed is the same")
    return out


def check_activation(activation: Activation, z: Tensor) -> None:
    """The activation keeps the shape of z (..., n) and returns no NaN there."""
    out = check_shape(activation, z)
    bad = out.isnan().nonzero()
    if len(bad):
        cell = tuple(bad[0].tolist())
        raise ValueError(
            f"activation: got NaN at index {cell}, pre-activation {z[cell].item():.6g}; "
            "allowed are numbers"
        )


def check_levels(name: str, levels: Sequence[float] | Tensor) -> Tensor:
    """A non-empty row of levels as float64."""
    levels = torch.as_tensor(levels, dtype=torch.float64)
    if levels.dim() != 1 or not len(levels):
        raise ValueError(f"{name}: got shape {tuple(levels.shape)}; allowed is a non-empty row")
    return levels

"""Sparse inputs of which none is empty.

At density 0.001 nine in ten inputs of a hundred features are zero, and all of these give the same
output. So batches are drawn from the others, and the empty input is counted with its weight.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def share_active(n: int, density: float) -> float:
    """The probability that an input has any of its n features active."""
    return 1.0 if density == 1 else -math.expm1(n * math.log1p(-density))


def active_batch(
    n: int, size: int, *, density: float, generator: torch.Generator, signed: bool = True
) -> Float[Tensor, "n size"]:
    """Inputs drawn as `sparse_features.sample` draws them, given that a feature is active.

    The first active feature is drawn from its distribution, the geometric one cut off at n; those
    before it are zero, those after it independent.

    Args:
        n, size: how many features and inputs.
        density: probability that a feature is active, in (0, 1].
        generator: the only source of randomness.
        signed: whether an active feature is uniform on [-1, 1], else on [0, 1].

    Raises:
        ValueError: density out of range.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density: got {density}; allowed is (0, 1]")
    how = {"generator": generator, "device": generator.device}
    within = torch.rand(size, dtype=torch.float64, **how) * share_active(n, density)
    log_off = torch.log1p(-torch.tensor(density, dtype=torch.float64, device=generator.device))
    first = (torch.log1p(-within) / log_off).floor_().long().clamp_(0, n - 1)
    features = torch.arange(n, device=generator.device)[:, None]
    active = (torch.rand(n, size, **how) < density) & (features > first) | (features == first)
    values = torch.rand(n, size, **how)
    if signed:
        values.mul_(2).sub_(1)
    return values.mul_(active)

"""The sparse synthetic input that the toy models share.

Each feature is zero with probability S = 1 - density, and otherwise uniform on [0, 1], or on
[-1, 1], independently of all others (Elhage et al. 2022, "Experiment Setup" and "Computation").

Not here: importances, which belong to the loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def sample(
    *shape: int,
    density: float,
    generator: torch.Generator,
    signed: bool = False,
    shared_mask: bool = False,
    axis: int = -1,
) -> Float[Tensor, "..."]:
    """Inputs of that shape, in float32 on the generator's device.

    Args:
        shape: such as (n inputs, n features).
        density: probability that a feature is active, in (0, 1].
        generator: the only source of randomness.
        signed: whether an active feature is uniform on [-1, 1].
        shared_mask: a slip that published code has made: one mask for all features of an input.
        axis: of the features.

    Raises:
        ValueError: density out of range.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density: got {density}; allowed is (0, 1]")
    uniform = torch.rand(*shape, generator=generator, device=generator.device)
    if shared_mask:
        one = list(shape)
        one[axis] = 1
        mask = torch.rand(*one, generator=generator, device=generator.device) < density
        return torch.where(mask, 2 * uniform - 1 if signed else uniform, 0.0)
    # What a uniform number leaves of the density, given that it leaves any, is uniform too.
    left = uniform.neg_().add_(density).clamp_min_(0.0).div_(density)
    return torch.where(left > 0, 2 * left - 1, 0.0) if signed else left


def active_inputs(
    batch: Float[Tensor, "*groups n inputs"],
) -> tuple[Float[Tensor, "*groups n most"], int]:
    """The inputs with any active feature, moved to the front of each group, and how many went.

    Where features are rare most inputs are zero and give the same output, so that they need not be
    computed one by one. A group with fewer active inputs than the fullest keeps some of its zeros.

    Args:
        batch: (..., n, inputs), inputs on the last axis.

    Returns:
        (..., n, most), and how many inputs of each group are left out.
    """
    active = (batch != 0).any(-2)
    most = max(1, int(active.sum(-1).max()))
    if most == batch.shape[-1]:
        return batch, 0
    place = active.cumsum(-1) - 1
    where = active.nonzero(as_tuple=True)
    compact = batch.new_zeros(*batch.shape[:-1], most)
    compact.mT[(*where[:-1], place[where])] = batch.mT[where]
    return compact, batch.shape[-1] - most

"""The sparse synthetic input that the toy models share.

Each feature is zero with probability S = 1 - density, and otherwise uniform on [0, 1],
independently of all others (Elhage et al. 2022, "Experiment Setup").

Not here: importances, which belong to the loss.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def sample(
    *shape: int, density: float, generator: torch.Generator, shared_mask: bool = False
) -> Float[Tensor, "..."]:
    """Inputs of that shape, features on the last axis, in float32 on the generator's device.

    Args:
        density: probability that a feature is active, in (0, 1].
        generator: the only source of randomness.
        shared_mask: a slip that published code has made: one mask for all features of an input.

    Raises:
        ValueError: density out of range.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density: got {density}; allowed is (0, 1]")
    uniform = torch.rand(*shape, generator=generator, device=generator.device)
    if shared_mask:
        mask = torch.rand(*shape[:-1], 1, generator=generator, device=generator.device) < density
        return uniform * mask
    # Given that a uniform number falls below the density, their quotient is uniform on [0, 1].
    return torch.where(uniform < density, uniform / density, torch.zeros_like(uniform))


def active_rows(
    batch: Float[Tensor, "*groups inputs n"],
) -> tuple[Float[Tensor, "*groups most n"], int]:
    """The inputs with any active feature, moved to the front of each group, and how many rows went.

    Where features are rare most inputs are zero and give the same output, so that they need not be
    computed one by one. A group with fewer active inputs than the fullest keeps some of its zeros.
    """
    active = (batch != 0).any(-1)
    most = max(1, int(active.sum(-1).max()))
    if most == batch.shape[-2]:
        return batch, 0
    place = active.cumsum(-1) - 1
    where = active.nonzero(as_tuple=True)
    compact = batch.new_zeros(*batch.shape[:-2], most, batch.shape[-1])
    compact[(*where[:-1], place[where])] = batch[where]
    return compact, batch.shape[-2] - most

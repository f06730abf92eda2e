"""What a neuron's strong activations are about, and its weak ones."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep
from steering_core.absolute_value.checks import check_count, check_density
from steering_core.absolute_value.inputs import active_batch
from steering_core.absolute_value.neurons import Neurons

STRONG_ENOUGH = 0.05
"""Activation, in units of the largest input weight, from which an input counts as activating: below
it, neurons hum with what training left of their initial weights."""

_AT_ONCE = 65_536  # inputs


@torch.no_grad()
def primary_share(
    found: Neurons,
    *,
    density: float,
    count: Literal["contribution", "presence"] = "contribution",
    n_inputs: int = 262_144,
    seed: int = 3,
) -> Float[Tensor, "m deciles"]:
    """For each neuron, the primary feature's share of its activation, by decile of the activation.

    Of an input, the share is the primary's positive contribution to the pre-activation over all
    positive contributions. Deciles are of the inputs that activate the neuron (`STRONG_ENOUGH`),
    weakest first.

    Args:
        found: the neurons of one model.
        density: p, in (0, 1].
        count: what share to take of an input: the primary's contribution, or all if the primary
            contributes and nothing if it does not.
        n_inputs: drawn, with an active feature each.
        seed: of the inputs.

    Returns:
        NaN for a neuron that carries nothing, or that fewer than ten inputs activate.

    Raises:
        ValueError: density out of range, another count, or several models.
    """
    check_density(density)
    if count not in ("contribution", "presence"):
        raise ValueError(f"count: got {count!r}; allowed are contribution and presence")
    check_count("n_inputs", n_inputs)
    if found.weights.dim() != 2:
        raise ValueError(f"found: got {found.weights.dim() - 2} more axes; allowed is one model")
    m, n = found.weights.shape
    generator = lockstep.stream(seed, "deciles", float(density))
    activations, shares = [], []
    for first in range(0, n_inputs, _AT_ONCE):
        size = min(_AT_ONCE, n_inputs - first)
        x = active_batch(n, size, density=density, generator=generator).to(found.weights)
        activations.append((found.weights @ x).clamp_min(0))
        positive = found.weights.clamp_min(0) @ x.clamp_min(0)
        positive += (-found.weights).clamp_min(0) @ (-x).clamp_min(0)
        primary = found.weights.gather(1, found.primary.clamp_min(0)[:, None])
        own = (primary * x[found.primary.clamp_min(0)]).clamp_min(0)
        share = own / positive.clamp_min(torch.finfo(positive.dtype).tiny)
        shares.append(share if count == "contribution" else (own > 0).to(share))
    each = torch.full((m, 10), float("nan"))
    for k, (activation, share) in enumerate(
        zip(torch.cat(activations, 1), torch.cat(shares, 1), strict=True)
    ):
        active = activation > STRONG_ENOUGH
        if found.primary[k] < 0 or active.sum() < 10:
            continue
        by_strength = share[active][activation[active].argsort()]
        each[k] = torch.stack([part.mean() for part in by_strength.tensor_split(10)])
    return each

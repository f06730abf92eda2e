"""What the inhibition is worth on inputs as they come, and not only on features alone."""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep, sparse_features
from steering_core.absolute_value.checks import check_count, check_density, check_one_model
from steering_core.absolute_value.errors import variance
from steering_core.absolute_value.motifs import Motif


@torch.no_grad()
def inhibition_cost(
    motif: Motif,
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    density: float,
    n_inputs: int = 8_192,
    seed: int = 6,
) -> float:
    """By how much the weak feature's normalised error rises when its output no longer sees what
    the strong feature does to the inhibitor.

    Only inputs with the strong feature active differ, so that only these are drawn.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    check_one_model(w_in, w_out, bias)
    check_density(density)
    check_count("n_inputs", n_inputs)
    n, strong, weak = w_in.shape[1], motif.strong, motif.weak
    generator = lockstep.stream(seed, "inhibition", float(density))
    how = {"generator": generator, "signed": True}
    x = sparse_features.sample(n, n_inputs, density=density, axis=0, **how)
    x[strong] = sparse_features.sample(n_inputs, density=1.0, **how)
    x = x.to(w_in)
    z = w_out[weak] @ (w_in @ x).clamp_min(0) + bias[weak]
    heard = w_in[motif.inhibitor] @ x
    unheard = heard - w_in[motif.inhibitor, strong] * x[strong]
    cut = z + w_out[weak, motif.inhibitor] * (unheard.clamp_min(0) - heard.clamp_min(0))
    target = x[weak].abs()
    rise = (cut.clamp_min(0) - target).square() - (z.clamp_min(0) - target).square()
    return float(rise.mean()) * density / variance(density)

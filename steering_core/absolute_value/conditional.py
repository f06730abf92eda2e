"""Whether what a set of weights does is a bias that comes and goes with a feature."""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep, sparse_features
from steering_core.absolute_value.checks import check_count, check_density, check_one_model
from steering_core.absolute_value.parts import Parts, without


@torch.no_grad()
def conditional_constant(
    parts: Parts,
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    density: float,
    part: str = "rest",
    n_inputs: int = 16_384,
    seed: int = 5,
) -> float:
    """R^2 of a part's effect on the outputs' pre-activations, explained by constants.

    The effect is what cutting the part changes. It is explained by least squares from which
    neurons' largest features are active with the sign that drives the neuron, a constant for each.
    A bias that is there when a feature is, whatever its size, would give 1. Neurons without biases
    cannot make one: what they write grows with the input, and what grows in proportion to one
    feature gives at most `constant_ceiling`. Effects of all outputs count together, in the units of
    the pre-activations.

    Args:
        parts: from `take_apart`.
        w_in, w_out, bias: of one model.
        density: p, in (0, 1].
        part: which one.
        n_inputs: drawn.
        seed: of the inputs.

    Returns:
        NaN if the part has no effect at all.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    check_one_model(w_in, w_out, bias)
    check_density(density)
    check_count("n_inputs", n_inputs)
    n = w_in.shape[1]
    generator = lockstep.stream(seed, "conditional", float(density))
    x = sparse_features.sample(
        n, n_inputs, density=density, generator=generator, signed=True, axis=0
    ).to(w_in)
    cut_in, cut_out = without(parts, part, w_in, w_out)
    effect = w_out @ (w_in @ x).clamp_min(0) - cut_out @ (cut_in @ x).clamp_min(0)
    main = w_in.abs().argmax(1)
    sign = w_in.gather(1, main[:, None]).sign()
    active = torch.cat([(sign * x[main] > 0).to(x), x.new_ones(1, n_inputs)]).T.double()
    effect = effect.T.double()
    total = (effect - effect.mean(0)).square().sum()
    if total == 0:
        return float("nan")
    solution = torch.linalg.lstsq(active, effect, driver="gelsd").solution
    return float(1 - (effect - active @ solution).square().sum() / total)

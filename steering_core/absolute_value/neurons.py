"""What each neuron carries: the source's rescaling, and features told apart from leftovers.

A weight is carried when the network needs it: cutting it raises the error of its feature by at
least 1% of the feature's variance. Initial weights that training never removed are not features.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from steering_core import lockstep, sparse_features
from steering_core.absolute_value.checks import check_count, check_density, check_model
from steering_core.absolute_value.errors import variance

CARRIED = 0.01
"""Rise of a feature's normalised error from which a weight counts."""


def rescaled(
    w_in: Float[Tensor, "*batch m n"], w_out: Float[Tensor, "*batch n m"]
) -> tuple[Float[Tensor, "*batch m n"], Float[Tensor, "*batch n m"]]:
    """The same function with the largest |W1| of every neuron at 1 (Elhage et al. 2022, footnote
    15). A neuron without input weights stays as it is.

    Args:
        w_in: (..., m, n) W1.
        w_out: (..., n, m) W2.

    Returns:
        Both, of the same shapes.
    """
    largest = w_in.abs().amax(-1)
    largest = torch.where(largest > 0, largest, 1.0)
    return w_in / largest[..., None], w_out * largest[..., None, :]


@torch.no_grad()
def cutting_costs(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
    *,
    density: float,
    n_inputs: int = 2_048,
    seed: int = 2,
) -> Float[Tensor, "*batch m n"]:
    """By how much the normalised error of feature i rises when weight W1[k, i] alone is cut.

    Only inputs with the feature active differ, so that only these are drawn. Numbers are of one
    sample, before and after, so that even small differences are told.

    Args:
        w_in, w_out, bias: of one model or several.
        density: p, in (0, 1].
        n_inputs: for each feature.
        seed: of the inputs.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    check_model(w_in, w_out, bias)
    check_density(density)
    check_count("n_inputs", n_inputs)
    n = w_in.shape[-1]
    generator = lockstep.stream(seed, "cutting", float(density))
    costs = torch.empty_like(w_in)
    for i in range(n):
        how = {"density": density, "generator": generator, "signed": True}
        x = sparse_features.sample(n, n_inputs, axis=0, **how)
        x[i] = sparse_features.sample(n_inputs, density=1.0, generator=generator, signed=True)
        x = x.to(w_in)
        before = w_in @ x  # (..., m, inputs)
        after = before - w_in[..., i, None] * x[i]
        z = w_out[..., i, None, :] @ before.clamp_min(0) + bias[..., i, None, None]
        moved = z + w_out[..., i, :, None] * (after.clamp_min(0) - before.clamp_min(0))
        target = x[i].abs()
        rise = (moved.clamp_min(0) - target).square() - (z.clamp_min(0) - target).square()
        costs[..., i] = rise.mean(-1)
    return costs * density / variance(density)


@dataclass(frozen=True)
class Neurons:
    """The m neurons of a model, or of several.

    Attributes:
        weights: (..., m, n) input weights, rescaled.
        carried: (..., m, n) whether a weight counts.
        primary: (..., m) the carried feature of the largest weight; -1 for a neuron that carries
            none.
    """

    weights: Float[Tensor, "*batch m n"]
    carried: Bool[Tensor, "*batch m n"]
    primary: Int[Tensor, "*batch m"]

    @property
    def features(self) -> Int[Tensor, "*batch m"]:
        """How many features each carries; 0 for a dead one."""
        return self.carried.sum(-1)

    @property
    def polysemantic(self) -> Bool[Tensor, "*batch m"]:
        """Whether a neuron carries more than one feature."""
        return self.features > 1

    @property
    def second_over_first(self) -> Float[Tensor, "*batch m"]:
        """Second largest carried weight over the largest; 0 for neurons of at most one feature."""
        sizes = (self.weights.abs() * self.carried).sort(-1, descending=True).values
        if sizes.shape[-1] == 1:
            return torch.zeros_like(sizes[..., 0])
        return sizes[..., 1] / sizes[..., 0].clamp_min(torch.finfo(sizes.dtype).tiny)

    @property
    def sharing(self) -> Float[Tensor, "*batch n"]:
        """How shared a feature is: how many other features the neurons that carry it carry, in the
        mean over these neurons; 0 for one alone, or not there."""
        others = (self.features - 1)[..., None] * self.carried
        return others.sum(-2) / self.carried.sum(-2).clamp_min(1)


@torch.no_grad()
def neurons(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
    *,
    density: float,
    n_inputs: int = 2_048,
    threshold: float = CARRIED,
) -> Neurons:
    """What each neuron carries at a density.

    Args:
        w_in, w_out, bias: of one model or several.
        density: p, in (0, 1].
        n_inputs: for each feature, by which weights that count are told.
        threshold: rise of a feature's normalised error from which a weight counts.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    carried = cutting_costs(w_in, w_out, bias, density=density, n_inputs=n_inputs) >= threshold
    weights, _ = rescaled(w_in, w_out)
    sizes = weights.abs() * carried
    primary = torch.where(carried.any(-1), sizes.argmax(-1), -1)
    return Neurons(weights, carried, primary)

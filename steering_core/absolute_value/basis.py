"""Whether neurons are a basis that means something."""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep, sparse_features
from steering_core.absolute_value.checks import check_count, check_density
from steering_core.absolute_value.neurons import Neurons


def row_kurtosis(weights: Float[Tensor, "*batch m n"]) -> Float[Tensor, "*batch"]:
    """E w^4 / (E w^2)^2 within a row, mean over rows: n for rows with one weight, 3 for Gaussian
    ones. Rows of zeros count 0."""
    largest = weights.abs().amax(-1, keepdim=True)
    scaled = weights / torch.where(largest > 0, largest, 1.0)
    second, fourth = scaled.square().mean(-1), scaled.pow(4).mean(-1)
    return (fourth / torch.where(second > 0, second, 1.0).square()).mean(-1)


def rotated_kurtosis(
    weights: Float[Tensor, "m n"], *, rotations: int = 99, seed: int = 0
) -> Float[Tensor, " rotations"]:
    """`row_kurtosis` of the same weights seen in random rotations of the hidden space."""
    generator = lockstep.stream(seed, "rotations", len(weights))
    gauss = torch.randn(rotations, len(weights), len(weights), generator=generator).to(weights)
    q, r = torch.linalg.qr(gauss)
    q = q * r.diagonal(dim1=-2, dim2=-1).sign()[:, None, :]  # uniform over all rotations
    return row_kurtosis(q @ weights)


@torch.no_grad()
def read_off(
    found: Neurons, *, density: float, n_inputs: int = 16_384, seed: int = 4
) -> Float[Tensor, "n"]:
    """R^2 of each feature's value, read by least squares off the neurons whose primary it is.

    NaN for a feature that is no neuron's primary.

    Raises:
        ValueError: density out of range, or several models.
    """
    check_density(density)
    check_count("n_inputs", n_inputs)
    if found.weights.dim() != 2:
        raise ValueError(f"found: got {found.weights.dim() - 2} more axes; allowed is one model")
    n = found.weights.shape[-1]
    generator = lockstep.stream(seed, "read off", float(density))
    x = sparse_features.sample(
        n, n_inputs, density=density, generator=generator, signed=True, axis=0
    ).to(found.weights)
    hidden = (found.weights @ x).clamp_min(0)
    result = torch.full((n,), float("nan"))
    for i in found.primary[found.primary >= 0].unique().tolist():
        own = torch.cat([hidden[found.primary == i], hidden.new_ones(1, n_inputs)]).T.double()
        value = x[i].double()[:, None]
        left = value - own @ torch.linalg.lstsq(own, value).solution
        result[i] = 1 - left.var() / value.var()
    return result

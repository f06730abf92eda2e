"""Errors of models with many features, estimated on fresh inputs.

Up to three features, `expected_errors` is exact. Beyond, an integral has too many dimensions; a
sample of some ten thousand inputs, the same for all models that are compared, tells them apart.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_features import sample
from steering_core.superposition.activations import resolve
from steering_core.superposition.checks import check_density

_AT_ONCE = 2_000_000  # outputs


@torch.no_grad()
def sampled_errors(
    weights: Float[Tensor, "*batch m n"],
    bias: Float[Tensor, "*batch n"],
    *,
    activation: str | Callable[[Tensor], Tensor],
    density: float,
    signed: bool = False,
    inputs: int = 20_000,
    seed: int = 0,
) -> Float[Tensor, "*batch n"]:
    """The mean of (x_i - x'_i)^2 over inputs that no model was trained on.

    Args:
        weights, bias: of the models, all of one activation, in single precision.
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        density: of the inputs, in (0, 1].
        signed: whether active features are uniform on [-1, 1].
        inputs: how many, at least.
        seed: of the inputs. All models of a call see the same; how many they are decides in what
            blocks inputs are drawn, so compare what one call measured.

    Raises:
        ValueError: an argument out of range, or shapes that do not fit.
    """
    f = resolve(activation)
    check_density(density)
    if weights.dim() < 2 or bias.shape != (*weights.shape[:-2], weights.shape[-1]):
        raise ValueError(
            f"bias: got shape {tuple(bias.shape)} beside weights {tuple(weights.shape)}; "
            "allowed are (..., n) beside (..., m, n)"
        )
    if inputs < 1:
        raise ValueError(f"inputs: got {inputs}; allowed are whole numbers from 1")
    n = weights.shape[-1]
    size = min(inputs, max(1, _AT_ONCE // max(1, bias.numel())))
    rounds = -(-inputs // size)
    generator = lockstep.stream(seed, "errors", float(density))
    total = torch.zeros_like(bias)
    for _ in range(rounds):
        x = sample(n, size, density=density, generator=generator, signed=signed, axis=0)
        output = f.along(weights.mT @ (weights @ x) + bias[..., None], -2)
        total += (output - x).square().mean(-1)
    return total / rounds


def explained(
    errors: Float[Tensor, "*batch n"], density: float, *, signed: bool = False
) -> Float[Tensor, "*batch n"]:
    """r_i = 1 - E (x_i - x'_i)^2 / Var x_i; a feature is represented when it exceeds 1/2."""
    variance = density / 3 if signed else density / 3 - density**2 / 4
    return 1 - errors / variance

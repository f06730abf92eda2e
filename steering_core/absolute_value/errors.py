"""How well each feature is computed: errors on sampled inputs, and answers to a feature alone."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering_core import lockstep
from steering_core.absolute_value.checks import (
    check_count,
    check_density,
    check_importance,
    check_model,
)
from steering_core.absolute_value.inputs import active_batch, share_active
from steering_core.absolute_value.task import ABSOLUTE, Task

_AT_ONCE = 4_096  # inputs


def variance(density: float) -> float:
    """V(p) = p/3 - p^2/4, the variance of |x_i|: the error of the best constant output."""
    return density / 3 - density**2 / 4


def outputs(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
    x: Float[Tensor, "n inputs"],
    task: Task = ABSOLUTE,
) -> Float[Tensor, "*batch n inputs"]:
    """y' = ReLU(W2 ReLU(W1 x) + b)."""
    return (w_out @ task.hidden(w_in @ x) + bias[..., None]).clamp_min(0)


@torch.no_grad()
def feature_errors(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
    *,
    density: float,
    n_inputs: int = 65_536,
    seed: int = 1,
    task: Task = ABSOLUTE,
) -> Float[Tensor, "*batch n"]:
    """E (y'_i - |x_i|)^2 / V(p): 0 for a feature computed exactly, 1 for the best constant output.

    Args:
        w_in, w_out, bias: of one model or several.
        density: p, probability that an input is active, in (0, 1].
        n_inputs: with an active feature; the empty input is counted with its weight.
        seed: of the inputs, which are not those of training.
        task: whose labels and hidden layer to take. Mixed labels are divided by V(p) too, though
            their variance is another.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    check_model(w_in, w_out, bias)
    check_density(density)
    check_count("n_inputs", n_inputs)
    n = w_in.shape[-1]
    generator = lockstep.stream(seed, "held out", float(density), device=w_in.device)
    total = torch.zeros(bias.shape, dtype=torch.float64, device=w_in.device)
    for first in range(0, n_inputs, _AT_ONCE):
        size = min(_AT_ONCE, n_inputs - first)
        x = active_batch(n, size, density=density, generator=generator, signed=task.signed).to(w_in)
        residual = outputs(w_in, w_out, bias, x, task) - task.labels(x)
        total += residual.square_().sum(-1)
    share = share_active(n, density)
    empty = (1 - share) * bias.double().clamp_min(0).square()
    return ((share / n_inputs * total + empty) / variance(density)).to(bias)


def normalised_loss(
    errors: Float[Tensor, "*batch n"], importance: Float[Tensor, "n"]
) -> Float[Tensor, "*batch"]:
    """sum_i I_i E (y'_i - |x_i|)^2 / sum_i I_i V(p), from `feature_errors`.

    1 for the best constants and 0.8^20 = 0.01153 for twenty exact pairs at I_i = 0.8^i, at every
    density: so densities compare (raw losses do not, Elhage et al. 2022, footnote 17).

    Args:
        errors: (..., n), each feature's over V(p).
        importance: (n,) positive.

    Returns:
        (...)

    Raises:
        ValueError: importance that is not positive, or of another length.
    """
    importance = check_importance(importance, errors.shape[-1]).to(errors)
    return (errors * importance).sum(-1) / importance.sum()


@torch.no_grad()
def responses(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
) -> Float[Tensor, "*batch n 2"]:
    """By how much y'_i rises from the empty input to feature i alone at +1, and at -1; exact 1.

    Args:
        w_in: (..., m, n) W1.
        w_out: (..., n, m) W2.
        bias: (..., n) of the outputs.

    Returns:
        (..., n, 2)

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_model(w_in, w_out, bias)
    sides = []
    for sign in (1, -1):
        alone = (w_out * (sign * w_in).clamp_min(0).mT).sum(-1) + bias
        sides.append(alone.clamp_min(0) - bias.clamp_min(0))
    return torch.stack(sides, -1)


def dead_sides(
    w_in: Float[Tensor, "*batch m n"],
    w_out: Float[Tensor, "*batch n m"],
    bias: Float[Tensor, "*batch n"],
) -> Bool[Tensor, "*batch n 2"]:
    """Sides of features (positive, negative) to which the output answers less than a tenth.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    return responses(w_in, w_out, bias) < 0.1

"""The usual recipe as people write it, to compare with: one activation, all densities one tensor.

After the notebook of Elhage et al. 2022: einsum over the axis of the instances, autograd, dense
batches of 1,024 inputs for each, AdamW at a constant 1e-3, Xavier over all three axes.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from steering_core import lockstep
from steering_core.superposition.activations import resolve


@dataclass(frozen=True)
class UsualRun:
    """Models of one activation, a density each.

    Attributes:
        weights: (D, m, n), bias: (D, n).
        seconds: of the run.
    """

    weights: Float[Tensor, "D m n"]
    bias: Float[Tensor, "D n"]
    seconds: float


def train_usual(
    activation: str | Callable[[Tensor], Tensor],
    *,
    n_features: int,
    n_hidden: int,
    densities: Sequence[float],
    instances: int,
    steps: int = 10_000,
    batch_size: int = 1024,
    seed: int = 0,
    progress: bool = False,
) -> UsualRun:
    """Train with uniform importance.

    Args:
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        n_features, n_hidden: n and m.
        densities: one for each model.
        instances: how many models Xavier's rule is to count, whether or not all are trained.
        steps, batch_size: of AdamW at 1e-3.
        seed: of weights and inputs.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: steps below 1.
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps}; allowed are whole numbers from 1")
    f, models = resolve(activation), len(densities)
    generator = lockstep.stream(seed, "usual")
    deviation = math.sqrt(2 / (n_features * n_hidden + instances * n_hidden))
    weights = torch.randn(models, n_features, n_hidden, generator=generator) * deviation
    weights, bias = weights.requires_grad_(), torch.zeros(models, n_features, requires_grad=True)
    optimiser = torch.optim.AdamW([weights, bias], lr=1e-3)
    density = torch.tensor(densities)[:, None]
    began = time.perf_counter()
    for _ in tqdm(range(steps), disable=not progress, desc=f"usual recipe, {activation}"):
        shape = (batch_size, models, n_features)
        values = torch.rand(shape, generator=generator)
        active = torch.rand(shape, generator=generator) <= density
        x = torch.where(active, values, torch.zeros(()))
        hidden = torch.einsum("bif,ifh->bih", x, weights)
        output = f(torch.einsum("bih,ifh->bif", hidden, weights) + bias)
        loss = (x - output).square().mean((0, 2)).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    seconds = time.perf_counter() - began
    return UsualRun(weights.detach().mT.contiguous(), bias.detach(), seconds)

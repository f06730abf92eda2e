"""The usual recipe as people write it, to compare with: all densities as one tensor.

After ARENA's exercises: Kaiming's uniform weights, einsum over the axis of the nets, autograd,
Adam at a constant 1e-3, dense batches of 1,024 inputs for each net.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from steering_core import lockstep
from steering_core.absolute_value.checks import check_count, check_density, check_importance


@dataclass(frozen=True)
class UsualRun:
    """Nets, one for each density.

    Attributes:
        w_in: (D, m, n), w_out: (D, n, m), bias: (D, n).
        seconds: of the run.
    """

    w_in: Float[Tensor, "D m n"]
    w_out: Float[Tensor, "D n m"]
    bias: Float[Tensor, "D n"]
    seconds: float


def train_usual(
    *,
    importance: Float[Tensor, "n"],
    n_hidden: int,
    densities: Sequence[float],
    steps: int = 10_000,
    batch_size: int = 1024,
    seed: int = 0,
    progress: bool = False,
) -> UsualRun:
    """Train one net for each density.

    Args:
        importance: I (n,), weights of the squared errors.
        n_hidden: neurons m.
        densities: one for each net, in (0, 1].
        steps, batch_size: of Adam at 1e-3.
        seed: of weights and inputs.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: an argument out of range.
    """
    importance = check_importance(importance)
    densities = [check_density(density, "densities") for density in densities]
    if not densities:
        raise ValueError("densities: got none; allowed is at least one")
    for name, count in (("n_hidden", n_hidden), ("steps", steps), ("batch_size", batch_size)):
        check_count(name, count)
    nets, m, n = len(densities), n_hidden, len(importance)
    generator = lockstep.stream(seed, "usual")

    def kaiming(rows: int, columns: int) -> Tensor:
        weights = torch.rand(nets, rows, columns, generator=generator) * 2 - 1
        return (weights * math.sqrt(6 / columns)).requires_grad_()

    w_in, w_out, bias = kaiming(m, n), kaiming(n, m), torch.zeros(nets, n, requires_grad=True)
    optimiser = torch.optim.Adam([w_in, w_out, bias], lr=1e-3)
    density = torch.tensor(densities)[:, None]
    began = time.perf_counter()
    for _ in tqdm(range(steps), disable=not progress, desc="usual recipe"):
        shape = (batch_size, nets, n)
        values = torch.rand(shape, generator=generator) * 2 - 1
        active = torch.rand(shape, generator=generator) < density
        x = torch.where(active, values, torch.zeros(()))
        hidden = torch.relu(torch.einsum("bdn,dmn->bdm", x, w_in))
        output = torch.relu(torch.einsum("bdm,dnm->bdn", hidden, w_out) + bias)
        loss = ((output - x.abs()).square() * importance).mean((0, 2)).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    seconds = time.perf_counter() - began
    return UsualRun(w_in.detach(), w_out.detach(), bias.detach(), seconds)

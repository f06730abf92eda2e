"""Training the bottleneck model x' = f(W^T W x + b) by the recipe of the source works.

Elhage et al. 2022 published theirs: Xavier weights, no bias at the start, AdamW at a constant 1e-3
with torch's default weight decay, 10,000 steps of 1,024 fresh inputs. Lad & Kostolansky 2023 follow
it with other activations f. Every importance and restart of one density trains here at once; each
restart draws inputs of its own, which its importances share.

Not here: the optimum (`phase_diagram`), which training need not reach.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from steering_core.sparse_features import active_rows, sample
from steering_core.superposition.activations import Activation, resolve
from steering_core.superposition.checks import check_activation, check_density, check_importance

_STEPS_DRAWN_AT_ONCE = 50


@dataclass(frozen=True)
class TrainedBottleneck:
    """Where training ended: weights (models, restarts, m, n) and bias (models, restarts, n)."""

    weights: Float[Tensor, "models restarts m n"]
    bias: Float[Tensor, "models restarts n"]


@torch.no_grad()
def train_bottleneck(
    activation: str | Callable[[Tensor], Tensor],
    *,
    n_hidden: int,
    density: float,
    importance: Float[Tensor, "models n"],
    restarts: int = 10,
    steps: int = 10_000,
    batch_size: int = 1024,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.01,
    xavier_axes: int = 2,
    shared_mask: bool = False,
    seed: int = 0,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> TrainedBottleneck:
    """Train one model for each row of importances and each restart.

    Args:
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        n_hidden: hidden dimensions m, less than n.
        density: probability that an input is active, in (0, 1].
        importance: weights of the squared errors, positive, one row a model.
        restarts: models a row, each with initial weights and inputs of its own.
        steps, batch_size, learning_rate, weight_decay: as in the recipe, unless said otherwise.
        xavier_axes: 2 takes Xavier's fans from (m, n); 3 also counts the axis of the restarts, as
            published code does that initialises all restarts as one tensor.
        shared_mask: one sparsity mask for all features of an input, a slip (see `sample`).
        seed: of initial weights and inputs; the global generator is left alone.
        device: where to train; what comes back is on the CPU.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: an argument out of range; the activation and the step if a weight is no longer
            finite.

    Source:
        Elhage et al. 2022, the published notebook; Lad & Kostolansky 2023, "Problem Specification".
    """
    f = resolve(activation)
    check_density(density)
    importance = check_importance(importance).float().to(device)
    _check(importance, n_hidden, restarts, steps, batch_size, xavier_axes)
    models, n = importance.shape
    check_activation(f, torch.zeros(1, n))
    generator = torch.Generator(device).manual_seed(seed)
    fans = n_hidden + n if xavier_axes == 2 else n_hidden * n + n_hidden * restarts
    weights = torch.randn(
        restarts, models, n_hidden, n, generator=generator, device=device
    ) * math.sqrt(2 / fans)
    bias = torch.zeros(restarts, models, n, device=device)
    optimiser = torch.optim.AdamW(
        [weights.requires_grad_(), bias.requires_grad_()],
        lr=learning_rate,
        weight_decay=weight_decay,
        fused=True,
    )
    for begin in tqdm(range(0, steps, _STEPS_DRAWN_AT_ONCE), disable=not progress):
        drawn = min(_STEPS_DRAWN_AT_ONCE, steps - begin)
        batch = sample(
            drawn,
            restarts,
            batch_size,
            n,
            density=density,
            generator=generator,
            shared_mask=shared_mask,
        )
        batch, zeros = active_rows(batch)
        for x in batch.mT.contiguous():  # (restarts, n, inputs)
            weights.grad, bias.grad = _gradients(weights, bias, x, zeros, importance, f)
            optimiser.step()
        if not weights.isfinite().all():
            raise ValueError(
                f"learning_rate: got {learning_rate}; {activation} at density {density} is no "
                f"longer finite by step {begin + drawn}; allowed are rates that keep it finite"
            )
    ends = (one.detach().transpose(0, 1).contiguous().cpu() for one in (weights, bias))
    return TrainedBottleneck(*ends)


def _gradients(
    weights: Tensor, bias: Tensor, x: Tensor, zeros: int, importance: Tensor, f: Activation
) -> tuple[Tensor, Tensor]:
    """Of the weighted squared error, the mean over inputs and features, for weights and bias.

    x (restarts, n, inputs) holds the inputs with an active feature; `zeros` more are zero, and one
    column stands for all of these. The chain rule is written out, but for f; W enters by W^T W.
    """
    restarts, n, inputs = x.shape
    x = torch.cat([x, x.new_zeros(restarts, n, 1)], dim=-1)
    with_one = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    affine = torch.cat([weights.mT @ weights, bias[..., None]], dim=-1).flatten(1, 2)
    z = (affine @ with_one).unflatten(1, (-1, n)).requires_grad_()  # (restarts, models, n, inputs)
    with torch.enable_grad():
        output = f(z) if f.elementwise else f(z.mT).mT
    residual = (output.detach() - x[:, None]).mul_(importance[..., None])
    residual[..., -1] *= zeros
    (by_z,) = torch.autograd.grad(output, z, residual)
    by_affine = (by_z.flatten(1, 2) @ with_one.mT).unflatten(1, (-1, n))
    by_affine *= 2 / ((inputs + zeros) * n)
    by_gram = by_affine[..., :n]
    # The fused optimiser takes memory as it lies: gradients must be laid out as their parameters.
    return (weights @ (by_gram + by_gram.mT)).contiguous(), by_affine[..., n].contiguous()


def _check(
    importance: Tensor, m: int, restarts: int, steps: int, batch_size: int, xavier_axes: int
) -> None:
    if importance.dim() != 2:
        raise ValueError(f"importance: got shape {tuple(importance.shape)}; allowed is (models, n)")
    if not 1 <= m < importance.shape[1]:
        raise ValueError(f"n_hidden: got {m}; allowed are 1 to {importance.shape[1] - 1}")
    for name, value in (("restarts", restarts), ("steps", steps), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name}: got {value}; allowed are whole numbers from 1")
    if xavier_axes not in (2, 3):
        raise ValueError(f"xavier_axes: got {xavier_axes}; allowed are 2 and 3")

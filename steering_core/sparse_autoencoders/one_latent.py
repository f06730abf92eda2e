"""One latent, trained: does descent find the closed form?

An encoder weight and bias along one direction, the decoder fixed at norm 1; many latents at once,
each in a situation of its own. Two targets are told apart, as the draft does not:

- "clean": the feature without the noise, as where other latents explain the noise;
- "noisy": the input itself, noise included, which is what an autoencoder alone is asked for.

Not here: many latents (`training`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_autoencoders import gates
from steering_core.sparse_autoencoders.checks import check_choice, check_count, check_number
from steering_core.sparse_autoencoders.least_error import Situation, flat
from steering_core.sparse_autoencoders.response import Fitted, Kind

Target = Literal["clean", "noisy"]
Gate = Literal["relu", "scsae", "scsae_multiplied", "prolu_relu", "prolu_ste"]


@dataclass(frozen=True)
class TrainedLatents:
    """Where training ended, for L latents.

    Attributes:
        latents: weight and bias of each, as a function.
        situations: what each met.
        losses: (records, L) mean losses over 50 steps, penalty included.
        gate, target, penalty: how they were trained.
    """

    latents: tuple[Fitted, ...]
    situations: tuple[Situation, ...]
    losses: Float[Tensor, "records L"]
    gate: Gate
    target: Target
    penalty: float


def train_latents(
    situations: Sequence[Situation],
    *,
    gate: Gate = "relu",
    target: Target = "clean",
    penalty: float = 0.0,
    weights: Sequence[float] | None = None,
    steps: int = 3_000,
    batch_size: int = 512,
    learning_rate: float = 0.02,
    seed: int = 0,
) -> TrainedLatents:
    """Train one latent for each situation with Adam; the rate warms up and falls to zero.

    The loss is E (f - target)^2 + penalty E f, in the units of the magnitudes.

    Args:
        situations: with flat likelihoods; at least one.
        gate: the latent's nonlinearity, with its pseudo-gradient.
        target: "clean" or "noisy".
        penalty: L1, from 0.
        weights: where the weight of each begins; 1 if None. Biases begin at 0.
        steps, batch_size, learning_rate: of Adam.
        seed: of the inputs; the global generator is left alone.

    Raises:
        ValueError: an argument out of range.
    """
    check_choice("gate", gate, get_args(Gate))
    check_choice("target", target, get_args(Target))
    check_number("penalty", penalty, 0.0)
    check_number("learning_rate", learning_rate, 0.0)
    check_count("steps", steps)
    check_count("batch_size", batch_size)
    check_count("seed", seed, least=0)
    if not situations:
        raise ValueError("situations: got none; allowed is at least one")
    if any(one.likelihood is not flat for one in situations):
        raise ValueError("situations: got a likelihood; allowed are flat ones")
    begin = torch.ones(len(situations)) if weights is None else torch.tensor(weights).float()
    if begin.shape != (len(situations),) or not begin.isfinite().all():
        raise ValueError(
            f"weights: got {weights}; allowed are {len(situations)} finite numbers, one a situation"
        )
    function = getattr(gates, gate)

    def losses(p: lockstep.Parameters, batch: tuple[Tensor, Tensor], models: Tensor) -> Tensor:
        x, wanted = (part[models] for part in batch)
        out = function((p["weight"] * x)[..., None], p["bias"][..., None, None])[..., 0]
        return ((out - wanted) ** 2 + penalty * out).mean(-1)

    with lockstep.one_thread():
        trained = lockstep.train(
            lockstep.by_autograd(losses),
            {"weight": begin[:, None], "bias": torch.zeros(len(situations))},
            _batches(situations, target, batch_size, lockstep.stream(seed, "one latent")),
            steps=steps,
            optimiser=partial(torch.optim.Adam, lr=learning_rate),
            schedule=lockstep.warm_cosine(0.05),
        )
    kinds: dict[str, Kind] = {"relu": "relu", "scsae": "drafted", "scsae_multiplied": "drafted"}
    kind = kinds.get(gate, "scsae")
    pairs = zip(
        trained.parameters["weight"][:, 0].tolist(),
        trained.parameters["bias"].tolist(),
        strict=True,
    )
    return TrainedLatents(
        tuple(Fitted(weight, bias, kind) for weight, bias in pairs),
        tuple(situations),
        trained.losses,
        gate,
        target,
        float(penalty),
    )


def _batches(
    situations: Sequence[Situation], target: Target, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Float[Tensor, "L batch"], Float[Tensor, "L batch"]]]:
    """Inputs and what is wanted for them; all latents get the same random numbers."""
    low, spread, noise, density = (
        torch.tensor([getattr(one, name) for one in situations])[:, None]
        for name in ("low", "spread", "noise", "density")
    )
    while True:
        chance, place = torch.rand(2, batch_size, generator=generator)
        feature = torch.where(chance < density, low + spread * place, 0.0)
        x = torch.where(feature > 0, feature, noise * (2 * place - 1))
        yield x, feature if target == "clean" else x

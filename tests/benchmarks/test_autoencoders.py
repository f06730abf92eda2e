"""Sparse autoencoders in lock-step beside a plain loop of torch over one of them.

Both train ReLU autoencoders with L1 on batches of 128 out of the same tensor. The plain way is a
module, autograd and `torch.optim.Adam`, with all of torch's threads. They take turns, in one
process; what counts is how many inputs all models together are trained on in a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

WIDTH, LATENTS, BATCH, PENALTY = 64, 256, 128, 2.0
MODELS, TURNS = 8, 3
STEPS = int(os.environ.get("AUTOENCODER_STEPS", "1500"))
"""Steps of each turn; fewer only to try the benchmark itself."""
WARM_UP = max(1, STEPS // 10)

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.fixture(scope="module")
def measured(in_fresh_process: Callable[..., Any]) -> dict[str, Any]:
    """What `measure` finds.

    Threads may wait as torch has it: passive waiting, which the Makefile asks for, makes the plain
    loop half as quick.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OMP_WAIT_POLICY", raising=False)
        return in_fresh_process()


def test_eight_in_lock_step_are_two_and_a_half_times_as_quick(measured: dict[str, Any]) -> None:
    ours, plain = measured["ours"], measured["plain"]
    print(f"inputs a second: {ours:,.0f} ours, {plain:,.0f} plain; {ours / plain:.2f} times")
    assert ours >= 2.5 * plain


def test_both_learn(measured: dict[str, Any]) -> None:
    for name in ("ours", "plain"):
        first, last = measured[f"losses_{name}"]
        print(f"{name}: loss {first:.2f} at first, {last:.2f} at last")
        assert last < first


class Plain(torch.nn.Module):
    """A usual autoencoder: ReLU, L1 weighed by the norms of its decoder's rows."""

    def __init__(self) -> None:
        super().__init__()
        rows = torch.nn.functional.normalize(torch.randn(LATENTS, WIDTH), dim=1)
        self.encoder = torch.nn.Linear(WIDTH, LATENTS)
        self.decoder = torch.nn.Linear(LATENTS, WIDTH)
        with torch.no_grad():
            self.encoder.weight.copy_(rows)
            self.decoder.weight.copy_(rows.T)
            self.encoder.bias.zero_()
            self.decoder.bias.zero_()

    def loss(self, x: Tensor) -> Tensor:
        latents = torch.relu(self.encoder(x - self.decoder.bias))
        error = (x - self.decoder(latents)).square().sum(-1).mean()
        norms = self.decoder.weight.norm(dim=0)
        return error + PENALTY * (latents * norms).sum(-1).mean()


def train_plain(x: Tensor, scale: float, steps: int) -> tuple[float, float, float]:
    """Seconds, and the first and last loss."""
    torch.manual_seed(0)
    model = Plain()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            began = time.perf_counter()
        batch = x[torch.randint(len(x), (BATCH,))] * scale
        optimiser.zero_grad()
        loss = model.loss(batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    seconds = time.perf_counter() - began  # pyright: ignore[reportPossiblyUnboundVariable]
    return seconds, float(losses[0]), float(losses[-1])


def measure() -> dict[str, Any]:
    """Inputs a second of both ways, the best of several turns, and losses."""
    from steering_core.sparse_autoencoders import Recipe, ground_truth, train_autoencoders

    truth = ground_truth(400, WIDTH, densities=(0.002, 0.015))
    x = truth.sample(16_384, torch.Generator().manual_seed(0)).activations
    scale = WIDTH**0.5 / float(x.norm(dim=1).mean())

    def ours(steps: int) -> tuple[float, float, float]:
        recipe = Recipe(steps=steps, dead="none")
        began = time.perf_counter()
        trained = train_autoencoders(
            x,
            "relu",
            n_latents=LATENTS,
            penalties=(PENALTY,),
            seeds=range(MODELS),
            recipe=recipe,
            batch_size=BATCH,
            n_jobs=2,
        )
        seconds = time.perf_counter() - began  # all of it: threads, checks and putting together
        losses = trained.losses.mean(1)
        return seconds, float(losses[0]), float(losses[-1])

    ours(WARM_UP)
    mine, plain = [], []
    for _ in range(TURNS):
        mine.append(ours(STEPS))
        plain.append(train_plain(x, scale, STEPS))
    inputs = STEPS * BATCH
    return {
        "ours": MODELS * inputs / min(turn[0] for turn in mine),
        "plain": inputs / min(turn[0] for turn in plain),
        "losses_ours": mine[0][1:],
        "losses_plain": plain[0][1:],
    }


if __name__ == "__main__":
    json.dump(measure(), sys.stdout)

"""Exact phase diagrams beside the usual recipe, on the same machine in the same process.

The usual way to a phase diagram trains each cell of the grid, with ten restarts, by AdamW at 1e-3
for 10,000 steps of 1,024 fresh inputs. Here that recipe is written as people write it, and given
the benefit of vectorisation: all sampled cells and restarts are one tensor. Both run on one thread,
and seconds are the processor's: what an idle core takes, however busy the machine is.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

LEVELS = 51
DECADES_OF_DENSITY, DECADES_OF_IMPORTANCE = (-2.0, 0.0), (-1.0, 1.0)
RESTARTS, BATCH, STEPS = 10, 1024, 10_000
TIMED_STEPS = 200
SAMPLED = tuple(product((15, 40), (15, 25, 35)))
"""Cells (density, importance) on which the recipe is timed and run to its end."""

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.fixture(scope="module")
def measured(in_fresh_process: Callable[..., Any]) -> dict[str, Any]:
    """What `measure` finds, and the seconds of the recipe on the whole grid."""
    found = in_fresh_process(OMP_NUM_THREADS="1")
    found["usual"] = found["seconds_a_step"] * STEPS * LEVELS**2 / len(SAMPLED)
    return found


def test_seven_diagrams_take_seconds(measured: dict[str, Any]) -> None:
    for name, seconds in measured["seconds"].items():
        print(f"{name:>10} {seconds:6.2f} s")
    total = sum(measured["seconds"].values())
    print(f"{'all':>10} {total:6.2f} s, {measured['memory'] / 2**20:.0f} MiB at most")
    assert total < 20
    assert measured["memory"] < 2 * 2**30


def test_seconds_grow_no_faster_than_the_cells(measured: dict[str, Any]) -> None:
    ratio = (measured["seconds"]["relu"] / LEVELS**2) / (measured["quarter"] / 26**2)
    print(f"a cell of {LEVELS} x {LEVELS} takes {ratio:.2f} times as long as one of 26 x 26")
    assert ratio < 2


def test_it_is_a_thousand_times_as_fast_as_the_usual_recipe(measured: dict[str, Any]) -> None:
    ours, usual = measured["seconds"]["relu"], measured["usual"]
    print("ReLU, 51 x 51 cells   seconds")
    print(f"usual recipe       {usual:10.0f}   (scaled from {len(SAMPLED)} cells)")
    print(f"phase_diagram      {ours:10.2f}   {usual / ours:.0f} times as fast")
    assert usual / ours >= 1000


def test_no_loss_of_the_recipe_is_lower(measured: dict[str, Any]) -> None:
    print("density importance  recipe, best of 10   optimum")
    for density, importance, trained, exact in measured["losses"]:
        print(f"{density:7.3f} {importance:10.3f} {trained:20.8f} {exact:9.8f}")
        assert exact <= trained * (1 + 1e-6)
        assert trained < 1.05 * exact  # the recipe did train


def measure() -> dict[str, Any]:
    """Seconds, memory and losses of both ways."""
    from steering_core.superposition import ACTIVATIONS, phase_diagram

    densities = torch.logspace(*DECADES_OF_DENSITY, LEVELS, dtype=torch.float64)
    importances = torch.logspace(*DECADES_OF_IMPORTANCE, LEVELS, dtype=torch.float64)
    grid: dict[str, Any] = {"densities": densities, "importances": importances}
    phase_diagram("relu", densities=[0.5], importances=[1.0])  # what is done once a process
    diagrams, seconds = {}, {}
    for name in ACTIVATIONS:
        begin = time.process_time()
        diagrams[name] = phase_diagram(name, **grid)
        seconds[name] = time.process_time() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    begin = time.process_time()
    phase_diagram("relu", densities=densities[::2], importances=importances[::2])
    quarter = time.process_time() - begin
    rows, columns = (torch.tensor(index) for index in zip(*SAMPLED, strict=True))
    exact = diagrams["relu"].loss[rows, columns]
    trained = losses_of_recipe(densities[rows], importances[columns])
    seconds_a_step = usual_recipe(densities[rows], importances[columns])
    losses = torch.stack([densities[rows], importances[columns], trained, exact], -1)
    return {
        "seconds": seconds,
        "quarter": quarter,
        "memory": memory,
        "seconds_a_step": seconds_a_step,
        "losses": losses.tolist(),
    }


def usual_recipe(densities: Tensor, importances: Tensor) -> float:
    """Seconds a step of all cells and restarts together, trained as usual."""
    generator = torch.Generator().manual_seed(0)
    cells = len(densities)
    xavier = (2 / 3) ** 0.5
    weights = torch.randn(cells, RESTARTS, 1, 2, generator=generator) * xavier
    weights.requires_grad_()
    bias = torch.zeros(cells, RESTARTS, 2, requires_grad=True)
    importance = torch.stack([torch.ones(cells), importances.float()], -1)[:, None, None]
    density = densities.float()[:, None, None, None]
    optimiser = torch.optim.AdamW([weights, bias], lr=1e-3)

    def step() -> None:
        uniform = torch.rand(cells, RESTARTS, BATCH, 2, generator=generator)
        active = torch.rand(cells, RESTARTS, BATCH, 2, generator=generator) < density
        x = torch.where(active, uniform, torch.zeros(()))
        hidden = torch.einsum("crmn,crbn->crbm", weights, x)
        output = torch.relu(torch.einsum("crmn,crbm->crbn", weights, hidden) + bias[:, :, None])
        loss = (importance * (x - output) ** 2).mean((-2, -1)).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    for _ in range(10):
        step()
    begin = time.process_time()
    for _ in range(TIMED_STEPS):
        step()
    return (time.process_time() - begin) / TIMED_STEPS


def losses_of_recipe(densities: Tensor, importances: Tensor) -> Tensor:
    """The lowest expected loss over ten restarts of the whole recipe, for each cell."""
    from steering_core.superposition import Recipe, expected_loss, train_bottleneck

    lowest = torch.empty_like(densities)
    for density in densities.unique():
        here = densities == density
        extra = importances[here]
        importance = torch.stack([torch.ones_like(extra), extra], -1)
        ends = train_bottleneck(
            "relu",
            n_hidden=1,
            density=density.item(),
            importance=importance,
            seeds=range(RESTARTS),
            recipe=Recipe(steps=STEPS, batch_size=BATCH),
        )
        losses = expected_loss(
            ends.weights[0, 0],
            ends.bias[0, 0],
            activation="relu",
            density=density.item(),
            importance=importance[:, None],
        )
        lowest[here] = losses.amin(-1)
    return lowest


if __name__ == "__main__":
    print(json.dumps(measure()))

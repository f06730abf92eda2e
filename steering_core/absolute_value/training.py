"""Training the absolute-value model y' = ReLU(W2 ReLU(W1 x) + b), many densities and seeds at once.

Not here: how (`recipe`); the gradients (`crowd`); the loop (`lockstep`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from joblib import Parallel, delayed
from torch import Tensor
from tqdm import tqdm

from steering_core import lockstep
from steering_core.absolute_value.checks import (
    check_count,
    check_density,
    check_importance,
    check_seeds,
)
from steering_core.absolute_value.crowd import Crowd
from steering_core.absolute_value.recipe import OURS, Recipe
from steering_core.absolute_value.task import ABSOLUTE, Task

_IN_CACHE = 250_000  # outputs of the models that train together


@dataclass(frozen=True)
class TrainedAbsoluteValue:
    """Where training ended, for D densities and S seeds.

    Attributes:
        w_in: (D, S, m, n), w_out: (D, S, n, m), bias: (D, S, n); NaN for a model that diverged.
        densities: (D,)
        importance: (n,)
        seeds: (S,)
        task: what the models compute.
        losses: (records, D, S) on fresh batches, sum over features, averaged over 50 steps. While
            a recipe changes the density, it is the loss at the density of the moment.
        diverged: (D, S) whether the loss was no longer finite.
        seconds: of the whole run.
    """

    w_in: Float[Tensor, "D S m n"]
    w_out: Float[Tensor, "D S n m"]
    bias: Float[Tensor, "D S n"]
    densities: tuple[float, ...]
    importance: Float[Tensor, "n"]
    seeds: Int[Tensor, "S"]
    task: Task
    losses: Float[Tensor, "records D S"]
    diverged: Bool[Tensor, "D S"]
    seconds: float

    def model(
        self, density: int, seed: int
    ) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"], Float[Tensor, "n"]]:
        """(w_in, w_out, bias) of one model, by its places."""
        return self.w_in[density, seed], self.w_out[density, seed], self.bias[density, seed]


def train_absolute_value(
    *,
    importance: Float[Tensor, "n"],
    n_hidden: int,
    densities: Sequence[float],
    seeds: Sequence[int] = (0,),
    recipe: Recipe = OURS,
    task: Task = ABSOLUTE,
    device: str | torch.device = "cpu",
    n_jobs: int = 1,
    progress: bool = False,
) -> TrainedAbsoluteValue:
    """Train one model for each density and seed.

    A density gives the inputs, and with the seed the initial weights: a model comes out the same
    alone and in company, to rounding.

    Args:
        importance: I (n,), weights of the squared errors, positive; n features.
        n_hidden: neurons m.
        densities: 1 - S, probabilities that an input is active, in (0, 1].
        seeds: of initial weights; the global generator is left alone.
        recipe: how to train; that of the chapters by default.
        task: what; absolute values, or a control.
        device: where to train; what comes back is on the CPU.
        n_jobs: threads among which the models are shared out, as joblib counts them.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: an argument out of range, before any work is done.

    Warns:
        RuntimeWarning: a model diverged; it is named, with the step, and the others go on.

    Source:
        Elhage et al. 2022, "Computation in Superposition".
    """
    importance, seeds = check_importance(importance).to(device), check_seeds(seeds)
    if not len(densities):
        raise ValueError("densities: got none; allowed is at least one")
    check_count("n_hidden", n_hidden)
    if n_jobs == 0:
        raise ValueError("n_jobs: got 0; allowed are 1, 2, ... and -1 for one a core")
    densities = tuple(check_density(density, "densities") for density in densities)
    few = max(1, _IN_CACHE // (len(importance) * recipe.batch_size))
    whole = Crowd(n_hidden, densities[0], importance, seeds, recipe, task)
    crowds = [
        replace(whole, density=density, seeds=seeds[k : k + few])
        for density in densities
        for k in range(0, len(seeds), few)
    ]
    bar = tqdm(total=len(crowds), disable=not progress or len(crowds) == 1, desc="training")
    began = time.perf_counter()

    def train(crowd: Crowd) -> lockstep.Trained:
        trained = crowd.train(progress=progress and len(crowds) == 1)
        bar.update()
        return trained

    with lockstep.one_thread(), bar:
        trained: Any = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(train)(c) for c in crowds)

    def joined(of: Callable[[lockstep.Trained], Tensor]) -> Tensor:
        return torch.cat([of(one).cpu() for one in trained]).unflatten(0, (len(densities), -1))

    return TrainedAbsoluteValue(
        joined(lambda one: one.parameters["w_in"]),
        joined(lambda one: one.parameters["w_out"]),
        joined(lambda one: one.parameters["bias"]),
        densities,
        importance.cpu(),
        torch.tensor(seeds),
        task,
        joined(lambda one: _whole(one.losses, recipe.steps).T).movedim(-1, 0),
        joined(lambda one: one.diverged),
        time.perf_counter() - began,
    )


def _whole(losses: Tensor, steps: int) -> Tensor:
    """Loss curves as long as a whole run; those that ended early go on as NaN."""
    records = -(-steps // 50)
    missing = losses.new_full((records - len(losses), losses.shape[1]), float("nan"))
    return torch.cat([losses, missing])

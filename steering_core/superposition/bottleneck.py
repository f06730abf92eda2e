"""Training the bottleneck model x' = f(W^T W x + b): many activations, densities, seeds at once.

Not here: the optimum (`phase_diagram`), which training need not reach; how (`recipe`); the loop
(`lockstep`).
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from joblib import Parallel, delayed
from torch import Tensor
from tqdm import tqdm

from steering_core import lockstep
from steering_core.superposition.plan import OneOrSeveral, Plan
from steering_core.superposition.recipe import PUBLISHED, Recipe


@dataclass(frozen=True)
class TrainedBottleneck:
    """Where training ended, for A activations, D densities, I rows of importances, S seeds.

    Attributes:
        activations: (A,) their names.
        densities: (D,)
        importance: (I, n)
        seeds: (S,)
        weights: (A, D, I, S, m, n), bias: (A, D, I, S, n); NaN for a model that diverged.
        losses: (records, A, D, I, S) the loss on fresh batches, mean over inputs, sum over
            features, averaged over `record_every` steps.
        record_every: steps that one record averages.
        steps: (A, D, I, S) how many each model took.
        diverged: (A, D, I, S) whether its loss was no longer finite.
        seconds: of the whole run.
    """

    activations: tuple[str, ...]
    densities: Float[Tensor, "D"]
    importance: Float[Tensor, "I n"]
    seeds: Int[Tensor, "S"]
    weights: Float[Tensor, "A D I S m n"]
    bias: Float[Tensor, "A D I S n"]
    losses: Float[Tensor, "records A D I S"]
    record_every: int
    steps: Int[Tensor, "A D I S"]
    diverged: Bool[Tensor, "A D I S"]
    seconds: float


def train_bottleneck(
    activation: OneOrSeveral,
    *,
    n_hidden: int,
    density: float | Sequence[float] | Float[Tensor, "D"],
    importance: Float[Tensor, "*I n"],
    seeds: Sequence[int] = (0,),
    recipe: Recipe = PUBLISHED,
    device: str | torch.device = "cpu",
    n_jobs: int = 1,
    progress: bool = False,
) -> TrainedBottleneck:
    """Train one model for each activation, density, row of importances and seed.

    A model's seed and density give its inputs, and with the row its initial weights; activations
    share both. So it comes out the same alone and in company, to rounding.

    Args:
        activation: names out of `ACTIVATIONS`, or callables on (..., n); one or several.
        n_hidden: hidden dimensions m, less than n.
        density: probability that an input is active, in (0, 1]; one or several.
        importance: weights of the squared errors, positive: (n,), or (I, n) for a model a row.
        seeds: of initial weights and inputs; the global generator is left alone.
        recipe: how to train; that of the published experiments by default.
        device: where to train; what comes back is on the CPU.
        n_jobs: threads among which the densities are shared out, as joblib counts them. A thread
            computes alone: steps are too short for two to share one.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: an argument out of range, before any work is done.

    Warns:
        RuntimeWarning: a model diverged; it is named, with the step, and the others go on.

    Source:
        Elhage et al. 2022, the published notebook; Lad & Kostolansky 2023, "Problem Specification".
    """
    if n_jobs == 0:
        raise ValueError("n_jobs: got 0; allowed are 1, 2, ... and -1 for one a core")
    plan = Plan.of(activation, n_hidden, density, importance, seeds, recipe, device)
    parts = plan.parts()
    together = tqdm(total=len(parts), disable=not progress or len(parts) == 1, desc="training")
    began = time.perf_counter()

    def train(part: Plan) -> lockstep.Trained:
        trained = part.train(progress=progress and len(parts) == 1)
        together.update()
        return trained

    with lockstep.one_thread():
        trained = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(train)(part) for part in parts)
    together.close()
    return _result(plan, parts, trained, time.perf_counter() - began)


def _result(
    plan: Plan, parts: list[Plan], trained: Iterable[Any], seconds: float
) -> TrainedBottleneck:
    """What the parts of the plan came to, put together."""
    trained = list(trained)
    records = max(len(one.losses) for one in trained)

    def joined(of: Callable[[lockstep.Trained], Tensor]) -> Tensor:
        pieces = zip(parts, trained, strict=True)
        return torch.cat([part.folded(of(one).cpu()) for part, one in pieces], dim=1)

    def curves(one: lockstep.Trained) -> Tensor:  # those that ended early go on as NaN
        whole = one.losses.new_full((records, one.losses.shape[1]), math.nan)
        whole[: len(one.losses)] = one.losses
        return whole.T

    return TrainedBottleneck(
        plan.activation_names,
        plan.densities,
        plan.importance.cpu(),
        torch.tensor(plan.seeds),
        joined(lambda one: one.parameters["weights"]),
        joined(lambda one: one.parameters["bias"]),
        joined(curves).movedim(-1, 0),
        trained[0].record_every,
        joined(lambda one: one.steps),
        joined(lambda one: one.diverged),
        seconds,
    )

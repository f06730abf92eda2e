"""The loop: one step moves all models."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from steering_core.lockstep.crew import Crew, Parameters, count_models
from steering_core.lockstep.record import Plateau, Record
from steering_core.lockstep.schedules import Schedule, constant

Gradients = Callable[[Parameters, Any, Int[Tensor, " models"]], tuple[Tensor, Parameters]]
"""(parameters, batch, models) -> losses (models,) and their gradients, as the parameters are.

`models` says which of the models are left; the first axis of everything else follows it.
"""


@dataclass(frozen=True)
class Step:
    """What `after_step` sees, and may change in place.

    Attributes:
        number: steps taken, this one included.
        models: (models,) which are left.
        parameters: their stacks.
        moments: of each parameter, what the optimiser remembers, by its names for it.
    """

    number: int
    models: Int[Tensor, " models"]
    parameters: Parameters
    moments: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Trained:
    """Where training ended.

    Attributes:
        parameters: stacks of all models; NaN for one that diverged.
        losses: (records, models) means of the batch losses over each stretch of steps; NaN after a
            model has left.
        record_every: steps a stretch.
        steps: (models,) how many each took.
        diverged: (models,) whether the loss was no longer finite.
        converged: (models,) whether it left on a plateau.
        seconds: of the whole run.
    """

    parameters: Parameters
    losses: Float[Tensor, "records models"]
    record_every: int
    steps: Int[Tensor, " models"]
    diverged: Bool[Tensor, " models"]
    converged: Bool[Tensor, " models"]
    seconds: float


@torch.no_grad()
def train(
    gradients: Gradients,
    parameters: Mapping[str, Tensor],
    batches: Iterable[Any],
    *,
    steps: int,
    optimiser: Callable[[list[Tensor]], Optimizer],
    schedule: Schedule = constant,
    names: Sequence[str] | None = None,
    plateau: Plateau | None = None,
    after_step: Callable[[Step], None] | None = None,
    record_every: int = 50,
    progress: bool = False,
) -> Trained:
    """Train all models for `steps` steps, or until each has converged.

    Args:
        gradients: from the stacks that are left and a batch to losses (models,) and gradients.
        parameters: initial stacks, models on the first axis; they are copied.
        batches: at least `steps` of them; what one is, only `gradients` knows.
        steps: at most.
        optimiser: makes one of torch.optim's from a list of tensors, such as
            `partial(torch.optim.AdamW, lr=1e-3)`. One that mixes the numbers of a tensor (Muon,
            Adafactor) is given each model's own; one that wants a closure is refused.
        schedule: factor on the optimiser's rates.
        names: of the models, for messages; their numbers if None.
        plateau: when a model may leave early; never if None.
        after_step: may change parameters and moments in place: constraints, resets.
        record_every: steps that a point of the loss curves averages, and after which models leave.
        progress: whether a progress bar is drawn.

    Raises:
        ValueError: an argument out of range, stacks of different lengths, batches that ran out.

    Warns:
        RuntimeWarning: a model's loss is no longer finite; it is named, with the step.
    """
    for name, value in (("steps", steps), ("record_every", record_every)):
        if value < 1:
            raise ValueError(f"{name}: got {value}; allowed are whole numbers from 1")
    count = count_models(parameters)
    names = [f"model {i}" for i in range(count)] if names is None else names
    if len(names) != count:
        raise ValueError(f"names: got {len(names)}; allowed is one for each of {count} models")
    began = time.perf_counter()
    crew = Crew(parameters, optimiser)
    record = Record(names, math.ceil(steps / record_every), record_every, plateau)
    stretch: list[Tensor] = []
    taken = 0
    for batch in tqdm(islice(batches, steps), total=steps, disable=not progress, desc="training"):
        crew.set_rate(schedule(taken / steps))
        losses, by_parameter = gradients(crew.stacks, batch, crew.models)
        crew.step(by_parameter, record.shares(crew.models, taken))
        taken += 1
        stretch.append(losses)
        if after_step is not None:
            after_step(Step(taken, crew.models, crew.stacks, crew.moments()))
        if taken % record_every == 0 or taken == steps:
            leaving = record.add(torch.stack(stretch), crew.models, crew.finite(), taken)
            crew.dismiss(leaving)
            stretch = []
            if not len(crew.models):
                break
    if taken < steps and len(crew.models):
        raise ValueError(f"batches: got {taken}; allowed are at least as many as steps, {steps}")
    ends = crew.dismiss(torch.ones_like(crew.models, dtype=torch.bool))
    for stack in ends.values():
        stack[record.diverged] = math.nan
    return Trained(
        ends,
        record.curves[: math.ceil(taken / record_every)],
        record_every,
        record.steps,
        record.diverged,
        record.converged,
        time.perf_counter() - began,
    )


def by_autograd(losses: Callable[[Parameters, Any, Int[Tensor, " models"]], Tensor]) -> Gradients:
    """`Gradients` from a differentiable function of parameters, batch and models to losses.

    Args:
        losses: (parameters, batch, models) -> (models,); each model's depends on its own
            parameters alone.
    """

    def gradients(
        parameters: Parameters, batch: Any, models: Int[Tensor, " models"]
    ) -> tuple[Tensor, Parameters]:
        leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
        with torch.enable_grad():
            each = losses(leaves, batch, models)
            by_leaf = torch.autograd.grad(each.sum(), list(leaves.values()))
        return each.detach(), dict(zip(leaves, by_leaf, strict=True))

    return gradients


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, and in one of each thread that begins meanwhile: for steps
    too short to be worth sharing.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

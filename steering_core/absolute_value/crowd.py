"""Models of one density that train together: their starts, inputs and gradients."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering_core import lockstep, sparse_features
from steering_core.absolute_value.inputs import active_batch, share_active
from steering_core.absolute_value.pairs import plain_pairs
from steering_core.absolute_value.recipe import Recipe
from steering_core.absolute_value.task import Task

Batch = tuple[Float[Tensor, "n inputs"], float, float]
"""Inputs, the share of all inputs for which they stand, and the leak of the step."""


@dataclass(frozen=True)
class Crowd:
    """Models that see the same inputs, and differ in their initial weights."""

    m: int
    density: float
    importance: Float[Tensor, "n"]
    seeds: tuple[int, ...]
    recipe: Recipe
    task: Task

    @property
    def n(self) -> int:
        """How many features."""
        return len(self.importance)

    def train(self, *, progress: bool) -> lockstep.Trained:
        """Train all models."""
        rates = {"lr": self.recipe.learning_rate, "weight_decay": self.recipe.weight_decay}
        starts = [self.start(seed) for seed in self.seeds]
        stacks = {name: torch.stack([one[name] for one in starts]) for name in starts[0]}
        device = self.importance.device
        return lockstep.train(
            self.gradients,
            {name: stack.to(device) for name, stack in stacks.items()},
            self.batches(),
            steps=self.recipe.steps,
            optimiser=partial(torch.optim.AdamW, fused=True, **rates),
            schedule=self.recipe.schedule,
            names=[f"density {self.density:.4g}, seed {seed}" for seed in self.seeds],
            progress=progress,
        )

    def start(self, seed: int) -> lockstep.Parameters:
        """The parameters from which the model of a seed begins."""
        m, n = self.m, self.n
        generator = lockstep.stream(seed, "weights", self.density)
        uniform = self.recipe.start.startswith("kaiming")
        draw = torch.rand if uniform else torch.randn
        w_in, w_out = draw(m, n, generator=generator), draw(n, m, generator=generator)
        bias = torch.full((n,), self.recipe.initial_bias)
        if self.recipe.start == "pairs":
            exact_in, exact_out, bias = plain_pairs(n, m, density=self.density)
            w_in, w_out = exact_in + 0.01 * w_in, exact_out + 0.01 * w_out
        elif uniform:
            fans = (m * n, m * n) if "one tensor" in self.recipe.start else (n, m)
            w_in, w_out = (
                (2 * w - 1) * math.sqrt(6 / f) for w, f in zip((w_in, w_out), fans, strict=True)
            )
        else:
            w_in, w_out = w_in / math.sqrt(n), w_out / math.sqrt(m)
        return {"w_in": w_in, "w_out": w_out, "bias": bias}

    def batches(self) -> Iterator[Batch]:
        """The inputs of each step; the same whoever is in the crowd."""
        recipe, signed = self.recipe, self.task.signed
        generator = lockstep.stream(0, "inputs", self.density, device=self.importance.device)
        for step in range(recipe.steps):
            done = step / recipe.steps
            density, leak = recipe.density_at(done, self.density), recipe.leak_at(done)
            how = {"density": density, "generator": generator, "signed": signed}
            if recipe.skip_empty:
                share = share_active(self.n, density)
                yield active_batch(self.n, recipe.batch_size, **how), share, leak
            else:
                x = sparse_features.sample(self.n, recipe.batch_size, axis=0, **how)
                yield x, 1.0, leak

    def gradients(
        self, parameters: lockstep.Parameters, batch: Batch, models: Int[Tensor, " models"]
    ) -> tuple[Float[Tensor, " models"], lockstep.Parameters]:
        """Losses, and gradients through the leak. The chain rule is written out: autograd would
        pass over memory more often, and knows no leak."""
        w_in, w_out, bias = parameters["w_in"], parameters["w_out"], parameters["bias"]
        x, share, leak = batch
        weight = (2 * share / x.shape[1]) * self.importance[:, None]
        hidden = self.task.hidden((w_in.flatten(0, 1) @ x).unflatten(0, w_in.shape[:2]))
        z = torch.baddbmm(bias[..., None], w_out, hidden)
        residual = z.clamp_min(0).sub_(self.task.labels(x))
        by_z = residual * weight
        losses = torch.linalg.vecdot(by_z.flatten(1), residual.flatten(1)) / 2
        by_z = torch.where(z > 0, by_z, leak * by_z) if leak else by_z.mul_(z > 0)
        by_bias = by_z.sum(-1)
        if share < 1:  # the empty input: its labels are zero, its outputs the biases
            empty = (1 - share) * self.importance * bias.clamp_min(0)
            losses = losses + (empty * bias).sum(-1)
            by_bias = by_bias + 2 * empty
        by_hidden = w_out.mT @ by_z
        if self.task.hidden_relu:
            by_hidden.mul_(hidden > 0)
        by_in = (by_hidden.flatten(0, 1) @ x.mT).unflatten(0, w_in.shape[:2])
        return losses, {"w_in": by_in, "w_out": by_z @ hidden.mT, "bias": by_bias}

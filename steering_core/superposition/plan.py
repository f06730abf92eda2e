"""What one call of `train_bottleneck` is to train: models, their starts, inputs and gradients."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_features import active_inputs, sample
from steering_core.superposition.activations import Activation, name_of, resolve
from steering_core.superposition.checks import check_activation, check_density, check_importance
from steering_core.superposition.recipe import PUBLISHED, Recipe

OneOrSeveral = str | Callable[[Tensor], Tensor] | Sequence[str | Callable[[Tensor], Tensor]]
"""Activations, by name or as functions."""

_DRAWN_AT_ONCE = 130_000  # numbers
_IN_CACHE = 250_000  # outputs of one activation


def initial_weights(
    seed: int, density: float, shape: tuple[int, int, int], recipe: Recipe = PUBLISHED
) -> Float[Tensor, "I m n"]:
    """The weights from which the models of a seed and density begin, one for each row."""
    generator = lockstep.stream(seed, "weights", float(density))
    rows = [torch.randn(shape[1:], generator=generator) for _ in range(shape[0])]
    return torch.stack(rows) * recipe.initial_deviation(*shape[1:])


@dataclass(frozen=True)
class Plan:
    """What is to be trained; models in the order activation, density, seed, row."""

    functions: tuple[Activation, ...]
    activation_names: tuple[str, ...]
    m: int
    densities: Float[Tensor, "D"]
    importance: Float[Tensor, "I n"]
    seeds: tuple[int, ...]
    recipe: Recipe
    device: torch.device

    @classmethod
    def of(
        cls,
        activation: OneOrSeveral,
        n_hidden: int,
        density: float | Sequence[float] | Float[Tensor, "D"],
        importance: Tensor,
        seeds: Sequence[int],
        recipe: Recipe,
        device: str | torch.device,
    ) -> "Plan":
        """Checked, with an axis for everything that may be one or several."""
        several = (
            [*activation]
            if isinstance(activation, Sequence) and not isinstance(activation, str)
            else [activation]
        )
        functions = tuple(resolve(one) for one in several)
        density = torch.as_tensor(density, dtype=torch.float64)
        importance = check_importance(importance)
        for name, tensor, most in (("density", density, 1), ("importance", importance, 2)):
            if tensor.dim() > most or not tensor.numel():
                raise ValueError(
                    f"{name}: got shape {tuple(tensor.shape)}; allowed are "
                    + ("one or several in a row" if most == 1 else "(n,) and (I, n)")
                )
        importance = torch.atleast_2d(importance)
        n = importance.shape[-1]
        if n < 2:
            raise ValueError(f"importance: got {n} feature; allowed are at least 2")
        if not 1 <= n_hidden < n:
            raise ValueError(f"n_hidden: got {n_hidden}; allowed are 1 to {n - 1}")
        bad = [seed for seed in seeds if seed != int(seed) or seed < 0]
        if bad or not len(seeds):
            raise ValueError(f"seeds: got {bad or 'none'}; allowed are whole numbers from 0")
        if not functions:
            raise ValueError("activation: got none; allowed is at least one")
        for f in functions:
            check_activation(f, torch.zeros(1, n))
        return cls(
            functions,
            tuple(map(name_of, several)),
            n_hidden,
            torch.atleast_1d(check_density(density)),
            importance.float().to(device),
            tuple(map(int, seeds)),
            recipe,
            torch.device(device),
        )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(A, D, S, I)."""
        return len(self.functions), len(self.densities), len(self.seeds), len(self.importance)

    @property
    def names(self) -> list[str]:
        """Of the models, for messages."""
        rows = [f", importance row {i}" for i in range(len(self.importance))]
        every = product(
            self.activation_names,
            self.densities.tolist(),
            self.seeds,
            rows if len(rows) > 1 else [""],
        )
        return [f"{a} at density {d:.4g}, seed {s}{row}" for a, d, s, row in every]

    def folded(self, flat: Tensor) -> Tensor:
        """(models, ...) as (A, D, I, S, ...)."""
        return flat.unflatten(0, self.shape).transpose(2, 3)

    def parts(self) -> list["Plan"]:
        """The densities, a few at a time, so that what a step touches stays in the cache."""
        each = len(self.seeds) * self.importance.numel() * self.recipe.batch_size
        few = max(1, _IN_CACHE // each)
        return [replace(self, densities=some) for some in self.densities.split(few)]

    def train(self, *, progress: bool) -> lockstep.Trained:
        """Train all models of the plan."""
        rates = {"lr": self.recipe.learning_rate, "weight_decay": self.recipe.weight_decay}
        return lockstep.train(
            self.gradients,
            self.initial(),
            self.batches(),
            steps=self.recipe.steps,
            optimiser=partial(torch.optim.AdamW, fused=True, **rates),
            schedule=self.recipe.schedule,
            names=self.names,
            plateau=self.recipe.plateau,
            progress=progress,
        )

    def initial(self) -> lockstep.Parameters:
        """Xavier's weights, the same for every activation, and no bias."""
        a, d, s, i = self.shape
        n = self.importance.shape[1]
        each = [
            initial_weights(seed, density, (i, self.m, n), self.recipe)
            for density in self.densities.tolist()
            for seed in self.seeds
        ]
        weights = torch.cat(each).repeat(a, 1, 1).to(self.device)
        return {"weights": weights, "bias": weights.new_zeros(a * d * s * i, n)}

    def batches(self) -> Iterator[tuple[Float[Tensor, "groups n inputs"], int]]:
        """The inputs of each density and seed that have an active feature, and how many more have
        none."""
        n, size = self.importance.shape[1], self.recipe.batch_size
        groups = [
            (d, lockstep.stream(s, "inputs", d, device=self.device))
            for d in self.densities.tolist()
            for s in self.seeds
        ]
        at_once = max(1, _DRAWN_AT_ONCE // (n * size))  # whatever the company: the same inputs
        how = {"signed": self.recipe.signed, "shared_mask": self.recipe.shared_mask, "axis": -2}
        while True:
            each = [sample(at_once, n, size, density=d, generator=g, **how) for d, g in groups]
            batches, empty = active_inputs(torch.stack(each, 1))
            yield from ((batch, empty) for batch in batches)

    @cached_property
    def _places(self) -> Int[Tensor, "models 3"]:
        """Activation, group of inputs, and row of every model."""
        a, d, s, i = self.shape
        return torch.cartesian_prod(torch.arange(a), torch.arange(d * s), torch.arange(i))

    def gradients(
        self,
        parameters: lockstep.Parameters,
        batch: tuple[Float[Tensor, "groups n inputs"], int],
        models: Int[Tensor, " models"],
    ) -> tuple[Tensor, lockstep.Parameters]:
        """Losses and gradients of the models that are left, an activation at a time."""
        weights, bias = parameters["weights"], parameters["bias"]
        losses = weights.new_empty(len(models))
        by_weights, by_bias = torch.empty_like(weights), torch.empty_like(bias)
        inputs, empty = batch
        among, group, row = self._places[models].T
        begin = 0
        counts = among.bincount(minlength=len(self.functions)).tolist()
        for f, count in zip(self.functions, counts, strict=True):
            if not count:
                continue
            here = slice(begin, begin := begin + count)
            x, importance, fold = inputs, self.importance, (len(inputs), len(self.importance))
            if count < fold[0] * fold[1]:  # some have left: each that has not, by itself
                x, importance, fold = inputs[group[here]], importance[row[here], None], (count, 1)
            loss, by_w, by_b = _gradients(
                weights[here].unflatten(0, fold),
                bias[here].unflatten(0, fold),
                x,
                empty,
                importance,
                f,
            )
            losses[here] = loss.flatten()
            by_weights[here], by_bias[here] = by_w.flatten(0, 1), by_b.flatten(0, 1)
        return losses, {"weights": by_weights, "bias": by_bias}


def _gradients(
    weights: Tensor, bias: Tensor, x: Tensor, empty: int, importance: Tensor, f: Activation
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss (S, I), and gradients of its mean over features for weights and bias.

    weights (S, I, m, n), bias (S, I, n), importance (I, n) or (S, I, n). x (S, n, inputs) holds the
    inputs with an active feature; `empty` more are zero, and one column stands for all of these.
    The chain rule is written out, but for f: autograd would pass over memory twice as often. The
    bias counts as the weights of one more hidden dimension, which is always 1.
    """
    seeds, rows, m, n = weights.shape
    inputs = x.shape[-1] + empty
    if empty:
        x = torch.cat([x, x.new_zeros(seeds, n, 1)], dim=-1)
    hidden = (weights.flatten(1, 2) @ x).unflatten(1, (rows, m))
    hidden = torch.cat([hidden, x.new_ones(seeds, rows, 1, x.shape[-1])], dim=-2)
    affine = torch.cat([weights, bias[..., None, :]], dim=-2)  # (S, I, m + 1, n)
    z = (affine.mT @ hidden).requires_grad_()  # (S, I, n, inputs)
    with torch.enable_grad():
        output = f.along(z, -2)
    residual = output.detach() - x[:, None]
    squared = torch.linalg.vector_norm(residual, dim=-1).square()
    if empty:
        squared += (empty - 1) * residual[..., -1].square()
        residual[..., -1] *= empty
    residual *= importance[..., None]
    (by_z,) = torch.autograd.grad(output, z, residual)
    by_affine = hidden @ by_z.mT
    by_hidden = (weights @ by_z).flatten(1, 2)
    by_weights = by_affine[..., :m, :] + (by_hidden @ x.mT).unflatten(1, (rows, m))
    scale = 2 / (inputs * n)
    loss = (squared * importance).sum(-1) / inputs
    return loss, by_weights * scale, by_affine[..., m, :] * scale

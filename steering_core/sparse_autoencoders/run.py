"""One lock-step run of autoencoders: the losses, what is remembered beside the parameters, and what
happens after a step.

Not here: checks of arguments, threads (`training`).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_autoencoders import dead as dead_latents
from steering_core.sparse_autoencoders.architectures import (
    ARCHITECTURES,
    batch_cut,
    gate_latents,
)
from steering_core.sparse_autoencoders.autoencoders import Autoencoders, before_bias, decoded
from steering_core.sparse_autoencoders.checks import check_activations
from steering_core.sparse_autoencoders.recipe import Recipe

_FOR_SCALE, _RECENT = 32, 16  # batches

Activations = Float[Tensor, "inputs d"] | Iterable[Float[Tensor, "batch d"]]


class Run:
    """One lock-step run: what it remembers beside the parameters."""

    def __init__(
        self,
        architecture: str,
        n_latents: int,
        models: Sequence[tuple[float, int]],
        recipe: Recipe,
        batch_size: int,
        device: torch.device,
    ) -> None:
        self.name, self.row = architecture, ARCHITECTURES[architecture]
        # Where k is set, the auxiliary loss is what is done about the dead.
        self.recipe = replace(recipe, dead="none") if self.row.sets_k else recipe
        self.n_latents, self.models, self.batch_size = n_latents, models, batch_size
        self.device = device
        self.levels = torch.tensor([level for level, _ in models], device=device)
        self.silent = torch.zeros(len(models), n_latents, dtype=torch.int32, device=device)
        self.recent: deque[Tensor] = deque(maxlen=_RECENT)
        self.redrawn = torch.zeros(len(models), dtype=torch.long, device=device)
        self.unit = recipe.decoder == "unit" or self.row.unit_decoder
        self.chance = [lockstep.stream(seed, "resampling", level) for level, seed in models]

    def train(self, activations: Activations, progress: bool) -> Autoencoders:
        """Train on batches from `activations`, of which the first tell the scale."""
        checked = _checked(_batches(activations, self.batch_size))
        first = list(islice(checked, min(_FOR_SCALE, self.recipe.steps)))
        if not first:
            raise ValueError("activations: got no batch; allowed is one a step")
        scale = _scale(torch.cat(first), self.recipe.normalise).to(self.device)
        batches = (x.to(self.device) * scale for x in chain(first, checked))
        trained = lockstep.train(
            lockstep.by_autograd(self.losses),
            self.beginning(first[0].shape[1]),
            batches,
            steps=self.recipe.steps,
            optimiser=partial(
                torch.optim.Adam, lr=self.recipe.learning_rate, betas=self.recipe.betas, fused=True
            ),
            schedule=self.recipe.rate,
            names=[f"{self.name}, penalty {level:g}, seed {seed}" for level, seed in self.models],
            after_step=self.after_step,
            progress=progress,
        )
        parameters = {name: p.cpu() for name, p in trained.parameters.items()}
        if self.name == "batch_topk":
            parameters["threshold"] = self.cuts(trained.parameters).cpu()
        return Autoencoders(
            self.name,
            parameters,
            self.levels.cpu(),
            torch.tensor([seed for _, seed in self.models]),
            scale.cpu(),
            self.recipe,
            trained.losses,
            self.silent.cpu(),
            self.redrawn.cpu(),
            trained.seconds,
        )

    def beginning(self, width: int) -> lockstep.Parameters:
        """Decoders of random directions, encoders their transposes."""
        each = []
        for _, seed in self.models:
            chance = lockstep.stream(seed, "autoencoder")
            rows = torch.randn(self.n_latents, width, generator=chance)
            rows = torch.nn.functional.normalize(rows, dim=1)
            each.append(
                {
                    "w_enc": rows.T,
                    "b_enc": torch.full((self.n_latents,), float(self.recipe.initial_bias)),
                    "w_dec": rows,
                    "b_dec": torch.zeros(width),
                }
                | self.row.extra(self.n_latents, self.recipe)
            )
        return {name: torch.stack([one[name] for one in each]).to(self.device) for name in each[0]}

    def losses(
        self, p: lockstep.Parameters, x: Float[Tensor, "batch d"], models: Int[Tensor, " left"]
    ) -> Float[Tensor, " left"]:
        """Loss of every model that is left on a normalised batch."""
        self.recent.append(x)
        level = self.levels[models]
        m = before_bias(p, x)
        latents = self.row.encode(p, m, level, self.recipe)
        target = self.recipe.target_scale * x
        residual = target - decoded(p, latents)
        loss = residual.square().sum(-1).mean(-1)
        if self.row.sparsity is not None:
            loss = loss + level * self.row.sparsity(p, m, latents, self.recipe)
        self.note(latents.detach(), models)
        return loss + self.further(p, m, residual, target, models)

    def further(
        self, p: lockstep.Parameters, m: Tensor, residual: Tensor, target: Tensor, models: Tensor
    ) -> Tensor | float:
        """Losses that only some have."""
        more: Tensor | float = 0.0
        if self.name == "gated":
            frozen = {name: p[name].detach() for name in ("w_dec", "b_dec")}
            more = (target - decoded(frozen, gate_latents(p, m))).square().sum(-1).mean(-1)
        dead = self.silent[models] >= self.recipe.silent_steps
        if self.row.sets_k and self.recipe.auxiliary:
            more = more + self.recipe.auxiliary * dead_latents.auxiliary_loss(p, m, residual, dead)
        if self.recipe.dead == "ghost":
            more = more + dead_latents.ghost_loss(p, m, residual, dead)
        return more

    def note(self, latents: Tensor, models: Tensor) -> None:
        """Count how long latents have been silent."""
        fired = latents.sum(1) != 0
        self.silent[models] = torch.where(fired, 0, self.silent[models] + 1)

    @torch.no_grad()
    def after_step(self, step: lockstep.Step) -> None:
        """Keep decoders at norm 1 where that is asked for; draw the dead anew when it is time."""
        p = step.parameters
        if self.unit:
            p["w_dec"].div_(p["w_dec"].norm(dim=-1, keepdim=True).clamp_min(1e-8))
        if step.number not in self.recipe.resample_steps:
            return
        dead = self.silent[step.models] >= self.recipe.silent_steps
        x = torch.cat(list(self.recent))
        latents = self.row.encode(p, before_bias(p, x), self.levels[step.models], self.recipe)
        errors = (self.recipe.target_scale * x - decoded(p, latents)).square().sum(-1)
        chance = [self.chance[model] for model in step.models.tolist()]
        dead_latents.resample(step, dead, x, errors, self.recipe, chance)
        self.redrawn[step.models] += dead.sum(1)
        self.silent[step.models] = torch.where(dead, 0, self.silent[step.models])

    @torch.no_grad()
    def cuts(self, p: lockstep.Parameters) -> Float[Tensor, " models"]:
        """BatchTopK's fixed threshold: the mean over recent batches of the one that each asks."""
        each = [
            batch_cut(torch.relu(before_bias(p, x) + p["b_enc"][:, None]), self.levels)
            for x in self.recent
        ]
        return torch.stack(each).mean(0)


def _batches(activations: Activations, batch_size: int) -> Iterator[Float[Tensor, "batch d"]]:
    if not isinstance(activations, Tensor):
        yield from activations
        return
    generator = lockstep.stream(0, "batches")
    while True:
        yield activations[torch.randint(len(activations), (batch_size,), generator=generator)]


def _checked(batches: Iterable[Tensor]) -> Iterator[Float[Tensor, "batch d"]]:
    width, seen = None, 0
    for batch in batches:
        checked = check_activations("activations", batch, width, begins=seen)
        width, seen = checked.shape[1], seen + len(checked)
        yield checked


def _scale(x: Float[Tensor, "inputs d"], normalise: str) -> Float[Tensor, " d"]:
    """What activations are multiplied by."""
    if normalise == "std":
        return 1 / x.std(0).clamp_min(1e-8)
    norm = float(x.norm(dim=1).mean().clamp_min(1e-8))
    return torch.full((x.shape[1],), x.shape[1] ** 0.5 / norm if normalise == "l2" else 1.0)

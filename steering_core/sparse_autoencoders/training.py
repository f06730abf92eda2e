"""Training many sparse autoencoders at once: all penalties and seeds over one stream.

Not here: what they are (`architectures`), how (`recipe`), the loop (`lockstep`).
"""

import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

import torch
from jaxtyping import Float, Int
from joblib import Parallel, delayed
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_autoencoders import dead as dead_latents
from steering_core.sparse_autoencoders.architectures import (
    ARCHITECTURES,
    batch_cut,
    gate_latents,
)
from steering_core.sparse_autoencoders.autoencoders import Autoencoders, before_bias, decoded
from steering_core.sparse_autoencoders.checks import (
    check_activations,
    check_choice,
    check_count,
    check_number,
    check_seeds,
)
from steering_core.sparse_autoencoders.recipe import Recipe

_FOR_SCALE, _RECENT = 32, 16  # batches
_STORM = 0.5  # share of latents that are dead when a storm is reported

Activations = Float[Tensor, "inputs d"] | Iterable[Float[Tensor, "batch d"]]


def train_autoencoders(
    activations: Activations,
    architecture: str,
    *,
    n_latents: int,
    penalties: Sequence[float],
    seeds: Sequence[int] = (0,),
    recipe: Recipe | None = None,
    batch_size: int = 128,
    device: str | torch.device = "cpu",
    n_jobs: int = 1,
    progress: bool = False,
) -> Autoencoders:
    """Train one autoencoder for each penalty and seed.

    The loss is the squared error, summed over d and averaged over inputs, plus the penalty times
    what the architecture penalises, all in normalised units. A model comes out the same alone and
    in company, to rounding.

    Args:
        activations: (inputs, d), of which batches are drawn at random; or an iterable of at least
            `recipe.steps` batches (batch, d), such as `GroundTruth.stream`.
        architecture: name out of `ARCHITECTURES`.
        n_latents: of each autoencoder.
        penalties: from 0; or, for TopK and BatchTopK, numbers k of active latents.
        seeds: of initial weights; the global generator is left alone.
        recipe: how; `Recipe()` if None.
        batch_size: of batches drawn from a tensor; a stream has its own.
        device: where to train; what comes back is on the CPU.
        n_jobs: threads among which the models are shared out. With more than one, an iterable must
            give the same batches each time it is gone through.
        progress: whether a progress bar is drawn.

    Returns:
        The autoencoders, all seeds of the first penalty first.

    Raises:
        ValueError: an argument out of range, before any work is done; a row of a batch that is not
            finite, by its number in the stream.

    Warns:
        RuntimeWarning: a model diverged, or more than half of its latents are dead at the end.
    """
    recipe = Recipe() if recipe is None else recipe
    check_choice("architecture", architecture, ARCHITECTURES)
    check_count("n_latents", n_latents)
    check_count("batch_size", batch_size)
    levels = _levels(architecture, penalties, n_latents)
    seeds = check_seeds(seeds)
    if isinstance(activations, Tensor):
        check_activations("activations", activations)
    if n_jobs < 1 or (n_jobs > 1 and iter(activations) is activations):
        raise ValueError(
            f"n_jobs: got {n_jobs}; allowed is 1, or more where activations can be gone through "
            "more than once"
        )
    began = time.perf_counter()
    models = [(level, seed) for level in levels for seed in seeds]
    shares = [models[j :: min(n_jobs, len(models))] for j in range(min(n_jobs, len(models)))]
    runs = [
        _Run(architecture, n_latents, share, recipe, batch_size, torch.device(device))
        for share in shares
    ]

    def train(run: _Run, bar: bool) -> Autoencoders:
        return run.train(activations, bar)

    if len(runs) == 1:
        parts = [train(runs[0], progress)]
    else:
        with lockstep.one_thread():
            parts: Any = Parallel(n_jobs=len(runs), prefer="threads")(
                delayed(train)(run, progress and run is runs[0]) for run in runs
            )
    whole = _joined(list(parts), models, time.perf_counter() - began)
    _report_storms(whole)
    return whole


def _levels(architecture: str, penalties: Sequence[float], n_latents: int) -> tuple[float, ...]:
    """Checked penalties, or numbers of latents."""
    if not len(penalties):
        raise ValueError("penalties: got none; allowed is at least one")
    if not ARCHITECTURES[architecture].sets_k:
        return tuple(check_number("penalties", penalty, 0.0) for penalty in penalties)
    for k in penalties:
        if not 1 <= k <= n_latents or k % 1:
            raise ValueError(
                f"penalties: got k = {k}; {architecture} allows whole numbers from 1 to n_latents, "
                f"{n_latents}"
            )
    return tuple(float(k) for k in penalties)


class _Run:
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
        self.recent.append(x)
        level = self.levels[models]
        m = before_bias(p, x)
        latents = self.row.encode(p, m, level, self.recipe)
        residual = self.recipe.target_scale * x - decoded(p, latents)
        loss = residual.square().sum(-1).mean(-1)
        if self.row.sparsity is not None:
            loss = loss + level * self.row.sparsity(p, m, latents, self.recipe)
        self.note(latents.detach(), models)
        return loss + self.further(p, m, residual, x, models)

    def further(
        self, p: lockstep.Parameters, m: Tensor, residual: Tensor, x: Tensor, models: Tensor
    ) -> Tensor | float:
        """Losses that only some have."""
        more: Tensor | float = 0.0
        if self.name == "gated":
            frozen = {name: p[name].detach() for name in ("w_dec", "b_dec")}
            more = (x - decoded(frozen, gate_latents(p, m))).square().sum(-1).mean(-1)
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
        p = step.parameters
        if self.unit:
            p["w_dec"].div_(p["w_dec"].norm(dim=-1, keepdim=True).clamp_min(1e-8))
        if step.number not in self.recipe.resample_steps:
            return
        dead = self.silent[step.models] >= self.recipe.silent_steps
        x = torch.cat(list(self.recent))
        latents = self.row.encode(p, before_bias(p, x), self.levels[step.models], self.recipe)
        errors = (x - decoded(p, latents)).square().sum(-1)
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
    factor = x.shape[1] ** 0.5 / x.norm(dim=1).mean().clamp_min(1e-8) if normalise == "l2" else 1.0
    return torch.ones(x.shape[1]) * factor


def _joined(
    parts: list[Autoencoders], models: Sequence[tuple[float, int]], seconds: float
) -> Autoencoders:
    """Shares of a run in the order of `models`."""
    places = [place for j in range(len(parts)) for place in range(j, len(models), len(parts))]
    order = torch.tensor(places).argsort().tolist()

    def joined(name: str, axis: int = 0) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts], axis).index_select(
            axis, torch.tensor(order)
        )

    return Autoencoders(
        parts[0].architecture,
        {
            name: torch.cat([part.parameters[name] for part in parts])[order]
            for name in parts[0].parameters
        },
        joined("penalties"),
        joined("seeds"),
        parts[0].scale,
        parts[0].recipe,
        joined("losses", 1),
        joined("silent"),
        joined("redrawn"),
        seconds,
    )


def _report_storms(whole: Autoencoders) -> None:
    shares = (whole.silent >= whole.recipe.silent_steps).float().mean(1).tolist()
    for share, penalty, seed, broken in zip(
        shares, whole.penalties.tolist(), whole.seeds.tolist(), whole.diverged, strict=True
    ):
        if share > _STORM and not broken:
            warnings.warn(
                f"{whole.architecture}, penalty {penalty:g}, seed {seed}: {share:.0%} of latents "
                "are dead; a lower penalty, more steps or another way with dead latents helps",
                RuntimeWarning,
                stacklevel=3,
            )

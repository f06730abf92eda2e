"""Training many sparse autoencoders at once: all penalties and seeds over one stream.

Not here: what they are (`architectures`), how (`recipe`), a run (`run`), the loop (`lockstep`).
"""

import math
import time
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from joblib import Parallel, delayed
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_autoencoders.architectures import ARCHITECTURES
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.checks import (
    check_activations,
    check_choice,
    check_count,
    check_number,
    check_seeds,
)
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.run import Activations, Run

_STORM = 0.5  # share of latents that are dead when a storm is reported


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
        recipe: how to train; `Recipe()` if None.
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
        Run(architecture, n_latents, share, recipe, batch_size, torch.device(device))
        for share in shares
    ]

    def train(run: Run, bar: bool) -> Autoencoders:
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


def _joined(
    parts: list[Autoencoders], models: Sequence[tuple[float, int]], seconds: float
) -> Autoencoders:
    """Shares of a run in the order of `models`."""
    places = [place for j in range(len(parts)) for place in range(j, len(models), len(parts))]
    order = torch.tensor(places).argsort().tolist()

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])[order]

    records = max(len(part.losses) for part in parts)
    curves = [
        torch.nn.functional.pad(part.losses, (0, 0, 0, records - len(part.losses)), value=math.nan)
        for part in parts
    ]
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
        torch.cat(curves, 1)[:, order],
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

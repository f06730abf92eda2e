"""The setting of the main frontier: the ground truth, the sizes, and what tuning chose.

400 features in 64 dimensions, 256 latents, 20,000 steps of 128 inputs. A seed is a ground truth, a
stream of inputs and initial weights of its own.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from steering_core import lockstep
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import evaluate
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample, ground_truth
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.thresholds import negative_share, summary, thresholds
from steering_core.sparse_autoencoders.training import train_autoencoders

N_FEATURES, WIDTH, N_LATENTS = 400, 64, 256
DENSITIES, MAGNITUDES, NOISE = (0.002, 0.015), (0.5, 1.5), 0.05
BATCH_SIZE, STEPS, N_INPUTS = 128, 20_000, 16_384
SEEDS, TUNING_SEED = 5, 100

ACTIVE = 2.583
"""Mean number of active features, a property of the setting."""
LEVELS = tuple(round(factor * ACTIVE, 2) for factor in (0.6, 0.8, 1.0, 1.4, 2.0))
"""The matched L0, around the true number of active features."""


def truth_of(seed: int, stretch: float = 1.0) -> GroundTruth:
    """The features of a seed; with stretched coordinates, as a control."""
    return ground_truth(
        N_FEATURES,
        WIDTH,
        densities=DENSITIES,
        magnitudes=MAGNITUDES,
        noise=NOISE,
        stretch=stretch,
        seed=seed,
    )


def held_out(seed: int, stretch: float = 1.0) -> Sample:
    """Inputs of a seed's ground truth that training has not seen."""
    return truth_of(seed, stretch).sample(N_INPUTS, lockstep.stream(seed, "held out"))


def train_seed(
    architecture: str,
    penalties: tuple[float, ...],
    seed: int,
    recipe: Recipe,
    *,
    stretch: float = 1.0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Autoencoders:
    """The autoencoders of one architecture and seed, one a penalty."""
    return train_autoencoders(
        truth_of(seed, stretch).stream(BATCH_SIZE, seed),
        architecture,
        n_latents=N_LATENTS,
        penalties=penalties,
        seeds=(seed,),
        recipe=recipe,
        n_jobs=n_jobs,
        progress=progress,
    )


def scores(autoencoders: Autoencoders, seed: int, *, stretch: float = 1.0) -> pd.DataFrame:
    """All measures of the autoencoders of a seed, one row each, to six digits."""
    truth, sample = truth_of(seed, stretch), held_out(seed, stretch)
    more: list[dict[str, Any]] = []
    for i in range(len(autoencoders)):
        one = autoencoders.pick(i)
        more.append(
            {"negative": negative_share(one, sample)} | summary(thresholds(one, sample, truth))
        )
    table = evaluate(autoencoders, sample, truth).drop(columns="seed")
    table["alive"] = 1 - table.pop("dead")
    return pd.concat([table, pd.DataFrame(more)], axis=1).map(lambda v: float(f"{v:.6g}"))


def with_knob(recipe: Recipe, knob: str, value: float) -> Recipe:
    """The recipe with one field changed, by its name."""
    changes: Any = {knob: value}
    return replace(recipe, **changes)


COLUMNS = (
    "l0",
    "fvu",
    "cosine",
    "shrinkage",
    "mcc",
    "precision",
    "recall",
    "f1",
    "negative",
    "spearman",
    "ratio",
    "ratio_p999",
    "explained",
    "alive",
)
"""What `scores` measures."""

"""The main frontier: nine architectures, six penalties and five seeds each, as tuning left them."""

from pathlib import Path
from typing import Any

import pandas as pd

from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.frontier_setting import (
    COLUMNS,
    SEEDS,
    STEPS,
    scores,
    train_seed,
)
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.tuning_study import KNOBS, recipe_of

CODE = (
    "steering_core.sparse_autoencoders.frontier_setting",
    "steering_core.sparse_autoencoders.training",
    "steering_core.sparse_autoencoders.architectures",
    "steering_core.sparse_autoencoders.gates",
    "steering_core.sparse_autoencoders.dead",
    "steering_core.sparse_autoencoders.recipe",
    "steering_core.sparse_autoencoders.ground_truth",
    "steering_core.sparse_autoencoders.evaluate",
    "steering_core.sparse_autoencoders.thresholds",
)

TUNED: dict[str, tuple[float, float]] = {}
"""Learning rate and value of the own knob: what `tuning_study.chosen` says of its table."""
PENALTIES: dict[str, tuple[float, ...]] = {}
"""From the tuning runs: their L0 should lie around the levels that are compared."""


def tuned_recipe(architecture: str, steps: int = STEPS) -> Recipe:
    """How an architecture is trained, as tuning left it."""
    rate, value = TUNED[architecture]
    return recipe_of(rate, KNOBS[architecture][0], value, steps)


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty."""
    name, seed = task["architecture"], task["seed"]
    return scores(train_seed(name, PENALTIES[name], seed, tuned_recipe(name)), seed)


COMPARED = tuple(name for name in KNOBS if name != "scsae_multiplied")
"""The draft's multiplied bias is in the study of curves; what was published of it is the STE."""

AUTOENCODER_FRONTIER = Study(
    name="autoencoder-frontier",
    tasks=lambda: [
        {"architecture": name, "seed": seed} for seed in range(SEEDS) for name in COMPARED
    ],
    run=run,
    code=("steering_core.sparse_autoencoders.frontier_study", *CODE),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(COLUMNS, 0.25),
)

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
    "steering_core.sparse_autoencoders.run",
    "steering_core.sparse_autoencoders.architectures",
    "steering_core.sparse_autoencoders.gates",
    "steering_core.sparse_autoencoders.dead",
    "steering_core.sparse_autoencoders.recipe",
    "steering_core.sparse_autoencoders.ground_truth",
    "steering_core.sparse_autoencoders.evaluate",
    "steering_core.sparse_autoencoders.thresholds",
)

TUNED: dict[str, tuple[float, float]] = {
    "relu": (0.003, -0.5),
    "relu_sqrt": (0.003, -0.5),
    "scsae": (0.003, -0.5),
    "scsae_multiplied": (0.003, 0.0),
    "prolu_relu": (0.003, -0.5),
    "prolu_ste": (0.003, -0.5),
    "gated": (0.003, -0.5),
    "jumprelu": (0.003, 0.1),
    "topk": (0.01, 1 / 32),
    "batch_topk": (0.003, 1 / 32),
}
"""Learning rate and value of the own knob: what `tuning_study.chosen` says of its table."""
PENALTIES: dict[str, tuple[float, ...]] = {
    "relu": (1.0, 1.6, 2.4, 3.4, 4.8, 6.5),
    "relu_sqrt": (0.8, 1.2, 1.8, 2.7, 4.0, 6.0),
    "scsae": (0.05, 0.08, 0.11, 0.15, 0.2, 0.4),
    "prolu_relu": (0.05, 0.08, 0.11, 0.15, 0.2, 0.4),
    "prolu_ste": (0.05, 0.1, 0.2, 1.2, 4.0, 7.0),
    "gated": (2.0, 3.0, 4.5, 6.5, 9.5, 14.0),
    "jumprelu": (0.4, 0.65, 1.0, 1.6, 3.5, 8.0),
    "topk": (1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
    "batch_topk": (1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
}
"""From runs on the tuning seed: their L0 should lie around the levels that are compared."""


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

"""The study that tunes every architecture by the same budget, on a ground truth of its own.

Four runs an architecture, of half as many steps as the frontier: three learning rates, and at the
middle one another value of one knob of the architecture's own. The best is the one with the best F1
of a latent as a sign of its feature, over its three penalties.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.frontier_setting import (
    COLUMNS,
    TUNING_SEED,
    scores,
    train_seed,
    with_knob,
)
from steering_core.sparse_autoencoders.recipe import Recipe

STEPS = 10_000
RATES = (0.001, 0.003, 0.01)
KNOBS: dict[str, tuple[str, float, float]] = {
    "relu": ("initial_bias", 0.0, -0.5),
    "relu_sqrt": ("initial_bias", 0.0, -0.5),
    "scsae": ("initial_bias", 0.0, -0.5),
    "scsae_multiplied": ("initial_bias", 0.0, -0.5),
    "prolu_relu": ("initial_bias", 0.0, -0.5),
    "prolu_ste": ("initial_bias", 0.0, -0.5),
    "gated": ("initial_bias", 0.0, -0.5),
    "jumprelu": ("bandwidth", 0.1, 0.5),
    "topk": ("auxiliary", 1 / 32, 0.0),
    "batch_topk": ("auxiliary", 1 / 32, 0.0),
}
"""Each architecture's own knob: its first value, and the one that is tried beside it."""
TRIED: dict[str, tuple[float, ...]] = {
    "relu": (1.5, 3.0, 5.0),
    "relu_sqrt": (1.2, 2.4, 4.0),
    "scsae": (0.8, 1.6, 3.2),
    "scsae_multiplied": (1.0, 3.0, 6.0),
    "prolu_relu": (0.8, 1.6, 3.2),
    "prolu_ste": (1.0, 3.0, 6.0),
    "gated": (1.0, 2.5, 6.0),
    "jumprelu": (0.7, 1.5, 4.0),
    "topk": (2.0, 3.0, 5.0),
    "batch_topk": (2.0, 3.0, 5.0),
}
"""Penalties."""


def _tasks() -> list[dict[str, Any]]:
    return [
        {"architecture": name, "rate": rate, "knob": knob, "value": value}
        for name, (knob, first, second) in KNOBS.items()
        for rate, value in (*((rate, first) for rate in RATES), (RATES[1], second))
    ]


def recipe_of(rate: float, knob: str, value: float, steps: int = STEPS) -> Recipe:
    """The recipe of a run."""
    return with_knob(Recipe(steps=steps, learning_rate=rate), knob, value)


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty."""
    recipe = recipe_of(task["rate"], task["knob"], task["value"])
    name = task["architecture"]
    return scores(train_seed(name, TRIED[name], TUNING_SEED, recipe), TUNING_SEED)


def chosen(table: Any) -> dict[str, tuple[float, float]]:
    """Architecture -> the learning rate and the value of its knob with the best F1."""
    best: dict[str, tuple[float, float]] = {}
    for name in KNOBS:
        mine = table[table["architecture"] == name].groupby(["rate", "value"], sort=False)["f1"]
        best[name] = mine.max().fillna(0.0).idxmax()
    return best


AUTOENCODER_TUNING = Study(
    name="autoencoder-tuning",
    tasks=_tasks,
    run=run,
    code=(
        "steering_core.sparse_autoencoders.tuning_study",
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
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(COLUMNS, 0.25),
)

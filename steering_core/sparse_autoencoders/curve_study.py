"""Loss curves at a constant rate and without resampling: who learns faster, who degrades later."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.frontier_setting import SEEDS, STEPS, train_seed
from steering_core.sparse_autoencoders.frontier_study import CODE, tuned_recipe

GRADIENTS = ("scsae", "scsae_multiplied", "prolu_ste")
PENALTIES = (0.2, 1.6)
EVERY = 200
"""Steps that a point of a curve averages."""


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty and point of its curve. All have what was tuned for ReLU's gradient."""
    name, seed = task["architecture"], task["seed"]
    recipe = replace(tuned_recipe("prolu_relu", STEPS), cool_down=0.0, dead="none")
    trained = train_seed(name, PENALTIES, seed, recipe)
    points = trained.losses.unflatten(0, (STEPS // EVERY, -1)).mean(1)
    return pd.DataFrame(
        {"penalty": penalty, "step": (k + 1) * EVERY, "loss": float(f"{points[k, i]:.6g}")}
        for i, penalty in enumerate(PENALTIES)
        for k in range(len(points))
    )


AUTOENCODER_CURVES = Study(
    name="autoencoder-curves",
    tasks=lambda: [
        {"architecture": name, "seed": seed} for seed in range(SEEDS) for name in GRADIENTS
    ],
    run=run,
    code=(
        "steering_core.sparse_autoencoders.curve_study",
        "steering_core.sparse_autoencoders.frontier_study",
        *CODE,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"loss": 0.1},
)

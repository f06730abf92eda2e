"""The long runs of part II.

`trained-phase-diagrams`: where the source's recipe ends, for seven activations on a coarse grid,
and for ReLU with one slip of method at a time. About ten minutes on two cores.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.publishing.studies import Study
from steering_core.superposition.activations import ACTIVATIONS
from steering_core.superposition.bottleneck import train_bottleneck
from steering_core.superposition.plan import initial_weights
from steering_core.superposition.recipe import PUBLISHED, Recipe

IMPORTANCES = (10 ** np.linspace(-1, 1, 12)).round(6)
DENSITIES = (10 ** np.linspace(-2, 0, 11)).round(6)
RESTARTS = 10

SLIPS = {
    "shared mask": Recipe(shared_mask=True),
    "xavier over three axes": Recipe(xavier_instances=RESTARTS),
    "weight decay 1": Recipe(weight_decay=1.0),
    "weight decay 0": Recipe(weight_decay=0.0),
}


def _tasks() -> list[dict]:
    recipe = [("recipe", activation) for activation in ACTIVATIONS]
    slips = [(slip, "relu") for slip in SLIPS]
    return [
        {"method": method, "activation": activation, "density": float(density)}
        for method, activation in recipe + slips
        for density in DENSITIES
    ]


def train_row(task: dict) -> pd.DataFrame:
    """All importances and restarts of one density: weights and biases where training ended."""
    trained = train_bottleneck(
        task["activation"],
        n_hidden=1,
        density=task["density"],
        importance=torch.stack([torch.ones(len(IMPORTANCES)), torch.tensor(IMPORTANCES)], -1),
        seeds=range(RESTARTS),
        recipe=SLIPS.get(task["method"], PUBLISHED),
    )
    columns = {
        "importance": np.repeat(IMPORTANCES, RESTARTS),
        "restart": np.tile(np.arange(RESTARTS), len(IMPORTANCES)),
    }
    weights, bias = trained.weights[0, 0, ..., 0, :], trained.bias[0, 0]
    values = torch.cat([weights, bias], dim=-1).flatten(0, 1).numpy()
    for name, column in zip(("w_first", "w_extra", "b_first", "b_extra"), values.T, strict=True):
        columns[name] = column.astype(float).round(4)
    return pd.DataFrame(columns)


def first_weights() -> Float[Tensor, "D I R 1 2"]:
    """Where the recipe's restarts began: the same for every activation."""
    rows = len(IMPORTANCES)
    return torch.stack(
        [
            torch.stack([initial_weights(seed, d, (rows, 1, 2)) for seed in range(RESTARTS)], 1)
            for d in DENSITIES.tolist()
        ]
    )


TRAINED_PHASE_DIAGRAMS = Study(
    name="trained-phase-diagrams",
    tasks=_tasks,
    run=train_row,
    code=(
        "steering_core.superposition.bottleneck",
        "steering_core.superposition.plan",
        "steering_core.superposition.recipe",
        "steering_core.superposition.activations",
        "steering_core.lockstep",
        "steering_core.sparse_features",
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"w_first": 0.02, "w_extra": 0.02, "b_first": 0.02, "b_extra": 0.02},
)

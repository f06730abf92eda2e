"""The long runs of part II.

`trained-phase-diagrams`: where the source's recipe ends, for seven activations on a coarse grid,
and for ReLU with one slip of method at a time. About an hour on two cores.
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

IMPORTANCES = (10 ** np.linspace(-1, 1, 12)).round(6)
DENSITIES = (10 ** np.linspace(-2, 0, 11)).round(6)
RESTARTS = 10

SLIPS = {
    "shared mask": {"shared_mask": True},
    "xavier over three axes": {"xavier_axes": 3},
    "weight decay 1": {"weight_decay": 1.0},
    "weight decay 0": {"weight_decay": 0.0},
}


def _tasks() -> list[dict]:
    recipe = [("recipe", activation) for activation in ACTIVATIONS]
    slips = [(slip, "relu") for slip in SLIPS]
    return [
        {"method": method, "activation": activation, "density": float(density), "seed": 0}
        for method, activation in recipe + slips
        for density in DENSITIES
    ]


def train_row(task: dict) -> pd.DataFrame:
    """All importances and restarts of one density: weights and biases where training ended."""
    importance = torch.stack([torch.ones(len(IMPORTANCES)), torch.tensor(IMPORTANCES).float()], -1)
    trained = train_bottleneck(
        task["activation"],
        n_hidden=1,
        density=task["density"],
        importance=importance,
        restarts=RESTARTS,
        seed=task["seed"],
        **SLIPS.get(task["method"], {}),
    )
    columns = {
        "importance": np.repeat(IMPORTANCES, RESTARTS),
        "restart": np.tile(np.arange(RESTARTS), len(IMPORTANCES)),
    }
    values = torch.cat([trained.weights[..., 0, :], trained.bias], dim=-1).flatten(0, 1).numpy()
    for name, column in zip(("w_first", "w_extra", "b_first", "b_extra"), values.T, strict=True):
        columns[name] = column.astype(float).round(4)
    return pd.DataFrame(columns)


def initial_weights(seed: int = 0) -> Float[Tensor, "I R 1 2"]:
    """Where the recipe's restarts began: the same at every density and for every activation."""
    importance = torch.stack([torch.ones(len(IMPORTANCES)), torch.tensor(IMPORTANCES).float()], -1)
    stay = {"steps": 1, "batch_size": 1, "learning_rate": 0.0}
    return train_bottleneck(
        "linear",
        n_hidden=1,
        density=1.0,
        importance=importance,
        restarts=RESTARTS,
        seed=seed,
        **stay,
    ).weights


TRAINED_PHASE_DIAGRAMS = Study(
    name="trained-phase-diagrams",
    tasks=_tasks,
    run=train_row,
    code=(
        "steering_core.superposition.bottleneck",
        "steering_core.superposition.activations",
        "steering_core.sparse_features",
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"w_first": 0.02, "w_extra": 0.02, "b_first": 0.02, "b_extra": 0.02},
)

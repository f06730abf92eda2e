"""The study of SoLU's softmax taken over the wrong axis.

The published code trains 20 models of different densities as one tensor (inputs, models, outputs).
SoLU's softmax belongs over the outputs. Over the models, each looks at what the others put out;
over the inputs, at the rest of the batch. Here all three are trained by one short recipe, to be
laid beside the published curve. Five minutes on two cores.
"""

from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from steering_core.publishing.studies import Study
from steering_core.superposition.activations import Activation
from steering_core.superposition.dimension_study import (
    INSTANCES,
    LEVELS,
    N_FEATURES,
    N_HIDDEN,
)
from steering_core.superposition.geometry import dimensions_per_feature
from steering_core.superposition.plan import Plan
from steering_core.superposition.recipe import Recipe

AXES = {"models": 0, "outputs": -2, "inputs": -1}
"""Of pre-activations (models, 1, outputs, inputs), as `Plan` has them."""

RECIPE = Recipe(
    steps=2_000,
    batch_size=128,
    learning_rate=3e-3,
    schedule=lambda done: min(1.0, (1 - done) / 0.3),
    xavier_instances=INSTANCES,
)


def solu_over(axis: int) -> Activation:
    """z softmax(z) with the softmax over an axis of the whole tensor."""

    def solu(z: Tensor, features: int = -1) -> Tensor:
        return z * torch.softmax(z, dim=axis)

    return Activation(solu, elementwise=False, takes_axis=True)


def train_together(task: dict) -> pd.DataFrame:
    """All 20 densities in one tensor, a row each."""
    plan = Plan.of(
        solu_over(AXES[task["axis"]]),
        N_HIDDEN,
        LEVELS,
        torch.ones(N_FEATURES),
        (task["seed"],),
        RECIPE,
        "cpu",
    )
    weights = plan.train(progress=False).parameters["weights"]
    dimensions = dimensions_per_feature(weights)
    return pd.DataFrame({"density": LEVELS, "dimensions": [round(float(d), 6) for d in dimensions]})


SOLU_AXIS = Study(
    name="solu-axis",
    tasks=lambda: [{"axis": axis, "seed": seed} for axis in AXES for seed in range(3)],
    run=train_together,
    code=(
        "steering_core.superposition.solu_study",
        "steering_core.superposition.plan",
        "steering_core.superposition.recipe",
        "steering_core.superposition.activations",
        "steering_core.superposition.geometry",
        "steering_core.lockstep",
        "steering_core.sparse_features",
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"dimensions": 0.02},
)

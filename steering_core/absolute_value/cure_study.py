"""The study of what kills outputs in the usual recipe, and what saves them: ten minutes.

Recipes go from the usual one to ours, one change at a time from either end.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from steering_core import lockstep
from steering_core.absolute_value.density_study import (
    DENSITIES,
    IMPORTANCE,
    N_HIDDEN,
    TRAINING,
    rounded,
)
from steering_core.absolute_value.errors import dead_sides, feature_errors, normalised_loss
from steering_core.absolute_value.net_numbers import IMPORTANT
from steering_core.absolute_value.recipe import OURS, USUAL
from steering_core.absolute_value.training import train_absolute_value
from steering_core.publishing.studies import Study

RECIPES = {
    "usual": USUAL,
    "usual, bias 0.1 at the start": replace(USUAL, initial_bias=0.1),
    "usual, smaller start": replace(USUAL, start="kaiming, one tensor"),
    "usual, with leak": replace(USUAL, leak=OURS.leak),
    "usual, from pairs": replace(USUAL, start="pairs"),
    "ours": OURS,
    "ours, no leak": replace(OURS, leak=0.0),
    "ours, density not moved": replace(OURS, begin_between=None),
    "ours, small steps": replace(OURS, learning_rate=USUAL.learning_rate),
    "ours, constant rate": replace(OURS, schedule=lockstep.constant),
    "ours, empty inputs drawn": replace(OURS, skip_empty=False),
    "ours, from pairs": replace(OURS, start="pairs"),
    "ours, Kaiming start": replace(OURS, start="kaiming"),
}
FEW_DENSITIES = (1.0, 0.1, 0.001)


def _tasks() -> list[dict]:
    return [
        {"recipe": name, "density": density, "seed": seed}
        for name, recipe in RECIPES.items()
        for density in (DENSITIES if name in ("usual", "ours") else FEW_DENSITIES)
        for seed in range(3 if recipe.steps < USUAL.steps or name == "usual" else 2)
    ]


def train_net(task: dict) -> pd.DataFrame:
    """One net: its loss, and what is dead."""
    density = task["density"]
    trained = train_absolute_value(
        importance=IMPORTANCE,
        n_hidden=N_HIDDEN,
        densities=(density,),
        seeds=(task["seed"],),
        recipe=RECIPES[task["recipe"]],
    )
    model = trained.model(0, 0)
    if bool(trained.diverged):
        return pd.DataFrame([dict.fromkeys(_COLUMNS, float("nan"))])
    errors = feature_errors(*model, density=density)
    dead = dead_sides(*model)[:IMPORTANT]
    numbers = (
        normalised_loss(errors, IMPORTANCE),
        (errors < 0.5).sum(),
        dead.sum(),
        dead.all(-1).sum(),
    )
    return pd.DataFrame([rounded(dict(zip(_COLUMNS, map(float, numbers), strict=True)))])


_COLUMNS = ("loss", "computed", "dead_sides", "dead_outputs")

ABSOLUTE_VALUE_CURES = Study(
    name="absolute-value-cures",
    tasks=_tasks,
    run=train_net,
    code=(
        "steering_core.absolute_value.cure_study",
        "steering_core.absolute_value.density_study",
        *TRAINING,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"loss": 0.2} | dict.fromkeys(_COLUMNS[1:], 0.5),
)

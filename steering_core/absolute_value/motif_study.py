"""The study of how often the motif forms. Twenty minutes on two cores."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.absolute_value.conditional import conditional_constant
from steering_core.absolute_value.density_study import CODE, rounded
from steering_core.absolute_value.errors import feature_errors, normalised_loss
from steering_core.absolute_value.motifs import find_motifs
from steering_core.absolute_value.nulls import permuted
from steering_core.absolute_value.parts import NAMES, cutting_losses, norm_shares, take_apart
from steering_core.absolute_value.recipe import OURS
from steering_core.absolute_value.task import TASKS
from steering_core.absolute_value.training import TrainedAbsoluteValue, train_absolute_value
from steering_core.publishing.studies import Study

N_FEATURES = 20
SEEDS, TOGETHER = 256, 64
DENSITIES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01)
CHANGED_AT = 0.1
CONTROL_DENSITIES = (0.1, 0.01)
BASE: dict[str, Any] = {"task": "absolute", "decay": 0.8, "width": 10, "weight_decay": 0.0}
CHANGES: tuple[dict[str, Any], ...] = (
    *({"decay": decay} for decay in (0.6, 0.9, 1.0)),
    *({"width": width} for width in (6, 14, 20)),
    *({"weight_decay": weight_decay} for weight_decay in (0.001, 0.01, 0.1)),
    *({"task": task} for task in TASKS if task != "absolute"),
)
"""One thing at a time; AdamW's weight decay takes rate x decay of every weight a step."""


def _settings() -> list[dict]:
    changed = [
        BASE | change | {"density": density}
        for change in CHANGES
        for density in (CONTROL_DENSITIES if "task" in change else (CHANGED_AT,))
    ]
    return [BASE | {"density": d} for d in DENSITIES] + changed


def train_setting(setting: dict) -> TrainedAbsoluteValue:
    """The models of a setting, from its first seed on."""
    first = setting["first_seed"]
    return train_absolute_value(
        importance=importance_of(setting),
        n_hidden=setting["width"],
        densities=(setting["density"],),
        seeds=range(first, first + TOGETHER),
        recipe=replace(OURS, weight_decay=setting["weight_decay"]),
        task=TASKS[setting["task"]],
    )


def importance_of(setting: dict) -> Float[Tensor, "n"]:
    """I_i = decay^i."""
    return setting["decay"] ** torch.arange(float(N_FEATURES))


def count_motifs(setting: dict) -> pd.DataFrame:
    """A row for each model that did not diverge: loss, instances in it and in its permutations, and
    its parts."""
    trained = train_setting(setting)
    task, density, importance = trained.task, setting["density"], importance_of(setting)
    rows = []
    for s, seed in enumerate(trained.seeds.tolist()):
        if trained.diverged[0, s]:
            continue
        model = trained.model(0, s)
        found = find_motifs(*model, task=task)
        errors = feature_errors(*model, density=density, task=task, n_inputs=8_192)
        row = {
            "loss": float(normalised_loss(errors, importance)),
            "instances": float(len(found)),
            "causal": float(sum(motif.causal for motif in found)),
        }
        for name, keep in (("null", True), ("null_all", False)):
            shuffled = permuted(*model, seed=seed, keep_main=keep)
            row[name] = float(len(find_motifs(*shuffled, task=task, must_compute=False)))
        if task.name == "absolute":
            parts = take_apart(*model, found)
            norms = norm_shares(parts, *model[:2])
            costs = cutting_losses(parts, *model, density=density, importance=importance)
            row |= {f"norm_{name.replace(' ', '_')}": norms[name] for name in NAMES}
            row |= {f"cost_{name.replace(' ', '_')}": costs[name] for name in NAMES}
            row["constant"] = conditional_constant(parts, *model, density=density)
        rows.append({"seed": seed} | rounded(row))
    return pd.DataFrame(rows)


MOTIF_FREQUENCY = Study(
    name="motif-frequency",
    tasks=lambda: [
        setting | {"first_seed": first}
        for setting in _settings()
        for first in range(0, SEEDS, TOGETHER)
    ],
    run=count_motifs,
    code=(
        "steering_core.absolute_value.motif_study",
        "steering_core.absolute_value.conditional",
        "steering_core.absolute_value.nulls",
        "steering_core.absolute_value.parts",
        *CODE,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(
        (
            "loss",
            "instances",
            "causal",
            "null",
            "null_all",
            "constant",
            *(f"{kind}_{name.replace(' ', '_')}" for kind in ("norm", "cost") for name in NAMES),
        ),
        0.5,
    ),
)

"""The study of many nets at each density. Ten minutes on two cores."""

from pathlib import Path

import pandas as pd
import torch

from steering_core.absolute_value.net_numbers import net_numbers
from steering_core.absolute_value.training import train_absolute_value
from steering_core.publishing.studies import Study

DENSITIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
N_FEATURES, N_HIDDEN = 100, 40
IMPORTANCE = 0.8 ** torch.arange(float(N_FEATURES))
SEEDS, TOGETHER = 24, 4

TRAINING = (
    "steering_core.absolute_value.training",
    "steering_core.absolute_value.crowd",
    "steering_core.absolute_value.recipe",
    "steering_core.absolute_value.task",
    "steering_core.absolute_value.inputs",
    "steering_core.absolute_value.pairs",
    "steering_core.absolute_value.errors",
    "steering_core.lockstep",
    "steering_core.sparse_features",
)
"""What every study of part III rests on."""

CODE = (
    "steering_core.absolute_value.neurons",
    "steering_core.absolute_value.motifs",
    *TRAINING,
)
"""What those that look at neurons rest on too."""


def train_nets(task: dict) -> pd.DataFrame:
    """A few nets of one density, a row each, but for those that diverged."""
    density = task["density"]
    seeds = range(task["first_seed"], task["first_seed"] + TOGETHER)
    trained = train_absolute_value(
        importance=IMPORTANCE, n_hidden=N_HIDDEN, densities=(density,), seeds=seeds
    )
    return pd.DataFrame(
        {"seed": seed}
        | rounded(net_numbers(*trained.model(0, s), density=density, importance=IMPORTANCE))
        for s, seed in enumerate(seeds)
        if not trained.diverged[0, s]
    )


def rounded(numbers: dict[str, float]) -> dict[str, float]:
    """Numbers as they are kept."""
    return {name: float(f"{value:.6g}") for name, value in numbers.items()}


ABSOLUTE_VALUE_NETS = Study(
    name="absolute-value-nets",
    tasks=lambda: [
        {"density": density, "first_seed": first}
        for density in DENSITIES
        for first in range(0, SEEDS, TOGETHER)
    ],
    run=train_nets,
    code=(
        "steering_core.absolute_value.density_study",
        "steering_core.absolute_value.net_numbers",
        "steering_core.absolute_value.deciles",
        "steering_core.absolute_value.basis",
        *CODE,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance={"loss": 0.2}
    | dict.fromkeys(
        (
            "computed",
            "dead_sides",
            "dead_outputs",
            "motifs",
            "causal_motifs",
            "kurtosis",
            "kurtosis_rotated",
            "read_off",
            "live",
            "single",
            "two_or_three",
            "three_or_more",
            "polysemantic",
            "carried",
            "carried_by_polysemantic",
            "pairs",
            "split",
            "rank_correlation",
            "split_of_own",
            "polysemantic_strict",
            "polysemantic_loose",
            "carried_strict",
            "carried_loose",
            "present_top",
            "below_half",
            "top",
            "middle",
        ),
        0.5,
    ),
)

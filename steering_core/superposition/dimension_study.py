"""The study of 200 features in 20 dimensions: the published curves, ours, and what sets them apart.

Each row is one model. The published recipe takes most of the time: an hour on two cores.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.publishing.studies import Study
from steering_core.superposition.activations import ACTIVATIONS, Activation
from steering_core.superposition.bottleneck import train_bottleneck
from steering_core.superposition.geometry import (
    dimensions_per_feature,
    feature_dimensionality,
    overlap,
)
from steering_core.superposition.our_recipe import our_recipe
from steering_core.superposition.recipe import PUBLISHED, Recipe
from steering_core.superposition.sampled import explained, sampled_errors

N_FEATURES, N_HIDDEN, INSTANCES = 200, 20, 20
LEVELS = tuple(float(f"{20 ** (-k / 19):.6g}") for k in range(20))  # 1 - S
FEW_LEVELS = tuple(LEVELS[k] for k in (0, 4, 8, 14, 19))
FRACTIONS = {
    "whole": 1.0,
    "tetrahedron": 3 / 4,
    "triangle": 2 / 3,
    "pair": 1 / 2,
    "pentagon": 2 / 5,
    "antiprism": 3 / 8,
}


def softplus(z: Tensor, beta: float) -> Tensor:
    """log(1 + exp(beta z)) / beta: smooth, and ReLU as beta grows."""
    return torch.nn.functional.softplus(z, beta=beta)


def swish(z: Tensor, beta: float) -> Tensor:
    """z sigmoid(beta z): smooth, SiLU at beta = 1, and ReLU as beta grows."""
    return z * torch.sigmoid(beta * z)


BETAS = (1.0, 2.0, 4.0, 8.0, 16.0)
FAMILIES: Mapping[str, str | Activation] = {
    f"{family.__name__} {beta:g}": Activation(partial(family, beta=beta))
    for family in (softplus, swish)
    for beta in BETAS
}


RECIPES: dict[str, Callable[[str], Recipe]] = {
    "published": lambda _: replace(PUBLISHED, xavier_instances=INSTANCES),
    "published, 3,000 steps": lambda _: replace(PUBLISHED, xavier_instances=INSTANCES, steps=3_000),
    "ours": lambda name: replace(our_recipe(name), xavier_instances=INSTANCES),
    "ours, Xavier per model": our_recipe,
    "ours, weight decay 0": lambda name: replace(
        our_recipe(name), xavier_instances=INSTANCES, weight_decay=0.0
    ),
}
"""Ours begins with the published weights, unless it says otherwise."""

GROUPS: dict[str, Mapping[str, str | Activation]] = {
    "seven activations": {name: name for name in ACTIVATIONS},
    "smooth families": FAMILIES,
    "relu": {"relu": "relu"},
}


def _tasks() -> list[dict]:
    def tasks(
        recipe: str, group: str, levels: tuple[float, ...], seeds: Iterable[int]
    ) -> list[dict]:
        return [
            {"recipe": recipe, "group": group, "density": level, "seed": seed}
            for seed in seeds
            for level in levels
        ]

    changed = ("published, 3,000 steps", "ours, Xavier per model", "ours, weight decay 0")
    return [
        *tasks("ours", "seven activations", LEVELS, range(3)),
        *tasks("ours", "relu", LEVELS, range(3, 8)),
        *tasks("ours", "smooth families", LEVELS, range(3)),
        *[
            one
            for recipe in changed
            for one in tasks(recipe, "seven activations", FEW_LEVELS, (0,))
        ],
        *tasks("published", "seven activations", LEVELS, range(3)),
    ]


def train_models(task: dict) -> pd.DataFrame:
    """The models of one group, density and seed, a row each."""
    group, density = GROUPS[task["group"]], task["density"]
    by_recipe: dict[Recipe, list[str]] = {}
    for name in group:
        by_recipe.setdefault(RECIPES[task["recipe"]](name), []).append(name)
    rows = {}
    for recipe, names in by_recipe.items():
        trained = train_bottleneck(
            [group[name] for name in names],
            n_hidden=N_HIDDEN,
            density=density,
            importance=torch.ones(N_FEATURES),
            seeds=(task["seed"],),
            recipe=recipe,
        )
        for i, name in enumerate(names):
            weights, bias = trained.weights[i, 0, 0, 0], trained.bias[i, 0, 0, 0]
            errors = sampled_errors(weights, bias, activation=group[name], density=density)
            measured = numbers(weights, errors, density)
            rows[name] = {"steps": int(trained.steps[i, 0, 0, 0])} | {
                column: round(value, 6) for column, value in measured.items()
            }
    return pd.DataFrame([{"activation": name} | rows[name] for name in group])


def numbers(
    weights: Float[Tensor, "m n"], errors: Float[Tensor, "n"], density: float
) -> dict[str, float]:
    """D* and what stands behind it: `capacity` is the sum of D_i, `squared_norm` and `overlap` are
    means over features, `represented` counts those with r_i > 1/2.

    For each fraction, how many D_i lie within 0.005 of it, and of the places 0.0125 beside it; and
    of the features with D_i of at least 0.1 (`present`), how many are within 0.02 of any fraction.
    """
    each = feature_dimensionality(weights)
    measured = {
        "dimensions": float(dimensions_per_feature(weights)),
        "loss": float(errors.sum()),
        "capacity": float(each.sum()),
        "squared_norm": float(weights.square().sum(0).mean()),
        "overlap": float(overlap(weights).mean()),
        "represented": float((explained(errors, density) > 0.5).sum()),
        "present": float((each >= 0.1).sum()),
        "near_any": float(
            torch.stack([(each - f).abs() < 0.02 for f in FRACTIONS.values()]).any(0).sum()
        ),
    }
    for name, fraction in FRACTIONS.items():
        within = [
            float(((each - place).abs() < 0.005).sum())
            for place in (fraction, fraction - 0.0125, fraction + 0.0125)
        ]
        measured |= {f"{name}_on": within[0], f"{name}_beside": (within[1] + within[2]) / 2}
    return measured


DIMENSIONS_PER_FEATURE = Study(
    name="dimensions-per-feature",
    tasks=_tasks,
    run=train_models,
    code=(
        "steering_core.superposition.dimension_study",
        "steering_core.superposition.bottleneck",
        "steering_core.superposition.plan",
        "steering_core.superposition.recipe",
        "steering_core.superposition.our_recipe",
        "steering_core.superposition.activations",
        "steering_core.superposition.geometry",
        "steering_core.superposition.sampled",
        "steering_core.lockstep",
        "steering_core.sparse_features",
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(("dimensions", "loss", "capacity", "squared_norm", "overlap"), 0.02),
)

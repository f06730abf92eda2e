"""The study of ten features in five dimensions: seven activations, and four variations on two.

Each row is one model that the published recipe trained: what its W^T W looks like, in numbers. Ten
minutes on two cores.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.publishing.studies import Study
from steering_core.superposition.activations import ACTIVATIONS, Activation
from steering_core.superposition.bottleneck import train_bottleneck
from steering_core.superposition.geometry import (
    carried,
    has_partner,
    off_diagonal,
    off_diagonal_mass,
)
from steering_core.superposition.recipe import Recipe
from steering_core.superposition.sampled import explained, sampled_errors

N_FEATURES, N_HIDDEN = 10, 5
IMPORTANCE = 0.8 ** torch.arange(N_FEATURES)
DENSITIES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.03, 0.01)
SHOWN = (1.0, 0.9, 0.6, 0.3, 0.1, 0.03, 0.01)
SEEDS = 32
CARRIES = 0.3  # |What_i . W_j| from which direction i carries feature j

# What the source says is the cause of an effect, taken away: name -> activation, and targets.
CAUSES: dict[str, tuple[str | Activation, Recipe]] = {
    "tanh, targets in [-1, 1]": ("tanh", Recipe(signed=True)),
    "linear, targets in [-1, 1]": ("linear", Recipe(signed=True)),
    "(tanh + 1) / 2": (Activation(lambda z: (torch.tanh(z) + 1) / 2), Recipe()),
    "sigmoid to (-0.1, 1.1)": (Activation(lambda z: 1.2 * torch.sigmoid(z) - 0.1), Recipe()),
}
CAUSE_DENSITIES = (0.9, 0.03)


def _tasks() -> list[dict]:
    plain = [{"kind": "seven activations", "density": d} for d in DENSITIES]
    return plain + [{"kind": cause, "density": d} for cause in CAUSES for d in CAUSE_DENSITIES]


def train_cells(task: dict) -> pd.DataFrame:
    """All seeds of one density, a row each: of the seven activations, or of one variation."""
    density, kind = task["density"], task["kind"]
    models: dict[str, str | Activation] = {name: name for name in ACTIVATIONS}
    recipe = Recipe()
    if kind in CAUSES:
        activation, recipe = CAUSES[kind]
        models = {kind: activation}
    trained = train_bottleneck(
        list(models.values()),
        n_hidden=N_HIDDEN,
        density=density,
        importance=IMPORTANCE,
        seeds=range(SEEDS),
        recipe=recipe,
    )
    frames = []
    for i, (model, activation) in enumerate(models.items()):
        weights, bias = trained.weights[i, 0, 0], trained.bias[i, 0, 0]
        errors = sampled_errors(
            weights, bias, activation=activation, density=density, signed=recipe.signed
        )
        seen = explained(errors, density, signed=recipe.signed) > 0.5
        columns = {"loss": (errors * IMPORTANCE).sum(-1)} | numbers(weights, seen)
        rounded = {name: np.asarray(c).astype(float).round(5) for name, c in columns.items()}
        frames.append(pd.DataFrame({"model": model, "seed": np.arange(SEEDS), **rounded}))
    return pd.concat(frames, ignore_index=True)


def numbers(weights: Float[Tensor, "S m n"], seen: Tensor) -> dict[str, Tensor]:
    """What the claims ask of a model, given which features (S, n) it represents.

    `paired` is the share of represented features with an antipodal partner; `at_most_two` that of
    their directions which carry at most two features; `several` counts those which carry more than
    one, `dominated` those of them where the largest is at least twice the second; `coordinates` is
    as `at_most_two`, for the coordinates of h; `superposed_i` is feature i's off-diagonal sum.
    """
    diagonal = (weights.mT @ weights).diagonal(dim1=-2, dim2=-1)
    count = seen.sum(-1)
    shares = carried(weights)
    largest, second = shares.sort(dim=-1, descending=True).values[..., :2].unbind(-1)
    carries = (shares > CARRIES).sum(-1)
    several = seen & (carries > 1)
    identity = torch.eye(weights.shape[-2]).expand(len(weights), -1, -1)
    in_coordinates = (carried(weights, identity) > CARRIES).sum(-1)
    position = torch.arange(weights.shape[-1])
    columns = {
        "top_gap": (diagonal[:, :N_HIDDEN] - 1).abs().amax(-1),
        "rest": diagonal[:, N_HIDDEN:].amax(-1),
        "mass": off_diagonal_mass(weights),
        "represented": count,
        "top_only": (seen == (position < count[:, None])).all(-1),
        "paired": (seen & has_partner(weights)).sum(-1) / count.clamp_min(1),
        "at_most_two": (seen & (carries <= 2)).sum(-1) / count.clamp_min(1),
        "several": several.sum(-1),
        "dominated": (several & (largest >= 2 * second)).sum(-1),
        "coordinates": (in_coordinates <= 2).float().mean(-1),
    }
    each = off_diagonal(weights)
    return columns | {f"superposed_{i}": each[:, i] for i in range(weights.shape[-1])}


TEN_FEATURES = Study(
    name="ten-features",
    tasks=_tasks,
    run=train_cells,
    code=(
        "steering_core.superposition.activation_study",
        "steering_core.superposition.bottleneck",
        "steering_core.superposition.plan",
        "steering_core.superposition.recipe",
        "steering_core.superposition.activations",
        "steering_core.superposition.geometry",
        "steering_core.superposition.sampled",
        "steering_core.lockstep",
        "steering_core.sparse_features",
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(
        ("loss", "top_gap", "rest", "mass", *(f"superposed_{i}" for i in range(N_FEATURES))), 0.02
    ),
)

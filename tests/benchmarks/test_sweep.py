"""The 7 x 20 sweep by our recipe beside the usual way, on the same machine in the same process.

The usual way trains the 20 densities of an activation as one tensor, 10,000 constant steps of 1,024
inputs (`steering_core.superposition.usual`). Some of its steps are timed for the ratio, and some of
its models are trained to the end, to see that ours end in the same place.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pytest
import torch

SAMPLE = (("relu", 8), ("gelu", 19), ("sigmoid", 14), ("tanh", 0), ("solu", 8))
"""Activation and level of the models that the usual recipe trains to the end."""

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@dataclass(frozen=True)
class Pair:
    """One model trained both ways."""

    activation: str
    density: float
    dimensions: tuple[float, float]  # ours, usual
    loss: tuple[float, float]


def test_the_sweep_takes_ninety_seconds_on_two_cores(measured: dict[str, Any]) -> None:
    print(
        f"140 models in {measured['page']:.1f} s, with whole batches in {measured['whole']:.1f} s"
    )
    assert measured["page"] < 90


def test_the_usual_recipe_takes_twenty_times_as_long(measured: dict[str, Any]) -> None:
    for row in measured["ingredients"]:
        print(f"{row['ingredient']:>52} {row['seconds a model']:8.2f} s a model")
    usual = 140 * measured["ingredients"][0]["seconds a model"]
    for name in ("page", "whole"):
        print(f"{name}: {usual / measured[name]:.0f} times as fast")
        assert usual / measured[name] > 20


def test_both_end_in_the_same_place(measured: dict[str, Any]) -> None:
    for one in measured["pairs"]:
        (our_d, usual_d), (our_loss, usual_loss) = one["dimensions"], one["loss"]
        print(
            f"{one['activation']:>8} at {one['density']:.3f}: D* {our_d:.3f} and {usual_d:.3f}, "
            f"loss {our_loss:.4f} and {usual_loss:.4f}"
        )
        assert abs(our_d - usual_d) < 0.02
        assert our_loss < 1.01 * usual_loss


def measure() -> dict[str, Any]:
    """The sweep, the ingredients, and the sampled models."""
    from collections.abc import Callable

    from steering_core.superposition import (
        ACTIVATIONS,
        Recipe,
        TrainedBottleneck,
        speed,
        train_bottleneck,
    )
    from steering_core.superposition.dimension_study import LEVELS, N_FEATURES, N_HIDDEN, RECIPES
    from steering_core.superposition.geometry import dimensions_per_feature
    from steering_core.superposition.sampled import sampled_errors
    from steering_core.superposition.usual import train_usual

    plain = [name for name in ACTIVATIONS if name != "solu"]
    how = {"n_hidden": N_HIDDEN, "importance": torch.ones(N_FEATURES)}

    def sweep(recipe: Callable[[str], Recipe]) -> list[TrainedBottleneck]:
        return [
            train_bottleneck(names, density=LEVELS, recipe=recipe(names[0]), n_jobs=2, **how)
            for names in (plain, ["solu"])
        ]

    page, whole = sweep(speed.page_recipe), sweep(RECIPES["ours"])
    ours = {
        name: (run.weights[a, :, 0, 0], run.bias[a, :, 0, 0])
        for run in whole
        for a, name in enumerate(run.activations)
    }
    pairs = []
    for activation, level in SAMPLE:
        usual = train_usual(
            activation,
            n_features=N_FEATURES,
            n_hidden=N_HIDDEN,
            densities=[LEVELS[level]],
            instances=20,
            progress=True,
        )
        weights, bias = (one[level] for one in ours[activation])
        both = torch.stack([weights, usual.weights[0]]), torch.stack([bias, usual.bias[0]])
        errors = sampled_errors(*both, activation=activation, density=LEVELS[level])
        pair = Pair(
            activation,
            LEVELS[level],
            tuple(dimensions_per_feature(both[0]).tolist()),
            tuple(errors.sum(-1).tolist()),
        )
        pairs.append(asdict(pair))
    return {
        "page": sum(run.seconds for run in page),
        "whole": sum(run.seconds for run in whole),
        "ingredients": speed.ingredients(page).to_dict("records"),
        "pairs": pairs,
    }


if __name__ == "__main__":
    print(json.dumps(measure()))

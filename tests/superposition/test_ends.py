"""The best of the seeds, the usual recipe, and where the speed comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from steering_core.superposition import (
    ACTIVATIONS,
    PUBLISHED,
    TrainedBottleneck,
    dimensions_per_feature,
    speed,
    train_bottleneck,
)
from steering_core.superposition.dimension_study import LEVELS
from steering_core.superposition.ends import (
    best_of_seeds,
    dimension_curves,
    errors_of,
    represented_cosines,
)
from steering_core.superposition.our_recipe import our_recipe
from steering_core.superposition.sampled import explained
from steering_core.superposition.solu_study import solu_over
from steering_core.superposition.usual import train_usual

DENSITIES = (1.0, 0.1)


@pytest.fixture(scope="module")
def trained() -> TrainedBottleneck:
    recipe = replace(our_recipe("relu"), steps=600, batch_size=64, plateau=None)
    return train_bottleneck(
        ["linear", "relu"],
        n_hidden=2,
        density=DENSITIES,
        importance=0.7 ** torch.arange(4),
        seeds=range(4),
        recipe=recipe,
    )


def test_the_best_seed_has_the_lowest_weighted_error(trained: TrainedBottleneck) -> None:
    loss = (errors_of(trained)[:, :, 0] * trained.importance[0]).sum(-1)
    best = best_of_seeds(trained)
    for a, name in enumerate(trained.activations):
        for d in range(len(DENSITIES)):
            kept = trained.weights[a, d, 0, loss[a, d].argmin()]
            assert torch.equal(best[name][d], kept)


def test_several_rows_of_importances_have_no_one_best() -> None:
    two = train_bottleneck(
        "relu",
        n_hidden=1,
        density=0.5,
        importance=torch.ones(2, 3),
        recipe=replace(PUBLISHED, steps=1, batch_size=4),
    )
    with pytest.raises(ValueError, match="importance: got 2 rows"):
        best_of_seeds(two)


def test_curves_are_means_over_seeds(trained: TrainedBottleneck) -> None:
    curve = dimension_curves(trained)["relu"]
    each = dimensions_per_feature(trained.weights[1, :, 0])
    np.testing.assert_allclose(curve, each.mean(1))


def test_cosines_are_those_of_represented_pairs(trained: TrainedBottleneck) -> None:
    cosines = represented_cosines(trained, "linear", 1.0)
    seen = (explained(errors_of(trained)[0, 0, 0], 1.0) > 0.5).sum(-1)
    assert seen.sum() > 0
    assert len(cosines) == int((seen * (seen - 1) // 2).sum())
    assert (np.abs(cosines) <= 1 + 1e-6).all()
    with pytest.raises(ValueError, match="activation: got 'gelu'"):
        represented_cosines(trained, "gelu", 1.0)
    with pytest.raises(ValueError, match=r"density: got 0\.2"):
        represented_cosines(trained, "relu", 0.2)


def test_the_usual_recipe_learns_and_depends_on_its_seed_alone() -> None:
    sizes = {"n_features": 6, "n_hidden": 2, "densities": [1.0, 0.3], "instances": 20}
    before = torch.get_rng_state()
    runs = [
        train_usual("linear", steps=1_500, batch_size=64, seed=seed, **sizes) for seed in (0, 0, 1)
    ]
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(runs[0].weights, runs[1].weights)
    assert not torch.equal(runs[0].weights, runs[2].weights)
    assert runs[0].weights.shape == (2, 2, 6)
    torch.testing.assert_close(
        dimensions_per_feature(runs[0].weights), torch.ones(2), rtol=0, atol=0.1
    )
    with pytest.raises(ValueError, match="steps: got 0"):
        train_usual("linear", steps=0, **sizes)


def test_small_steps_for_what_mixes_outputs() -> None:
    assert our_recipe("solu").learning_rate < our_recipe("relu").learning_rate
    schedule = our_recipe("relu").schedule
    assert schedule(0.5) == 1
    assert schedule(0.999) < 0.01


def test_the_ingredients_are_timed_and_compared_with_the_first() -> None:
    runs = [
        train_bottleneck(
            ["relu"],
            n_hidden=20,
            density=LEVELS[-2:],
            importance=torch.ones(200),
            recipe=replace(PUBLISHED, steps=4, batch_size=16),
        )
    ]
    table = speed.ingredients(runs, steps=1)
    assert len(table) == 5
    assert table["times as fast"].iloc[0] == 1
    seconds = table["seconds a model"]
    np.testing.assert_allclose(table["times as fast"], seconds.iloc[0] / seconds)
    assert table["steps"].tolist() == [10_000, 10_000, 10_000, 10_000, 4]


def test_the_softmax_over_an_axis_is_over_that_axis() -> None:
    z = torch.randn(3, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    for axis, shares in ((0, 0), (-1, -1)):
        share = solu_over(axis).along(z, -2) / z
        torch.testing.assert_close(share.sum(shares), torch.ones_like(share.sum(shares)))
    outputs = ACTIVATIONS["solu"].along(z, -2)
    assert not torch.allclose(outputs, solu_over(0).along(z, -2))

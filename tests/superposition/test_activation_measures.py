"""What the study of ten features notes of a model, and what is made of its table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.superposition import ACTIVATIONS, activation_study
from steering_core.superposition.activation_measures import (
    cells,
    change_by_rotation,
    entry,
    leak_order,
    least_mass_ratio,
    mass_ratio,
    mean_at,
    mean_over_densities,
    over_seeds,
    share_dominated,
    share_superposed,
    superposed,
    worst_density,
)
from steering_core.superposition.activation_study import (
    CAUSE_DENSITIES,
    CAUSES,
    DENSITIES,
    SEEDS,
    SHOWN,
    TEN_FEATURES,
    numbers,
    train_cells,
)
from steering_core.superposition.activations import resolve
from steering_core.superposition.bottleneck import train_bottleneck

LEVELS = (1.0, 0.5, 0.1)


def model(**columns: tuple[int, float]) -> Tensor:
    """(1, 5, 10), feature i of length l along dimension d where `fi=(d, l)`."""
    weights = torch.zeros(1, 5, 10)
    for name, (dimension, length) in columns.items():
        weights[0, dimension, int(name[1:])] = length
    return weights


def seen(*features: int) -> Tensor:
    marked = torch.zeros(1, 10, dtype=torch.bool)
    marked[:, list(features)] = True
    return marked


DEDICATED = torch.eye(5, 10)[None]
PAIRS = torch.cat([torch.eye(5), -torch.eye(5)], 1)[None]
THREE_IN_ONE = model(f0=(0, 1.0), f1=(0, 0.5), f2=(0, -0.4), f3=(1, 1.0), f9=(2, 2.0))
SMALLER = model(f0=(0, 1.0), f5=(0, -0.6), f1=(1, 1.0), f6=(1, 0.29), f2=(2, 1.0), f7=(2, 0.31))
NUMBERS = {
    "dedicated": (
        DEDICATED,
        seen(*range(5)),
        {"top_gap": 0, "rest": 0, "mass": 0, "represented": 5, "top_only": 1, "paired": 0}
        | {"at_most_two": 1, "several": 0, "dominated": 0, "coordinates": 1},
        [0.0] * 10,
    ),
    "antipodal pairs": (
        PAIRS,
        seen(*range(10)),
        {"top_gap": 0, "rest": 1, "mass": 1, "represented": 10, "top_only": 1, "paired": 1}
        | {"at_most_two": 1, "several": 10, "dominated": 0, "coordinates": 1},
        [1.0] * 10,
    ),
    "pairs of which one half is not represented": (
        1.5 * PAIRS,
        seen(*range(1, 5)),
        {"top_gap": 1.25, "rest": 2.25, "mass": 1, "represented": 4, "top_only": 0, "paired": 1}
        | {"at_most_two": 1, "several": 4, "dominated": 0, "coordinates": 1},
        [2.25] * 10,
    ),
    "three in one direction": (
        THREE_IN_ONE,
        seen(0, 1, 2, 3, 9),
        {"top_gap": 1, "rest": 4, "mass": 2.2 / 6.41, "represented": 5, "top_only": 0}
        | {"paired": 0.6, "at_most_two": 0.4, "several": 3, "dominated": 3, "coordinates": 0.8},
        [0.9, 0.7, 0.6, *[0.0] * 7],
    ),
    "smaller seconds": (
        SMALLER,
        seen(0, 1, 2, 5),
        {"top_gap": 1, "rest": 0.36, "mass": 2.4 / 3.5402, "represented": 4, "top_only": 0}
        | {"paired": 0.5, "at_most_two": 1, "several": 3, "dominated": 1, "coordinates": 1},
        [0.6, 0.29, 0.31, 0.0, 0.0, 0.6, 0.29, 0.31, 0.0, 0.0],
    ),
}


def values(columns: dict[str, Tensor], place: int = 0) -> dict[str, float]:
    return {name: float(column[place]) for name, column in columns.items()}


@pytest.mark.parametrize("case", NUMBERS)
def test_every_column_of_a_planted_model(case: str) -> None:
    weights, marked, expected, superposition = NUMBERS[case]
    each = {f"superposed_{i}": value for i, value in enumerate(superposition)}
    assert values(numbers(weights, marked)) == pytest.approx(expected | each, abs=1e-6)


def test_models_are_measured_one_by_one() -> None:
    weights, marked = (torch.cat([case[i] for case in NUMBERS.values()]) for i in (0, 1))
    together = numbers(weights, marked)
    for place, (one, its, *_) in enumerate(NUMBERS.values()):
        assert values(together, place) == pytest.approx(values(numbers(one, its)), abs=1e-6)


def test_rotating_h_changes_what_its_coordinates_carry_and_nothing_else() -> None:
    turn = torch.eye(5)
    turn[:2, :2] = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5
    before, after = (values(numbers(w, seen(*range(10)))) for w in (PAIRS, turn @ PAIRS))
    assert after.pop("coordinates") == pytest.approx(0.6)
    assert before.pop("coordinates") == 1
    assert after == pytest.approx(before, abs=1e-6)


def test_a_model_that_represents_nothing_has_shares_of_zero() -> None:
    columns = values(numbers(PAIRS, seen()))
    names = ("represented", "paired", "at_most_two", "several", "dominated")
    assert [columns[name] for name in names] == [0] * 5


POINTS = torch.linspace(-4, 4, 41)
REACHED = torch.tensor([-40.0, 0.0, 40.0])


def test_the_variations_are_what_they_are_called() -> None:
    activations = {name: resolve(activation) for name, (activation, _) in CAUSES.items()}
    assert list(activations) == [
        "tanh, targets in [-1, 1]",
        "linear, targets in [-1, 1]",
        "(tanh + 1) / 2",
        "sigmoid to (-0.1, 1.1)",
    ]
    tanh, linear, shifted, wider = activations.values()
    assert torch.equal(tanh(POINTS), POINTS.tanh())
    assert torch.equal(linear(POINTS), POINTS)
    torch.testing.assert_close(shifted(POINTS), torch.sigmoid(2 * POINTS))
    torch.testing.assert_close(shifted(REACHED), torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(wider(REACHED), torch.tensor([-0.1, 0.5, 1.1]))
    torch.testing.assert_close((wider(POINTS) + 0.1) / 1.2, POINTS.sigmoid())
    assert all(f.elementwise and not f.kinks for f in activations.values())


def test_only_the_targets_or_the_activation_are_changed() -> None:
    plain = activation_study.Recipe()
    for name, (_, recipe) in CAUSES.items():
        assert recipe.signed == ("targets in [-1, 1]" in name)
        assert replace(recipe, signed=False) == plain


def test_every_task_is_there_once() -> None:
    tasks = Counter((task["kind"], task["density"]) for task in TEN_FEATURES.tasks())
    plain = [("seven activations", density) for density in DENSITIES]
    assert tasks == Counter(plain + [(name, d) for name in CAUSES for d in CAUSE_DENSITIES])
    assert len(DENSITIES) == 12
    assert sorted(DENSITIES, reverse=True) == list(DENSITIES)
    assert {*SHOWN, *CAUSE_DENSITIES} <= {*DENSITIES}


@pytest.mark.parametrize(
    ("kind", "models"),
    [("seven activations", list(ACTIVATIONS)), *((name, [name]) for name in CAUSES)],
)
def test_a_task_gives_a_row_for_every_model_and_seed(
    kind: str, models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = []

    def few_steps(*args: Any, recipe: Any, **options: Any) -> Any:
        recipes.append(recipe)
        return train_bottleneck(*args, recipe=replace(recipe, steps=2, batch_size=8), **options)

    monkeypatch.setattr(activation_study, "train_bottleneck", few_steps)
    monkeypatch.setattr(
        activation_study, "sampled_errors", partial(activation_study.sampled_errors, inputs=100)
    )
    rows = train_cells({"kind": kind, "density": 0.9})
    assert rows["model"].tolist() == [name for name in models for _ in range(SEEDS)]
    assert rows["seed"].tolist() == list(range(SEEDS)) * len(models)
    assert np.isfinite(rows.drop(columns="model").to_numpy(float)).all()
    assert set(rows.columns) == {"model", "seed", "loss", *numbers(PAIRS, seen())}
    assert [recipe.signed for recipe in recipes] == ["targets in" in kind]


Values = dict[str, list[list[float]]]
"""Column -> values by density (falling) and seed."""


def table(**models: Values) -> pd.DataFrame:
    """The table of these models, its rows in no order."""
    rows = [
        {"model": name, "density": density, "seed": seed}
        | {column: grid[i][seed] for column, grid in columns.items()}
        for name, columns in models.items()
        for i, density in enumerate(LEVELS)
        for seed in range(len(next(iter(columns.values()))[0]))
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def same(*by_density: float, seeds: int = 4) -> list[list[float]]:
    """One value for all seeds of a density."""
    return [[value] * seeds for value in by_density]


def assert_certain(measured: Measured, value: float, seeds: int = 4) -> None:
    assert measured.n == seeds
    assert measured.value == pytest.approx(value)
    assert measured.interval == pytest.approx((value, value))


def assert_spread(measured: Measured, value: float, seeds: int = 4) -> None:
    assert measured.n == seeds
    assert measured.value == pytest.approx(value)
    assert measured.interval is not None
    low, high = measured.interval
    assert low < measured.value < high


GRID = [[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [0.0, 0.0, 9.0, 0.0]]


def test_cells_are_densities_by_seeds() -> None:
    got = cells(table(a={"x": same(7, 8, 9)}, b={"x": GRID}), "b", "x")
    assert got.index.tolist() == list(LEVELS)
    assert got.columns.tolist() == [0, 1, 2, 3]
    assert got.to_numpy().tolist() == GRID


MEASURES: dict[str, Any] = {
    "cells": lambda t, model: cells(t, model, "mass"),
    "worst_density": lambda t, model: worst_density(t, model, "mass"),
    "mean_at": lambda t, model: mean_at(t, model, "mass", 0.5),
    "mean_over_densities": lambda t, model: mean_over_densities(t, model, "mass"),
    "share_dominated": share_dominated,
    "mass_ratio": lambda t, model: mass_ratio(t, "relu", model, 0.5),
    "least_mass_ratio": lambda t, model: least_mass_ratio(t, model, "relu"),
    "superposed": superposed,
    "leak_order": leak_order,
    "share_superposed": lambda t, model: share_superposed(t, model, 0.5),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_a_model_that_is_not_there_is_named(measure: str) -> None:
    columns = {name: same(1, 1, 1) for name in ("mass", "dominated", "several", "superposed_0")}
    known = table(relu=columns, gelu=columns).sort_values("model", ascending=False)
    with pytest.raises(ValueError, match="model: got 'rleu'; allowed are relu, gelu"):
        MEASURES[measure](known, "rleu")


def test_a_statistic_is_of_whole_seeds() -> None:
    grid = np.array([[0.0, 1.0, 2.0, 3.0], [0.0, 2.0, 4.0, 6.0]])

    def twice(drawn: Any) -> float:
        assert (drawn[1] == 2 * drawn[0]).all()
        return float(drawn.mean())

    assert_spread(over_seeds(grid, twice), 2.25)
    assert_certain(over_seeds(np.ones((2, 3, 5)), lambda drawn: float(drawn.sum())), 30, seeds=5)


def test_the_interval_is_that_of_the_seeds() -> None:
    measured = mean_at(table(a={"x": [[0.0, 0.0, 0.0, 1.0]] * 3}), "a", "x", 0.5)
    assert measured.interval is not None
    assert measured.interval == pytest.approx((0.0, 0.75), abs=0.26)
    assert set(np.array(measured.interval) * 4 % 1) == {0}


def test_the_worst_density_of_each_seed_and_their_median() -> None:
    assert_spread(worst_density(table(a={"x": GRID}), "a", "x"), 4.0)  # of 4, 3, 9, 4
    assert_certain(worst_density(table(a={"x": same(1, 3, 2)}), "a", "x"), 3)


def test_means() -> None:
    one = table(a={"x": GRID, "y": same(1, 3, 5)}, b={"x": same(0, 0, 0), "y": same(0, 0, 0)})
    assert_spread(mean_at(one, "a", "x", 0.1), 2.25)
    assert_spread(mean_at(one, "a", "x", 1.0), 2.5)
    assert_certain(mean_at(one, "a", "y", 0.5), 3)
    assert_spread(mean_over_densities(one, "a", "x"), 29 / 12)
    assert_certain(mean_over_densities(one, "a", "y"), 3)


def test_of_all_directions_with_several_the_share_that_one_dominates() -> None:
    one = table(
        a={"dominated": same(1, 0, 2), "several": same(2, 0, 6)},
        b={"dominated": [[4.0, 0, 0, 0]] * 3, "several": [[4.0, 4, 4, 0]] * 3},
        c={"dominated": same(0, 0, 0), "several": same(0, 0, 0)},
    )
    assert_certain(share_dominated(one, "a"), 3 / 8)
    assert_spread(share_dominated(one, "b"), 1 / 3)
    assert_certain(share_dominated(one, "c"), 0)


def test_ratios_of_mass_are_of_means_over_seeds() -> None:
    one = table(
        a={"mass": same(0.2, 0.9, 0.4)},
        b={"mass": same(0.1, 0.3, 0.8)},
        c={"mass": [[0.1, 0.3, 0.1, 0.3], [0.1, 0.1, 0.2, 0.2], [0.1, 0.2, 0.3, 1.4]]},
    )
    assert_certain(mass_ratio(one, "a", "b", 1.0), 2)
    assert_certain(mass_ratio(one, "a", "b", 0.1), 0.5)
    assert_certain(mass_ratio(one, "b", "a", 0.5), 1 / 3)
    assert_spread(mass_ratio(one, "a", "c", 1.0), 1.0)
    assert_certain(least_mass_ratio(one, "a", "b"), 0.5)
    assert_certain(least_mass_ratio(one, "b", "a"), 1 / 3)
    least = least_mass_ratio(one, "a", "c")  # of 1, 6 and 0.8
    assert_spread(least, 0.8)


def test_a_ratio_at_a_density_needs_no_other_densities_of_either() -> None:
    one = table(a={"mass": same(0.2, 0.9, 0.4)}, b={"mass": same(0.1, 0.3, 0.8)})
    fewer = one.query("model == 'a' or density == 0.5")
    assert_certain(mass_ratio(fewer, "a", "b", 0.5), 3)
    assert_certain(mass_ratio(fewer, "b", "a", 0.5), 1 / 3)


def entering(*order: int | None, seeds: int = 4) -> Values:
    """Each feature is superposed from that density on, or never."""
    return {
        f"superposed_{i}": same(
            *[0.5 if at is not None and k >= at else 0.05 for k in range(3)], seeds=seeds
        )
        for i, at in enumerate(order)
    }


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((2, 1, 0), -1.0),
        ((0, 1, 2), 1.0),
        ((0, 0, 0), 0.0),
        ((2, 2, 2), 0.0),
        ((None, None, None), 0.0),
        ((None, 2, 1, 0), -1.0),
        ((0, 1, 2, None), 1.0),
        ((2, 0, 1), -0.5),
        ((1, 1, 0, 0), -2 / 5**0.5),
    ],
)
def test_who_enters_first(order: tuple[int | None, ...], expected: float) -> None:
    assert_certain(leak_order(table(a=entering(*order)), "a"), expected)


def test_entry_is_at_the_first_density_on_the_mean_over_seeds() -> None:
    grid = np.array(
        [
            [[0.0, 0.0], [0.5, 0.5], [0.0, 0.0]],
            [[0.3, 0.0], [0.0, 0.0], [0.0, 0.0]],
            [[0.15, 0.0], [0.0, 0.19], [0.0, 0.21]],
            [[0.05, 0.05], [0.0, 0.0], [0.0, 0.19]],
        ]
    )
    assert entry(grid).tolist() == [1, 0, 2, 3]


def test_seeds_that_disagree_widen_the_order() -> None:
    falling, rising = entering(2, 1, 0, seeds=1), entering(0, 1, 2, seeds=1)
    both = {
        name: [one + other for one, other in zip(grid, rising[name], strict=True)]
        for name, grid in falling.items()
    }
    measured = leak_order(table(a=both), "a")
    assert measured.value == 0
    assert measured.interval == pytest.approx((-1.0, 1.0))


def test_features_are_in_order_and_none_is_left_out() -> None:
    grid = {f"superposed_{i}": same(i, 10 + i, 20 + i) for i in reversed(range(11))}
    got = superposed(table(a=grid), "a")
    assert got.shape == (11, 3, 4)
    assert (got[10, :, 0] == [10, 20, 30]).all()
    assert (got[:, 1, 3] == 10 + np.arange(11)).all()


def test_the_share_of_features_that_are_superposed() -> None:
    one = table(a=entering(2, 1, 0, None) | {"mass": same(0, 0, 0)})
    assert_certain(share_superposed(one, "a", 1.0), 0.25)
    assert_certain(share_superposed(one, "a", 0.5), 0.5)
    assert_certain(share_superposed(one, "a", 0.1), 0.75)


def test_a_feature_is_superposed_by_its_mean_over_seeds() -> None:
    grid = [[0.0, 0.0, 0.0, 0.5]] * 3
    one = table(a={"superposed_0": grid, "superposed_1": same(1, 1, 1), "mass": grid})
    measured = share_superposed(one, "a", 0.5)
    assert measured.value == 1
    assert measured.interval == pytest.approx((0.5, 1.0))


def small_model() -> tuple[Tensor, Tensor, Tensor]:
    """Weights (5, 10), bias, and inputs."""
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(5, 10)), rng.normal(size=10), rng.random((50, 10))
    weights, bias, inputs = (torch.tensor(one).float() for one in drawn)
    return weights, bias, inputs


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_rotating_h_changes_no_output(activation: str) -> None:
    measured = change_by_rotation(*small_model(), activation=activation, rotations=8)
    assert measured.value < 1e-12
    assert measured.n == 8
    assert measured.exact


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_other_changes_of_basis_do(activation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    orthogonal = torch.linalg.qr
    stretch = torch.ones(5, 1).double()
    stretch[0] = 1.01

    def stretching(matrices: Tensor) -> Any:
        found = orthogonal(matrices)
        return type(found)((stretch * found.Q, found.R))

    monkeypatch.setattr(torch.linalg, "qr", stretching)
    assert change_by_rotation(*small_model(), activation=activation).value > 1e-3


def test_rotations_are_many_and_of_their_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Tensor] = []
    orthogonal = torch.linalg.qr

    def noted(matrices: Tensor) -> Any:
        found.append(orthogonal(matrices).Q)
        return orthogonal(matrices)

    monkeypatch.setattr(torch.linalg, "qr", noted)
    for seed in (0, 0, 1):
        change_by_rotation(*small_model(), activation="relu", rotations=6, seed=seed)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert found[0].shape == (6, 5, 5)
    torch.testing.assert_close(found[0] @ found[0].mT, torch.eye(5).double().expand(6, 5, 5))
    assert ((found[0] - torch.eye(5)).abs().amax((1, 2)) > 0.1).all()
    assert all((found[0][i] - found[0][0]).abs().max() > 0.1 for i in range(1, 6))


def test_an_activation_on_h_would_be_noticed() -> None:
    weights, bias, inputs = (one.double() for one in small_model())
    turned = torch.linalg.qr(torch.tensor(np.random.default_rng(1).normal(size=(5, 5)))).Q
    outputs = [torch.relu((inputs @ w.mT).relu() @ w + bias) for w in (weights, turned @ weights)]
    assert (outputs[0] - outputs[1]).abs().max() > 0.1
    one_side = torch.relu(inputs @ (turned @ weights).mT @ weights + bias)
    assert (one_side - torch.relu(inputs @ weights.mT @ weights + bias)).abs().max() > 0.1

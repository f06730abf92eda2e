"""What the study of 200 features notes of a model, and what is made of its table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.superposition import ACTIVATIONS, dimension_measures, dimension_study
from steering_core.superposition.bottleneck import train_bottleneck
from steering_core.superposition.dimension_measures import (
    Runs,
    at_last,
    bunching,
    bunching_table,
    density_of,
    difference,
    explained_by,
    farthest,
    farthest_from_one,
    inflation,
    levels_near,
    longest_other_plateau,
    longest_plateau,
    near_any_fraction,
    rise,
    runs_of,
)
from steering_core.superposition.dimension_study import (
    DIMENSIONS_PER_FEATURE,
    FAMILIES,
    FEW_LEVELS,
    FRACTIONS,
    GROUPS,
    LEVELS,
    N_FEATURES,
    RECIPES,
    numbers,
    train_models,
)
from steering_core.superposition.our_recipe import our_recipe
from steering_core.superposition.recipe import PUBLISHED

pytestmark = pytest.mark.usefixtures("few_resamples")


def test_the_densities_are_even_in_their_logarithm() -> None:
    exact = (1 / 20) ** np.linspace(0, 1, 20)
    assert list(LEVELS) == [float(f"{level:.6g}") for level in exact]
    assert (LEVELS[0], LEVELS[-1]) == (1.0, 0.05)
    assert list(FEW_LEVELS) == [LEVELS[k] for k in (0, 4, 8, 14, 19)]


def test_every_model_is_there_once() -> None:
    tasks = DIMENSIONS_PER_FEATURE.tasks()
    models = Counter(
        (task["recipe"], activation, task["density"], task["seed"])
        for task in tasks
        for activation in GROUPS[task["group"]]
    )
    assert set(models.values()) == {1}
    assert {recipe for recipe, *_ in models} == set(RECIPES)
    assert {density for _, _, density, _ in models} == set(LEVELS)


def seeds_of(recipe: str, activation: str) -> dict[float, list[int]]:
    """Density -> seeds at which the study trains it."""
    found: dict[float, list[int]] = {}
    for task in DIMENSIONS_PER_FEATURE.tasks():
        if task["recipe"] == recipe and activation in GROUPS[task["group"]]:
            found.setdefault(task["density"], []).append(task["seed"])
    return found


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_trained_by_every_recipe(activation: str) -> None:
    ours = range(8) if activation == "relu" else range(3)
    assert seeds_of("published", activation) == {level: [0, 1, 2] for level in LEVELS}
    assert seeds_of("ours", activation) == {level: list(ours) for level in LEVELS}
    for recipe in set(RECIPES) - {"published", "ours"}:
        assert seeds_of(recipe, activation) == {level: [0] for level in FEW_LEVELS}


@pytest.mark.parametrize("activation", FAMILIES)
def test_the_families_are_trained_by_our_recipe_at_all_levels(activation: str) -> None:
    assert seeds_of("ours", activation) == {level: [0, 1, 2] for level in LEVELS}
    assert not seeds_of("published", activation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_recipes_are_what_they_are_called(activation: str) -> None:
    made = {name: recipe(activation) for name, recipe in RECIPES.items()}
    ours, published = made["ours"], made["published"]
    assert published == replace(PUBLISHED, xavier_instances=20)
    assert made["published, 3,000 steps"] == replace(published, steps=3_000)
    assert ours == replace(our_recipe(activation), xavier_instances=20)
    assert made["ours, Xavier per model"] == replace(ours, xavier_instances=0)
    assert made["ours, weight decay 0"] == replace(ours, weight_decay=0.0)
    assert ours.initial_deviation(20, 200) == published.initial_deviation(20, 200)
    assert published.initial_deviation(20, 200) == pytest.approx(math.sqrt(2 / (4000 + 400)))
    assert ours.learning_rate == (1e-3 if activation == "solu" else 5e-3)


def test_our_rate_rises_stays_and_falls() -> None:
    schedule = our_recipe("relu").schedule
    assert [schedule(x) for x in (0.0, 0.005, 0.01, 0.5, 0.85)] == [0, 0.5, 1, 1, 1]
    assert schedule(0.925) == pytest.approx(0.5)
    assert schedule(1.0) == 0


POINTS = torch.linspace(-5, 5, 101)


def test_the_smooth_families_come_close_to_relu() -> None:
    functions = {name: activation for name, activation in FAMILIES.items()}
    assert list(functions) == [f"{f} {b}" for f in ("softplus", "swish") for b in (1, 2, 4, 8, 16)]
    values = {name: f(POINTS) for name, f in functions.items() if callable(f)}
    torch.testing.assert_close(values["softplus 1"], torch.log1p(POINTS.exp()))
    torch.testing.assert_close(values["swish 1"], torch.nn.functional.silu(POINTS))
    torch.testing.assert_close(values["swish 16"], POINTS * torch.sigmoid(16 * POINTS))
    for family, farthest_off in (("softplus", math.log(2)), ("swish", 0.2785)):
        for beta in (1, 2, 4, 8, 16):
            off = (values[f"{family} {beta}"] - POINTS.relu()).abs().max().item()
            assert off <= farthest_off / beta * 1.001
            assert off > farthest_off / beta * 0.8


def together(*parts: list[list[float]], features: int = 0) -> Tensor:
    """Arrangements in dimensions of their own, and features that are not there."""
    blocks = torch.block_diag(*(torch.tensor(part).double() for part in parts))
    lacking = max(0, features - blocks.shape[1])
    return torch.cat([blocks, torch.zeros(len(blocks), lacking).double()], 1)


def ring(n: int) -> list[list[float]]:
    """n unit vectors at even angles in the plane."""
    angles = [2 * math.pi * k / n for k in range(n)]
    return [[math.cos(a) for a in angles], [math.sin(a) for a in angles]]


def antiprism() -> list[list[float]]:
    """The corners of a square antiprism, unit vectors that fill space evenly."""
    angles = [math.pi * k / 4 for k in range(8)]
    plane = [[f(a) * math.sqrt(2 / 3) for a in angles] for f in (math.cos, math.sin)]
    return [*plane, [math.sqrt(1 / 3) * (-1) ** k for k in range(8)]]


ALONE, PAIR = [[1.0]], [[1.0, -1.0]]
THIRD = 1 / math.sqrt(3)
TETRAHEDRON = [[s * THIRD for s in row] for row in ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1))]
PLANTED = together(
    *[ALONE] * 4, *[TETRAHEDRON] * 2, ring(3), *[PAIR] * 3, ring(5), antiprism(), features=40
)


def measured(weights: Tensor, density: float = 0.3, seen: int = 0) -> dict[str, float]:
    """The numbers of a model that explains so many features wholly, and the others not at all."""
    errors = torch.full((weights.shape[1],), density / 3 - density**2 / 4).to(weights)
    errors[:seen] = 0
    return numbers(weights, errors, density)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_column_of_planted_arrangements(dtype: torch.dtype) -> None:
    density, seen = 0.3, 12
    got = measured(PLANTED.to(dtype), density, seen)
    on = {"whole": 4, "tetrahedron": 8, "triangle": 3, "pair": 6, "pentagon": 5, "antiprism": 8}
    expected = {
        "dimensions": 20 / 34,
        "loss": 28 * (density / 3 - density**2 / 4),
        "capacity": 20,
        "squared_norm": 34 / 40,
        "overlap": (8 / 3 + 3 / 2 + 6 + 5 * 1.5 + 8 * 5 / 3) / 40,
        "represented": seen,
        "present": 34,
        "near_any": 34,
    }
    expected |= {f"{name}_on": count for name, count in on.items()}
    expected |= {f"{name}_beside": 0 for name in on}
    assert got == pytest.approx(expected, rel=1e-5)


def test_longer_features_count_in_the_dimensions_and_not_in_the_shares() -> None:
    plain, longer = measured(PLANTED), measured(2 * PLANTED)
    assert longer["dimensions"] == pytest.approx(plain["dimensions"] / 4)
    assert longer["squared_norm"] == pytest.approx(plain["squared_norm"] * 4)
    for name in set(plain) - {"dimensions", "squared_norm"}:
        assert longer[name] == pytest.approx(plain[name])


def opposite(share: float) -> Tensor:
    """Two features of one dimension, of which the first has this share."""
    return together([[math.sqrt(share), -math.sqrt(1 - share)]])


@pytest.mark.parametrize("name", FRACTIONS)
@pytest.mark.parametrize(
    ("apart", "on", "beside"),
    [
        (-0.019, 0, 0.0),
        (-0.0165, 0, 0.5),
        (-0.0125, 0, 0.5),
        (-0.0085, 0, 0.5),
        (-0.006, 0, 0.0),
        (-0.004, 1, 0.0),
        (0.004, 1, 0.0),
        (0.006, 0, 0.0),
        (0.0125, 0, 0.5),
        (0.019, 0, 0.0),
    ],
)
def test_who_is_at_a_fraction_and_who_beside(
    name: str, apart: float, on: int, beside: float
) -> None:
    share = FRACTIONS[name] + apart
    if share > 1:
        return
    got = measured(opposite(share))
    both = 2 if name == "pair" else 1
    assert got[f"{name}_on"] == on * both
    assert got[f"{name}_beside"] == beside * both


def test_who_is_near_any_fraction_and_who_is_present() -> None:
    for share, near, present in (
        (0.5 + 0.019, 2, 2),
        (0.5 + 0.021, 0, 2),
        (0.9 + 0.005, 0, 1),
        (0.9 - 0.005, 0, 2),
        (0.98 + 0.001, 1, 1),
    ):
        got = measured(opposite(share))
        assert (got["near_any"], got["present"]) == (near, present)


@pytest.mark.parametrize("recipe", ["published", "ours"])
@pytest.mark.parametrize("group", GROUPS)
def test_a_task_gives_a_row_for_every_activation(
    recipe: str, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipes = {}

    def few_steps(activations: list, *, recipe: Any, **options: Any) -> Any:
        recipes[len(activations)] = recipe
        return train_bottleneck(
            activations, recipe=replace(recipe, steps=2, batch_size=8, plateau=None), **options
        )

    monkeypatch.setattr(dimension_study, "train_bottleneck", few_steps)
    monkeypatch.setattr(
        dimension_study, "sampled_errors", partial(dimension_study.sampled_errors, inputs=50)
    )
    rows = train_models({"recipe": recipe, "group": group, "density": LEVELS[3], "seed": 1})
    assert rows["activation"].tolist() == list(GROUPS[group])
    assert set(rows.columns) == {"activation", "steps", *measured(PLANTED)}
    assert set(rows["steps"]) == {2}
    assert np.isfinite(rows.drop(columns="activation").to_numpy(float)).all()
    apart = recipe == "ours" and group == "seven activations"
    assert sorted(recipes) == ([1, 6] if apart else [len(GROUPS[group])])


Grid = list[list[float]]
"""Densities (falling) by seeds."""


def table_of(models: dict[tuple[str, str], dict[str, Grid]]) -> pd.DataFrame:
    """The study's table of these recipes and activations, its rows in no order."""
    rows = [
        {"recipe": recipe, "activation": activation, "density": density, "seed": seed}
        | {name: grid[i][seed] for name, grid in columns.items()}
        for (recipe, activation), columns in models.items()
        for i, density in zip(range(len(next(iter(columns.values())))), LEVELS, strict=False)
        for seed in range(len(next(iter(columns.values()))[0]))
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def runs(**columns: Grid) -> Runs:
    """The runs of one recipe and activation."""
    return runs_of(table_of({("ours", "relu"): columns}), "ours", "relu")


def same(*curve: float, seeds: int = 3) -> Grid:
    """All seeds alike."""
    return [[value] * seeds for value in curve]


def assert_certain(got: Measured, value: float, seeds: int = 3) -> None:
    assert got.n == seeds
    assert got.value == pytest.approx(value)
    assert got.interval == pytest.approx((value, value))


def assert_spread(got: Measured, value: float, seeds: int = 3) -> None:
    assert got.n == seeds
    assert got.value == pytest.approx(value)
    assert got.interval is not None
    low, high = got.interval
    assert low <= got.value <= high
    assert low < high


SPREAD = [[1.0, 1.1, 1.2], [0.8, 0.7, 0.6], [0.4, 0.5, 0.6]]


def test_runs_are_of_one_recipe_and_activation() -> None:
    table = table_of(
        {
            ("ours", "relu"): {"dimensions": SPREAD},
            ("ours", "gelu"): {"dimensions": same(1, 2, 3)},
            ("published", "relu"): {"dimensions": same(4, 5, 6, seeds=4)},
        }
    )
    one = runs_of(table, "ours", "relu")
    assert one.densities.tolist() == list(LEVELS[:3])
    assert one.column("dimensions").tolist() == SPREAD
    assert one.seeds == 3
    assert one.curve() == pytest.approx([1.1, 0.7, 0.5])
    assert one.curve(np.array([0, 0, 2])) == pytest.approx([3.2 / 3, 2.2 / 3, 1.4 / 3])
    first = runs_of(table, "published", "relu", seeds=2)
    assert first.seeds == 2
    assert first.curve().tolist() == [4, 5, 6]


@pytest.mark.parametrize(("recipe", "activation"), [("theirs", "relu"), ("published", "gelu")])
def test_runs_that_are_not_there_are_named(recipe: str, activation: str) -> None:
    table = table_of(
        {
            ("published", "relu"): {"dimensions": same(1)},
            ("ours", "gelu"): {"dimensions": same(1)},
        }
    )
    with pytest.raises(ValueError) as error:  # noqa: PT011
        runs_of(table, recipe, activation)
    assert str(error.value) == (
        f"recipe, activation: got {recipe}, {activation}; "
        "allowed are [('ours', 'gelu'), ('published', 'relu')]"
    )


def test_how_far_a_curve_is_from_another() -> None:
    flat = runs(dimensions=same(1.0, 0.8, 0.5))
    assert_certain(farthest(flat, np.array([1.01, 0.7, 0.52])), 0.1)
    assert_certain(farthest(flat, np.array([1.0, 0.8, 0.7])), 0.2)
    assert_certain(farthest_from_one(flat), 0.5)
    assert_certain(farthest_from_one(runs(dimensions=same(1.3, 1.0, 0.9))), 0.3)
    assert_spread(farthest(runs(dimensions=SPREAD), np.array([1.1, 0.7, 0.8])), 0.3)
    assert_spread(farthest_from_one(runs(dimensions=SPREAD)), 0.5)


def test_how_far_two_curves_differ() -> None:
    one = runs(dimensions=same(1.0, 0.9, 0.8, 0.7, 0.6, 0.5))
    other = runs(dimensions=same(0.5, 0.6, 0.6, 0.6, 0.58, 0.53, seeds=5))
    for a, b in ((one, other), (other, one)):
        assert_certain(difference(a, b), 0.5)
        assert_certain(difference(a, b, from_expansion=1.88), 0.03)
    assert_spread(difference(runs(dimensions=SPREAD), runs(dimensions=same(1.1, 0.7, 0.1))), 0.4)


@pytest.mark.parametrize("place", range(20))
def test_at_1_88_begins_the_fifth_level(place: int) -> None:
    curve = [0.0] * 20
    curve[place] = 1.0
    one, none = runs(dimensions=same(*curve)), runs(dimensions=same(*[0.0] * 20))
    assert difference(one, none, from_expansion=1.88).value == (place >= 4)
    assert difference(one, none).value == 1
    assert 1 / LEVELS[4] == pytest.approx(1.8789, abs=1e-4)


def test_two_curves_differ_by_the_same_seeds() -> None:
    one = runs(dimensions=[[0.0, 1.0, 2.0]])
    assert_certain(difference(one, runs(dimensions=[[0.5, 1.5, 2.5]])), 0.5)


def test_how_many_levels_are_near_a_value() -> None:
    curve = same(1.02, 1.0, 0.96, 0.531, 0.529, 0.471, 0.469)
    assert_certain(levels_near(runs(dimensions=curve), 0.5), 2)
    assert_certain(levels_near(runs(dimensions=curve), 1.0), 2)
    assert_certain(levels_near(runs(dimensions=curve), 1.0, within=0.045), 3)
    assert_certain(levels_near(runs(dimensions=curve), 0.7), 0)
    assert_spread(levels_near(runs(dimensions=SPREAD), 0.5), 1)


def test_levels_near_a_value_are_counted_for_one_seed_too() -> None:
    got = levels_near(runs(dimensions=[[1.0], [0.52], [0.49]]), 0.5)
    assert (got.value, got.n) == (2, 1)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([0.9, 0.8, 0.7], 0),
        ([0.5], 1),
        ([0.9], 0),
        ([0.9, 0.5, 0.2], 1),
        ([0.5] * 20, 20),
        ([0.52, 0.51, 0.5, 0.49], 4),
        ([0.9, 0.52, 0.51, 0.3], 2),
        ([0.5, 0.5, 0.6, 0.5, 0.5, 0.5], 3),
        ([0.5, 0.5, 0.5, 0.6, 0.5, 0.5], 3),
        ([0.525, 0.475], 1),
        ([0.5245, 0.475], 2),
        ([0.5255, 0.475], 1),
        ([0.475, 0.526, 0.526], 2),
        ([0.51, 0.526, 0.474, 0.48, 0.49], 3),
        ([0.51, 0.52, 0.526, 0.474, 0.48], 3),
        ([0.526, 0.475, 0.526, 0.475], 1),
        ([0.5, 0.5, 0.2], 2),
        ([0.9, 0.531, 0.529, 0.471, 0.469], 1),
        ([0.9, 0.529, 0.5, 0.471, 0.469], 3),
    ],
)
def test_the_longest_plateau(curve: list[float], expected: int) -> None:
    assert longest_plateau(np.array(curve)) == expected


def test_a_plateau_may_be_elsewhere() -> None:
    curve = np.array([1.0, 1.01, 0.98, 0.5, 0.5])
    assert longest_plateau(curve, value=1.0) == 3
    assert longest_plateau(curve, value=1.0, within=0.005) == 1
    assert longest_plateau(curve, value=0.7, within=0.5) == 3


def test_the_longest_plateau_of_others() -> None:
    short = runs(dimensions=same(1.0, 0.5, 0.4, 0.5, 0.5))
    long = runs(dimensions=same(0.6, 0.52, 0.5, 0.48, 0.3, seeds=4))
    assert_certain(longest_other_plateau([short]), 2)
    assert_certain(longest_other_plateau([short, long]), 3)
    assert_certain(longest_other_plateau([long]), 3, seeds=4)


def test_at_the_lowest_density() -> None:
    one = runs(dimensions=SPREAD, represented=same(1, 5, 300), overlap=same(0, 0, 2.5))
    assert_certain(at_last(one, "represented", over=20.0), 15)
    assert_certain(at_last(one, "overlap"), 2.5)
    assert_spread(at_last(one, "dimensions"), 0.5)


def test_inflation_is_one_when_all_features_have_length_one() -> None:
    assert_certain(inflation(runs(dimensions=same(1, 0.1))), 1)
    assert_certain(inflation(runs(dimensions=same(1, 0.05))), 2)
    assert_certain(inflation(runs(dimensions=same(0.1, 1))), 0.1)
    assert_spread(inflation(runs(dimensions=[[0.05, 0.1, 0.15]])), 1)


def test_the_rise_is_from_the_highest_to_the_lowest_density() -> None:
    assert_certain(rise(runs(dimensions=same(0.7, 2.0, 1.0))), 0.3)
    assert_certain(rise(runs(dimensions=same(1.0, 0.0, 0.7))), -0.3)
    assert_spread(rise(runs(dimensions=SPREAD)), -0.6)


# Even seeds are most at the second level, odd ones at the third.
ON = [[0.0, 0.0, 0.0, 0.0], [40.0, 5.0, 40.0, 5.0], [9.0, 90.0, 9.0, 90.0]]
BESIDE = [[50.0, 50.0, 50.0, 50.0], [0.0, 4.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0]]


def test_bunching_looks_where_even_seeds_say_and_counts_on_odd_ones() -> None:
    one = runs(dimensions=same(1, 1, 1, seeds=4), pair_on=ON, pair_beside=BESIDE)
    got = bunching(one, "pair")
    assert_spread(got, 11 / 5, seeds=2)
    assert got.interval == pytest.approx((11 / 9, 11))
    assert density_of(one, "pair") == LEVELS[1]


def test_bunching_adds_one_to_either_count() -> None:
    nothing = same(0, 0, 0, seeds=4)
    columns = {"dimensions": nothing, "whole_on": nothing, "whole_beside": nothing}
    assert_certain(bunching(runs(**columns), "whole"), 1, seeds=2)
    columns["whole_on"] = same(3, 0, 0, seeds=4)
    assert_certain(bunching(runs(**columns), "whole"), 7, seeds=2)
    columns["whole_beside"] = same(1.5, 0, 0, seeds=4)
    assert_certain(bunching(runs(**columns), "whole"), 7 / 4, seeds=2)


def test_the_table_of_bunching_has_no_ratio_where_there_is_no_feature() -> None:
    none = same(0, 0, 0, seeds=4)
    columns = {f"{name}_{where}": none for name in FRACTIONS for where in ("on", "beside")}
    given = columns | {"pair_on": ON, "pair_beside": BESIDE}
    table = bunching_table(runs(dimensions=same(1, 1, 1, seeds=4), **given))
    ratio = "one more on over one more beside"
    assert table.loc["pair", ["features on it", "beside it", ratio]].tolist() == [10, 4, "2.2"]
    assert set(table[ratio].drop("pair")) == {"none"}


def test_what_odd_seeds_say_does_not_move_the_density() -> None:
    for odd in (0.0, 1000.0):
        on = [[1.0, 0.0, 1.0, 0.0], [0.0, odd, 0.0, odd]]
        one = runs(dimensions=same(1, 1, seeds=4), pair_on=on, pair_beside=same(0, 0, seeds=4))
        assert density_of(one, "pair") == LEVELS[0]
        assert_certain(bunching(one, "pair"), 1, seeds=2)


def test_the_share_near_any_fraction() -> None:
    columns = {"dimensions": same(1, 1), "near_any": same(10, 40), "present": same(20, 180)}
    assert_certain(near_any_fraction(runs(**columns)), 0.25)
    columns["near_any"] = [[0.0, 10.0, 20.0], [0.0, 40.0, 80.0]]
    assert_spread(near_any_fraction(runs(**columns)), 0.25)


EXPLAINED = {
    ("published", "relu"): {"dimensions": [[1.0, 9.0], [0.8, 9.0], [0.5, 9.0]]},
    ("published", "gelu"): {"dimensions": same(1.0, 0.8, 0.6, seeds=2)},
    ("ours", "relu"): {"dimensions": same(1.1, 0.1, 0.5, seeds=2)},
    ("ours", "gelu"): {"dimensions": same(1.0, 0.1, 0.3, seeds=2)},
}
PUBLISHED_CURVES = {"relu": np.array([0.99, 0.0, 0.52]), "gelu": np.array([1.0, 0.0, 0.7])}
DISTANCES = {
    "relu": {"published": 0.02, "ours": 0.11, "changed": 0.04},
    "gelu": {"published": 0.1, "ours": 0.4, "changed": 0.5},
}


def with_few_levels() -> pd.DataFrame:
    """A third recipe, that was run at the first and last of three levels only."""
    few = pd.DataFrame(
        [
            {"recipe": "changed", "activation": a, "density": d, "seed": 0, "dimensions": v}
            for a, d, v in (
                ("relu", LEVELS[0], 0.95),
                ("relu", LEVELS[2], 0.53),
                ("gelu", LEVELS[0], 0.5),
                ("gelu", LEVELS[2], 0.7),
            )
        ]
    )
    return pd.concat([table_of(EXPLAINED), few], ignore_index=True)


@pytest.mark.parametrize(
    "recipes", [("published", "ours", "changed"), ("ours", "changed"), ("changed", "published")]
)
def test_recipes_are_compared_at_the_levels_of_all(recipes: tuple[str, ...]) -> None:
    got = explained_by(with_few_levels(), PUBLISHED_CURVES, recipes)
    assert got.index.tolist() == ["relu", "gelu"]
    assert got.columns.tolist() == list(recipes)
    for activation, distances in DISTANCES.items():
        for recipe in recipes:
            assert got.loc[activation, recipe] == pytest.approx(distances[recipe])


COUNTED: dict[str, Callable[[Runs], Measured]] = {
    "farthest": lambda one: farthest(one, np.array([1.0, 1.0, 1.0])),
    "farthest_from_one": farthest_from_one,
    "levels_near": lambda one: levels_near(one, 0.5, within=0.12),
    "at_last": lambda one: at_last(one, "dimensions"),
    "inflation": inflation,
    "rise": rise,
    "longest_other_plateau": lambda one: longest_other_plateau([one]),
}


@pytest.mark.parametrize("measure", COUNTED)
def test_an_interval_holds_its_value(measure: str) -> None:
    for seed in range(3):
        grid = np.random.default_rng(seed).uniform(0.3, 0.7, (3, 4)).tolist()
        got = COUNTED[measure](runs(dimensions=grid))
        assert got.interval is not None
        assert got.interval[0] <= got.value <= got.interval[1]
        assert got.n == 4


def test_the_features_are_two_hundred() -> None:
    assert N_FEATURES == 200
    assert dimension_study.N_HIDDEN == 20


def test_the_spread_is_the_largest_difference_between_seeds() -> None:
    rows = [
        {"recipe": "r", "activation": "a", "density": d, "seed": s, "dimensions": v}
        for d, values in ((1.0, (1.0, 0.9, 1.0)), (0.5, (0.5, 0.5, 0.75)))
        for s, v in enumerate(values)
    ]
    runs = runs_of(pd.DataFrame(rows), "r", "a")
    assert dimension_measures.spread_over_seeds([runs, runs]) == pytest.approx(0.25)


def test_explained_features_are_counted_by_their_variance() -> None:
    density = 0.5
    variance = density / 3 - density**2 / 4
    rows = [
        {"recipe": "r", "activation": "a", "density": density, "seed": s, "loss": loss}
        for s, loss in enumerate((200 * variance, 150 * variance))
    ]
    runs = runs_of(pd.DataFrame(rows), "r", "a")
    np.testing.assert_allclose(
        dimension_measures.explained_features(runs), [[0.0, 50.0]], atol=1e-9
    )

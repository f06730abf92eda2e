"""Numbers over models with the motif, from tables whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.absolute_value.motif_measures import (
    COLUMNS,
    constant,
    constant_ceiling,
    decision_density,
    excess,
    over_models,
    part_measures,
    ratio,
    rows_of,
    second_half,
    shares,
    side_by_side,
    spread,
    with_outcomes,
)
from steering_core.absolute_value.motif_study import BASE
from steering_core.publishing.claims import Measured

pytestmark = pytest.mark.usefixtures("few_resamples")


def models(instances: dict[int, float], density: float = 0.2, **setting: Any) -> pd.DataFrame:
    """A row for each seed, with so many instances."""
    return pd.DataFrame(
        [
            BASE | setting | {"density": density, "seed": seed, "instances": float(count)}
            for seed, count in instances.items()
        ]
    )


def assert_certain(got: Measured, value: float, n: int) -> None:
    assert (got.value, got.n) == (pytest.approx(value), n)
    assert got.interval == pytest.approx((value, value))


STUDY = pd.concat(
    [
        models({0: 0, 127: 0, 128: 90, 255: 90}, 1.0),
        models({0: 2, 127: 3, 128: 0, 255: 0}, 0.2),
        models({0: 9, 127: 11, 128: 2, 255: 2}, 0.03),
        models({0: 99, 127: 99, 128: 2, 255: 2}, 0.2, width=6),
        models({0: 2, 127: 2, 128: 2, 255: 2}, 0.03, task="storage"),
    ]
).sample(frac=1, random_state=0)


def test_rows_are_of_the_base_setting_with_what_is_said_changed() -> None:
    assert len(rows_of(STUDY)) == 12
    assert set(rows_of(STUDY, density=0.03)["instances"]) == {9, 11, 2}
    assert sorted(rows_of(STUDY, width=6)["instances"]) == [2, 2, 99, 99]
    assert set(rows_of(STUDY, task="storage", density=0.03)["task"]) == {"storage"}


@pytest.mark.parametrize(
    "setting", [{"width": 7}, {"task": "storage", "density": 0.2}, {"colour": "red"}]
)
def test_a_setting_that_was_not_studied_is_named(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"setting: got .*{next(iter(setting))}"):
        rows_of(STUDY, **setting)


def test_the_first_half_decides_the_density() -> None:
    assert decision_density(STUDY, "most") == 0.03
    assert decision_density(STUDY, "nearest two") == 0.2


def test_the_second_half_is_reported() -> None:
    assert sorted(second_half(STUDY)["seed"]) == [128] * 3 + [255] * 3
    assert second_half(STUDY, density=1.0)["instances"].tolist() == [90, 90]
    assert second_half(STUDY, density=0.2, width=6)["instances"].tolist() == [2, 2]


def test_an_excess_is_taken_within_each_model() -> None:
    rows = models({0: 1, 1: 4, 2: 9}).assign(null=[0.0, 3.0, 8.0], null_all=[0.0, 0.0, 0.0])
    assert_certain(excess(rows, "null"), 1.0, 3)
    got = excess(rows, "null_all")
    assert (got.value, got.n) == (pytest.approx(14 / 3), 3)
    assert got.interval is not None
    assert got.interval[0] < got.value < got.interval[1]


def test_a_ratio_is_of_the_means() -> None:
    assert_certain(ratio(models({0: 3, 1: 3}), models({0: 6, 1: 6, 2: 6})), 0.5, 2)
    got = ratio(models({0: 0, 1: 4}), models({0: 3, 1: 5}))
    assert (got.value, got.n) == (0.5, 2)


def test_both_sides_of_a_ratio_are_resampled() -> None:
    steady = models({0: 4, 1: 4})
    assert ratio(models({0: 2, 1: 6}), steady).interval == pytest.approx((0.5, 1.5))
    assert ratio(steady, models({0: 2, 1: 8})).interval == pytest.approx((0.5, 2.0))


def test_a_ratio_to_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="base"):
        ratio(models({0: 1, 1: 2}), models({0: 0, 1: 0}))


def found(*of_models: Sequence[float]) -> pd.DataFrame:
    """Instances of each model, with one number each."""
    return pd.DataFrame(
        [{"seed": 130 + s, "x": value} for s, values in enumerate(of_models) for value in values]
    ).sample(frac=1, random_state=0)


def test_models_are_resampled_with_all_of_their_instances() -> None:
    got = over_models(found([1.0] * 10, [0.0]), "x")
    assert got.value == pytest.approx(10 / 11)
    assert got.interval == (0.0, 1.0)


def test_all_instances_count_alike() -> None:
    got = over_models(found([1.0, 2.0, 3.0], [9.0], [4.0]), "x", np.median)
    assert got.value == 3.0
    assert got.interval is not None
    assert got.interval[0] <= 3.0 <= got.interval[1]
    alike = over_models(found([1.0, 3.0], [3.0, 1.0]), "x")
    assert (alike.value, alike.interval) == (2.0, (2.0, 2.0))


def test_one_model_is_its_own_interval() -> None:
    assert_certain(over_models(found([0.0, 1.0, 1.0, 0.0]), "x"), 0.5, 1)


def test_models_and_not_instances_are_counted() -> None:
    assert over_models(found([1.0] * 10, [0.0]), "x").n == 2


def test_what_the_claims_ask_of_an_instance() -> None:
    numbers = pd.DataFrame(
        {
            "alone": [0.0, -1.0, 0.1],
            "cut": [0.0, 1.0, -0.1],
            "cost": [0.0, 0.1, -0.1],
            "main_alone": [0.0, -0.1, 0.1],
        }
    )
    got = with_outcomes(numbers)
    assert got["negative"].tolist() == [True, True, False]
    for name in ("positive_when_cut", "costs", "lowers"):
        assert got[name].tolist() == [False, True, False]
    assert list(got.columns[:4]) == list(numbers.columns)


def parts(kind: str, *rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Models with these numbers for pairs, single sides, motifs and the rest."""
    return pd.DataFrame(
        [{f"{kind}_{name}": x for name, x in zip(COLUMNS, row, strict=True)} for row in rows]
    )


def test_parts_share_what_there_is() -> None:
    got = shares(parts("norm", (0.1, 0.2, 0.3, 0.4), (1.0, 1.0, 2.0, 4.0)), "norm")
    assert list(got.columns) == ["pairs", "single_sides", "motifs", "rest"]
    expected = [[0.1, 0.2, 0.3, 0.4], [0.125, 0.125, 0.25, 0.5]]
    np.testing.assert_allclose(got.to_numpy(), expected)


def test_a_part_that_costs_less_than_nothing_counts_as_nothing() -> None:
    got = shares(parts("cost", (3.0, -5.0, 1.0, 0.0), (-1.0, 0.0, 0.0, 2.0)), "cost")
    np.testing.assert_allclose(got.to_numpy(), [[0.75, 0, 0.25, 0], [0, 0, 0, 1]])


def with_parts(instances: list[float]) -> pd.DataFrame:
    """Three models, of which those without an instance are unlike the others."""
    norm = parts("norm", (0.1, 0.2, 0.3, 0.4), (0.9, 0.1, 0.0, 0.0), (0.3, 0.0, 0.3, 0.4))
    cost = parts("cost", (3.0, 1.0, 5.0, 1.0), (9.0, 1.0, 0.0, 0.0), (2.0, 2.0, 5.0, -1.0))
    more = {"instances": instances, "constant": [0.2, 0.9, 0.6]}
    return pd.concat([norm, cost, pd.DataFrame(more)], axis=1)


def test_parts_are_measured_over_models_with_an_instance() -> None:
    got = part_measures(with_parts([1, 0, 2]))
    expected = {
        "plain_norm": 0.3,
        "plain_loss": (4 / 10 + 4 / 9) / 2,
        "motif_over_rest_norm": -0.1,
        "motif_over_rest_loss": (4 / 10 + 5 / 9) / 2,
    }
    assert set(got) == set(expected)
    for name, value in expected.items():
        assert (got[name].value, got[name].n) == (pytest.approx(value), 2), name


def test_a_constant_is_the_median_of_models_with_an_instance() -> None:
    assert constant(with_parts([1, 1, 2])).value == pytest.approx(0.6)
    got = constant(with_parts([3, 0, 1]), over=0.5)
    assert (got.value, got.n) == (pytest.approx(0.8), 2)
    lacking = with_parts([1, 1, 1]).assign(constant=[float("nan"), 0.3, float("nan")])
    assert_certain(constant(lacking), 0.3, 1)
    with pytest.raises(ValueError, match="no net"):
        constant(with_parts([0, 0, 0]))


@pytest.mark.parametrize("density", [1.0, 0.5, 0.2, 0.03, 0.001])
def test_the_ceiling_is_what_integration_gives(density: float) -> None:
    q, cells = density / 2, 4_000
    x = np.append((np.arange(cells) + 0.5) / cells, 0.0)  # positive, or not
    weight = np.append(np.full(cells, q / cells), 1 - q)
    there = np.stack([x > 0, np.ones(len(x))], 1) * np.sqrt(weight)[:, None]
    effect = x * np.sqrt(weight)
    left = effect - there @ np.linalg.lstsq(there, effect, rcond=None)[0]
    variance = weight @ x**2 - (weight @ x) ** 2
    assert constant_ceiling(density) == pytest.approx(1 - left @ left / variance, rel=1e-5)


def test_a_ceiling_is_of_a_density() -> None:
    assert constant_ceiling(1e-9) == pytest.approx(0.75)
    for density in (0.0, 1.5, -0.1):
        with pytest.raises(ValueError, match="density: got"):
            constant_ceiling(density)


FOUND = with_outcomes(
    pd.DataFrame(
        {
            "seed": [1, 1, 1, 4],
            "neuron": [0, 0, 2, 3],
            "inhibitor": [5, 6, 5, 5],
            "strong": [1, 1, 1, 1],
            "weak": [2, 3, 2, 2],
            "alone": [-1.0, 0.1, 0.0, 0.2],
            "cut": [1.0, 1.0, 1.0, -1.0],
            "cost": [0.1, -0.1, 0.1, 0.1],
            "causal": [True, False, True, False],
            "one_way": [4.0, 6.0, 8.0, 10.0],
            "main_alone": [-1.0, -2.0, -3.0, 1.0],
        }
    )
)


def test_densities_stand_side_by_side() -> None:
    table = side_by_side({0.2: FOUND, 0.01: FOUND.iloc[:1]})
    assert list(table.columns) == ["density 0.2", "density 0.01"]
    assert table["density 0.2"].tolist() == [0.5, 0.75, 0.75, 0.5, 7.0, 0.75, 1.5]
    assert table["density 0.01"].tolist() == [1, 1, 1, 1, 4, 1, 1]


def test_instances_are_spread_over_neurons_and_pairs() -> None:
    (column,) = spread({0.2: FOUND}).to_dict().values()
    assert list(column.values()) == [2, 2.0, 1.5, 1.5, 1.5]

"""Numbers over nets, from tables whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.absolute_value.density_claims import PAIRS, part_of
from steering_core.absolute_value.density_measures import (
    above_rotations,
    at,
    by_entry,
    by_threshold,
    coexistence,
    eligible,
    fall,
    independent_sides,
    over_nets,
    smallest_rise,
)
from steering_core.publishing.claims import Measured

NAN = float("nan")

pytestmark = pytest.mark.usefixtures("few_resamples")


def nets(*rows: dict[str, Any]) -> pd.DataFrame:
    """A table whose rows are in no order that counts."""
    return pd.DataFrame(list(rows)).sample(frac=1, random_state=0)


def assert_certain(got: Measured, value: float, n: int) -> None:
    assert (got.value, got.n) == (pytest.approx(value), n)
    assert got.interval == pytest.approx((value, value))


def assert_spread(got: Measured, value: float, n: int) -> None:
    assert (got.value, got.n) == (pytest.approx(value), n)
    assert got.interval is not None
    assert got.interval[0] < got.value < got.interval[1]


@pytest.mark.parametrize(
    ("density", "times_pairs", "dead", "enters"),
    [
        (1.0, 1.02, 0.0, True),
        (1.0, 1.0201, 0.0, False),
        (0.1, 1.02, 0.0, True),
        (0.1, 1.0201, 0.0, False),
        (0.03, 1.0, 0.0, False),
        (0.03, 0.9999, 0.0, True),
        (0.001, 1.0, 0.0, False),
        (1.0, 0.5, 1.0, False),
        (0.001, 0.5, 1.0, False),
        (0.3, NAN, 0.0, False),
        (0.01, NAN, 0.0, False),
    ],
)
def test_who_may_enter(density: float, times_pairs: float, dead: float, enters: bool) -> None:
    table = nets({"density": density, "loss": times_pairs * PAIRS, "dead_outputs": dead})
    assert len(eligible(table)) == enters


def test_who_enters_keeps_its_row() -> None:
    table = nets(
        *({"density": 0.1, "loss": k * PAIRS, "dead_outputs": 0.0, "seed": k} for k in (0, 1, 2))
    )
    assert sorted(eligible(table)["seed"]) == [0, 1]


def test_nets_without_the_number_are_left_out() -> None:
    assert_spread(over_nets(np.array([1.0, NAN, 3.0])), 2.0, 2)
    assert_certain(over_nets(np.array([0.25, NAN, 0.25])), 0.25, 2)


def test_one_net_is_its_own_interval() -> None:
    assert_certain(over_nets(np.array([NAN, 0.7])), 0.7, 1)


def test_no_net_is_refused() -> None:
    for none in ([], [NAN, NAN]):
        with pytest.raises(ValueError, match="values: got no net"):
            over_nets(np.array(none))


@pytest.mark.parametrize(
    ("statistic", "value"), [(np.mean, 3.0), (np.median, 1.0), (np.sum, 15.0), (np.max, 10.0)]
)
def test_an_interval_is_about_its_statistic(statistic: Any, value: float) -> None:
    got = over_nets(np.array([1.0, 0.0, 3.0, 10.0, 1.0]), statistic)
    assert (got.value, got.n) == (value, 5)
    assert got.interval is not None
    assert got.interval[0] < value <= got.interval[1]


def test_rows_of_nets_stay_together() -> None:
    both = np.array([[0.0, 0.0], [1.0, 1.0]])
    got = over_nets(both, lambda values: float((values[:, 0] == values[:, 1]).mean()))
    assert_certain(got, 1.0, 2)


def test_truths_are_numbers() -> None:
    truths: Any = pd.Series([True, False, True])
    assert over_nets(truths, np.sum).value == 2


THREE = nets(
    {"density": 0.1, "top": 0.5, "middle": 0.25},
    {"density": 0.1, "top": 0.7, "middle": 0.45},
    {"density": 0.1, "top": 0.9, "middle": NAN},
    {"density": 0.03, "top": 0.1, "middle": 0.9},
)


def test_a_mean_is_of_one_density() -> None:
    assert_spread(at(THREE, 0.1, "top"), 0.7, 3)
    assert_spread(at(THREE, 0.1, "middle"), 0.35, 2)
    assert_certain(at(THREE, 0.03, "top"), 0.1, 1)
    with pytest.raises(ValueError, match="no net"):
        at(THREE, 0.3, "top")


def test_a_fall_is_taken_within_each_net() -> None:
    assert_certain(fall(THREE, 0.1, "top", "middle"), 0.25, 2)
    assert_certain(fall(THREE, 0.03, "top", "middle"), -0.8, 1)


def shares(**groups: list[float]) -> pd.DataFrame:
    """Share of each net, densities written as in `part_of`."""
    densities = {part_of(density): density for density in (0.1, 0.03, 0.01)}
    return nets(
        *(
            {"density": densities[name], "share": value}
            for name, values in groups.items()
            for value in values
        )
    )


RISING = {"at_0_1": [1.0, 1.0, 1.0], "at_0_03": [3.0, 3.0], "at_0_01": [4.0, NAN, 4.0]}


def test_the_smallest_rise_is_between_neighbours() -> None:
    table = shares(**RISING)
    assert_certain(smallest_rise(table, "share", (0.1, 0.03, 0.01)), 1.0, 7)
    assert_certain(smallest_rise(table, "share", (0.1, 0.03)), 2.0, 5)
    assert_certain(smallest_rise(table, "share", (0.01, 0.03, 0.1)), -2.0, 7)


def test_nets_are_resampled_within_their_density() -> None:
    got = smallest_rise(shares(at_0_1=[0.0, 2.0], at_0_03=[11.0, 11.0]), "share", (0.1, 0.03))
    assert (got.value, got.n, got.interval) == (10.0, 4, (9.0, 11.0))


def test_a_rise_over_a_density_without_nets_is_refused() -> None:
    table = shares(at_0_1=[1.0, 1.0], at_0_03=[2.0, 2.0])
    with pytest.raises(ValueError, match="no net"):
        smallest_rise(table, "share", (0.1, 0.03, 0.01))


def test_above_rotations_is_a_share_of_all_nets() -> None:
    pairs = ((9.0, 3.0), (4.0, 3.0), (3.0, 3.0), (2.0, 3.0), (9.0, 8.0))
    table = nets(*({"kurtosis": one, "kurtosis_rotated": other} for one, other in pairs))
    assert_spread(above_rotations(table), 0.6, 5)
    assert_certain(above_rotations(table.query("kurtosis > 3")), 1.0, 3)


def mixed(density: float, seed: int, single: float, three: float, split: float = 0.5) -> dict:
    """A net with these shares."""
    return {
        "density": density,
        "seed": seed,
        "single": single,
        "three_or_more": three,
        "split": split,
        "split_of_own": split / 2,
    }


def test_even_seeds_choose_and_odd_seeds_report() -> None:
    table = nets(
        mixed(0.1, 0, 0.9, 0.1),
        mixed(0.1, 1, 0.5, 0.5, 0.9),
        mixed(0.03, 0, 0.3, 0.7),
        mixed(0.03, 2, 0.7, 0.3, 0.9),
        mixed(0.03, 1, 0.8, 0.1, 0.2),
        mixed(0.03, 3, 0.2, 0.7, 0.2),
        mixed(0.01, 0, 0.0, 1.0),
        mixed(0.01, 1, 0.5, 0.5, 0.9),
    )
    density, parts = coexistence(table, (0.1, 0.03, 0.01))
    assert density == 0.03
    assert list(parts) == ["coexist", "split", "split_of_own"]
    assert_spread(parts["coexist"], 0.15, 2)
    assert_certain(parts["split"], 0.2, 2)
    assert_certain(parts["split_of_own"], 0.1, 2)
    assert coexistence(table, (0.1, 0.01))[0] == 0.1


def test_the_smaller_share_is_taken_in_each_net() -> None:
    table = nets(
        *(mixed(0.1, seed, *pair) for seed in (0, 2) for pair in ((0.9, 0.1), (0.1, 0.9))),
        mixed(0.1, 1, 0.4, 0.2),
        mixed(0.03, 0, 0.2, 0.2),
        mixed(0.03, 1, 0.4, 0.3),
    )
    assert coexistence(table, (0.1, 0.03))[0] == 0.03


@pytest.mark.parametrize("densities", [(0.1, 0.03), (0.03, 0.1)])
def test_a_density_without_even_seeds_is_not_chosen(densities: tuple[float, ...]) -> None:
    table = nets(
        mixed(0.1, 1, 0.01, 0.01),
        *(mixed(0.03, seed, 0.4, 0.4) for seed in (0, 1)),
    )
    assert coexistence(table, densities)[0] == 0.03


def test_thresholds_are_compared_by_their_means() -> None:
    ends = {"0.3%": "loose", "1%": "by_polysemantic", "3%": "strict"}
    rows = [
        {"density": density, "seed": seed, "polysemantic": 10 * density + seed}
        | {f"polysemantic_{end}": k * density + seed for k, end in enumerate(("loose", "strict"))}
        | {f"carried_{end}": (2 + k) * density for k, end in enumerate(ends.values())}
        for density in (1.0, 0.1)
        for seed in (0, 1, 2)
    ]
    got = by_threshold(pd.DataFrame(rows))
    assert got.index.tolist() == [1.0, 0.1]
    assert list(got.columns) == [f"{what}, {p}" for what in ("share", "carried") for p in ends]
    expected = [[1, 11, 2, 2, 3, 4], [1, 2, 1.1, 0.2, 0.3, 0.4]]
    np.testing.assert_allclose(got.to_numpy(float), expected)


def test_nets_that_carry_nothing_are_left_out_of_a_mean() -> None:
    names = ("polysemantic", "polysemantic_loose", "polysemantic_strict")
    names += ("carried_by_polysemantic", "carried_loose", "carried_strict")
    rows = [{"density": 0.1} | dict.fromkeys(names, x) for x in (1.0, NAN, 3.0)]
    assert by_threshold(pd.DataFrame(rows)).to_numpy().tolist() == [[2.0] * 6]


def test_independent_sides_are_of_the_odd_seeds_of_a_density() -> None:
    table = nets(
        {"density": 0.1, "seed": 1, "single": 0.5, "carried": 1.0},
        {"density": 0.1, "seed": 3, "single": 0.5, "carried": 2.0},
        {"density": 0.1, "seed": 0, "single": 1.0, "carried": 1.0},
        {"density": 1.0, "seed": 1, "single": 1.0, "carried": 1.0},
    )
    split, of_own = independent_sides(table, 0.1)
    assert split == pytest.approx((2 * 0.5 * 0.5 + 2 * 0.25 * 0.75) / 2)
    assert of_own == pytest.approx((0.5 / 0.75 + 0.375 / (1 - 0.75**2)) / 2)


def test_independent_sides_are_those_of_coins() -> None:
    sides = np.random.default_rng(0).random((200_000, 2)) < 0.3
    split, of_own = independent_sides(
        nets({"density": 0.1, "seed": 1, "single": 0.6, "carried": 2.0}), 0.1
    )
    both = sides[:, 0] != sides[:, 1]
    assert split == pytest.approx(both.mean(), abs=0.01)
    assert of_own == pytest.approx(both.sum() / sides.any(1).sum(), abs=0.01)


def test_those_that_enter_stand_beside_those_that_do_not() -> None:
    good = {"density": 0.3, "loss": PAIRS, "dead_outputs": 0.0}
    table = nets(
        good | {"polysemantic": 0.1},
        good | {"polysemantic": 0.3},
        good | {"polysemantic": 0.5, "loss": 2 * PAIRS},
        good | {"polysemantic": 0.9, "density": 1.0},
    )
    shares = by_entry(table, 0.3, "polysemantic")
    assert shares.index.tolist() == ["enter", "do not enter"]
    assert shares["networks"].tolist() == [2, 1]
    assert shares["mean"].tolist() == pytest.approx([0.2, 0.5])

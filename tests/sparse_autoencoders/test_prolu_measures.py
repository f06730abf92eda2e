"""Numbers that decide the claims on many latents, from tables whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing.claims import Measured
from steering_core.sparse_autoencoders.frontier_setting import ACTIVE, LEVELS, SEEDS, STEPS
from steering_core.sparse_autoencoders.prolu_measures import (
    SPARSE,
    TRUE,
    at_equal_l0,
    at_true,
    best,
    control,
    control_ratio,
    difference,
    frontier_numbers,
    half_way,
    least_errors,
    levels_won,
    mean_over_penalties,
    overlap_numbers,
    overlap_rise,
    quotient,
    share_degrading,
    steps_to,
    tally,
    worst_overlap,
)

pytestmark = pytest.mark.usefixtures("few_resamples")


def assert_certain(got: Measured, value: float, n: int = SEEDS) -> None:
    assert (got.value, got.n) == (pytest.approx(value), n)
    assert got.interval == pytest.approx((value, value))


PLACES = (1.0, 2.0, 4.0, 8.0)


def runs(
    name: str, factors: float | list[float] = 1.0, places: tuple[float, ...] = PLACES, **ids: Any
) -> pd.DataFrame:
    """Each seed a power law with its factor, 1/10 of its seed away from the others."""
    each = factors if isinstance(factors, list) else [factors] * SEEDS
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "architecture": name,
                    "seed": seed,
                    "penalty": 10 / np.array(places),
                    "l0": places,
                    "fvu": factor * (1 + seed / 10) * np.array(places) ** -0.5,
                    "f1": 0.1 * seed + 0.2 * np.log(places),
                }
            ).assign(**ids)
            for seed, factor in enumerate(each)
        ]
    )


def shuffled(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts).sample(frac=1, random_state=0)


def test_columns_are_read_off_at_the_true_number() -> None:
    assert LEVELS[2] == TRUE
    table = shuffled(runs("relu"), runs("gated").assign(f1=lambda rows: rows["f1"] + 0.05))
    got = at_true(table, "relu", "f1")
    assert (got.value, got.n) == (pytest.approx(0.2 + 0.2 * math.log(TRUE)), SEEDS)
    assert got.interval is not None
    assert got.interval[0] < got.value < got.interval[1]
    assert_certain(difference(table, "gated", "relu", "f1"), 0.05)
    assert_certain(difference(table, "relu", "gated", "f1"), -0.05)


def test_what_does_not_reach_the_true_number_is_refused() -> None:
    table = runs("relu", places=(4.0, 8.0))
    with pytest.raises(ValueError, match="not finite"):
        at_true(table, "relu", "f1")


@pytest.mark.parametrize(
    ("factor", "won"), [(0.99, 5), (1.0, 0), (1.01, 0), ([0.5, 0.5, 0.5, 0.5, 2.0], 0)]
)
def test_levels_are_won_by_the_whole_interval(factor: float | list[float], won: int) -> None:
    table = shuffled(runs("relu"), runs("prolu_relu", factor))
    got = levels_won(table, "prolu_relu", "relu")
    assert (got.value, got.n, got.interval) == (won, SEEDS, None)


def test_levels_are_won_where_the_curves_cross() -> None:
    steeper = runs("prolu_relu").assign(fvu=lambda rows: rows["fvu"] * rows["l0"] ** -0.1 * 1.1)
    table = shuffled(runs("relu"), steeper)
    below = [1.1 * level**-0.1 < 1 for level in LEVELS]
    assert 0 < sum(below) < 5
    assert levels_won(table, "prolu_relu", "relu").value == sum(below)
    assert levels_won(table, "relu", "prolu_relu").value == 5 - sum(below)


def test_a_level_that_not_every_seed_reaches_is_won_by_none() -> None:
    better = runs("prolu_relu", 0.5)
    short: Any = runs("relu")
    short = short[(short["l0"] >= 4) | (short["seed"] != 2)]  # seed 2 begins at 4
    short = pd.concat([short, runs("relu", places=(3.0,))])
    reached = sum(level >= 3 for level in LEVELS)
    assert reached == 2
    assert levels_won(shuffled(better, short), "prolu_relu", "relu").value == reached


def test_a_level_that_none_reaches_is_won_by_none() -> None:
    table = shuffled(runs("relu", places=(2.2, 4.0)), runs("gated", 0.5, places=(2.2, 4.0)))
    reached = sum(2.2 <= level <= 4 for level in LEVELS)
    assert reached == 2
    assert levels_won(table, "gated", "relu").value == reached
    assert levels_won(table, "relu", "gated").value == 0


def test_levels_are_counted_for_and_against_each_rival() -> None:
    spans = {1.0: (0.8, 0.9), 2.0: (0.9, 1.1), 3.0: (1.1, 1.2), 4.0: None}
    found = {at: ends and Measured(sum(ends) / 2, SEEDS, ends) for at, ends in spans.items()}
    assert tally({"x": found}).iloc[0].tolist() == ["x", 1, 1, 1, 1]


def test_half_of_the_steps_beside_the_frontier_at_its_own_l0() -> None:
    controls = variants(usual=0.5)
    at_two: Any = controls[controls["penalty"] == 10 / 2]
    row: Any = half_way(at_two, runs("relu"), ["relu"]).iloc[0]
    assert row[["l0", "relu"]].tolist() == pytest.approx([2, 0.5])
    beyond: Any = half_way(controls.assign(l0=100.0), runs("relu"), ["relu"])
    assert beyond["relu"].isna().all()


def test_means_over_penalties() -> None:
    table = shuffled(runs("relu"), runs("gated").assign(f1=9.0))
    got = mean_over_penalties(table, "relu", "f1")
    assert got.value == pytest.approx(0.2 + 0.2 * np.log(PLACES).mean())
    assert got.n == SEEDS
    assert_certain(mean_over_penalties(table, "gated", "f1"), 9)


def variants(**factors: float) -> pd.DataFrame:
    return shuffled(
        *(
            runs("x", factor).rename(columns={"architecture": "variant"}).assign(variant=name)
            for name, factor in factors.items()
        )
    )


def test_controls_are_by_seed() -> None:
    table = variants(usual=1.0, ghost=2.0)
    at_one = control(table, "ghost", "fvu", 10 / 4)
    assert at_one.index.tolist() == list(range(SEEDS))
    assert at_one.tolist() == pytest.approx(
        [2 * (1 + seed / 10) * 4**-0.5 for seed in range(SEEDS)]
    )
    over_all = control(table, "usual", "f1")
    assert over_all.tolist() == pytest.approx(
        [0.1 * seed + 0.2 * np.log(PLACES).mean() for seed in range(SEEDS)]
    )


@pytest.mark.parametrize(("variant", "penalty"), [("unheard", None), ("usual", 77.0)])
def test_what_was_not_studied_is_refused(variant: str, penalty: float | None) -> None:
    with pytest.raises(ValueError, match=f"variant, penalty: got '{variant}', {penalty}"):
        control(variants(usual=1.0), variant, "fvu", penalty)


def test_ratios_of_controls_are_of_those_that_are_sparse() -> None:
    assert pytest.approx(1.25 * ACTIVE) == SPARSE
    table = variants(usual=0.1, ghost=0.125)
    assert_certain(control_ratio(table, "ghost", "usual"), 1.25)
    assert_certain(control_ratio(table, "usual", "ghost"), 0.8)
    # Ghosts with two latents on are gone: those with one count, of 2 ** 0.5 the error.
    fewer = table[(table["variant"] == "usual") | (table["l0"] != 2)]
    assert_certain(control_ratio(fewer, "ghost", "usual"), 1.25 * 2**0.5)


def test_the_limit_belongs_to_the_sparse() -> None:
    at = variants(usual=0.1)
    other = at.assign(variant="ghost", l0=at["l0"] * SPARSE / 4)
    assert_certain(control_ratio(pd.concat([at, other]), "ghost", "usual"), 2**-0.5)


def test_a_seed_that_is_not_sparse_has_the_error_of_saying_nothing() -> None:
    table = variants(usual=0.1, ghost=0.125)
    gone = (table["variant"] == "ghost") & (table["l0"] < 3)
    least: Any = table[(table["variant"] == "usual") & (table["l0"] <= SPARSE)]
    expected = np.exp(np.log(1 / least.groupby("seed")["fvu"].min()).mean())
    assert control_ratio(table[~gone], "ghost", "usual").value == pytest.approx(expected)


def test_errors_are_compared_at_equal_l0() -> None:
    usual = variants(usual=0.1)
    other = usual.assign(variant="other", fvu=usual["fvu"] * 1.25)
    assert_certain(at_equal_l0(pd.concat([usual, other]), "other", "usual"), 1.25)
    # Twice as many on at each penalty: at equal L0 the error is 2 ** 0.5 times as large.
    denser = usual.assign(variant="other", l0=usual["l0"] * 2)
    assert_certain(at_equal_l0(pd.concat([usual, denser]), "other", "usual"), 2**0.5)
    assert_certain(at_equal_l0(pd.concat([usual, denser]), "usual", "other"), 2**-0.5)


def test_what_lies_beyond_the_sparse_is_not_compared() -> None:
    usual = variants(usual=0.1)
    bad = usual.assign(variant="other", fvu=usual["fvu"].where(usual["l0"] < 4, 1.0))
    certain = at_equal_l0(pd.concat([usual, bad]), "other", "usual")
    assert certain.value > 1  # between 2 and 4 the line leads up
    far = usual.assign(variant="other", fvu=usual["fvu"].where(usual["l0"] < 8, 1.0))
    assert_certain(at_equal_l0(pd.concat([usual, far]), "other", "usual"), 1.0)


def test_equal_l0_need_a_common_range() -> None:
    usual = variants(usual=0.1)
    dense = usual.assign(variant="other", l0=usual["l0"] * 4)
    with pytest.raises(ValueError, match="'other' and 'usual' have no L0 in common in seed 0"):
        at_equal_l0(pd.concat([usual, dense]), "other", "usual")
    with pytest.raises(ValueError, match="variants: got 'unheard', 'usual'"):
        at_equal_l0(usual, "unheard", "usual")


def test_a_variant_that_was_not_studied_is_refused() -> None:
    with pytest.raises(ValueError, match="variant: got 'unheard'"):
        control_ratio(variants(usual=1.0), "unheard", "usual")


def test_the_best_is_over_penalties() -> None:
    table = variants(usual=1.0, ghost=2.0)
    got = best(table, "usual", "f1")
    assert got.index.tolist() == list(range(SEEDS))
    assert got.tolist() == pytest.approx([0.1 * seed + 0.2 * math.log(8) for seed in range(SEEDS)])


def test_quotients_are_paired_by_seed() -> None:
    table = variants(usual=1.0, ghost=2.0)
    one, other = (control(table, name, "fvu") for name in ("ghost", "usual"))
    assert_certain(quotient(one.sample(frac=1, random_state=1), other), 2)
    got = quotient(pd.Series([1.0, 3.0]), pd.Series([1.0, 1.0]))
    assert (got.value, got.n) == (2, 2)


# Curves

POINTS = np.arange(200, STEPS + 1, 200)
PENALTIES = (0.2, 0.6, 1.6)


def curve(name: str, seed: int, penalty: float, loss: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "architecture": name,
            "seed": seed,
            "penalty": penalty,
            "step": POINTS,
            "loss": np.broadcast_to(np.asarray(loss, dtype=float), len(POINTS)),
        }
    )


def drop(at: int, high: float = 10.0, low: float = 1.0) -> np.ndarray:
    """Falls from high to low at once; the average of three points is low 400 steps later."""
    return np.where(at - 400 <= POINTS, low, high)


def curves(name: str, loss: Callable[[int, float], Any]) -> pd.DataFrame:
    return pd.concat(
        [
            curve(name, seed, penalty, loss(seed, penalty))
            for seed in range(SEEDS)
            for penalty in PENALTIES
        ]
    )


BASE = curves("scsae", lambda seed, penalty: drop(4_000))


@pytest.mark.parametrize(("at", "quotient"), [(2_000, 0.5), (4_000, 1.0), (8_000, 2.0)])
def test_steps_to_the_loss_of_the_baseline(at: int, quotient: float) -> None:
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: drop(at)))
    assert_certain(steps_to(table, "prolu_ste"), quotient)


def test_the_baseline_takes_its_own_steps() -> None:
    assert_certain(steps_to(BASE, "scsae"), 1)


def test_the_goal_is_a_tenth_above_and_of_each_penalty_and_seed() -> None:
    def at_own_height(factor: float) -> Callable[[int, float], Any]:
        return lambda seed, penalty: drop(4_000, low=factor * (1 + seed + penalty), high=99)

    base = curves("scsae", at_own_height(1.0))
    near = shuffled(base, curves("prolu_ste", at_own_height(1.09)))
    assert_certain(steps_to(near, "prolu_ste"), 1)
    far = shuffled(base, curves("prolu_ste", at_own_height(1.11)))
    assert_certain(steps_to(far, "prolu_ste"), STEPS / 4_000)


def test_means_of_steps_are_geometric() -> None:
    times = dict(zip(PENALTIES, (1_000, 4_000, 16_000), strict=True))
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: drop(times[penalty])))
    assert_certain(steps_to(table, "prolu_ste"), 1)
    by_seed = (1_000, 1_000, 4_000, 16_000, 16_000)
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: drop(by_seed[seed])))
    got = steps_to(table, "prolu_ste")
    assert (got.value, got.n) == (pytest.approx(1), SEEDS)
    assert got.interval is not None
    assert got.interval[0] < 1 < got.interval[1]


def test_another_baseline() -> None:
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: drop(2_000)))
    assert_certain(steps_to(table, "scsae", "prolu_ste"), 2)


def test_who_never_gets_there_counts_with_all_steps() -> None:
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: 10.0))
    assert_certain(steps_to(table, "prolu_ste"), STEPS / 4_000)


@pytest.mark.parametrize("last", [0, 1, 20])
def test_who_diverges_never_gets_there(last: int) -> None:
    """Losses of the first `last` points are there, and those after are not."""
    broken = np.where(np.arange(len(POINTS)) < last, 10.0, math.nan)
    table = shuffled(
        BASE,
        curves("prolu_ste", lambda seed, penalty: broken if penalty == 0.2 else drop(4_000)),
    )
    assert steps_to(table, "prolu_ste").value == pytest.approx(5 ** (1 / 3))


def u_shaped(rise: float) -> np.ndarray:
    """Down to 1 by the middle, and up by the rise at the end, on a plateau."""
    done = POINTS / STEPS
    return np.where(done < 0.5, 3 - 4 * done, 1 + rise * np.clip((done - 0.5) / 0.4, 0, 1))


@pytest.mark.parametrize(("rise", "share"), [(0.0, 0.0), (0.04, 0.0), (0.06, 1.0), (2.0, 1.0)])
def test_curves_that_turn_up_again_degrade(rise: float, share: float) -> None:
    table = shuffled(BASE, curves("prolu_ste", lambda seed, penalty: u_shaped(rise)))
    assert_certain(share_degrading(table, "prolu_ste"), share)
    assert_certain(share_degrading(table, "scsae"), 0)


def test_the_margin_may_be_another() -> None:
    table = curves("prolu_ste", lambda seed, penalty: u_shaped(0.2))
    assert_certain(share_degrading(table, "prolu_ste", 0.1), 1)
    assert_certain(share_degrading(table, "prolu_ste", 0.25), 0)


def test_the_share_of_runs_is_over_seeds() -> None:
    table = shuffled(
        curves("prolu_ste", lambda seed, penalty: u_shaped(1.0 if penalty == 1.6 else 0.0))
    )
    assert_certain(share_degrading(table, "prolu_ste"), 1 / 3)
    table = curves("prolu_ste", lambda seed, penalty: u_shaped(1.0 if seed < 2 else 0.0))
    got = share_degrading(table, "prolu_ste")
    assert (got.value, got.n) == (pytest.approx(0.4), SEEDS)
    assert got.interval is not None
    assert 0 <= got.interval[0] < 0.4 < got.interval[1] <= 1


def test_one_bad_point_is_no_trend() -> None:
    spiked = np.where(POINTS == STEPS, 1.1, 1.0)
    table = curves("scsae", lambda seed, penalty: spiked)
    assert_certain(share_degrading(table, "scsae"), 0)


@pytest.mark.parametrize("measure", [steps_to, share_degrading])
def test_an_architecture_without_curves_is_refused(measure: Callable[..., Measured]) -> None:
    with pytest.raises(ValueError, match="architecture: got 'gated'"):
        measure(BASE, "gated")


# Overlaps

OVERLAPS = (0.0, 0.25, 0.5)


def overlapping(name: str, factors: tuple[float, float, float]) -> pd.DataFrame:
    return pd.concat(
        [runs(name, f, overlap=overlap) for overlap, f in zip(OVERLAPS, factors, strict=True)]
    )


PAIRS = shuffled(overlapping("relu", (1.0, 2.0, 3.0)), overlapping("prolu_relu", (0.9, 2.2, 1.5)))


def test_least_errors_are_of_those_that_are_sparse() -> None:
    got: Any = least_errors(PAIRS, 4.0)
    assert list(got.columns) == list(OVERLAPS)
    assert len(got) == 2 * SEEDS
    assert got.loc[("relu", 2)].tolist() == pytest.approx([0.5 * 1.2 * f for f in (1, 2, 3)])
    wider: Any = least_errors(PAIRS, 3.99)
    assert wider.loc[("relu", 0)].tolist() == pytest.approx([2**-0.5 * f for f in (1, 2, 3)])
    assert least_errors(PAIRS, 0.5).isna().all(axis=None)


def test_the_worst_overlap_is_that_of_the_largest_ratio() -> None:
    assert_certain(worst_overlap(PAIRS, "prolu_relu", "relu", 4.0), 1.1)
    assert_certain(worst_overlap(PAIRS, "relu", "prolu_relu", 4.0), 2.0)


def test_the_worst_is_taken_anew_in_each_resample() -> None:
    # By seed the ratio at 0 is 1/2, 1, ..., that at 0.5 the inverse: the worst is 1 at least.
    each = [0.5, 0.5, 1.0, 2.0, 2.0]
    mine = pd.concat([runs("a", each, overlap=0.0), runs("a", [1 / f for f in each], overlap=0.5)])
    other = pd.concat([runs("b", 1.0, overlap=overlap) for overlap in (0.0, 0.5)])
    got = worst_overlap(shuffled(mine, other), "a", "b", 4.0)
    assert got.value == pytest.approx(1)
    assert got.interval is not None
    assert got.interval[0] == pytest.approx(1)
    assert 1 < got.interval[1] <= 2


def test_means_over_seeds_are_taken_before_the_largest() -> None:
    each = [0.5, 0.5, 0.5, 0.5, 4.0]
    table = shuffled(runs("a", each, overlap=0.0), runs("b", 1.0, overlap=0.0))
    expected = float(np.exp(np.log(each).mean()))
    assert worst_overlap(table, "a", "b", 4.0).value == pytest.approx(expected)


def test_an_overlap_that_not_all_reach_is_refused() -> None:
    gone = (
        (PAIRS["architecture"] == "relu")
        & (PAIRS["seed"] == 1)
        & (PAIRS["overlap"] == 0.5)
        & (PAIRS["l0"] <= 4)
    )
    with pytest.raises(ValueError, match="limit: got 4"):
        worst_overlap(PAIRS[~gone], "prolu_relu", "relu", 4.0)
    numbers: Any = overlap_numbers(PAIRS[~gone], 4.0)
    left = numbers[numbers["architecture"] == "relu"]
    assert sorted(left["overlap"]) == [0.0, 0.25]


def test_the_rise_of_an_error_is_over_that_without_overlap() -> None:
    assert_certain(overlap_rise(PAIRS, "relu", 0.5, 4.0), 3)
    assert_certain(overlap_rise(PAIRS, "relu", 0.25, 4.0), 2)
    assert_certain(overlap_rise(PAIRS, "prolu_relu", 0.5, 4.0), 1.5 / 0.9)
    table = pd.concat(
        [runs("a", 1.0, overlap=0.0), runs("a", [1.0, 1.0, 1.0, 4.0, 4.0], overlap=0.5)]
    )
    assert overlap_rise(table, "a", 0.5, 4.0).value == pytest.approx(16 ** (1 / 5))


def test_numbers_of_overlaps() -> None:
    numbers: Any = overlap_numbers(PAIRS, 4.0)
    assert set(numbers.columns) == {"architecture", "overlap", "fvu", "low", "high"}
    assert len(numbers) == 6
    row = numbers[(numbers["architecture"] == "relu") & (numbers["overlap"] == 0.25)].iloc[0]
    assert row["fvu"] == pytest.approx(0.5 * 1.2 * 2)
    assert row["low"] < row["fvu"] < row["high"]


# Frontiers


def test_numbers_of_a_frontier() -> None:
    table = shuffled(runs("relu"), runs("gated", places=(2.0, 4.0)))
    numbers: Any = frontier_numbers(table)
    assert list(numbers.columns) == ["architecture", "l0", "fvu", "low", "high", "seeds"]
    relu, gated = (numbers[numbers["architecture"] == name] for name in ("relu", "gated"))
    assert relu["l0"].tolist() == list(LEVELS)
    assert gated["l0"].tolist() == [level for level in LEVELS if 2 <= level <= 4]
    assert relu["fvu"].tolist() == pytest.approx([1.2 * level**-0.5 for level in LEVELS])
    assert (numbers["seeds"] == SEEDS).all()
    assert (numbers["low"] < numbers["fvu"]).all()
    assert (numbers["fvu"] < numbers["high"]).all()


def test_numbers_of_a_frontier_in_another_column() -> None:
    numbers: Any = frontier_numbers(runs("relu"), "f1")
    expected = [0.2 + 0.2 * math.log(level) for level in LEVELS]
    assert numbers["f1"].tolist() == pytest.approx(expected)


def test_a_level_that_one_seed_does_not_reach_has_no_number() -> None:
    table = runs("relu")
    table = table[(table["seed"] != 4) | (table["l0"] >= 2)]
    numbers: Any = frontier_numbers(table)
    assert numbers["l0"].tolist() == [level for level in LEVELS if level >= 2]

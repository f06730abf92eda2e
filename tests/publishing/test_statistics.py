"""Intervals over whole units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import bootstrap_interval
from steering_core.publishing.statistics import over_units


def global_state() -> list[int]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 (read, to see that it stays)
    return state["state"]["key"].tolist()  # pyright: ignore[reportArgumentType, reportIndexIssue]


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(200, 40))
    intervals = [
        bootstrap_interval(sample, np.mean, confidence=0.9, resamples=300) for sample in samples
    ]
    covered = np.mean([low <= 0 <= high for low, high in intervals])
    assert 0.82 <= covered <= 0.95


def test_units_are_drawn_whole() -> None:
    # Ten units of a hundred equal numbers each know as little as ten numbers.
    units = np.random.default_rng(1).normal(size=10)
    wide = np.repeat(units[:, None], 100, axis=1)
    alone = bootstrap_interval(units, np.mean)
    assert bootstrap_interval(wide, np.mean) == pytest.approx(alone)


def test_a_statistic_may_use_all_of_a_unit() -> None:
    units = np.random.default_rng(2).normal(size=(50, 2)) @ np.array([[1.0, 0.9], [0.0, 0.3]])
    low, high = bootstrap_interval(units, lambda drawn: float(np.corrcoef(drawn.T)[0, 1]))
    assert 0.8 < low < high <= 1


def test_the_seed_decides_and_the_global_state_is_left_alone() -> None:
    values = np.arange(20.0)
    before = global_state()
    assert bootstrap_interval(values, np.mean, seed=3) == bootstrap_interval(
        values, np.mean, seed=3
    )
    assert bootstrap_interval(values, np.mean, seed=3) != bootstrap_interval(
        values, np.mean, seed=4
    )
    assert global_state() == before


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="values has the shape"):
        bootstrap_interval([1.0], np.mean)
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_interval([1.0, np.nan], np.mean)
    with pytest.raises(ValueError, match="confidence is 99"):
        bootstrap_interval([1.0, 2.0], np.mean, confidence=99.0)
    with pytest.raises(ValueError, match="resamples is 0"):
        bootstrap_interval([1.0, 2.0], np.mean, resamples=0)


@pytest.mark.usefixtures("few_resamples")
def test_over_units_is_the_mean_with_an_interval() -> None:
    got = over_units([1.0, 2.0, 6.0])
    assert (got.value, got.n) == (3.0, 3)
    assert got.interval is not None
    assert 1 <= got.interval[0] < 3 < got.interval[1] <= 6
    assert over_units(pd.Series([1.0, 2.0, 6.0]), np.median).value == 2.0
    assert over_units([0.5, 0.5]).interval == pytest.approx((0.5, 0.5))


def test_the_interval_over_units_is_that_of_a_bootstrap() -> None:
    values = np.array([0.2, 0.4, 0.5, 0.9, 0.3])
    assert over_units(values).interval == bootstrap_interval(values, np.mean)


def test_an_interval_that_leans_is_widened_to_hold_the_value() -> None:
    def different(drawn: np.ndarray) -> float:
        return len(set(drawn)) / 40

    low, high = bootstrap_interval(np.arange(40), different)
    assert high < 1
    assert over_units(np.arange(40), different).interval == (low, 1.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan], [1.0, np.inf]])
def test_too_few_units_or_none_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values has"):
        over_units(values)

"""The schedules of recipes, at their edges and between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steering_core.absolute_value import OURS, USUAL


@pytest.mark.parametrize(
    ("done", "expected"),
    [(0.0, 0.03), (0.1, 0.03), (0.4, (0.03 * 0.75) ** 0.5), (0.7, 0.75), (1.0, 0.75)],
)
def test_density_rises_in_equal_ratios(done: float, expected: float) -> None:
    assert OURS.density_at(done, 0.75) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("done", "expected"),
    [(0.0, 0.01), (0.1, 0.01), (0.4, (0.01 * 0.0004) ** 0.5), (0.7, 0.0004), (1.0, 0.0004)],
)
def test_density_falls_in_equal_ratios(done: float, expected: float) -> None:
    assert OURS.density_at(done, 0.0004) == pytest.approx(expected, rel=1e-12)


@given(st.floats(0, 1), st.floats(1e-6, 1))
def test_density_is_between_where_it_begins_and_what_was_asked_for(
    done: float, density: float
) -> None:
    now = OURS.density_at(done, density)
    first = min(max(density, 0.01), 0.03)
    low, high = sorted((first, density))
    assert low * (1 - 1e-12) <= now <= min(1.0, high * (1 + 1e-12))
    assert OURS.density_at(0.7, density) == density
    assert OURS.density_at(0.0, density) == pytest.approx(first, rel=1e-12)
    assert replace(OURS, begin_between=None).density_at(done, density) == density


@pytest.mark.parametrize(
    ("done", "expected"), [(0.0, 0.3), (0.45, 0.15), (0.8999, 3.3e-5), (0.9, 0.0), (1.0, 0.0)]
)
def test_the_leak_falls_in_a_line(done: float, expected: float) -> None:
    assert OURS.leak_at(done) == pytest.approx(expected, rel=0.02)


def test_without_a_leak_there_is_none() -> None:
    assert replace(OURS, leak=0.0).leak_at(0.0) == 0.0
    assert replace(OURS, leak_until=0.0).leak_at(0.0) == 0.0
    assert replace(OURS, leak_until=1.0).leak_at(0.999) > 0.0


def test_the_usual_recipe_has_none_of_what_is_ours() -> None:
    for done in (0.0, 0.5, 1.0):
        assert USUAL.leak_at(done) == 0.0
        assert USUAL.density_at(done, 0.7) == 0.7
        assert USUAL.schedule(done) == 1.0
    assert not USUAL.skip_empty
    assert OURS.schedule(0.0) == 0.0
    assert OURS.schedule(0.05) == pytest.approx(1.0)
    assert OURS.schedule(1.0) == pytest.approx(0.0)

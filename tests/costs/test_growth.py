"""A power law is found where there is one, and what it says is told from what was measured."""

from __future__ import annotations

import pytest

from steering_core.costs import growth, missed

SIZES = [10.0, 100.0, 1_000.0, 10_000.0]


def test_a_planted_law_is_found() -> None:
    law = growth(SIZES, [3.0 * size**0.7 for size in SIZES])
    assert law.power == pytest.approx(0.7)
    assert law.factor == pytest.approx(3.0)
    assert law.seconds(1e6) == pytest.approx(3.0 * 1e6**0.7)


def test_the_smallest_sizes_do_not_count_in_whatever_order_they_come() -> None:
    taken = [50.0, *(0.01 * size for size in SIZES[1:])]
    assert growth(SIZES, taken).power == pytest.approx(1.0)
    assert growth(SIZES[::-1], taken[::-1]).power == pytest.approx(1.0)


def test_the_largest_size_is_foretold_from_the_others() -> None:
    taken = [0.01 * size for size in SIZES]
    assert missed(SIZES, taken) == pytest.approx(1.0)
    assert missed(SIZES, [*taken[:-1], 2 * taken[-1]]) == pytest.approx(0.5)
    assert missed(SIZES[::-1], taken[::-1]) == pytest.approx(1.0)


def test_bad_points_are_named() -> None:
    with pytest.raises(ValueError, match="sizes: got 2 different ones and 2 seconds"):
        growth([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="sizes: got 2 different ones"):
        growth([1.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="3 different ones and 2 seconds"):
        growth([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="seconds: got"):
        growth([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])
    with pytest.raises(ValueError, match="sizes: got"):
        growth([1.0, 2.0, float("inf")], [1.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="sizes: got 2"):
        missed([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])

"""The schedule goes up, down, and up again after latents were drawn anew."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from steering_core.sparse_autoencoders import Recipe

INF, NAN = math.inf, math.nan
PLAIN: dict[str, Any] = {"steps": 100, "warm_up": 0.0, "cool_down": 0.0, "dead": "none"}


def rates(**how: Any) -> list[float]:
    recipe = Recipe(**{**PLAIN, **how})
    return [recipe.rate(taken / recipe.steps) for taken in range(recipe.steps)]


def test_without_a_schedule_the_rate_is_full_throughout() -> None:
    assert rates() == [1.0] * 100


def test_the_rate_rises_in_a_line() -> None:
    got = rates(warm_up=0.2)
    assert got[:20] == pytest.approx([(i + 1) / 20 for i in range(20)])
    assert got[20:] == [1.0] * 80


def test_the_rate_falls_to_zero_in_a_line() -> None:
    got = rates(cool_down=0.25)
    assert got[:75] == [1.0] * 75
    assert got[75:] == pytest.approx([(100 - i) / 25 for i in range(75, 100)])
    assert Recipe(**{**PLAIN, "cool_down": 0.25}).rate(1.0) == 0


def test_where_both_would_be_the_lower_is_taken() -> None:
    got = rates(warm_up=0.8, cool_down=0.8)
    up = [(i + 1) / 80 for i in range(100)]
    down = [(100 - i) / 80 for i in range(100)]
    assert got == pytest.approx([min(a, b, 1.0) for a, b in zip(up, down, strict=True)])


def test_the_rate_rises_again_after_latents_were_drawn_anew() -> None:
    got = rates(dead="resample", resample_at=(0.2, 0.5), re_warm=10)
    expected = [1.0] * 100
    for at in (20, 50):
        expected[at : at + 10] = [(i + 1) / 10 for i in range(10)]
    assert got == pytest.approx(expected)


def test_a_second_drawing_begins_the_rise_afresh() -> None:
    got = rates(dead="resample", resample_at=(0.2, 0.25), re_warm=10)
    assert got[20:36] == pytest.approx([i / 10 for i in (1, 2, 3, 4, 5, *range(1, 11), 10)])


@pytest.mark.parametrize("beta", [0.9, 0.98])
def test_by_itself_that_takes_two_over_one_less_beta(beta: float) -> None:
    got = rates(steps=1_000, dead="resample", resample_at=(0.5,), betas=(0.9, beta))
    again = round(2 / (1 - beta))
    assert got[500 : 500 + again] == pytest.approx([(i + 1) / again for i in range(again)])
    assert got[:500] + got[500 + again :] == [1.0] * (1_000 - again)


def test_with_the_usual_beta_that_is_two_thousand_steps() -> None:
    recipe = Recipe(warm_up=0.0, cool_down=0.0, resample_at=(0.2,))
    assert recipe.rate(4_000 / 20_000) == pytest.approx(1 / 2_000)
    assert recipe.rate(4_999 / 20_000) == pytest.approx(1_000 / 2_000)
    assert recipe.rate(5_998 / 20_000) == pytest.approx(1_999 / 2_000)
    assert recipe.rate(6_000 / 20_000) == 1


@pytest.mark.parametrize(
    "how",
    [{"re_warm": 0, "dead": "resample"}, {"dead": "ghost"}, {"dead": "none"}],
    ids=str,
)
def test_where_nothing_is_drawn_or_none_is_asked_it_stays_high(how: dict[str, Any]) -> None:
    assert rates(**how) == [1.0] * 100


def test_rises_and_falls_are_multiplied() -> None:
    how: dict[str, Any] = {"warm_up": 0.2, "cool_down": 0.5}
    again = rates(dead="resample", resample_at=(0.1, 0.6), re_warm=20)
    expected = [a * b for a, b in zip(rates(**how), again, strict=True)]
    got = rates(**how, dead="resample", resample_at=(0.1, 0.6), re_warm=20)
    assert got == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 300), st.integers(1, 299))
@example(49, 0)
def test_right_after_a_drawing_the_rate_is_low_whatever_the_steps(steps: int, at: int) -> None:
    """Shares of a run are no exact numbers: the step after the drawing must not slip through."""
    at = 1 + at % (steps - 1) if steps > 2 else 1
    recipe = Recipe(**{**PLAIN, "steps": steps, "dead": "resample"}, resample_at=(at / steps,))
    assert recipe.resample_steps == (at,)
    assert recipe.rate(at / steps) == pytest.approx(1 / 2_000)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 500),
    st.floats(0, 1),
    st.floats(0, 1),
    st.lists(st.floats(0, 1), max_size=3),
    st.integers(0, 50),
)
def test_the_rate_is_never_negative_nor_above_one(
    steps: int, warm_up: float, cool_down: float, resample_at: list[float], re_warm: int
) -> None:
    got = rates(
        steps=steps,
        warm_up=warm_up,
        cool_down=cool_down,
        dead="resample",
        resample_at=tuple(resample_at),
        re_warm=re_warm,
    )
    assert all(0 < one <= 1 for one in got)


def test_latents_are_drawn_anew_at_shares_of_the_run() -> None:
    assert Recipe(steps=1_000).resample_steps == (200, 400, 600)
    assert Recipe(steps=10, resample_at=(0.5, 0.2, 0.5)).resample_steps == (2, 5)
    assert Recipe(steps=10, resample_at=(0.0, 0.04, 1.0)).resample_steps == (10,)
    assert Recipe(steps=10, resample_at=()).resample_steps == ()
    assert Recipe(steps=10, dead="ghost").resample_steps == ()
    assert Recipe(steps=10, dead="none").resample_steps == ()


@pytest.mark.parametrize(
    ("steps", "silent_for", "expected"),
    [(1_000, 0.05, 50), (100, 0.256, 26), (10, 0.0, 1), (10, 0.01, 1), (10, 1.0, 10)],
)
def test_a_latent_is_dead_after_a_share_of_the_run(
    steps: int, silent_for: float, expected: int
) -> None:
    assert Recipe(steps=steps, silent_for=silent_for).silent_steps == expected


FROM_ZERO, FINITE = "allowed are finite numbers from 0", "allowed are finite numbers"
ABOVE, SHARE = "allowed are finite numbers above 0", "allowed is [0, 1]"
BETAS = "allowed are two numbers in [0, 1)"


@pytest.mark.parametrize(
    ("name", "bad", "allowed"),
    [
        ("steps", 0, "allowed are whole numbers from 1"),
        ("steps", -5, "allowed are whole numbers from 1"),
        *[
            (name, bad, FROM_ZERO)
            for name in ("learning_rate", "auxiliary", "resample_scale")
            for bad in (-0.1, NAN, INF)
        ],
        *[
            (name, bad, FINITE)
            for name in ("initial_bias", "target_scale")
            for bad in (NAN, INF, -INF)
        ],
        *[
            (name, bad, ABOVE)
            for name in ("initial_threshold", "bandwidth")
            for bad in (0.0, -0.1, NAN, INF)
        ],
        *[("betas", bad, BETAS) for bad in [(1.0, 0.9), (0.9, 1.0), (-0.1, 0.9), (0.9, NAN)]],
        *[
            (name, bad, SHARE)
            for name in ("warm_up", "cool_down", "silent_for")
            for bad in (-0.1, 1.1, NAN)
        ],
        ("re_warm", -1, "allowed are whole numbers from 0"),
    ],
)
def test_what_is_out_of_range_is_named(name: str, bad: Any, allowed: str) -> None:
    with pytest.raises(ValueError, match=": got ") as refused:
        Recipe(**{name: bad})
    assert str(refused.value) == f"{name}: got {bad}; {allowed}"


@pytest.mark.parametrize("bad", [-0.1, 1.1, NAN])
def test_a_share_of_several_that_is_out_of_range_is_named(bad: float) -> None:
    with pytest.raises(ValueError, match=r": got ") as refused:
        Recipe(resample_at=(0.2, bad))
    assert str(refused.value) == f"resample_at: got {bad}; {SHARE}"


def test_the_draft_is_the_default() -> None:
    recipe = Recipe()
    assert (recipe.steps, recipe.betas, recipe.learning_rate) == (20_000, (0.9, 0.999), 1e-3)
    assert (recipe.normalise, recipe.decoder, recipe.dead) == ("l2", "scaled", "resample")

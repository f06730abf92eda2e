"""The rates rise, stay and fall to zero; a recipe is the same after JSON; bad values are named."""

from __future__ import annotations

import json
import math
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.language_model.recipe import SHARES, Recipe

RECIPES = st.builds(
    Recipe,
    tokens=st.integers(1, 10**6),
    batch=st.integers(1, 8),
    context=st.integers(1, 64),
    warmup=st.integers(0, 300),
    decay=st.floats(0, 1),
)


def of_steps(steps: int, **given: Any) -> Recipe:
    return Recipe(**{"tokens": steps * 8 * 16, "batch": 8, "context": 16, **given})


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    recipe = of_steps(1000, warmup=100, decay=0.4)
    factors = [recipe.rate_factor(step) for step in range(1000)]
    assert factors[:100] == pytest.approx([(step + 1) / 100 for step in range(100)])
    assert factors[100:600] == [1.0] * 500
    assert factors[600:] == pytest.approx([(1000 - step) / 400 for step in range(600, 1000)])
    assert factors[600] == 1
    assert recipe.rate_factor(1000) == recipe.rate_factor(5000) == 0


def test_a_rate_without_warm_up_or_decay_is_constant() -> None:
    recipe = of_steps(50, warmup=0, decay=0.0)
    assert [recipe.rate_factor(step) for step in range(50)] == [1.0] * 50


@settings(max_examples=200, deadline=None)
@given(RECIPES, st.floats(0, 1))
def test_the_rate_lies_between_zero_and_one(recipe: Recipe, part: float) -> None:
    step = min(recipe.steps - 1, int(part * recipe.steps))
    assert 0 < recipe.rate_factor(step) <= 1
    assert recipe.rate_factor(recipe.steps) == 0
    steepest = 1 / max(1, recipe.warmup) + 1 / max(1.0, recipe.decay * recipe.steps)
    assert abs(recipe.rate_factor(step + 1) - recipe.rate_factor(step)) <= steepest + 1e-12


@settings(max_examples=200, deadline=None)
@given(RECIPES)
def test_the_steps_read_the_tokens(recipe: Recipe) -> None:
    of_a_step = recipe.batch * recipe.context
    assert recipe.steps >= 1
    assert abs(recipe.steps * of_a_step - recipe.tokens) <= max(
        of_a_step / 2, of_a_step - recipe.tokens
    )


@settings(max_examples=100, deadline=None)
@given(RECIPES, st.dictionaries(st.text(), st.floats(0, 1)))
def test_json_gives_the_recipe_back(recipe: Recipe, shares: dict[str, float]) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    shared = Recipe(shares=MappingProxyType(shares))
    assert Recipe.from_json(shared.to_json()).shares == shares
    assert "\n" not in shared.to_json()


def test_the_recipe_of_a_checkpoint_stays_readable() -> None:
    default = json.loads(Recipe().to_json())
    assert Recipe.from_json(json.dumps(default | {"unknown": 1})) == Recipe()
    assert default == {
        "tokens": 40_000_000,
        "vocabulary": 12_000,
        "width": 192,
        "layers": 6,
        "heads": 6,
        "context": 256,
        "batch": 32,
        "muon_rate": 0.02,
        "adam_rate": 3e-3,
        "weight_decay": 0.1,
        "warmup": 100,
        "decay": 0.4,
        "seed": 0,
        "shares": SHARES,
    }
    assert sum(SHARES.values()) == pytest.approx(1)


def test_shares_are_not_shared() -> None:
    assert Recipe().shares is not Recipe().shares


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        *[
            ({name: value}, f"{name}: got {value}; it must be 1 or more")
            for name in ("tokens", "width", "layers", "heads", "context", "batch")
            for value in (0, -1)
        ],
        ({"vocabulary": 256}, "vocabulary: got 256; it must be 257 (256 bytes and one) to 65536"),
        ({"vocabulary": 65537}, "vocabulary: got 65537; it must be 257 (256 bytes and one) to"),
        ({"heads": 5}, "heads: got 5; it must divide width, 192"),
        ({"decay": -0.1}, "decay: got -0.1; it must lie in [0, 1]"),
        ({"decay": 1.5}, "decay: got 1.5; it must lie in [0, 1]"),
        ({"decay": math.nan}, "decay: got nan; it must lie in [0, 1]"),
        ({"muon_rate": -0.1}, "muon_rate: got -0.1; it must be 0 or more, finite"),
        ({"adam_rate": math.inf}, "adam_rate: got inf; it must be 0 or more, finite"),
        ({"weight_decay": math.nan}, "weight_decay: got nan; it must be 0 or more, finite"),
        ({"warmup": -1}, "warmup: got -1; it must be 0 or more, finite"),
        ({"seed": -1}, "seed: got -1; it must be 0 or more, finite"),
        ({"shares": {"a": -0.5}}, "shares: got -0.5 for 'a'; it must lie in [0, 1]"),
        ({"shares": {"a": 0.5, "b": 1.5}}, "shares: got 1.5 for 'b'; it must lie in [0, 1]"),
        ({"shares": {"a": math.nan}}, "shares: got nan for 'a'; it must lie in [0, 1]"),
    ],
)
def test_a_bad_value_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=":") as refused:
        Recipe(**changed)
    assert str(refused.value).startswith(message)

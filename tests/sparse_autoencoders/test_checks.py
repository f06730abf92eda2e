"""What is bad is refused by name, and what is good comes back."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.sparse_autoencoders import checks

few = settings(max_examples=50, deadline=None)


def bare(name: str) -> Any:
    """A check without that of the types, as outside the tests."""
    return inspect.unwrap(getattr(checks, name))


def message(name: str, *arguments: Any, **named: Any) -> str:
    """What a check says when it refuses."""
    with pytest.raises(ValueError, match=": got ") as refused:
        bare(name)(*arguments, **named)
    return str(refused.value)


@pytest.mark.parametrize("count", [0, -1, 0.5, 2.5, math.nan, math.inf, -math.inf])
def test_counts_that_are_none(count: float) -> None:
    expected = f"steps: got {count}; allowed are whole numbers from 1"
    assert message("check_count", "steps", count) == expected


def test_counts() -> None:
    assert checks.check_count("steps", 1) == 1
    assert checks.check_count("steps", 0, 0) == 0
    assert checks.check_count("steps", -2, least=-2) == -2
    whole = bare("check_count")("steps", 3.0)
    assert whole == 3
    assert isinstance(whole, int)
    assert message("check_count", "k", 3, 4) == "k: got 3; allowed are whole numbers from 4"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite(value: float) -> None:
    assert message("check_number", "a", value) == f"a: got {value}; allowed are finite numbers"
    expected = f"a: got {value}; allowed are finite numbers from 0"
    assert message("check_number", "a", value, 0.0) == expected


@few
@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_numbers_are_those_from_the_least_on(value: float, least: float) -> None:
    assert checks.check_number("a", value) == value
    assert checks.check_number("a", least, least) == least
    if value >= least:
        assert checks.check_number("a", value, least) == value
    else:
        assert message("check_number", "a", value, least).startswith(f"a: got {value}; allowed are")


def test_numbers_come_back_as_floats() -> None:
    assert isinstance(bare("check_number")("a", 2), float)
    assert isinstance(bare("check_probability")("a", 1), float)
    assert message("check_number", "l1", -0.5, 0.25).endswith("finite numbers from 0.25")


@pytest.mark.parametrize("value", [-0.1, -5e-324, 1.0000000000000002, 2.0, math.nan, math.inf])
def test_probabilities_that_are_none(value: float) -> None:
    expected = f"density: got {value}; allowed is [0, 1]"
    assert message("check_probability", "density", value) == expected


@few
@given(st.floats(0, 1))
def test_probabilities(value: float) -> None:
    assert checks.check_probability("density", value) == value


def test_choices() -> None:
    assert checks.check_choice("kind", "b", ["a", "b"]) == "b"
    assert checks.check_choice("kind", "b", iter(["a", "b"])) == "b"
    assert message("check_choice", "kind", "c", ["a", "b"]) == "kind: got 'c'; allowed are a, b"
    assert message("check_choice", "kind", "c", iter(["a", "b"])).endswith("allowed are a, b")
    for near in ("", "A", "a ", "ab"):
        assert message("check_choice", "kind", near, ("a", "b")).startswith(f"kind: got {near!r}")


@pytest.mark.parametrize(
    ("seeds", "got"),
    [
        ([], "none"),
        ((), "none"),
        ([-1], "[-1]"),
        ([0, -1, 2, -3], "[-1, -3]"),
        ([0, 0], "[0, 0]"),
        ((1, 2, 1), "[1, 2, 1]"),
        ([0.5, 1], "[0.5]"),
        ([math.nan], "[nan]"),
        ([0, math.inf], "[inf]"),
    ],
)
def test_seeds_that_are_none(seeds: Any, got: str) -> None:
    expected = f"seeds: got {got}; allowed are different whole numbers from 0"
    assert message("check_seeds", seeds) == expected


def test_seeds() -> None:
    assert checks.check_seeds([0]) == (0,)
    assert checks.check_seeds((3, 1, 2)) == (3, 1, 2)
    assert checks.check_seeds(range(4)) == (0, 1, 2, 3)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (0, 3), (3, 0), (0,)])
def test_activations_of_a_wrong_shape(shape: tuple[int, ...]) -> None:
    expected = f"x: got shape {shape}; allowed is (inputs, d)"
    assert message("check_activations", "x", torch.zeros(shape)) == expected


def test_activations_of_a_wrong_width() -> None:
    expected = "x: got shape (2, 3); allowed is (inputs, 4)"
    assert message("check_activations", "x", torch.zeros(2, 3), 4) == expected
    expected = "x: got shape (3,); allowed is (inputs, 3)"
    assert message("check_activations", "x", torch.zeros(3), 3) == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("row", "begins"), [(0, 0), (2, 0), (4, 0), (2, 100)])
def test_the_first_bad_row_of_activations_is_named(bad: float, row: int, begins: int) -> None:
    activations = torch.zeros(5, 3)
    activations[row:, row % 3] = bad
    got = message("check_activations", "x", activations, begins=begins)
    expected = (
        f"x: got a number that is not finite in row {begins + row}; allowed are finite numbers"
    )
    assert got == expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64])
def test_activations_come_back_as_single_precision(dtype: torch.dtype) -> None:
    activations: Tensor = torch.tensor([[1, -2], [3, 4], [5, 6]]).to(dtype)
    got = checks.check_activations("x", activations, 2)
    assert got.dtype == torch.float32
    assert got.tolist() == [[1, -2], [3, 4], [5, 6]]
    assert activations.dtype == dtype

"""The reference page names everything that the parts export, and its examples run."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from steering_core.language_model import TEXT_SETS, load_texts
from steering_core.publishing.docstrings import restructured, signature

PARTS = (
    "language_model",
    "steering",
    "superposition",
    "absolute_value",
    "sparse_autoencoders",
    "vector_or_latent",
    "sparse_features",
    "lockstep",
    "publishing",
)
PAGE = (Path(__file__).parents[2] / "book" / "api.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", PAGE, re.M | re.S)


def module(part: str) -> ModuleType:
    return importlib.import_module(f"steering_core.{part}")


def exported(part: str) -> list[str]:
    """What the part says it exports; the functions of a module that does not say."""
    names = getattr(module(part), "__all__", None)
    own = inspect.getmembers(module(part), inspect.isfunction)
    return names or [
        name
        for name, one in own
        if not name.startswith("_") and one.__module__ == module(part).__name__
    ]


def on_the_page(part: str) -> set[str]:
    """The names in the blocks of the part."""
    blocks = re.findall(
        rf"^\.\. py:currentmodule:: steering_core\.{part}$(.*?)^```$", PAGE, re.M | re.S
    )
    return set(re.findall(r"^(?:\.\. [\w:]+:: | {13})(\w+)$", "".join(blocks), re.M))


def documented(one: Any) -> set[str]:
    """The names in the docstring's lists of arguments and attributes."""
    docstring = f"{inspect.getdoc(one)}\n"
    lists = "".join(re.findall(r"^(?:Args|Attributes):\n((?: {4}.*\n)+)", docstring, re.M))
    entries = re.findall(r"^ {4}(\w+(?:, \w+)*):", lists, re.M)
    beside = re.findall(r", (\w+):", lists)  # as in "weights: (m, n), bias: (n,)"
    return {name for entry in entries for name in entry.split(", ")} | set(beside)


@pytest.mark.parametrize("part", PARTS)
def test_every_name_that_a_part_exports_is_on_the_page_and_no_other(part: str) -> None:
    assert on_the_page(part) == set(exported(part))


@pytest.mark.parametrize("part", PARTS)
def test_every_argument_is_documented(part: str) -> None:
    for name in exported(part):
        one = inspect.unwrap(getattr(module(part), name))
        if inspect.isfunction(one) or inspect.isclass(one):
            assert set(inspect.signature(one).parameters) <= documented(one), f"{part}.{name}"


def test_an_argument_that_is_not_documented_is_seen() -> None:
    def function(named: int, *forgotten: int) -> None:
        """Do.

        Args:
            named: a number.
        """

    assert documented(function) == {"named"}


@pytest.mark.parametrize(("example", "shown"), EXAMPLES, ids=PARTS)
def test_the_examples_run_alone_and_print_what_is_shown(
    example: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(example, {"__name__": "example"})
    printed = capsys.readouterr().out
    assert printed.strip()
    assert shown in ("", printed)


def test_outputs_are_shown_only_below_examples() -> None:
    assert PAGE.count("```text") == sum(bool(shown) for _, shown in EXAMPLES) > 0


def test_the_table_of_wants_names_functions_of_the_page() -> None:
    named = re.findall(r"{py:func}`~steering_core\.(\w+)\.(\w+)`", PAGE)
    assert len(named) > 20
    assert [(part, name) for part, name in named if name not in on_the_page(part)] == []


def test_the_table_of_texts_counts_them() -> None:
    counted = {
        name: int(count)
        for names, count in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (\d+)", PAGE, re.M)
        for name in re.findall(r"`(\w+)`", names)
    }
    assert counted == {name: len(load_texts(name)) for name in TEXT_SETS}


def test_plain_text_survives_sphinx() -> None:
    assert restructured("E |x'|^2 of `*batch`, 2 * w_ and w_in") == (
        r"E \|x'\|^2 of ``*batch``, 2 \* w\_ and w_in"
    )
    assert restructured("code over `two\nlines` and on") == "code over ``two\nlines`` and on"


class Sized:
    """For the signatures below."""

    width: int
    depth: int = 2

    def area(self, times: float = 1.0, *rest: int, named: str = "a") -> float:
        """Do."""
        return times * self.width * self.depth

    @staticmethod
    def empty(size: int) -> None:
        """Do."""


def test_signatures_are_those_of_the_source() -> None:
    assert signature(Sized, "class") == ("(width: int, depth: int = 2)", None)
    assert signature(Sized.area, "method") == (
        "(times: float=1.0, *rest: int, named: str='a')",
        "float",
    )
    assert signature(Sized.empty, "method") == ("(size: int)", "None")
    assert signature(len, "function") is None, "no source"

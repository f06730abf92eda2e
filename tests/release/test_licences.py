"""The licence of everything that is shipped, and of everything that is asked for, is known."""

from __future__ import annotations

import re
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import cast

import pytest

from tests.release.checkout import pins, tracked

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
}  # fmt: skip
"""SPDX names of licences that let anybody use, change and pass on, alone or with other code."""

CLASSIFIERS = {
    f"License :: OSI Approved :: {name}"
    for name in (
        "Apache Software License", "BSD License", "ISC License (ISCL)", "MIT License",
        "Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License",
    )
}  # fmt: skip

FREE_TEXT = re.compile(
    r"((MIT|ISC|PSF-2\.0|BSD|MPL-2\.0( AND MIT)?|3-Clause BSD|BSD-[23]-Clause)( License)?"
    r"|Apache( License,)?[- ](Version )?2\.0( License)?)"
)

READ = {
    "axe-playwright-python": "its metadata name none; its LICENSE is MIT, axe.min.js is MPL-2.0",
    "docutils": "public domain, PSF-2.0 and BSD-2-Clause; the GPL is that of an Emacs mode",
}
"""Distributions whose metadata do not settle it, and what their files say."""


def metadata_of(name: str) -> Message:
    return cast(Message, metadata.metadata(name))


def objection(said: Message) -> str | None:
    """Why the licence that the metadata name is not allowed; None where it is.

    The first that is there decides: the SPDX expression, the classifiers, the free text.
    """
    expression = said.get("License-Expression")
    if expression:
        parts = {part.strip("() ") for part in re.split(r"\s(?:AND|OR)\s", expression)}
        return ", ".join(sorted(parts - ALLOWED)) or None
    classifiers = {c for c in said.get_all("Classifier") or [] if c.startswith("License :: ")}
    if classifiers:
        return ", ".join(sorted(classifiers - CLASSIFIERS)) or None
    text = said.get("License") or ""
    return None if FREE_TEXT.fullmatch(text.strip()) else text[:80] or "none is named"


def described(package: Path) -> list[tuple[list[str], str]]:
    """Patterns and licence of each row of the package's table."""
    table = (package / "LICENSES.md").read_text("utf8")
    rows = re.findall(r"^\| (`.+?) \| .+ \| (\S+) \|$", table, re.M)
    return [(re.findall(r"`([^`]+)`", patterns), licence) for patterns, licence in rows]


def test_each_pinned_distribution_has_a_licence_that_is_allowed(root: Path) -> None:
    found = {name: objection(metadata_of(name)) for name in pins(root)}
    assert {name: why for name, why in found.items() if why and name not in READ} == {}


def test_what_was_read_by_hand_still_needs_it(root: Path) -> None:
    assert [name for name in READ if not objection(metadata_of(name))] == []
    assert set(READ) <= set(pins(root))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("License-Expression", "GPL-3.0-only"),
        ("License-Expression", "MIT AND LGPL-2.1-or-later"),
        ("Classifier", "License :: OSI Approved :: GNU Affero General Public License v3"),
        ("Classifier", "License :: Other/Proprietary License"),
        ("License", "GPL-3.0"),
        ("License", "Proprietary, ask us"),
        ("License", ""),
    ],
)
def test_what_is_not_allowed_is_found(field: str, text: str) -> None:
    said = Message()
    said[field] = text
    assert objection(said) is not None


def test_the_licence_of_each_file_that_is_not_code_is_said_once(root: Path) -> None:
    package = root / "steering_core"
    shipped = [path for path in tracked(root) if path.is_relative_to(package)]
    data = [path for path in shipped if path.suffix != ".py"]
    table = [patterns for patterns, _ in described(package)]
    rows = [{path for pattern in row for path in package.glob(pattern)} for row in table]
    times = {path.relative_to(root).as_posix(): sum(path in row for row in rows) for path in data}
    assert {name: count for name, count in times.items() if count != 1} == {}


def test_the_table_of_licences_is_current(root: Path) -> None:
    rows = described(root / "steering_core")
    assert len(rows) >= 5
    assert {licence for _, licence in rows} == {"MIT", "CC-BY-4.0", "quoted"}
    patterns = [pattern for some, _ in rows for pattern in some]
    assert [p for p in patterns if not any((root / "steering_core").glob(p))] == []

"""pyproject.toml, the lock, environment.yml, the Makefile and CI ask for the same things."""

from __future__ import annotations

import re
import tomllib
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.release.checkout import active, pins

OF_TORCH = re.compile(r"nvidia-|cuda-|triton")  # its CUDA builds bring these; the lock has none


@pytest.fixture
def project(root: Path) -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text("utf8"))


@pytest.fixture
def environment(root: Path) -> dict[str, Any]:
    """environment.yml."""
    return yaml.safe_load((root / "environment.yml").read_text("utf8"))


def unmet(requirements: list[Requirement], pinned: dict[str, str]) -> list[str]:
    """Those for which the lock has no version, or one out of their range."""
    return [
        str(r)
        for r in requirements
        if not r.specifier.contains(pinned.get(canonicalize_name(r.name), "0"), prereleases=True)
        or canonicalize_name(r.name) not in pinned
    ]


def test_every_dependency_and_every_extra_is_pinned_within_its_range(
    root: Path, project: dict[str, Any]
) -> None:
    extras = project["project"]["optional-dependencies"]
    assert {"book", "test"} <= set(extras)
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    asked += [requirement for extra in extras.values() for requirement in extra]
    assert unmet(active(asked), pins(root)) == []


def test_whatever_a_pinned_distribution_asks_for_is_pinned_too(root: Path) -> None:
    pinned = pins(root)
    asked = [r for name in pinned for r in active(metadata.requires(name) or [])]
    ours = [r for r in asked if r.name != "pip" and not OF_TORCH.match(r.name)]
    assert len(ours) > 100
    assert unmet(ours, pinned) == []


def test_a_pin_that_is_missing_or_out_of_range_is_found() -> None:
    asked = [Requirement("numpy>=2.0"), Requirement("scipy>=1.15"), Requirement("nowhere")]
    assert unmet(asked, {"numpy": "2.1", "scipy": "1.14"}) == ["scipy>=1.15", "nowhere"]


def test_what_is_installed_is_what_is_pinned(root: Path) -> None:
    installed = {name: metadata.version(name).partition("+")[0] for name in pins(root)}
    assert installed == pins(root)


def test_conda_takes_the_lock_the_same_torch_and_the_same_python(
    root: Path, project: dict[str, Any], environment: dict[str, Any]
) -> None:
    wanted = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    conda = dict(entry.split("=", 1) for entry in wanted if "=" in entry)
    assert conda == {"python": lowest_python(project), "pytorch-cpu": pins(root)["torch"]}
    assert "pip" in wanted
    assert pip == ["-r requirements.lock", "-e ."]
    assert environment["name"] == project["project"]["name"]


def test_one_version_of_torch_is_named_everywhere(root: Path) -> None:
    torch = pins(root)["torch"]
    assert f"\nTORCH := {torch}\n" in (root / "Makefile").read_text("utf8")
    said = re.findall(r"torch==([\d.]+)", (root / "README.md").read_text("utf8"))
    assert said
    assert set(said) == {torch}


def test_one_lowest_python_is_named_everywhere(root: Path, project: dict[str, Any]) -> None:
    python = lowest_python(project)
    major, minor = python.split(".")
    assert f"Programming Language :: Python :: {python}" in project["project"]["classifiers"]
    assert project["tool"]["ruff"]["target-version"] == f"py{major}{minor}"
    assert project["tool"]["pyright"]["pythonVersion"] == python
    for name in ("README.md", "CONTRIBUTING.md", "Makefile", ".ci/run"):
        said = re.findall(r"Python (\d\.\d+)", (root / name).read_text("utf8"))
        assert said, name
        assert set(said) == {python}, name
    assert f"({major}, {minor})" in (root / "Makefile").read_text("utf8")
    for workflow in (root / ".github/workflows").glob("*.yml"):
        assert f'python-version: "{python}"' in workflow.read_text("utf8"), workflow.name


def test_every_pinned_distribution_runs_on_every_release_of_that_python(
    root: Path, project: dict[str, Any]
) -> None:
    python = lowest_python(project)
    ranges = {
        name: cast(Message, metadata.metadata(name)).get("Requires-Python", "")
        for name in pins(root)
    }
    too_new = {n: r for n, r in ranges.items() if not SpecifierSet(r).contains(f"{python}.0")}
    assert too_new == {}


def lowest_python(project: dict[str, Any]) -> str:
    """Such as 3.11."""
    (specifier,) = SpecifierSet(project["project"]["requires-python"])
    assert specifier.operator == ">="
    return specifier.version

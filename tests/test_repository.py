"""What must hold of the checkout as a whole: it is portable, consistent and complete."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml

import steering_core
from tests.release.checkout import tracked

CODE = {".py", ".css", ".js", ".ipynb"}
TEXT = CODE | {".toml", ".cff", ".md", ".yml", ".yaml", ".bib", ".lock", ".cfg"}

# Addresses of package registries, and folders that exist on one machine only. Written in pieces so
# that this file does not find itself.
MACHINE_PATHS = re.compile(
    "|".join(["/" + name + "/" for name in ("home", "root", "work", "Users")])
)
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "--(extra-)?index" + "-url"])
)
TORCH_WHEELS = "download" + ".pytorch"


def test_no_file_names_a_place_on_one_machine_or_a_registry(root: Path) -> None:
    guilty = []
    for path in tracked(root):
        if path.suffix not in TEXT and path.name not in {"Makefile", "run"}:
            continue
        text = path.read_text(encoding="utf8")
        allowed = path.name == "Makefile"  # names the options that keep addresses out of the lock
        if MACHINE_PATHS.search(text) or TORCH_WHEELS in text:
            guilty.append(path.name)
        if REGISTRIES.search(text) and not allowed:
            guilty.append(path.name)
    assert guilty == []


def only(pattern: str, path: Path) -> str:
    """What the pattern finds in a file, at one place."""
    (found,) = re.findall(pattern, path.read_text(encoding="utf8"), re.M)
    return found


def test_the_version_is_one(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf8"))
    assert project["project"]["dynamic"] == ["version"]
    source = project["tool"]["setuptools"]["dynamic"]["version"]
    assert source == {"attr": "steering_core.__version__"}
    version = steering_core.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf8"))
    assert citation["version"] == citation["preferred-citation"]["version"] == version
    assert only(r"Version ([\d.]+)", root / "book/intro.md") == version
    changes = (root / "CHANGELOG.md").read_text(encoding="utf8")
    (latest, *_) = re.findall(r"^## (.+)$", changes, re.M)
    assert latest == f"{version} ({citation['date-released']})"


def test_chapters_are_committed_without_outputs(root: Path) -> None:
    for path in tracked(root):
        if path.suffix == ".ipynb":
            for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
                assert not cell.get("outputs"), f"{path.name} holds outputs; clear them"
                assert cell.get("execution_count") is None, f"{path.name} holds execution counts"


def test_the_lock_pins_everything_once_and_torch_without_a_build(root: Path) -> None:
    lines = (root / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;+]+( ; .+)?", pin) for pin in pins)
    assert "torch==2.13.0" in pins
    assert len({pin.split("==")[0].lower() for pin in pins}) == len(pins)

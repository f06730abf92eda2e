"""What must hold of the checkout as a whole: it is portable, consistent and complete."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import steering_core

TEXT = {".py", ".toml", ".cff", ".md", ".yml", ".yaml", ".css", ".bib", ".ipynb", ".lock", ".cfg"}

# Addresses of package registries, and folders that exist on one machine only. Written in pieces so
# that this file does not find itself.
MACHINE_PATHS = re.compile(
    "|".join(["/" + name + "/" for name in ("home", "root", "work", "Users")])
)
REGISTRIES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "--(extra-)?index" + "-url"])
)
TORCH_WHEELS = "download" + ".pytorch"


def tracked(root: Path) -> list[Path]:
    """The files under version control; all files of the project where there is none."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    names = [name for name in listing.stdout.split("\0") if name]
    return [root / name for name in names if (root / name).is_file()]


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


def test_the_version_is_one(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    citation = re.search(r"^version: *\"?([\d.]+)", (root / "CITATION.cff").read_text(), re.M)
    change = re.search(r"^## \[?([\d.]+)", (root / "CHANGELOG.md").read_text(), re.M)
    assert citation is not None
    assert change is not None
    assert steering_core.__version__ == project == citation[1] == change[1]


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


@pytest.mark.filterwarnings("default")
def test_the_wheel_carries_the_packages_data(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in tracked(root):
        if path.is_relative_to(root / "steering_core") or path.parent == root:
            target = source / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*command, str(tmp_path), str(source)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = (path for path in tracked(root) if path.is_relative_to(root / "steering_core"))
    missing = {path.relative_to(root).as_posix() for path in package} - inside
    assert missing == set()

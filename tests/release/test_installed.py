"""The wheel works where there is no checkout, no book and no network.

In an environment that has the wheel and the distributions that it asks for, linked from this one so
that nothing is downloaded; with another home, in an empty folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from email import message_from_bytes
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

import steering_core
from tests.release.checkout import Archives, closure

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("in_use.py")


def link(requirements: list[str], site: Path) -> None:
    """Put what the requirements bring, and nothing else, into a folder of packages."""
    for distribution in closure(requirements):
        tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for top in sorted(tops):
            if not top.endswith(".pth") and not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))


def pip(environment: Path, *arguments: str) -> None:
    """Call the pip of this environment for another one."""
    command = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python")]
    command += ["--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    with ZipFile(archives.wheel) as opened:
        (name,) = (n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        said = message_from_bytes(opened.read(name))
    (site,) = folder.glob("lib/python*/site-packages")
    link(said.get_all("Requires-Dist", []), site)
    pip(folder, "install", "--quiet", "--no-index", "--no-deps", str(archives.wheel))
    return folder


@pytest.fixture(scope="module")
def report(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `in_use.py` says when it is run there."""
    home = tmp_path_factory.mktemp("home")
    ours = ("PYTHON", "STEERING_CORE", "HF_", "HUGGING", "TRANSFORMERS", "XDG_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [environment / "bin/python", "-I", SCRIPT],
        cwd=home,
        env=variables | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_the_wheel_asks_for_is_enough(environment: Path) -> None:
    pip(environment, "check")


def test_the_package_in_use_is_the_wheels(report: dict[str, Any], environment: Path) -> None:
    assert Path(report["file"]).is_relative_to(environment)
    assert report["version"] == steering_core.__version__


def test_all_but_the_machinery_of_the_book_can_be_imported(report: dict[str, Any]) -> None:
    assert {"steering_core.steering.steer", "steering_core.language_model.load"} <= set(
        report["imported"]
    )
    of_the_book = {"docutils", "jupyter_cache", "nbformat", "sphinx"}
    assert set(report["lacking"].values()) <= of_the_book
    assert all(name.startswith("steering_core.publishing.") for name in report["lacking"])


def test_the_shipped_model_is_loaded_and_a_sentence_steered(report: dict[str, Any]) -> None:
    print(report["plain"], report["steered"], sep="\n")
    assert len(report["plain"].split()) > 5
    assert len(report["steered"].split()) > 5
    assert report["plain"] != report["steered"]


def test_no_network_is_asked_for(report: dict[str, Any]) -> None:
    assert report["contacted"] == []


def test_the_global_generators_are_left_alone(report: dict[str, Any]) -> None:
    assert not report["drawn_at_import"]
    assert not report["drawn_in_use"]

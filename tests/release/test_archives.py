"""The archives of a release hold the package, whole, and nothing else."""

from __future__ import annotations

import tarfile
import tomllib
import zipfile
import zlib
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import steering_core
from tests.release.checkout import Archives, tracked

pytestmark = pytest.mark.slow
INFO = f"steering_core-{steering_core.__version__}.dist-info"


def package_sums(root: Path) -> dict[str, int]:
    """The checksum of each file of the package in the checkout."""
    files = [path for path in tracked(root) if path.is_relative_to(root / "steering_core")]
    return {path.relative_to(root).as_posix(): zlib.crc32(path.read_bytes()) for path in files}


def metadata_of(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        return message_from_bytes(opened.read(f"{INFO}/METADATA"))


def test_the_wheel_is_the_package_byte_for_byte_and_nothing_of_book_or_tests(
    root: Path, archives: Archives
) -> None:
    with zipfile.ZipFile(archives.wheel) as opened:
        inside = {entry.filename: entry.CRC for entry in opened.infolist()}
    package = {name: sum_ for name, sum_ in inside.items() if not name.startswith(f"{INFO}/")}
    assert package == package_sums(root)
    assert "steering_core/py.typed" in package


def test_the_source_archive_has_the_same_package_and_no_tests_and_no_book(
    root: Path, archives: Archives
) -> None:
    with tarfile.open(archives.source) as opened:
        names = {m.name.partition("/")[2] for m in opened.getmembers() if m.isfile()}
    assert {name for name in names if name.startswith("steering_core/")} == set(package_sums(root))
    beside = {name.split("/")[0] for name in names} - {"steering_core.egg-info", "setup.cfg"}
    assert beside == {
        "steering_core", "CHANGELOG.md", "CITATION.cff", "LICENSE", "LICENSE-text", "MANIFEST.in",
        "PKG-INFO", "README.md", "pyproject.toml",
    }  # fmt: skip


def test_the_metadata_are_those_of_the_project(root: Path, archives: Archives) -> None:
    said = metadata_of(archives.wheel)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
    assert said["Version"] == steering_core.__version__
    assert said["Requires-Python"] == project["requires-python"]
    assert said["Description-Content-Type"] == "text/markdown"
    assert str(said.get_payload()).strip() == (root / "README.md").read_text("utf8").strip()
    always = {str(Requirement(r)) for r in said.get_all("Requires-Dist", []) if "extra ==" not in r}
    assert always == {str(Requirement(r)) for r in project["dependencies"]}
    assert set(said.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_the_wheel_says_its_licences_and_holds_their_texts(root: Path, archives: Archives) -> None:
    said = metadata_of(archives.wheel)
    assert said["License-Expression"] == "MIT AND CC-BY-4.0"
    assert said.get_all("License-File") == ["LICENSE", "LICENSE-text"]
    with zipfile.ZipFile(archives.wheel) as opened:
        for name in ("LICENSE", "LICENSE-text"):
            assert opened.read(f"{INFO}/licenses/{name}") == (root / name).read_bytes()

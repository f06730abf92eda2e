"""Files are written whole, into the folder that is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steering_core.publishing.files import published_folder, write_atomically


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEERING_CORE_PUBLISHED", str(tmp_path / "there"))
    assert published_folder() == tmp_path / "there"


def test_it_lies_below_the_checkout_from_any_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STEERING_CORE_PUBLISHED", raising=False)
    (tmp_path / "_config.yml").touch()
    (tmp_path / "book" / "part").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "book" / "part")
    assert published_folder() == tmp_path / "_build" / "published"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, "old")

    def fails(*arguments: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="no"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]

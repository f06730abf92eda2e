"""What the site takes from the checkout: its public address, and files under stable names."""

from __future__ import annotations

from pathlib import Path

import pytest

from steering_core.publishing import site_files, site_repository

PAGE = "https://github.com/someone/features"


@pytest.mark.parametrize(
    "origin",
    [
        "https://github.com/someone/features.git",
        "https://github.com/someone/features/",
        "https://name:secret@github.com/someone/features.git",
        "git@github.com:someone/features.git",
        "ssh://git@github.com/someone/features.git",
    ],
)
def test_a_public_origin_gives_its_page_without_names_or_secrets(origin: str) -> None:
    assert site_repository.public_address(origin) == PAGE


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "../features",
        "/srv/git/features.git",
        "file:///srv/features",
        "C:\\features",
        "https://localhost:3000/someone/features",
        "git@intranet:someone/features.git",
    ],
)
def test_any_other_origin_gives_none(origin: str) -> None:
    assert site_repository.public_address(origin) is None


def test_stable_addresses_hold_what_was_published_and_nothing_older(tmp_path: Path) -> None:
    source, target = tmp_path / "published", tmp_path / "figures"
    source.mkdir()
    target.mkdir()
    (source / "new.svg").write_text("new")
    (target / "old.svg").write_text("old")
    site_files.mirror(source, target)
    assert [path.name for path in target.iterdir()] == ["new.svg"]

"""The tables of times hold what the records and the build say, longest first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import steering_core
from steering_core.publishing.studies.__main__ import declared_studies
from steering_core.publishing.time_table import StudyTime, chapter_seconds, study_times


def test_every_declared_study_has_its_time() -> None:
    found = study_times(Path(steering_core.__path__[0]))
    assert {study.name for study in found} == set(declared_studies())
    assert [study.seconds for study in found] == sorted((s.seconds for s in found), reverse=True)


def test_other_files_beside_tables_are_no_studies(tmp_path: Path) -> None:
    tables = tmp_path / "part" / "tables"
    tables.mkdir(parents=True)
    record = {"name": "one", "n_tasks": 2, "seconds": 3.5, "date": "2026-01-02", "seeds": []}
    (tables / "one.json").write_text(json.dumps(record))
    (tables / "other.json").write_text(json.dumps({"name": "other"}))
    (tables / "list.json").write_text("[1]")
    assert study_times(tmp_path) == [StudyTime("one", 2, 3.5, "2026-01-02")]


def test_chapters_that_ran_are_listed_longest_first() -> None:
    runs = {"a": {"runtime": 2.0}, "b": {"runtime": 30.0}, "c": {"runtime": None}}
    metadata = {page: {"exec_data": run} for page, run in runs.items()} | {"d": {"js_files": {}}}
    env: Any = BuildEnvironment.__new__(BuildEnvironment)
    env.nb_metadata = metadata
    assert list(chapter_seconds(env).items()) == [("b", 30.0), ("a", 2.0)]
    del env.nb_metadata
    assert chapter_seconds(env) == {}


@pytest.mark.filterwarnings("default")
def test_a_built_page_has_both_tables(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "index.rst").write_text(
        "Home\n====\n\n.. toctree::\n\n   ran\n\n.. where-the-time-goes::\n"
    )
    (source / "ran.rst").write_text("A chapter that ran\n==================\n")
    app = Sphinx(
        str(source),
        None,
        str(tmp_path / "html"),
        str(tmp_path / "doctrees"),
        "html",
        confoverrides={"extensions": ["steering_core.publishing.time_table"]},
        status=None,
        warningiserror=True,
    )
    env: Any = app.env
    env.nb_metadata = {"ran": {"exec_data": {"runtime": 12.4}}}
    app.build()
    page = (tmp_path / "html" / "index.html").read_text()
    assert 'href="ran.html">A chapter that ran</a>' in page
    assert "<p>12</p>" in page
    for name in declared_studies():
        assert f"<p>{name}</p>" in page

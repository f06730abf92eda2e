"""`{where-the-time-goes}`: what chapters and studies take, as a Sphinx extension.

A chapter's seconds are those of its execution in this build, or in the run that this build reads;
a study's are in the record beside its committed table. Nothing is timed here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

import steering_core

_SHOWS_TIMES = "shows_times"


@dataclass(frozen=True)
class StudyTime:
    """What a record says: seconds of all tasks, added up."""

    name: str
    tasks: int
    seconds: float
    date: str


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension (Sphinx calls this)."""
    app.add_node(times)
    app.add_directive("where-the-time-goes", WhereTheTimeGoes)
    app.connect("env-updated", pages_with_times)
    app.connect("doctree-resolved", fill_in)
    return {"version": steering_core.__version__, "parallel_read_safe": True}


class times(nodes.General, nodes.Element):
    """Stands where the tables go, until every chapter has run."""


class WhereTheTimeGoes(SphinxDirective):
    """`{where-the-time-goes}`: a table of chapters and one of studies, longest first."""

    def run(self) -> list[nodes.Node]:
        """Leave a place for the tables."""
        self.env.metadata[self.env.docname][_SHOWS_TIMES] = True
        return [times()]


def pages_with_times(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the pages that must be written again whenever a chapter ran."""
    return [page for page, data in env.metadata.items() if _SHOWS_TIMES in data]


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the tables in their places."""
    for place in list(doctree.findall(times)):
        place.replace_self([*_chapters(app, docname), *_studies()])


def chapter_seconds(env: BuildEnvironment) -> dict[str, float]:
    """Seconds of each chapter of which they are known, the longest first."""
    runs = {page: data.get("exec_data") for page, data in getattr(env, "nb_metadata", {}).items()}
    known = {page: run["runtime"] for page, run in runs.items() if run and run["runtime"]}
    return dict(sorted(known.items(), key=lambda chapter: -chapter[1]))


def study_times(package: Path) -> list[StudyTime]:
    """What the records of committed tables say, the longest first.

    package: folder whose subfolders keep tables in `tables/`.
    """
    records = [json.loads(path.read_text()) for path in sorted(package.glob("*/tables/*.json"))]
    found = [
        StudyTime(one["name"], one["n_tasks"], one["seconds"], one["date"])
        for one in records
        if isinstance(one, dict) and {"name", "n_tasks", "seconds", "date"} <= one.keys()
    ]
    return sorted(found, key=lambda study: -study.seconds)


def _chapters(app: Sphinx, docname: str) -> list[nodes.Node]:
    seconds = chapter_seconds(app.env)
    rows = [
        [_link(app, docname, page, app.env.titles[page].astext()), f"{taken:.0f}"]
        for page, taken in seconds.items()
    ]
    total: list[nodes.Node | str] = ["all", f"{sum(seconds.values()):.0f}"]
    told = nodes.paragraph("", "Chapters, when they were run for this build:")
    return [told, _table(["chapter", "seconds"], [*rows, total])]


def _studies() -> list[nodes.Node]:
    found = study_times(Path(steering_core.__path__[0]))
    rows: list[list[nodes.Node | str]] = [
        [study.name, str(study.tasks), f"{study.seconds / 60:.0f}", study.date] for study in found
    ]
    total = ["all", str(sum(s.tasks for s in found)), f"{sum(s.seconds for s in found) / 60:.0f}"]
    told = nodes.paragraph(
        "", "Studies, when their tables were made; minutes of all tasks, added up:"
    )
    return [told, _table(["study", "tasks", "minutes", "made on"], [*rows, [*total, ""]])]


def _link(app: Sphinx, docname: str, page: str, words: str) -> nodes.Node:
    uri = app.builder.get_relative_uri(docname, page)
    return nodes.reference("", words, refuri=uri, internal=True)


def _table(head: Sequence[str], rows: Sequence[Sequence[nodes.Node | str]]) -> nodes.table:
    columns = [nodes.colspec(colwidth=1) for _ in head]
    body = nodes.tbody("", *(_row(row) for row in rows))
    group = nodes.tgroup("", *columns, nodes.thead("", _row(head)), body, cols=len(head))
    return nodes.table("", group, classes=["colwidths-auto"])


def _row(cells: Sequence[nodes.Node | str]) -> nodes.row:
    texts = [nodes.Text(cell) if isinstance(cell, str) else cell for cell in cells]
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", text)) for text in texts))

"""Pages say of all chapters what the ledger says when they are written, in a small book."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from sphinx.testing.util import SphinxTestApp

from steering_core.publishing import Measured, claim, executed, ledger, site

BOARD = """\
Board
=====

Sharing (:verdict:`II-2`), the unmeasured (:verdict:`I-G1`).

.. verdict-tally::

.. scoreboard::

.. figure-gallery::
"""
CHAPTER = """\
Chapter
=======

.. raw:: html

   <section id="claim-II-2"></section><figure id="fig-b-figure"></figure>
"""
INTRO = """\
Intro
=====

.. verdict-tally::

.. toctree::

   part/board
   part/chapter
"""


class Book:
    """The sources and the built pages of a book whose results are current."""

    def __init__(self, folder: Path) -> None:
        self.source, self.build_folder = folder / "source", folder / "build"
        for name, text in (("index", INTRO), ("part/board", BOARD), ("part/chapter", CHAPTER)):
            path = self.source / f"{name}.rst"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in ("conf.py", "requirements.lock"):
            (self.source / name).touch()
        (folder / "published").rename(executed.published(self.build_folder.absolute()))

    def build(self, *, strict: bool = True) -> SphinxTestApp:
        executed.remember(self.build_folder, executed.digest(self.source))
        app = SphinxTestApp(
            srcdir=self.source,
            builddir=self.build_folder,
            confoverrides={"extensions": [site.__name__], "nitpicky": True},
            warningiserror=strict,
        )
        app.build()
        app.cleanup()
        return app

    def page(self, name: str) -> BeautifulSoup:
        text = (self.build_folder / "html" / f"{name}.html").read_text()
        return BeautifulSoup(text, "html.parser")


@pytest.fixture
def book(small_ledger: list[dict[str, Any]], tmp_path: Path) -> Book:
    (tmp_path / "build").mkdir()
    return Book(tmp_path)


def verdicts_in_sentences(page: BeautifulSoup) -> list[tuple[str, str | None]]:
    marks = page.select(".verdict-mark")
    return [(mark.get_text(), str(mark["href"]) if mark.name == "a" else None) for mark in marks]


def one(page: BeautifulSoup, selector: str) -> Tag:
    (found,) = page.select(selector)
    return found


def test_a_verdict_in_a_sentence_is_that_of_the_ledger_and_leads_to_the_card(book: Book) -> None:
    book.build()
    assert verdicts_in_sentences(book.page("part/board")) == [
        ("II-2 refuted", "chapter.html#claim-II-2"),
        ("I-G1 not run", None),
    ]


def test_pages_are_written_again_when_only_the_results_changed(book: Book) -> None:
    book.build()
    claim("II-2", "b-figure", share=Measured(0.9, 40))
    book.build()
    page = book.page("part/board")
    assert verdicts_in_sentences(page)[0] == ("II-2 reproduced", "chapter.html#claim-II-2")
    assert one(page, "tr[data-part=II][data-verdict=reproduced] a[href$=claim-II-2]")
    reproduced = book.page("index").select(".tally tbody tr")[0]
    assert [cell.get_text() for cell in reproduced.select("td")] == ["1", "2", "3"]


def test_links_are_right_from_every_page(book: Book) -> None:
    book.build()
    refuted = "?part=II&verdict=refuted#all-claims"
    assert one(book.page("index"), f"a[href='part/board.html{refuted}']").get_text() == "1"
    links = {str(link["href"]) for link in book.page("part/board").select(".scoreboard a")}
    assert links == {"chapter.html#claim-II-2", "chapter.html#fig-b-figure"}


def test_the_gallery_knows_the_page_of_a_figure_and_keeps_one_that_is_on_none(book: Book) -> None:
    figures = executed.published(book.build_folder.absolute()) / "figures"
    figures.mkdir()
    for id in ("a-figure", "b-figure"):
        (figures / f"{id}.json").write_text(json.dumps({"title": id}))
    book.build()
    shown = book.page("part/board").select(".figure-gallery h2, .figure-gallery h3")
    assert [(one.name, one.get_text()) for one in shown] == [
        ("h2", "Chapter"),
        ("h3", "b-figure"),
        ("h2", "On no page"),
        ("h3", "a-figure"),
    ]
    assert [str(one.a["href"]) for one in shown if one.a] == [
        "chapter.html",
        "chapter.html#fig-b-figure",
    ]


def test_the_script_is_loaded_where_the_table_is(book: Book) -> None:
    book.build()
    scripts = {
        name: [str(one["src"]) for one in book.page(name).select("script[src*=scoreboard]")]
        for name in ("index", "part/board", "part/chapter")
    }
    assert [len(found) for found in scripts.values()] == [0, 1, 0]
    file = scripts["part/board"][0].split("?")[0]
    assert (book.build_folder / "html" / "part" / file).resolve().is_file()


def test_a_claim_that_is_not_declared_is_reported(book: Book) -> None:
    (book.source / "part/board.rst").write_text("Board\n=====\n\nAs :verdict:`II-222` says.\n")
    app = book.build(strict=False)
    assert (
        "board.rst:4: WARNING: verdict of 'II-222': no claim of that id" in app.warning.getvalue()
    )


def test_the_ledger_is_beside_the_pages(book: Book) -> None:
    book.build()
    assert (book.build_folder / "html/claims.json").read_text().count('"verdict"') == len(
        ledger.declared()
    )

"""The gallery: chapters in order, and at each figure what it is called and what it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from steering_core.publishing.gallery import Chapter, gallery_html

ADDRESSES = {
    "fig-a-figure": "last.html#fig-a-figure",
    "fig-b-figure": "first.html#fig-b-figure",
    "fig-c-figure": "first.html#fig-c-figure",
    "claim-II-1": "first.html#claim-II-1",
}
CHAPTERS = [
    Chapter("part/first", "First", "first.html", ("c-figure", "b-figure", "never-drawn")),
    Chapter("part/empty", "Without files", "empty.html", ("gone",)),
    Chapter("part/last", "Last & least", "last.html", ("a-figure",)),
]
CLAIMS: list[dict[str, Any]] = [
    {"id": "II-10", "parts": {"share": {"figure": "c-figure"}}},
    {"id": "II-1", "parts": {"share": {"figure": "c-figure"}, "gap": {"figure": "c-figure"}}},
    {"id": "II-2", "parts": {}},
]


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    for id in ("a-figure", "b-figure", "c-figure", "stray"):
        record = {"title": f"On {id} < 1", "alt": 'a "dot"', "caption": "<em>One</em> & n = 3"}
        (tmp_path / f"{id}.json").write_text(json.dumps(record))
    return tmp_path


def gallery(figures: Path) -> BeautifulSoup:
    return BeautifulSoup(
        gallery_html(figures, "../", CHAPTERS, CLAIMS, ADDRESSES.get), "html.parser"
    )


def test_chapters_and_their_figures_are_in_the_order_of_the_book(figures: Path) -> None:
    page = gallery(figures)
    heads = [(head.name, head.get_text()) for head in page.select("h2, h3")]
    assert heads == [
        ("h2", "First"),
        ("h3", "On c-figure < 1"),
        ("h3", "On b-figure < 1"),
        ("h2", "Last & least"),
        ("h3", "On a-figure < 1"),
        ("h2", "On no page"),
        ("h3", "On stray < 1"),
    ]
    assert [str(link["href"]) for link in page.select("h2 a, h3 a")] == [
        "first.html",
        "first.html#fig-c-figure",
        "first.html#fig-b-figure",
        "last.html",
        "last.html#fig-a-figure",
    ]


def test_a_list_of_chapters_leads_to_their_headings(figures: Path) -> None:
    page = gallery(figures)
    anchors = [str(link["href"]) for link in page.select("nav a")]
    assert anchors == ["#figures-of-part-first", "#figures-of-part-last"]
    assert all(page.select_one(anchor) for anchor in anchors)


def test_a_figure_has_its_name_claims_caption_and_files(figures: Path) -> None:
    first, second, *_ = gallery(figures).select("section")
    about = first.select(".figure-gallery__about")[0]
    assert about.get_text() == "c-figure. Claims: II-1, II-10. SVG PNG PDF CSV JSON"
    assert [str(link["href"]) for link in about.select("a")] == [
        "first.html#claim-II-1",
        *(f"../figures/c-figure.{kind}" for kind in ("svg", "png", "pdf", "csv", "json")),
    ]
    assert "No claim" in second.get_text()
    (image,) = first.select("a[href='../figures/c-figure.svg'] img")
    assert (image["src"], image["alt"]) == ("../figures/c-figure.png", 'a "dot"')
    assert first.select("p em")[0].get_text() == "One"


def test_without_chapters_every_figure_is_there(figures: Path) -> None:
    page = BeautifulSoup(gallery_html(figures, ""), "html.parser")
    assert len(page.select("section")) == 4
    assert not page.select("nav")
    assert not page.select("section h3 a")


def test_an_empty_folder_is_an_empty_gallery(tmp_path: Path) -> None:
    assert gallery_html(tmp_path, "") == '<div class="figure-gallery"></div>'

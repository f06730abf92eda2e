"""A figure is published whole or not at all, and shows itself once."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from steering_core.publishing import Provenance, figure, figures, use_style
from steering_core.publishing.figure_html import inline_html, site_root_from_notebook
from steering_core.publishing.figures import PublishedFigure

KINDS = ("svg", "png", "pdf", "csv", "json")
DATA = pd.DataFrame({"density": [1.0, 0.1, 1 / 3], "label": ["a", "b", "c"]})


def drawing() -> Figure:
    with use_style():
        drawn, axes = plt.subplots(figsize=(3, 2))
        axes.plot([0, 1], [1, 0])
    return drawn


def publish(**changes: Any) -> PublishedFigure:
    arguments: dict[str, Any] = {
        "id": "a-figure",
        "static": drawing(),
        "title": "Phases & areas",
        "caption": "Half of the cells, <em>n</em>=3 < 4, <script>x</script>.",
        "alt": 'A line that "falls".',
        "data": DATA,
        "made_by": Provenance("phases('relu')", {"densities": np.arange(2)}, [0, 1], 2.5),
    }
    arguments |= changes
    return figure(arguments.pop("id"), arguments.pop("static"), **arguments)


def html_of(published_figure: PublishedFigure) -> BeautifulSoup:
    return BeautifulSoup(published_figure._repr_mimebundle_()["text/html"], "html.parser")


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "figures").glob("*"))


def test_every_file_of_the_set_is_written(published: Path) -> None:
    publish()
    assert written(published) == sorted(f"a-figure.{kind}" for kind in KINDS)
    contents = {kind: (published / f"figures/a-figure.{kind}").read_bytes() for kind in KINDS}
    assert contents["png"].startswith(b"\x89PNG")
    assert contents["pdf"].startswith(b"%PDF")
    assert b"<svg" in contents["svg"]
    again = pd.read_csv(published / "figures/a-figure.csv")
    pd.testing.assert_frame_equal(again, DATA, check_exact=True)


def test_the_record_says_what_made_it(published: Path) -> None:
    publish()
    record = json.loads((published / "figures/a-figure.json").read_text())
    assert record["id"] == "a-figure"
    assert record["call"] == "phases('relu')"
    assert record["parameters"] == {"densities": [0, 1]}
    assert record["seeds"] == [0, 1]
    assert record["seconds"] == 2.5
    assert set(record["versions"]) >= {"python", "torch", "numpy", "plotly", "matplotlib"}
    assert {"title", "caption", "alt", "package_version", "commit", "dirty", "date"} <= set(record)


def test_drawing_again_gives_the_same_files(published: Path) -> None:
    first, second = [
        {kind: (published / f"figures/a-figure.{kind}").read_bytes() for kind in KINDS[:4]}
        for _ in range(2)
        if publish()
    ]
    assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_a_set_that_cannot_be_finished_is_absent(
    published: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    publish()
    write = figures.write_atomically

    def full_disk(path: Path, data: bytes | str) -> None:
        if path.suffix == f".{kind}":
            raise OSError("no space left")
        write(path, data)

    monkeypatch.setattr(figures, "write_atomically", full_disk)
    with pytest.raises(OSError, match="no space"):
        publish()
    assert written(published) == []


def test_a_drawing_that_fails_leaves_the_set_as_it_was(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish()
    before = (published / "figures/a-figure.json").read_bytes()

    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("no font")

    drawn = drawing()
    monkeypatch.setattr(drawn, "savefig", broken)
    with pytest.raises(RuntimeError, match="no font"):
        publish(static=drawn)
    assert (published / "figures/a-figure.json").read_bytes() == before
    assert not plt.fignum_exists(drawn.number)


@pytest.mark.usefixtures("published")
def test_a_figure_is_one_display() -> None:
    drawn = drawing()
    shown = publish(static=drawn)
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert not plt.fignum_exists(drawn.number)


@pytest.mark.usefixtures("published")
def test_a_still_figure_has_its_anchor_text_and_links() -> None:
    page = html_of(publish())
    outer = page.find(id="fig-a-figure")
    assert outer is not None
    assert outer.name == "figure"
    images = page.find_all("img")
    assert [image["alt"] for image in images] == ['A line that "falls".']
    caption = page.find("figcaption")
    assert caption is not None
    assert "Phases & areas Half of the cells, n=3 < 4, <script>x</script>." in caption.get_text()
    assert page.find("script") is None
    links = [str(link["href"]) for link in page.find_all("a")]
    assert [link.rpartition("figures/a-figure.")[2] for link in links] == list(KINDS)
    citation = page.find("details")
    assert citation is not None
    assert "title        = {Phases \\& areas}" in citation.get_text()
    assert "/figures/a-figure.svg" in citation.get_text()


@pytest.mark.usefixtures("published")
def test_an_interactive_figure_keeps_its_still_twin() -> None:
    lines = go.Figure(go.Scatter(x=[1, 2], y=[2, 1]), layout={"width": 900})
    page = html_of(publish(interactive=lines))
    box = page.find(class_="js-only")
    assert box is not None
    assert box.has_attr("hidden")
    assert box["tabindex"] == "0"
    assert 'A line that "falls".' in str(box["aria-label"])
    assert box.find(id="plot-a-figure") is not None
    assert len(page.find_all("img")) == 1
    assert '"responsive": true' in box.decode_contents()
    assert '"width":900' not in box.decode_contents()
    assert lines.layout["width"] == 900  # the caller's figure is left alone
    assert not [script for script in page.find_all("script") if script.has_attr("src")]


@pytest.mark.parametrize(
    ("folder", "root"),
    [
        ("book", "../"),
        ("book/superposition", "../../"),
        (".executed/book/superposition", "../../"),
        ("book/book/steering", "../../"),
        ("elsewhere", "../"),
        (".", ""),
    ],
)
def test_links_climb_to_the_root_of_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, root: str
) -> None:
    (tmp_path / "_config.yml").touch()
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    assert site_root_from_notebook() == root


def test_only_plain_inline_tags_pass() -> None:
    text = "a<br>b <em>c</em> & <a href='x'>d</a> <em onclick='x'>e</em>"
    expected = "a<br>b <em>c</em> &amp; &lt;a href='x'&gt;d&lt;/a&gt; &lt;em onclick='x'&gt;e</em>"
    assert inline_html(text) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "Figure 1"}, "id is 'Figure 1'"),
        ({"id": "../etc"}, "id is"),
        ({"title": ""}, "title of figure a-figure"),
        ({"caption": " "}, "caption of figure a-figure"),
        ({"alt": ""}, "alt of figure a-figure"),
        ({"data": pd.DataFrame()}, "data of figure a-figure"),
    ],
)
def test_wrong_arguments_are_named(published: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        publish(**changes)
    assert not published.exists()
    plt.close("all")


def test_provenance_refuses_what_did_not_happen() -> None:
    with pytest.raises(ValueError, match="call is empty"):
        Provenance(" ", {}, [], 1.0)
    with pytest.raises(ValueError, match="seconds is"):
        Provenance("f()", {}, [], float("nan"))

"""Every published figure can be seen, asked, taken away and heard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from .conftest import ARTICLES, Reader, Site, whole_book

INTERACTIVE = "figure.published-figure .js-plotly-plot"
DOWNLOADS = ("svg", "png", "pdf", "csv", "json")


def answers_hover(page: Page, plot: Locator) -> bool:
    """Move over the drawing, in a grid, until a label appears."""
    plot.scroll_into_view_if_needed()
    area = plot.locator(".nsewdrag").first
    area.wait_for()
    box = area.bounding_box()
    assert box is not None
    steps = [(i + 0.5) / 12 for i in range(12)]
    for down in (0.5, *steps):
        for across in steps:
            page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
            page.wait_for_timeout(60)
            if plot.locator(".hoverlayer > *").count():
                return True
    return False


@pytest.mark.parametrize("path", ARTICLES)
def test_interactive_figures_draw_and_answer_the_pointer(reader: Reader, path: str) -> None:
    visit = reader.open(path)
    plots = visit.page.locator(INTERACTIVE)
    for number in range(plots.count()):
        plot = plots.nth(number)
        name = plot.get_attribute("id")
        plot.locator("svg.main-svg").first.wait_for()
        drawn = plot.locator("svg.main-svg path, svg.main-svg image").count()
        assert drawn > 0, f"{name} draws nothing"
        assert answers_hover(visit.page, plot), f"{name} does not answer the pointer"
    assert visit.problems == []


@whole_book
def test_one_drawing_of_each_figure_is_seen(site: Site, reader: Reader) -> None:
    for path in site.articles:
        for figure in reader.look_at(path).page.locator("figure.published-figure").all():
            interactive = figure.locator(".js-plotly-plot").count()
            still = figure.locator(".published-figure__static")
            assert still.is_visible() == (interactive == 0), (path, figure.get_attribute("id"))


@pytest.mark.parametrize("path", ARTICLES)
def test_without_scripts_the_still_twin_is_seen(reader: Reader, path: str) -> None:
    page = reader.open(path, javascript=False).page
    for figure in page.locator("figure.published-figure").all():
        id = figure.get_attribute("id")
        assert figure.locator(".published-figure__static").is_visible(), id
        assert not figure.locator(".published-figure__interactive").is_visible(), id


@pytest.mark.parametrize("path", ARTICLES)
def test_print_has_the_still_twin(reader: Reader, path: str) -> None:
    page = reader.open(path).page
    page.emulate_media(media="print")
    for figure in page.locator("figure.published-figure").all():
        assert figure.locator(".published-figure__static").is_visible()


@whole_book
def test_every_figure_has_all_its_files_at_both_addresses(site: Site, reader: Reader) -> None:
    versions = [folder.name for folder in site.folder.glob("v*") if folder.is_dir()]
    for path in site.articles:
        for figure in reader.look_at(path).page.locator("figure.published-figure").all():
            id = (figure.get_attribute("id") or "").removeprefix("fig-")
            for kind in DOWNLOADS:
                for start in ("figures", *(f"{version}/figures" for version in versions)):
                    file = site.folder / start / f"{id}.{kind}"
                    assert file.is_file(), f"{path} misses {file.relative_to(site.folder)}"
                    assert file.stat().st_size > 0

"""Every page of the built book works for every reader: offline, narrow, dark, by ear."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import ARTICLES, Reader, Site, whole_book


def test_every_page_that_was_written_is_in_the_book(site: Site) -> None:
    assert site.articles == ARTICLES


@whole_book
def test_every_page_loads_without_an_error_and_from_here_alone(site: Site, reader: Reader) -> None:
    problems = {page: reader.look_at(page).problems for page in site.pages}
    assert {page: found for page, found in problems.items() if found} == {}


@whole_book
def test_formulas_are_set(site: Site, reader: Reader) -> None:
    for path in site.articles:
        page = reader.look_at(path).page
        formulas = page.locator(".math").count()
        if formulas:
            page.evaluate("MathJax.startup.promise.then(() => null)")
            assert page.locator(".math mjx-container").count() >= formulas, path


@pytest.mark.parametrize("path", ARTICLES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_page_has_a_serious_barrier(reader: Reader, path: str, dark: bool) -> None:
    page = reader.open(path, dark=dark).page
    theme = page.evaluate("document.documentElement.dataset.theme")
    assert theme == ("dark" if dark else "light")
    barriers = []
    for found in Axe().run(page).response["violations"]:
        if found["impact"] in {"serious", "critical"}:
            places = [node["html"][:300] for node in found["nodes"][:3]]
            barriers.append((found["id"], found["help"], places))
    assert barriers == []


@pytest.mark.parametrize("path", ARTICLES)
def test_no_page_scrolls_sideways_on_a_phone(reader: Reader, path: str) -> None:
    page = reader.open(path, width=375).page
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 375


LARGEST = 5_000_000  # bytes
SIZES = """
() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter(one => !one.name.includes("/_static/"))
    .reduce((sum, one) => sum + one.decodedBodySize, 0)
"""


@whole_book
def test_no_page_is_heavy(site: Site, reader: Reader) -> None:
    """All that a page loads, but for the scripts, styles and letters that all share."""
    sizes = {path: reader.look_at(path).page.evaluate(SIZES) for path in site.articles}
    assert min(sizes.values()) > 10_000, "nothing was measured"
    assert {path: size for path, size in sizes.items() if size > LARGEST} == {}


def test_search_finds_what_stands_on_a_page(reader: Reader) -> None:
    page = reader.open("search.html?q=counterbalanced").page
    results = page.locator("#search-results li a")
    results.first.wait_for()
    found = results.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert any("book/steering/steering.html" in address for address in found)
    nothing = reader.open("search.html?q=xylophonist").page
    nothing.locator("#search-results p").first.wait_for()
    assert nothing.locator("#search-results li").count() == 0

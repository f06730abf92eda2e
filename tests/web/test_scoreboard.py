"""The scoreboard can be filtered, by pointer, by keyboard and by address, and read without any."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Reader, Site

BOARD = "book/scoreboard.html"
ROWS = ".scoreboard tbody tr"


@pytest.fixture(scope="module")
def entries(site: Site) -> list[dict[str, Any]]:
    return json.loads((site.folder / "claims.json").read_text(encoding="utf8"))


def shown(page: Page) -> list[str]:
    rows = page.locator(f"{ROWS}:visible > th")
    return [text.strip() for text in rows.all_inner_texts()]


def field(page: Page, name: str) -> Locator:
    return page.locator(f".scoreboard [name={name}]")


def says(page: Page, shown: int, of: int) -> None:
    expect(page.locator(".scoreboard [role=status]")).to_have_text(f"{shown} of {of} claims")


def ids(entries: list[dict[str, Any]], part: str = "", **asked: str) -> set[str]:
    return {
        one["id"]
        for one in entries
        if one["id"].startswith(f"{part}-" if part else "")
        and all(one[key] == word for key, word in asked.items())
    }


def test_fields_narrow_the_table_together_and_can_be_cleared(
    reader: Reader, entries: list[dict[str, Any]]
) -> None:
    visit = reader.open(BOARD)
    page, all_ids = visit.page, ids(entries)
    assert set(shown(page)) == all_ids
    says(page, len(all_ids), len(all_ids))

    field(page, "part").select_option("II")
    assert set(shown(page)) == ids(entries, "II")
    field(page, "verdict").select_option("not reproduced")
    both = ids(entries, "II", verdict="not reproduced")
    assert 0 < len(both) < len(ids(entries, "II"))
    assert set(shown(page)) == both
    says(page, len(both), len(all_ids))

    field(page, "words").fill("gelu SILU")
    words = set(shown(page))
    assert words < both
    assert all("silu" in json.dumps(one).lower() for one in entries if one["id"] in words)
    field(page, "words").fill("no claim has such words")
    says(page, 0, len(all_ids))

    page.get_by_role("button", name="Show all").click()
    says(page, len(all_ids), len(all_ids))
    assert set(shown(page)) == all_ids
    expect(page).to_have_url(f"{reader.site.address}/{BOARD}")
    field(page, "origin").select_option("ours")
    assert set(shown(page)) == ids(entries, origin="ours")
    assert visit.problems == []


def test_the_keyboard_is_enough(reader: Reader, entries: list[dict[str, Any]]) -> None:
    page = reader.open(BOARD).page
    field(page, "part").focus()
    page.keyboard.press("ArrowDown")
    says(page, len(ids(entries, "I")), len(entries))
    assert set(shown(page)) == ids(entries, "I")
    for name in ("verdict", "origin", "words"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name") == name
    page.keyboard.type("motif")
    page.keyboard.press("Enter")
    says(page, 0, len(entries))
    assert shown(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    says(page, len(entries), len(entries))
    assert set(shown(page)) == ids(entries)


def test_a_filter_has_an_address(reader: Reader, entries: list[dict[str, Any]]) -> None:
    page = reader.open(f"{BOARD}?part=IV&verdict=refuted#all-claims").page
    assert set(shown(page)) == ids(entries, "IV", verdict="refuted")
    field(page, "part").select_option("")
    expect(page).to_have_url(f"{reader.site.address}/{BOARD}?verdict=refuted#all-claims")


@pytest.mark.parametrize("path", [BOARD, "book/intro.html"])
def test_every_count_of_the_tally_leads_to_as_many_claims(
    path: str, reader: Reader, entries: list[dict[str, Any]]
) -> None:
    links = reader.look_at(path).page.locator(".tally a")
    addresses = [(link.inner_text(), link.get_attribute("href")) for link in links.all()]
    in_part = Counter((one["id"].split("-")[0], one["verdict"]) for one in entries)
    assert len(addresses) == len(in_part) + len({one["verdict"] for one in entries})
    page = reader.open(path).page
    for count, address in addresses[:: len(addresses) // 5]:
        page.goto(urljoin(f"{reader.site.address}/{path}", address))
        says(page, int(count), len(entries))
        assert len(shown(page)) == int(count)


def test_without_scripts_the_whole_table_is_there(
    reader: Reader, entries: list[dict[str, Any]]
) -> None:
    page = reader.open(f"{BOARD}?part=IV", javascript=False).page
    assert set(shown(page)) == ids(entries)
    assert not page.locator(".scoreboard form").is_visible()
    assert page.locator(".scoreboard [role=status]").inner_text() == f"{len(entries)} claims"


def test_on_a_phone_every_row_is_a_card_inside_the_page(reader: Reader) -> None:
    page = reader.open(BOARD, width=375).page
    for row in (page.locator(ROWS).first, page.locator(ROWS).last):
        box = row.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 375
        cells = [cell.bounding_box() for cell in row.locator("> th, > td").all()]
        tops = [cell["y"] for cell in cells if cell]
        assert tops == sorted(set(tops)), "one below the other"
    inner = page.locator(".scoreboard .wide-table")
    assert inner.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_verdicts_in_sentences_are_those_of_the_ledger(
    reader: Reader, entries: list[dict[str, Any]]
) -> None:
    marks = reader.look_at(BOARD).page.locator(".verdict-mark").all_inner_texts()
    verdicts = {one["id"]: one["verdict"] for one in entries}
    said = dict(mark.split(" ", 1) for mark in marks)
    assert said == verdicts, "each claim is named in the reading of its part, with its verdict"

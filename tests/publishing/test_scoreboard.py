"""The scoreboard has all claims in order, with everything that the ledger knows of them."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup, Tag

from steering_core.publishing.scoreboard import scoreboard_html

ADDRESSES = {
    "claim-II-2": "two.html#claim-II-2",
    "fig-b-figure": "two.html#fig-b-figure",
    "claim-I-2": "one.html#claim-I-2",
}
Entries = list[dict[str, Any]]


def drawn(entries: Entries) -> BeautifulSoup:
    return BeautifulSoup(scoreboard_html(entries, ADDRESSES.get), "html.parser")


def row_of(page: BeautifulSoup, id: str) -> Tag:
    return next(row for row in page.select("tbody tr") if row.th and row.th.get_text() == id)


def test_there_is_one_row_a_claim_in_natural_order(small_ledger: Entries) -> None:
    page = drawn(small_ledger)
    ids = ["I-2", "I-10", "I-G1", "II-1", "II-2", "II-10"]
    assert [head.get_text() for head in page.select("tbody tr > th[scope=row]")] == ids
    assert len(page.select("tbody tr")) == len(ids)
    assert [count.get_text() for count in page.select("[role=status]")] == ["6 claims"]
    box = page.select_one(".wide-table")
    assert box is not None
    assert box["tabindex"] == "0"
    assert box["aria-label"]


def test_a_row_says_what_the_ledger_says(small_ledger: Entries) -> None:
    row = row_of(drawn(small_ledger), "II-2")
    text = " ".join(row.get_text(" ").split())
    assert "Small < large, II-2." in text
    assert "A work. Scope: toy." in text
    assert "amended 2026-01-02" in text
    assert "wider, for a reason" in text
    badges = [badge.get_text() for badge in row.select(".verdict")]
    assert badges == ["refuted", "fails"], "what does not decide has no colour"
    others = [item.get_text() for item in row.select("details .scoreboard__rules li")]
    assert all(" met," in one for one in others)
    deciding, others = row.select(".scoreboard__rules")
    only = " ".join(deciding.get_text(" ").split())
    assert only == "share: at least 0.5 0.1 , exact, n = 40, fails , see b-figure"
    assert others.find_parent("details") is not None
    assert [item.get_text().split(":")[0] for item in others.select("li")] == [
        "Beside it",
        "Refuted if share",
    ]
    interval = row_of(drawn(small_ledger), "I-2").get_text()
    assert "0.7 cells, [0.6, 0.8], n" in interval


def test_a_row_carries_what_the_filter_asks_for(small_ledger: Entries) -> None:
    page = drawn(small_ledger)
    keys = ("data-part", "data-verdict", "data-origin")
    assert [row_of(page, "II-2")[key] for key in keys] == ["II", "refuted", "source"]
    assert [row_of(page, "I-10")[key] for key in keys] == ["I", "holds", "ours"]
    form = page.select_one("form")
    assert form is not None
    assert form.has_attr("hidden"), "only a script can use it"
    asked = {
        str(select["name"]): [option["value"] for option in select.select("option")]
        for select in form.select("select")
    }
    assert asked == {
        "part": ["", "I", "II"],
        "verdict": ["", "reproduced", "refuted", "holds", "not run"],
        "origin": ["", "source", "ours"],
    }
    assert all(field.find_parent("label") for field in form.select("select, input"))


def test_only_what_a_page_has_is_linked(small_ledger: Entries) -> None:
    page = drawn(small_ledger)
    links = {str(link["href"]) for link in page.select("a")}
    assert links == set(ADDRESSES.values())
    assert row_of(page, "I-G1").select("a") == []
    assert "not run" in row_of(page, "I-G1").get_text()
    assert BeautifulSoup(scoreboard_html(small_ledger), "html.parser").select("a") == []

"""The tally counts every claim once, and its counts lead to the claims behind them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from bs4 import BeautifulSoup

from steering_core.publishing.scoreboard import scoreboard_html
from steering_core.publishing.tally import tally_html

Entries = list[dict[str, Any]]


def counts(page: BeautifulSoup) -> list[list[str]]:
    return [
        [cell.get_text() for cell in row.select("th, td")]
        for row in page.select("tbody tr, tfoot tr")
    ]


def test_every_claim_is_counted_in_its_part_and_in_all(small_ledger: Entries) -> None:
    page = BeautifulSoup(tally_html(small_ledger), "html.parser")
    assert [head.get_text() for head in page.select("thead th")] == [
        "Verdict",
        "I Steering",
        "II Superposition",
        "All",
    ]
    assert counts(page) == [
        ["reproduced", "1", "1", "2"],
        ["refuted", "0", "1", "1"],
        ["holds", "1", "0", "1"],
        ["not run", "1", "1", "2"],
        ["claims", "3", "3", "6"],
    ]
    assert page.select("a") == []


def test_bars_are_shares_of_the_part(small_ledger: Entries) -> None:
    page = BeautifulSoup(tally_html(small_ledger), "html.parser")
    widths = [str(bar["style"]) for bar in page.select("tbody tr")[0].select(".tally__bar")]
    assert widths == ["width: 33%", "width: 33%", "width: 33%"]
    assert all(bar["aria-hidden"] == "true" for bar in page.select(".tally__bar"))


def test_a_count_leads_to_as_many_rows(small_ledger: Entries) -> None:
    rows = BeautifulSoup(scoreboard_html(small_ledger), "html.parser").select("tbody tr")
    page = BeautifulSoup(tally_html(small_ledger, "board.html"), "html.parser")
    assert len(page.select("a")) == 10, "one for each count above zero"
    for link in page.select("a"):
        address = urlsplit(str(link["href"]))
        assert (address.path, address.fragment) == ("board.html", "all-claims")
        asked = {name: one for name, (one,) in parse_qs(address.query).items()}
        fit = [row for row in rows if all(row[f"data-{name}"] == asked[name] for name in asked)]
        assert len(fit) == int(link.get_text()), asked
        assert str(link["aria-label"]).startswith(link.get_text())

"""Verdicts change only knowingly, and each claim has one card in the book."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bs4 import BeautifulSoup

from steering_core.publishing.order import natural_order

from .conftest import Site

HELD = Path(__file__).parents[1] / "verdicts.json"
ACCEPT = (
    "If a change is meant: read what the book says of the claim (its chapter, "
    "book/scoreboard.ipynb, README.md), set it right where it no longer holds, and write the new "
    "verdict into tests/verdicts.json."
)


def test_every_verdict_is_the_one_that_the_prose_was_written_for(site: Site) -> None:
    held = json.loads(HELD.read_text(encoding="utf8"))
    entries = json.loads((site.folder / "claims.json").read_text(encoding="utf8"))
    built = {one["id"]: one["verdict"] for one in entries}
    changed = [
        f"{id}: {held.get(id, 'not held')} -> {built.get(id, 'not in the book')}"
        for id in sorted({*held, *built}, key=natural_order)
        if held.get(id) != built.get(id)
    ]
    assert changed == [], f"verdicts have changed: {'; '.join(changed)}. {ACCEPT}"


def test_a_claim_that_is_measured_is_measured_in_all_its_parts(site: Site) -> None:
    entries = json.loads((site.folder / "claims.json").read_text(encoding="utf8"))
    missing = {
        one["id"]: sorted({*one["rules"], *one["again"], *one["beside"]} - set(one["parts"]))
        for one in entries
        if one["parts"]
    }
    assert {id: parts for id, parts in missing.items() if parts} == {}


def test_each_measured_claim_has_one_card_on_one_page(site: Site) -> None:
    entries = json.loads((site.folder / "claims.json").read_text(encoding="utf8"))
    ids = {one["id"] for one in entries}
    cards = Counter(
        str(card["id"]).removeprefix("claim-")
        for page in site.articles
        for card in BeautifulSoup((site.folder / page).read_text(), "html.parser").select(
            "[id^=claim-]"
        )
    )
    recorded = Counter({id: number for id, number in cards.items() if id in ids})
    assert recorded == Counter(one["id"] for one in entries if one["parts"])

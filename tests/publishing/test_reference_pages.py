"""The glossary and the table of disagreements lead to pages that exist, and to claims on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steering_core.publishing.ledger import declared

BOOK = Path(__file__).parents[2] / "book"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def rows(page: str) -> list[list[str]]:
    """The cells of every row below the head of a table."""
    lines = (BOOK / page).read_text().splitlines()
    found = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [row for row in found if row[0] not in ("symbol", "question", "---")]


@pytest.mark.parametrize(("page", "columns"), [("glossary.md", 3), ("disagreements.md", 4)])
def test_tables_are_whole(page: str, columns: int) -> None:
    assert rows(page)
    assert [row for row in rows(page) if len(row) != columns] == []


def test_every_symbol_leads_to_a_page_that_exists() -> None:
    for symbol, _, where in rows("glossary.md"):
        links = LINK.findall(where)
        assert links, symbol
        assert all((BOOK / target).is_file() for _, target in links), symbol


def test_every_finding_names_claims_that_its_page_records() -> None:
    for question, said, found, _ in rows("disagreements.md"):
        links = LINK.findall(found)
        assert links, question
        assert "{cite" in said or "draft" in said, f"{question}: nobody is cited"
        for claim, page in links:
            assert claim in declared(), claim
            assert f'claim-{claim}\\"' in (BOOK / page).read_text(), (claim, page)


def test_no_result_is_typed() -> None:
    findings = [LINK.sub("", row[2]) for row in rows("disagreements.md")]
    numbers = [text for text in findings if re.search(r"\d", text)]
    assert numbers == ["Both hold at magnitude 1 only: , ."], "the draft's own"

"""The glossary and the table of disagreements lead to pages that exist, and to claims on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from steering_core.publishing.ledger import declared

BOOK = Path(__file__).parents[2] / "book"
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
NO_BREAK = "\N{NON-BREAKING HYPHEN}"  # keeps an id on one line


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of every row below the heads of the tables whose first column is called `first`."""
    found, head = [], None
    for line in (BOOK / page).read_text().splitlines():
        if not line.startswith("| "):
            head = None
            continue
        row = line.strip("| ").split(" | ")
        head = head or row[0]
        if head == first and row[0] not in (first, "---"):
            found.append(row)
    return found


@pytest.mark.parametrize(
    ("page", "first", "columns"),
    [
        ("glossary.md", "letter", 5),
        ("glossary.md", "symbol", 3),
        ("disagreements.md", "question", 4),
    ],
)
def test_tables_are_whole(page: str, first: str, columns: int) -> None:
    assert rows(page, first)
    assert [row for row in rows(page, first) if len(row) != columns] == []


def test_every_symbol_leads_to_a_page_that_exists() -> None:
    for symbol, _, where in rows("glossary.md", "symbol"):
        links = LINK.findall(where)
        assert links, symbol
        assert all((BOOK / target).is_file() for _, target in links), symbol


def test_every_finding_names_claims_that_its_page_records() -> None:
    for question, said, found, _ in rows("disagreements.md", "question"):
        links = LINK.findall(found)
        assert links, question
        assert "{cite" in said or "draft" in said, f"{question}: nobody is cited"
        for text, page in links:
            claim = text.replace(NO_BREAK, "-")
            assert claim in declared(), claim
            assert f'claim-{claim}\\"' in (BOOK / page).read_text(), (claim, page)


def test_no_result_is_typed() -> None:
    findings = [LINK.sub("", row[2]) for row in rows("disagreements.md", "question")]
    assert [text for text in findings if re.search(r"\d", text)] == []


def test_every_reason_says_what_it_rests_on() -> None:
    words = ("*Tested*", "*Reasoned*", "*Perhaps*")
    bare = [row[0] for row in rows("disagreements.md", "question") if not row[3].startswith(words)]
    assert bare == []


def test_terms_are_in_order() -> None:
    block = (BOOK / "glossary.md").read_text().split("```{glossary}\n")[1].split("\n```")[0]
    terms = [line for line in block.splitlines() if line and not line.startswith(" ")]
    assert terms == sorted(terms, key=str.lower)
    used = re.findall(r"{term}`(?:[^`<]*<)?([^`<>]+)>?`", block)
    assert set(used) <= set(terms)

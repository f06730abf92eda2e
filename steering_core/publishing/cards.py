"""Claims as readers see them: the card on a chapter's page and the scoreboard of all.

Draws ledger entries (see `ledger.ledger`) and decides nothing. Looks: `static/publishing.css`.

    claim  claim--<outcome>  claim__title  claim__id  claim__about  claim__verdict  claim__changes
    verdict  verdict--<outcome or verdict>  scoreboard  wide-table

where an outcome or verdict of two words is joined by a hyphen ("not-run").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class ClaimCard:
    """Where one claim stands.

    entry: the claim's ledger entry.
    here: the parts that were measured on this page, whose figures are linked.
    """

    entry: Entry
    here: tuple[str, ...] = ()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": card_html(self.entry, self.here), "text/plain": card_text(self.entry)}


def card_html(entry: Entry, here: Collection[str] = ()) -> str:
    """The card of one claim, with the anchor `claim-<id>`."""
    anchor = f"claim-{entry['id']}"
    about = f"{entry['source']}. Scope: {entry['scope']}. Setting: {entry['setting']}"
    rows = "".join(_rule_row(words, state, part in here) for words, state, part in _rules(entry))
    heads = ("Rule", "Measured", "Interval (99%)", "n", "Margin", "Outcome", "Figure")
    return (
        f'<section class="claim claim--{_slug(entry["outcome"])}" id="{anchor}" '
        f'aria-labelledby="title-of-{anchor}">'
        f'<p class="claim__title" id="title-of-{anchor}"><span class="claim__id">Claim '
        f"{escape(entry['id'])}</span> {escape(entry['statement'])}</p>"
        f'<p class="claim__about">{escape(about)}.</p>'
        f"{_table(f'Measurements for {anchor}', heads, rows)}"
        f"{_changes(entry)}"
        f'<p class="claim__verdict">Verdict: {_badge(entry["verdict"])}</p></section>'
    )


def card_text(entry: Entry) -> str:
    """The card as plain text."""
    lines = [
        f"Claim {entry['id']}: {entry['statement']}",
        f"  {entry['source']} ({entry['scope']})",
    ]
    for words, state, _ in _rules(entry):
        found = (
            "not run" if state is None else f"{_value(state)} {_interval(state)}, n={state['n']}"
        )
        lines.append(f"  {words}: {found}")
    return "\n".join([*lines, f"  Verdict: {entry['verdict']}"])


def scoreboard_html(
    entries: Iterable[Entry], link: Callable[[Entry], str | None] = lambda entry: None
) -> str:
    """A table of all claims.

    link: the address of an entry's card, or None where it has none yet.
    """
    heads = ("Claim", "Statement", "Verdict", "Outcome", "Measured", "Margin", "Scope", "Source")
    rows = "".join(_score_row(entry, link(entry)) for entry in entries)
    return f'<div class="scoreboard">{_table("Scoreboard of all claims", heads, rows)}</div>'


def _rules(entry: Entry) -> Iterator[tuple[str, Mapping[str, Any] | None, str]]:
    """Words, state (None before it is measured) and part of each rule, those that decide first."""
    for part, rule in entry["rules"].items():
        yield rule["words"], entry["parts"].get(part), part
    for part, rule in entry["beside"].items():
        yield f"Beside it: {rule['words']}", entry["parts"].get(part), part
    for part, rule in entry["refuted_by"].items():
        state = entry["parts"].get(part)
        yield f"Refuted if {rule['words']}", state and {**state, **state["refutation"]}, part


def _rule_row(words: str, state: Mapping[str, Any] | None, linked: bool) -> str:
    name = f'<th scope="row">{escape(words)}</th>'
    if state is None:
        return f"<tr>{name}{'<td>–</td>' * 4}<td>{_badge('not run')}</td><td>–</td></tr>"
    figure = escape(state["figure"])
    shown = f'<a href="#fig-{figure}">{figure}</a>' if linked else figure
    cells = (_value(state), _interval(state), str(state["n"]), f"{state['margin']:+.3g}")
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{name}{numbers}<td>{_badge(state['outcome'])}</td><td>{shown}</td></tr>"


def _score_row(entry: Entry, address: str | None) -> str:
    id = escape(entry["id"])
    name = id if address is None else f'<a href="{escape(address)}">{id}</a>'
    measured = "<br>".join(
        escape(f"{part}: {_value(state)} {_interval(state)}, n={state['n']}")
        for part, state in entry["parts"].items()
    )
    margin = "–" if entry["margin"] is None else f"{entry['margin']:+.3g}"
    cells = (
        escape(entry["statement"]),
        _badge(entry["verdict"]) + _changed(entry),
        _badge(entry["outcome"]),
        measured or "–",
        margin,
        escape(entry["scope"]),
        escape(entry["source"]),
    )
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _table(label: str, heads: Iterable[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return (
        f'<div class="wide-table" role="group" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _changes(entry: Entry) -> str:
    if not entry["changes"]:
        return ""
    items = "".join(f"<li>{escape(change)}</li>" for change in entry["changes"])
    return f'<div class="claim__changes"><p>Changes of the rule:</p><ul>{items}</ul></div>'


def _badge(word: str) -> str:
    return f'<strong class="verdict verdict--{_slug(word)}">{escape(word)}</strong>'


def _slug(word: str) -> str:
    return word.replace(" ", "-")


def _value(state: Mapping[str, Any]) -> str:
    return f"{state['value']:.4g} {state['unit']}".strip()


def _interval(state: Mapping[str, Any]) -> str:
    if state["interval"] is None:
        return "exact"
    low, high = state["interval"]
    return f"[{low:.4g}, {high:.4g}]"


def _changed(entry: Entry) -> str:
    """That rules or measures were amended, and when; the card says what and why."""
    dates = ", ".join(escape(change.split(":")[0]) for change in entry["changes"])
    return f'<div class="claim__changes">amended {dates}</div>' if dates else ""

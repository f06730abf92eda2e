"""A claim on the page of the chapter that measures it: its card.

Draws a ledger entry (see `ledger.ledger`) and decides nothing. Looks: `static/publishing.css`.

    claim  claim--<outcome>  claim__title  claim__id  claim__about  claim__verdict  claim__changes

The table of all claims is `scoreboard`'s.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from html import escape

from steering_core.publishing.marks import (
    Entry,
    State,
    badge,
    change_list,
    interval,
    reason,
    rules_of,
    slug,
    value,
    wide_table,
)


@dataclass(frozen=True)
class ClaimCard:
    """Where one claim stands.

    Attributes:
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
    rows = "".join(_rule_row(words, state, part in here) for words, state, part in rules_of(entry))
    heads = ("Rule", "Measured", "Interval (99%)", "n", "Margin", "Outcome", "Figure")
    return (
        f'<section class="claim claim--{slug(entry["outcome"])}" id="{anchor}" '
        f'aria-labelledby="title-of-{anchor}">'
        f'<p class="claim__title" id="title-of-{anchor}"><span class="claim__id">Claim '
        f"{escape(entry['id'])}</span> {escape(entry['statement'])}</p>"
        f'<p class="claim__about">{escape(about)}.</p>'
        f"{wide_table(f'Measurements for {anchor}', heads, rows)}"
        f"{_changes(entry)}"
        f'<p class="claim__verdict">Verdict: {badge(entry["verdict"])}{escape(reason(entry))}</p>'
        "</section>"
    )


def card_text(entry: Entry) -> str:
    """The card as plain text."""
    lines = [
        f"Claim {entry['id']}: {entry['statement']}",
        f"  {entry['source']} ({entry['scope']})",
    ]
    for words, state, _ in rules_of(entry):
        found = "not run" if state is None else f"{value(state)} {interval(state)}, n={state['n']}"
        lines.append(f"  {words}: {found}")
    return "\n".join([*lines, f"  Verdict: {entry['verdict']}{reason(entry)}"])


def _rule_row(words: str, state: State | None, linked: bool) -> str:
    name = f'<th scope="row">{escape(words)}</th>'
    if state is None:
        return f"<tr>{name}{'<td>–</td>' * 4}<td>{badge('not run')}</td><td>–</td></tr>"
    figure = escape(state["figure"])
    shown = f'<a href="#fig-{figure}">{figure}</a>' if linked else figure
    cells = (value(state), interval(state), str(state["n"]), f"{state['margin']:+.3g}")
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{name}{numbers}<td>{badge(state['outcome'])}</td><td>{shown}</td></tr>"


def _changes(entry: Entry) -> str:
    if not entry["changes"]:
        return ""
    return f'<div class="claim__changes"><p>Changes of the rule:</p>{change_list(entry)}</div>'

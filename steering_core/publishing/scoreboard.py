"""All claims in one table, which can be filtered in the browser.

Draws ledger entries (see `ledger.ledger`) and decides nothing. The table is whole without a script;
`static/scoreboard.js` shows the form above it and hides the rows that do not fit. It finds what was
asked for in the page's address, so that a count of the tally (`tally`) can be a link to the claims
behind it: `?part=II&verdict=refuted`. Looks: `static/scoreboard.css`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape

from steering_core.publishing.marks import (
    Entry,
    Line,
    badge,
    change_list,
    interval,
    reason,
    rules_of,
    value,
    wide_table,
)
from steering_core.publishing.order import ORIGINS, PARTS, VERDICTS, natural_order, part_of

ANCHOR = "all-claims"
"""The id of the scoreboard on its page."""


def scoreboard_html(
    entries: Iterable[Entry], address: Callable[[str], str | None] = lambda anchor: None
) -> str:
    """A table of all claims with a form that filters it.

    Args:
        entries: the ledger's.
        address: the address of an anchor, `claim-<id>` or `fig-<id>`; None where no page has it.
    """
    ordered = sorted(entries, key=lambda entry: natural_order(entry["id"]))
    heads = ("Claim", "Statement and source", "Verdict", "Measured")
    rows = "".join(_row(entry, address) for entry in ordered)
    return (
        f'<div class="scoreboard" id="{ANCHOR}">{_form(ordered)}'
        f'<p class="scoreboard__count" role="status">{len(ordered)} claims</p>'
        f"{wide_table('Scoreboard of all claims', heads, rows)}</div>"
    )


def _form(entries: Sequence[Entry]) -> str:
    parts = {
        part: f"{part} {PARTS.get(part, '')}"
        for part in _kept(part_of(entry["id"]) for entry in entries)
    }
    found = {entry["verdict"] for entry in entries}
    verdicts = {verdict: verdict for verdict in VERDICTS if verdict in found}
    return (
        '<form class="scoreboard__filters js-only" role="search" aria-label="Claims" hidden>'
        f"{_choice('part', parts)}{_choice('verdict', verdicts)}{_choice('origin', ORIGINS)}"
        '<label>Words <input type="search" name="words" autocomplete="off"></label>'
        '<button type="reset">Show all</button></form>'
    )


def _choice(name: str, labels: dict[str, str]) -> str:
    options = "".join(
        f'<option value="{escape(choice)}">{escape(label.strip())}</option>'
        for choice, label in labels.items()
    )
    return (
        f'<label>{name.capitalize()} <select name="{name}" autocomplete="off">'
        f'<option value="">all</option>{options}</select></label>'
    )


def _row(entry: Entry, address: Callable[[str], str | None]) -> str:
    id = entry["id"]
    rules = [_rule(line, address) for line in rules_of(entry)]
    n_deciding = len(entry["rules"]) + len(entry["again"])
    deciding, others = rules[:n_deciding], rules[n_deciding:]
    about = f"{entry['source']}. Scope: {entry['scope']}."
    return (
        f'<tr data-part="{escape(part_of(id))}" data-verdict="{entry["verdict"]}" '
        f'data-origin="{entry["origin"]}">'
        f'<th scope="row">{_linked(id, address(f"claim-{id}"))}</th>'
        f'<td>{escape(entry["statement"])}<p class="scoreboard__about">{escape(about)}</p></td>'
        f"<td>{badge(entry['verdict'])}{escape(reason(entry))}{_changes(entry)}</td>"
        f'<td><ul class="scoreboard__rules">{"".join(deciding)}</ul>{_more(id, others)}</td></tr>'
    )


def _rule(line: Line, address: Callable[[str], str | None]) -> str:
    words, state = escape(line.told), line.state
    if state is None:
        return f"<li>{words}: {line.outcome}</li>"
    figure = _linked(state["figure"], address(f"fig-{state['figure']}"))
    return (
        f'<li>{words}<br><span class="scoreboard__number">{escape(value(state))}</span>, '
        f"{escape(interval(state))}, n&nbsp;=&nbsp;{state['n']}, {line.outcome}, see {figure}</li>"
    )


def _more(id: str, rules: Sequence[str]) -> str:
    if not rules:
        return ""
    plural = "s" if len(rules) > 1 else ""
    return (
        f"<details><summary>{len(rules)} more rule{plural} of {escape(id)}</summary>"
        f'<ul class="scoreboard__rules">{"".join(rules)}</ul></details>'
    )


def _changes(entry: Entry) -> str:
    """When rules or measures were amended, and why."""
    if not entry["changes"]:
        return ""
    dates = ", ".join(_kept(change.split(":")[0] for change in entry["changes"]))
    return (
        f'<details class="claim__changes"><summary>amended {escape(dates)}</summary>'
        f"{change_list(entry)}</details>"
    )


def _linked(text: str, address: str | None) -> str:
    return escape(text) if address is None else f'<a href="{escape(address)}">{escape(text)}</a>'


def _kept(words: Iterable[str]) -> list[str]:
    """`words` in order, each once."""
    return list(dict.fromkeys(words))

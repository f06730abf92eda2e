"""How many claims came to which verdict, part by part.

Draws ledger entries (see `ledger.ledger`) and decides nothing. Each count can be a link to the
claims behind it, in the scoreboard. Looks: `static/scoreboard.css`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from steering_core.publishing.marks import Entry, badge, slug
from steering_core.publishing.order import PARTS, VERDICTS, natural_order, part_of
from steering_core.publishing.scoreboard import ANCHOR

ALL = ""  # stands for all parts, in the columns here and in the scoreboard's address


def tally_html(entries: Iterable[Entry], page: str | None = None) -> str:
    """How many claims of each part came to each verdict, with a bar for the share of the part.

    Args:
        entries: the ledger's.
        page: the address of the page with the scoreboard; None for counts that are no links.
    """
    columns = _columns(entries)
    heads = "".join(f'<th scope="col">{_head(part)}</th>' for part in columns)
    rows = "".join(
        _row(verdict, columns, page) for verdict in VERDICTS if columns[ALL][verdict] > 0
    )
    totals = "".join(f"<td>{counts.total()}</td>" for counts in columns.values())
    return (
        '<div class="tally"><table class="tally__table">'
        f'<thead><tr><th scope="col">Verdict</th>{heads}</tr></thead><tbody>{rows}</tbody>'
        f'<tfoot><tr><th scope="row">claims</th>{totals}</tr></tfoot></table></div>'
    )


def _columns(entries: Iterable[Entry]) -> dict[str, Counter[str]]:
    """The verdicts of each part, counted, in the order of the book; those of all parts at last."""
    columns: dict[str, Counter[str]] = {}
    for entry in sorted(entries, key=lambda entry: natural_order(entry["id"])):
        columns.setdefault(part_of(entry["id"]), Counter())[entry["verdict"]] += 1
    return columns | {ALL: sum(columns.values(), Counter())}


def _head(part: str) -> str:
    if part == ALL:
        return "All"
    return f'{escape(part)}<span class="tally__name"> {escape(PARTS.get(part, ""))}</span>'


def _row(verdict: str, columns: dict[str, Counter[str]], page: str | None) -> str:
    cells = "".join(
        f"<td>{_count(counts[verdict], part, verdict, page)}"
        f'<span class="tally__bar verdict--{slug(verdict)}" aria-hidden="true" '
        f'style="width: {100 * counts[verdict] / counts.total():.0f}%"></span></td>'
        for part, counts in columns.items()
    )
    return f'<tr><th scope="row">{badge(verdict)}</th>{cells}</tr>'


def _count(count: int, part: str, verdict: str, page: str | None) -> str:
    if page is None or count == 0:
        return str(count)
    asked = {"part": part, "verdict": verdict} if part != ALL else {"verdict": verdict}
    address = f"{page}?{urlencode(asked)}#{ANCHOR}"
    label = f"{count} {verdict}, {f'part {part}' if part != ALL else 'all parts'}"
    return f'<a href="{escape(address)}" aria-label="{escape(label)}">{count}</a>'

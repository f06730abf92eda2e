"""A claim on the page of the chapter that measures it: its card.

Draws a ledger entry (see `ledger.ledger`) and decides nothing. Looks: `static/publishing.css`.

    claim  claim--<outcome>  claim__title  claim__id  claim__verdict  claim__role  claim__figures
    claim__about  claim__changes

The table of all claims is `scoreboard`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from steering_core.publishing.figure_html import site_root_from_notebook
from steering_core.publishing.marks import (
    Entry,
    Line,
    badge,
    change_list,
    interval,
    reason,
    rules_of,
    slug,
    value,
    wide_table,
)

_ROLES = {
    "beside": "Beside it, deciding nothing",
    "refutes": "Refuted if all of these are met",
}
_MANY = 6
"""Words that two rules must share for one of them to leave them out."""


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
    about = f"{entry['source']}. Scope: {entry['scope']}."
    lines = list(rules_of(entry))
    heads = ("Rule", "Measured", "Interval (99%)", "n", "Margin", "Outcome")
    return (
        f'<section class="claim claim--{slug(entry["outcome"])}" id="{anchor}" '
        f'aria-labelledby="title-of-{anchor}">'
        f'<p class="claim__title" id="title-of-{anchor}"><span class="claim__id">Claim '
        f"{escape(entry['id'])}</span> {escape(entry['statement'])}</p>"
        f'<p class="claim__verdict">Verdict: {badge(entry["verdict"])}{escape(reason(entry))}</p>'
        f"{wide_table(f'Measurements for {anchor}', heads, _rows(lines))}"
        f"{_figures(lines, here)}"
        f'<p class="claim__about">{escape(about)}</p>'
        '<details class="claim__about"><summary>Setting</summary>'
        f"{escape(entry['setting'])}</details>"
        f"{_changes(entry)}"
        "</section>"
    )


def card_text(entry: Entry) -> str:
    """The card as plain text."""
    lines = [
        f"Claim {entry['id']}: {entry['statement']}",
        f"  {entry['source']} ({entry['scope']})",
    ]
    for line in rules_of(entry):
        state = line.state
        found = "not run" if state is None else f"{value(state)} {interval(state)}, n={state['n']}"
        lines.append(f"  {line.told}: {found}")
    return "\n".join([*lines, f"  Verdict: {entry['verdict']}{reason(entry)}"])


def _rows(lines: Sequence[Line]) -> str:
    """The rules; those that do not decide under a heading that says what they are for."""
    rows, before = "", Line("decides", "", "", None)
    for line in lines:
        if line.role == before.role:
            rows += _row(line, brief(line.words, before.words))
        else:
            span = 'class="claim__role" scope="rowgroup" colspan="6"'
            rows += f"<tr><th {span}>{_ROLES[line.role]}</th></tr>{_row(line, line.words)}"
        before = line
    return rows


def _row(line: Line, words: str) -> str:
    name = f'<th scope="row">{escape(words)}</th>'
    if line.state is None:
        return f"<tr>{name}{'<td>–</td>' * 4}<td>{line.outcome}</td></tr>"
    state = line.state
    cells = (value(state), interval(state), str(state["n"]), f"{state['margin']:+.3g}")
    numbers = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f"<tr>{name}{numbers}<td>{line.outcome}</td></tr>"


def brief(words: str, before: str) -> str:
    """A rule in fewer words: what it shares with the rule above it, at its beginning or its end, is
    an ellipsis where that is six words or more. The threshold stays.
    """
    measure, colon, bounds = words.rpartition(": ")
    ours, above = measure.split(), before.rpartition(": ")[0].split()
    if ours == above:
        return f"the same{colon}{bounds}"
    start, end = shared(ours, above), shared(ours[::-1], above[::-1])
    end = min(end, len(ours) - start)
    middle = ours[start if start >= _MANY else 0 : len(ours) - end if end >= _MANY else None]
    told = (["…"] if start >= _MANY else []) + middle + (["…"] if end >= _MANY else [])
    return f"{' '.join(told)}{colon}{bounds}"


def shared(ours: Sequence[str], others: Sequence[str]) -> int:
    """With how many equal words two lists begin."""
    pairs = zip(ours, others, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(others)))


def _figures(lines: Iterable[Line], here: Collection[str]) -> str:
    """The figures that show the measurements, linked where they are on this page."""
    shown: dict[str, bool] = {}
    for line in lines:
        if line.state is not None:
            name = line.state["figure"]
            shown[name] = shown.get(name, False) or line.part in here
    if not shown:
        return ""
    names = ", ".join(
        f'<a href="#fig-{escape(name)}">{escape(name)}</a>' if linked else escape(name)
        for name, linked in shown.items()
    )
    how = f"{site_root_from_notebook()}book/intro.html#how-to-read-a-verdict"
    return f'<p class="claim__figures">Shown in: {names}. <a href="{how}">How to read this</a></p>'


def _changes(entry: Entry) -> str:
    if not entry["changes"]:
        return ""
    return f'<div class="claim__changes"><p>Changes of the rule:</p>{change_list(entry)}</div>'

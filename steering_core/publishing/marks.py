"""The pieces of a claim that its card and the scoreboard show alike: badges, numbers, rules.

HTML and no decisions. Looks: `static/publishing.css`.

    verdict  verdict--<outcome or verdict>  wide-table

where an outcome or verdict of two words is joined by a hyphen ("not-run").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Entry = Mapping[str, Any]
State = Mapping[str, Any]


def slug(word: str) -> str:
    """An outcome or a verdict as it stands in a class name."""
    return word.replace(" ", "-")


def badge(word: str) -> str:
    """An outcome or a verdict, in its colour."""
    return f'<strong class="verdict verdict--{slug(word)}">{escape(word)}</strong>'


def value(state: State) -> str:
    """The measured number with its unit."""
    return f"{state['value']:.4g} {state['unit']}".strip()


def interval(state: State) -> str:
    """The 99% interval, or that there is none."""
    if state["interval"] is None:
        return "exact"
    low, high = state["interval"]
    return f"[{low:.4g}, {high:.4g}]"


def rules_of(entry: Entry) -> Iterator[tuple[str, State | None, str]]:
    """Words, state (None before it is measured) and part of each rule, those that decide first."""
    for part, rule in {**entry["rules"], **entry["again"]}.items():
        yield rule["words"], entry["parts"].get(part), part
    for part, rule in entry["beside"].items():
        yield f"Beside it: {rule['words']}", entry["parts"].get(part), part
    for part, rule in entry["refuted_by"].items():
        state = entry["parts"].get(part)
        yield f"Refuted if {rule['words']}", state and {**state, **state["refutation"]}, part


def reason(entry: Entry) -> str:
    """Why a second pretrained model, or the want of one, leaves the claim inconclusive; empty where
    it does not.
    """
    return f" ({entry['why_inconclusive']})" if entry["why_inconclusive"] else ""


def change_list(entry: Entry) -> str:
    """The dated changes of a claim's rules, each with its reason."""
    return f"<ul>{''.join(f'<li>{escape(change)}</li>' for change in entry['changes'])}</ul>"


def wide_table(label: str, heads: Iterable[str], rows: str) -> str:
    """A table in a box that scrolls where the page is narrower; `label` names the box."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return (
        f'<div class="wide-table" role="group" tabindex="0" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )

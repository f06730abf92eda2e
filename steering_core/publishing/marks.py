"""The pieces of a claim that its card and the scoreboard show alike: badges, numbers, rules.

HTML and no decisions. Looks: `static/publishing.css`.

    verdict  verdict--<outcome or verdict>  wide-table

where an outcome or verdict of two words is joined by a hyphen ("not-run").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

Entry = Mapping[str, Any]
State = Mapping[str, Any]
Role = Literal["decides", "beside", "refutes"]


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


@dataclass(frozen=True)
class Line:
    """One rule of a claim and what was measured.

    Attributes:
        role: what the rule is for.
        words: the rule.
        part: the part that it is over.
        state: the measurement; None before it is made.
    """

    role: Role
    words: str
    part: str
    state: State | None

    @property
    def told(self) -> str:
        """The rule in words that stand alone."""
        return {"decides": "", "beside": "Beside it: ", "refutes": "Refuted if "}[
            self.role
        ] + self.words

    @property
    def outcome(self) -> str:
        """HTML of how the rule came out; only what decides has a colour."""
        if self.state is None:
            return badge("not run")
        said = str(self.state["outcome"])
        if self.role == "decides":
            return badge(said)
        return {"holds": "met", "fails": "not met"}.get(said, said)


def rules_of(entry: Entry) -> Iterator[Line]:
    """The rules of a claim, those that decide first."""
    parts = entry["parts"]
    for part, rule in {**entry["rules"], **entry["again"]}.items():
        yield Line("decides", rule["words"], part, parts.get(part))
    for part, rule in entry["beside"].items():
        yield Line("beside", rule["words"], part, parts.get(part))
    for part, rule in entry["refuted_by"].items():
        state = parts.get(part)
        yield Line("refutes", rule["words"], part, state and {**state, **state["refutation"]})


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

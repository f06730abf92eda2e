"""All published figures, chapter by chapter, each with its title, name, caption, claims and files.

Draws records of figures and ledger entries, and decides nothing. Figures that no chapter shows come
last, so that whatever is published is here. Looks: `static/publishing.css`.

    figure-gallery  figure-gallery__about
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from steering_core.publishing.figure_html import DOWNLOADS, inline_html
from steering_core.publishing.marks import Entry
from steering_core.publishing.order import natural_order

Address = Callable[[str], str | None]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Chapter:
    """A page with figures.

    Attributes:
        name: of the page, unique in the book.
        title: of the page.
        address: of the page, as seen from the gallery.
        figures: their names, in the order of the page.
    """

    name: str
    title: str
    address: str
    figures: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """Where its figures begin in the gallery."""
        return f"figures-of-{self.name.replace('/', '-')}"


def gallery_html(
    folder: Path,
    top: str,
    chapters: Sequence[Chapter] = (),
    entries: Iterable[Entry] = (),
    address: Address = lambda anchor: None,
) -> str:
    """The figures of `folder`, a published `figures`.

    Args:
        folder: holds a JSON record of each figure.
        top: the way from the page up to the root of the site, such as "../".
        chapters: in the order of the book.
        entries: the ledger's; they say which figure shows which claim.
        address: the address of an anchor, `claim-<id>` or `fig-<id>`; None where no page has it.
    """
    records = {path.stem: json.loads(path.read_text("utf8")) for path in folder.glob("*.json")}
    claims = _claims_by_figure(entries)
    shown = [(one, [id for id in one.figures if id in records]) for one in chapters]
    shown = [(one, ids) for one, ids in shown if ids]
    rest = sorted(set(records) - {id for _, ids in shown for id in ids})

    def items(ids: Iterable[str]) -> str:
        return "".join(_item(id, records[id], claims.get(id, ()), address, top) for id in ids)

    links = "".join(f'<li><a href="#{one.anchor}">{escape(one.title)}</a></li>' for one, _ in shown)
    parts = [f'<nav aria-label="Chapters with figures"><ul>{links}</ul></nav>'] if shown else []
    parts += [f"{_heading(one)}{items(ids)}" for one, ids in shown]
    parts += [f"<h2>On no page</h2>{items(rest)}"] if rest else []
    return f'<div class="figure-gallery">{"".join(parts)}</div>'


def _claims_by_figure(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """The claims with a measurement that a figure shows, by its name."""
    claims: dict[str, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: natural_order(entry["id"])):
        for figure in dict.fromkeys(state["figure"] for state in entry["parts"].values()):
            claims.setdefault(figure, []).append(entry["id"])
    return claims


def _heading(chapter: Chapter) -> str:
    link = f'<a href="{escape(chapter.address)}">{escape(chapter.title)}</a>'
    return f'<h2 id="{chapter.anchor}">{link}</h2>'


def _item(id: str, record: Record, claims: Iterable[str], address: Address, top: str) -> str:
    title = _linked(record.get("title", id), address(f"fig-{id}"))
    alt = escape(record.get("alt", id), quote=True)
    file = f"{top}figures/{id}"
    shows = ", ".join(_linked(one, address(f"claim-{one}")) for one in claims)
    files = " ".join(f'<a href="{file}.{kind}">{kind.upper()}</a>' for kind in DOWNLOADS)
    about = [f"<code>{id}</code>", f"Claims: {shows}" if shows else "No claim", files]
    return (
        f'<section><h3>{title}</h3><p class="figure-gallery__about">{". ".join(about)}</p>'
        f'<a href="{file}.svg"><img class="dark-light" src="{file}.png" alt="{alt}" '
        f'loading="lazy"></a><p>{inline_html(record.get("caption", ""))}</p></section>'
    )


def _linked(text: str, address: str | None) -> str:
    return escape(text) if address is None else f'<a href="{escape(address)}">{escape(text)}</a>'

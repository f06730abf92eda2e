"""What gathers the results of all chapters: three directives and a role for the book's pages.

    {scoreboard}      the table of all claims
    {verdict-tally}   how many came to which verdict; its counts lead to the scoreboard
    {figure-gallery}  every published figure, chapter by chapter
    {verdict}`I-4`    inside a sentence: the claim and its verdict, a link to the claim's card

A page that holds one of these is written again whenever a chapter ran, and filled in then. So what
it says is right whatever order chapters run in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

from steering_core.publishing import executed
from steering_core.publishing.gallery import Chapter, gallery_html
from steering_core.publishing.ledger import ledger
from steering_core.publishing.marks import slug
from steering_core.publishing.scoreboard import scoreboard_html
from steering_core.publishing.site_files import build_folder
from steering_core.publishing.tally import tally_html

_ANCHOR = re.compile(r'id="((?:claim|fig)-[A-Za-z0-9-]+)"')
_logger = logging.getLogger(__name__)


class collected(nodes.General, nodes.Element):
    """Stands where the results of all chapters go, until every chapter has run."""


class verdict_mark(nodes.Inline, nodes.Element):
    """Stands where the verdict on one claim goes, until every chapter has run."""


class _Collects(SphinxDirective):
    what: str

    def run(self) -> list[nodes.Node]:
        _note(self.env, self.what)
        return [collected(what=self.what)]


class Scoreboard(_Collects):
    """`{scoreboard}`: the table of all claims."""

    what = "claims"


class VerdictTally(_Collects):
    """`{verdict-tally}`: how many claims of each part came to which verdict."""

    what = "verdicts"


class FigureGallery(_Collects):
    """`{figure-gallery}`: every published figure, with its caption, claims and address."""

    what = "figures"


class VerdictRole(SphinxRole):
    """The role `{verdict}` over the id of a claim: the id and the verdict as it is now."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a place for the verdict."""
        _note(self.env, "verdict")
        mark = verdict_mark(claim=self.text)
        self.set_source_info(mark)
        return [mark], []


def rewrite_collecting_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the pages that must be written again whenever a chapter ran."""
    return [page for page, data in env.metadata.items() if "collects" in data]


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the gathered results in their places."""
    marks, places = list(doctree.findall(verdict_mark)), list(doctree.findall(collected))
    if not marks and not places:
        return
    entries = ledger(executed.published(build_folder(app)))
    pages = anchor_pages(app.env)
    address = _addresses(app, docname, pages)
    for place in places:
        html = _html_of(place["what"], app, docname, entries, pages)
        place.replace_self(nodes.raw("", html, format="html"))
    verdicts = {entry["id"]: entry["verdict"] for entry in entries}
    for mark in marks:
        mark.replace_self(_shown(mark, verdicts, address))


def anchor_pages(env: BuildEnvironment) -> dict[str, str]:
    """Return the page of each claim's card and of each figure, by its anchor; a page's anchors are
    in its order.
    """
    pages: dict[str, str] = {}
    for page in sorted(env.found_docs):
        for raw in env.get_doctree(page).findall(nodes.raw):
            for anchor in _ANCHOR.findall(raw.astext()):
                pages.setdefault(anchor, page)
    return pages


def _note(env: BuildEnvironment, what: str) -> None:
    env.metadata[env.docname].setdefault("collects", []).append(what)


def _addresses(app: Sphinx, docname: str, pages: dict[str, str]) -> Callable[[str], str | None]:
    """Tell the address of an anchor as seen from a page; None where no page has the anchor."""

    def address(anchor: str) -> str | None:
        page = pages.get(anchor)
        return page and f"{app.builder.get_relative_uri(docname, page)}#{anchor}"

    return address


def _html_of(
    what: str,
    app: Sphinx,
    docname: str,
    entries: list[dict[str, Any]],
    pages: dict[str, str],
) -> str:
    if what == "verdicts":
        return tally_html(entries, _scoreboard_page(app, docname))
    address = _addresses(app, docname, pages)
    if what == "claims":
        return scoreboard_html(entries, address)
    folder, top = executed.published(build_folder(app)) / "figures", "../" * docname.count("/")
    return gallery_html(folder, top, _chapters(app, docname, pages), entries, address)


def _chapters(app: Sphinx, docname: str, pages: dict[str, str]) -> list[Chapter]:
    """The pages with figures, in the order of the book."""
    figures: dict[str, list[str]] = {}
    for anchor, page in pages.items():
        if anchor.startswith("fig-"):
            figures.setdefault(page, []).append(anchor.removeprefix("fig-"))
    return [
        Chapter(
            page,
            app.env.titles[page].astext(),
            app.builder.get_relative_uri(docname, page),
            tuple(figures[page]),
        )
        for page in app.env.collect_relations()
        if page in figures
    ]


def _scoreboard_page(app: Sphinx, docname: str) -> str | None:
    """The address of the page that holds the scoreboard, as seen from another or from itself."""
    for page, data in sorted(app.env.metadata.items()):
        if "claims" in data.get("collects", []):
            return app.builder.get_relative_uri(docname, page)
    return None


def _shown(
    mark: verdict_mark, verdicts: dict[str, str], address: Callable[[str], str | None]
) -> nodes.Element:
    """The claim's id and its verdict, linked to its card where there is one."""
    id = mark["claim"]
    if id not in verdicts:
        _logger.warning("verdict of %r: no claim of that id is declared", id, location=mark)
        return nodes.literal(id, id)
    word = verdicts[id]
    badge = nodes.strong(word, word, classes=["verdict", f"verdict--{slug(word)}"])
    content = [nodes.Text(f"{id} "), badge]
    card = address(f"claim-{id}")
    if card is None:
        return nodes.inline("", "", *content, classes=["verdict-mark"])
    return nodes.reference("", "", *content, refuri=card, internal=True, classes=["verdict-mark"])

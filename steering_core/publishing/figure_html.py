"""How a published figure looks on a page: drawing, caption, downloads, citation.

The static drawing is always in the page. Where Plotly is there, a line of script shows the
interactive drawing in its place; without JavaScript, and in print, the static one stays. Looks live
in `static/publishing.css`:

    published-figure  published-figure--interactive  published-figure__panel
    published-figure__interactive  js-only  published-figure__static
    published-figure__links  published-figure__cite

Drawings keep a white panel in the dark theme too, so that one set of colours is legible in both;
interactive ones take the project's template, and the width of the page.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import plotly.graph_objects as go
import plotly.io

from steering_core.publishing.files import checkout_root
from steering_core.publishing.style import TEMPLATE

BOOK = "How features live in neural networks"
DRAWING_HEIGHT = 450  # pixels, of an interactive drawing that asks for none
DOWNLOADS = ("svg", "png", "pdf", "csv", "json")

_INLINE_TAGS = ("b", "br", "code", "em", "i", "strong", "sub", "sup")
_ESCAPED_TAG = re.compile(rf"&lt;(/?(?:{'|'.join(_INLINE_TAGS)}))&gt;")

# Runs before Plotly draws, so that the drawing finds the width of a visible box.
_SHOW_INTERACTIVE = (
    "<script>if (window.Plotly) { const box = document.currentScript.parentElement; "
    "box.hidden = false; "
    "box.closest('figure').classList.add('published-figure--interactive'); }</script>"
)


@dataclass(frozen=True)
class FigurePage:
    """What a page needs to know of a figure; `version` is that of the package which made it."""

    id: str
    title: str
    caption: str
    alt: str
    png: bytes
    interactive: go.Figure | None
    version: str


def page_html(page: FigurePage) -> str:
    """The figure as one HTML element with the anchor `fig-<id>`."""
    source = f"data:image/png;base64,{base64.b64encode(page.png).decode()}"
    image = f'class="published-figure__static dark-light" src="{source}" alt="{escape(page.alt)}"'
    finding = f"<strong>{escape(page.title)}</strong> {inline_html(page.caption)}"
    return (
        f'<figure id="fig-{page.id}" class="published-figure">'
        f'<div class="published-figure__panel">{_interactive(page)}<img {image}></div>'
        f"<figcaption><p>{finding}</p>"
        f"{_links(page.id)}{_citation(page)}</figcaption></figure>"
    )


def inline_html(text: str) -> str:
    """`text` escaped, but for simple inline tags without attributes."""
    return _ESCAPED_TAG.sub(r"<\1>", escape(text, quote=False))


def site_root_from_notebook() -> str:
    """The way up from the page of the running notebook to the root of the site, such as "../../".

    A notebook runs in its own folder or in that of a copy elsewhere; both keep the folders from
    `book` on.
    """
    here = Path.cwd()
    if "book" in here.parts:
        depth = here.parts[::-1].index("book") + 1
    else:
        root = checkout_root()
        depth = len(here.relative_to(root).parts) if here.is_relative_to(root) else 0
    return "../" * depth


def bibtex(page: FigurePage) -> str:
    """A BibTeX entry that cites the figure under its versioned address."""
    return (
        f"@misc{{steering-core-{page.id},\n"
        f"  title        = {{{_latex(page.title)}}},\n"
        f"  author       = {{{{The steering\\_core authors}}}},\n"
        f"  year         = {{{datetime.now(UTC).year}}},\n"
        f"  howpublished = {{Figure in \\emph{{{BOOK}}}}},\n"
        f"  version      = {{{page.version}}},\n"
        f"  note         = {{v{page.version}/figures/{page.id}.svg}}\n"
        "}"
    )


def _interactive(page: FigurePage) -> str:
    if page.interactive is None:
        return ""
    responsive = go.Figure(page.interactive)
    height = responsive.layout["height"] or DRAWING_HEIGHT
    responsive.update_layout(template=TEMPLATE, width=None, height=height, autosize=True)
    drawing = plotly.io.to_html(
        responsive,
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        default_height=f"{height}px",
        div_id=f"plot-{page.id}",
        config={"responsive": True, "displaylogo": False},
    )
    label = escape(f"Interactive figure. {page.alt}")
    return (
        '<div class="published-figure__interactive js-only" hidden role="group" tabindex="0" '
        f'aria-label="{label}">{_SHOW_INTERACTIVE}{drawing}</div>'
    )


def _links(id: str) -> str:
    start = f"{site_root_from_notebook()}figures/{id}"
    links = (f'<a href="{start}.{kind}">{kind.upper()}</a>' for kind in DOWNLOADS)
    return f'<p class="published-figure__links">Download: {" ".join(links)}</p>'


def _citation(page: FigurePage) -> str:
    return (
        '<details class="published-figure__cite"><summary>Cite this figure</summary>'
        f'<pre tabindex="0" aria-label="BibTeX entry">{escape(bibtex(page))}</pre></details>'
    )


def _latex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)

"""All published figures side by side, small, each with its caption and its address."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path


def gallery_html(folder: Path, top: str) -> str:
    """The figures of `folder`, a published `figures`, as a list.

    Args:
        folder: holds a JSON record of each figure.
        top: the way from the page up to the root of the site, such as "../".
    """
    items = []
    for path in sorted(folder.glob("*.json")):
        id, record = path.stem, json.loads(path.read_text(encoding="utf8"))
        alt = escape(record.get("alt", id), quote=True)
        items.append(
            f'<li><a href="{top}figures/{id}.svg"><img src="{top}figures/{id}.png" alt="{alt}" '
            f'loading="lazy"></a><p>{escape(record.get("caption", id))}</p></li>'
        )
    return f'<ul class="figure-gallery">{"".join(items)}</ul>'

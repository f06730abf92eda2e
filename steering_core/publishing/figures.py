"""Named figures: one call publishes a figure for the page, for citing and for reuse.

`figure` writes `figures/<id>.{svg,png,pdf,csv,json}` under the published folder and returns what
the page shows. The JSON is written last: where it is, the whole set is. Looks: `figure_html`.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from steering_core.publishing.figure_html import FigurePage, page_html, site_root_from_notebook
from steering_core.publishing.files import published_folder, write_atomically
from steering_core.publishing.names import require_kebab_case
from steering_core.publishing.provenance import Provenance, commit, versions
from steering_core.publishing.style import STYLE, rc_context

__all__ = ["Provenance", "PublishedFigure", "figure", "site_root_from_notebook"]

PNG_DOTS_PER_INCH = 200

# What would make two runs differ (dates, versions) is left out of the files.
_UNDATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that has been written, and shows itself as one display of a notebook.

    record: what the JSON file holds.
    """

    page: FigurePage
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The stable name of the figure."""
        return self.page.id

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {
            "text/html": page_html(self.page),
            "image/png": base64.b64encode(self.page.png).decode(),
            "text/plain": f"Figure {self.page.id}: {self.page.title}\n{self.page.alt}",
        }


def figure(
    id: str,
    static: Figure,
    *,
    title: str,
    caption: str,
    alt: str,
    data: pd.DataFrame | Mapping[str, Sequence[Any]],
    made_by: Provenance,
    interactive: go.Figure | None = None,
) -> PublishedFigure:
    """Publish a figure under a stable name; the last expression of a cell shows it.

    Args:
        id: lower-case words joined by '-'; it becomes the anchor `fig-<id>` and the file names.
        title: of the page's figure and of its citation.
        static: the matplotlib figure; it is closed, so that it shows only once.
        caption: states the finding, n and the seeds; may hold simple inline tags such as <em>.
        alt: what a reader who cannot see the figure is told.
        data: what is drawn, one column each; the index of a frame is not written.
        made_by: how it was computed.
        interactive: the same data in Plotly; `static` is its twin in print and without JavaScript.

    Raises:
        ValueError: an id that is something else, a text that is empty, no data.
    """
    require_kebab_case("id", id)
    for name, text in (("title", title), ("caption", caption), ("alt", alt)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} of figure {id} is {text!r}; a text is needed")
    table = pd.DataFrame(data)
    if table.empty:
        raise ValueError(
            f"data of figure {id} has the shape {table.shape}; what is drawn is needed"
        )

    record = _record(id, title, caption, alt, made_by)
    try:
        drawn = _drawn(static, title)
    finally:
        plt.close(static)
    files = {
        **drawn,
        "csv": table.to_csv(index=False, lineterminator="\n").encode(),
        "json": (json.dumps(record, indent=2, allow_nan=False) + "\n").encode(),
    }
    _write_all_or_none(id, files)
    page = FigurePage(
        id, title, caption, alt, drawn["png"], interactive, record["versions"]["steering_core"]
    )
    return PublishedFigure(page, record)


def _record(id: str, title: str, caption: str, alt: str, made_by: Provenance) -> dict[str, Any]:
    return {
        "id": id,
        "title": title,
        "caption": caption,
        "alt": alt,
        **made_by.as_record(),
        "package_version": versions()["steering_core"],
        **commit(),
        "versions": versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _drawn(static: Figure, title: str) -> dict[str, bytes]:
    """The drawing as SVG, PNG and PDF, laid out once for all three."""
    fixed = {name: STYLE[name] for name in ("svg.fonttype", "svg.hashsalt", "pdf.fonttype")}
    drawn = {}
    with rc_context(fixed):
        static.draw_without_rendering()
        tight = static.get_tightbbox().padded(plt.rcParams["savefig.pad_inches"])
        static.set_layout_engine("none")
        for kind, undated in _UNDATED.items():
            buffer = io.BytesIO()
            static.savefig(
                buffer,
                format=kind,
                dpi=PNG_DOTS_PER_INCH,
                facecolor="white",
                bbox_inches=tight,
                metadata={"Title": title, **undated},
            )
            drawn[kind] = buffer.getvalue()
    return drawn


def _write_all_or_none(id: str, files: Mapping[str, bytes]) -> None:
    folder = published_folder() / "figures"
    # An older set stops counting as complete before its first file is replaced.
    (folder / f"{id}.json").unlink(missing_ok=True)
    try:
        for kind, content in files.items():
            write_atomically(folder / f"{id}.{kind}", content)
    except BaseException:
        for kind in files:
            (folder / f"{id}.{kind}").unlink(missing_ok=True)
        raise

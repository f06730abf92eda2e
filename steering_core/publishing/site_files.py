"""The files of the book's site: what its pages load, and what lies under stable addresses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import plotly
from sphinx.application import Sphinx
from sphinx.config import Config

import steering_core
from steering_core.publishing import executed
from steering_core.publishing.files import write_atomically
from steering_core.publishing.ledger import ledger

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
THEBE = ("init_thebe_core", "update_thebe_context")
_OWN_STATIC = Path(__file__).parent / "static"
_STYLES = ("publishing.css", "scoreboard.css")
_SCOREBOARD_JS = _OWN_STATIC / "scoreboard.js"


def build_folder(app: Sphinx) -> Path:
    """Return the folder that holds everything this build makes (`_build` in a checkout)."""
    return Path(app.outdir).parent


# --- what pages load


def add_static_files(app: Sphinx, config: Config) -> None:
    """Let the pages load scripts and the project's styles from the site itself."""
    config.html_static_path += [str(PLOTLY_JS), str(_SCOREBOARD_JS)]
    own = [_OWN_STATIC / name for name in _STYLES]
    for style in (*own, Path(app.srcdir) / "book/_static/book.css"):
        if style.is_file():
            config.html_static_path.append(str(style))
            app.add_css_file(style.name)


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Load plotly.js and the scoreboard's script on the pages that need them, and on no other."""
    body = context.get("body", "")
    if "plotly-graph-div" in body:
        app.add_js_file(PLOTLY_JS.name, priority=200)
    if 'class="scoreboard"' in body:
        app.add_js_file(_SCOREBOARD_JS.name, loading_method="defer")


def leave_out_thebe(app: Sphinx, config: Config) -> None:
    """Keep out live cells: the book offers none, and their script fails and names another host."""
    for listeners in app.events.listeners.values():
        listeners[:] = [
            one for one in listeners if getattr(one.handler, "__name__", "") not in THEBE
        ]


def repair_roles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Take a role off lists of references whose children do not have the role it asks for."""
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div role="list" class="citation-list">', "<div>"
        )


# --- stable addresses


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Give the site `figures/`, `v<version>/figures/` and `claims.json`."""
    if exception is not None or app.builder.format != "html":
        return
    site, source = Path(app.outdir), executed.published(build_folder(app))
    for target in (site / "figures", site / f"v{steering_core.__version__}" / "figures"):
        mirror(source / "figures", target)
    write_atomically(site / "claims.json", json.dumps(ledger(source), indent=2) + "\n")


def mirror(source: Path, target: Path) -> None:
    """Make `target` hold the files of `source` and no others, each whole at any moment."""
    files = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for file in files:
        write_atomically(target / file, (source / file).read_bytes())
    for path in list(target.rglob("*")):
        if path.is_file() and path.relative_to(target) not in files:
            path.unlink()
    if not files:
        shutil.rmtree(target, ignore_errors=True)

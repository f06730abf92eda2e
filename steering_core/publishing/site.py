"""The book's site, as a Sphinx extension: what a build needs beyond Jupyter Book.

It forgets results that are not current before anything reads them (see `executed`), brings scripts
and styles and gives published figures and claims their stable addresses (`site_files`), fills in
what gathers the results of all chapters once every chapter has run (`collected`), and offers the
repository's buttons when the checkout has a public address (`site_repository`). Nothing here draws
or decides.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

import steering_core
from steering_core.publishing import collected, executed, site_files
from steering_core.publishing.files import PUBLISHED_VARIABLE
from steering_core.publishing.site_files import build_folder
from steering_core.publishing.site_repository import add_repository


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension (Sphinx calls this)."""
    app.connect("config-inited", forget_stale_results, priority=100)
    app.connect("config-inited", site_files.add_static_files)
    app.connect("config-inited", add_repository)
    app.connect("config-inited", site_files.leave_out_thebe)
    app.connect("env-updated", collected.rewrite_collecting_pages)
    app.connect("doctree-resolved", collected.fill_in)
    app.connect("html-page-context", site_files.add_scripts)
    app.connect("html-page-context", site_files.repair_roles)
    app.connect("build-finished", site_files.publish)
    app.connect("build-finished", vouch, priority=900)
    app.add_directive("scoreboard", collected.Scoreboard)
    app.add_directive("verdict-tally", collected.VerdictTally)
    app.add_directive("figure-gallery", collected.FigureGallery)
    app.add_role("verdict", collected.VerdictRole())
    app.add_node(collected.collected)
    app.add_node(collected.verdict_mark)
    return {"version": steering_core.__version__, "parallel_read_safe": False}


def forget_stale_results(app: Sphinx, config: Config) -> None:
    """Drop all results but those of today's sources; have the chapters publish into this build."""
    root, build = Path(app.srcdir), build_folder(app)
    os.environ[PUBLISHED_VARIABLE] = str(executed.published(build))
    if not executed.is_current(root, build):
        executed.forget(build)
    app.sources_digest = executed.digest(root)  # type: ignore[attr-defined]
    for folder in (app.outdir, app.doctreedir):
        Path(folder).mkdir(parents=True, exist_ok=True)


def vouch(app: Sphinx, exception: Exception | None) -> None:
    """Write the stamp after a build that ran the chapters itself and saw none fail."""
    runs = [data.get("exec_data") for data in getattr(app.env, "nb_metadata", {}).values()]
    failed = exception is not None or any(run and not run["succeeded"] for run in runs)
    if not failed and not executed.is_current(Path(app.srcdir), build_folder(app)):
        executed.remember(build_folder(app), app.sources_digest)  # type: ignore[attr-defined]

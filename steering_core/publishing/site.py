"""The book's site, as a Sphinx extension: what a build needs beyond Jupyter Book.

It forgets results that are not current before anything reads them (see `executed`), brings
plotly.js from the installed wheel, gives published figures and claims their stable addresses, fills
in `{scoreboard}` and `{figure-gallery}` once every chapter has run, and offers the repository's
buttons when the checkout has a public address. Nothing here draws or decides.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import plotly
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

import steering_core
from steering_core.publishing import executed
from steering_core.publishing.files import PUBLISHED_VARIABLE, write_atomically
from steering_core.publishing.ledger import ledger, scoreboard_html

PLOTLY_JS = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
PUBLIC_HOSTS = ("github.com", "gitlab.com", "bitbucket.org")
THEBE = ("init_thebe_core", "update_thebe_context")
_OWN_STATIC = Path(__file__).parent / "static"
_CLAIM_ANCHOR = re.compile(r'id="claim-([A-Za-z0-9-]+)"')


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension (Sphinx calls this)."""
    app.connect("config-inited", forget_stale_results, priority=100)
    app.connect("config-inited", add_static_files)
    app.connect("config-inited", add_repository)
    app.connect("config-inited", leave_out_thebe)
    app.connect("env-updated", rewrite_collecting_pages)
    app.connect("doctree-resolved", fill_in)
    app.connect("html-page-context", add_plotly)
    app.connect("html-page-context", repair_roles)
    app.connect("build-finished", publish)
    app.connect("build-finished", vouch, priority=900)
    app.add_directive("scoreboard", Scoreboard)
    app.add_directive("figure-gallery", FigureGallery)
    app.add_node(collected)
    return {"version": steering_core.__version__, "parallel_read_safe": False}


def build_folder(app: Sphinx) -> Path:
    """Return the folder that holds everything this build makes (`_build` in a checkout)."""
    return Path(app.outdir).parent


# --- results are current, or they are gone


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


# --- files that pages load


def add_static_files(app: Sphinx, config: Config) -> None:
    """Let the pages load plotly.js and the project's styles from the site itself."""
    config.html_static_path.append(str(PLOTLY_JS))
    for style in (_OWN_STATIC / "publishing.css", Path(app.srcdir) / "book/_static/book.css"):
        if style.is_file():
            config.html_static_path.append(str(style))
            app.add_css_file(style.name)


def add_plotly(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Load plotly.js on the pages that have a Plotly figure, and on no other."""
    if "plotly-graph-div" in context.get("body", ""):
        app.add_js_file(PLOTLY_JS.name, priority=200)


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


# --- the repository's address


def add_repository(app: Sphinx, config: Config) -> None:
    """Offer the repository's buttons when the checkout's origin is a public address."""
    url = public_address(_origin(Path(app.srcdir)))
    if url is None:
        return
    config.html_theme_options |= {
        "repository_url": url,
        "repository_branch": "main",
        "use_repository_button": True,
        "use_issues_button": True,
    }
    if "://github.com/" in url:
        config.html_theme_options["launch_buttons"] = {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        }


def public_address(origin: str) -> str | None:
    """Return the page of a repository from what git calls its origin, None if it has no public one.

    A name or a password in the address is left out.
    """
    by_ssh = re.fullmatch(r"(?:[\w.-]+@)([\w.-]+):(?!/)(.+)", origin)
    if by_ssh:
        host, path = by_ssh.groups()
    else:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https", "ssh"}:
            return None
        host, path = parts.hostname or "", parts.path
    path = path.strip("/").removesuffix(".git")
    if host not in PUBLIC_HOSTS or path.count("/") != 1:
        return None
    return f"https://{host}/{path}"


def _origin(root: Path) -> str:
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


# --- what gathers the results of all chapters


class collected(nodes.General, nodes.Element):
    """Stands where the results of all chapters go, until every chapter has run."""


class _Collects(SphinxDirective):
    what: str

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname]["collects"] = self.what
        return [collected(what=self.what)]


class Scoreboard(_Collects):
    """`{scoreboard}`: the table of all claims."""

    what = "claims"


class FigureGallery(_Collects):
    """`{figure-gallery}`: every published figure, small, with its caption and address."""

    what = "figures"


def rewrite_collecting_pages(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Name the pages that must be written again whenever a chapter ran."""
    return [page for page, data in env.metadata.items() if "collects" in data]


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the gathered results in their places."""
    for place in list(doctree.findall(collected)):
        make = {"claims": _claims_html, "figures": _gallery_html}[place["what"]]
        place.replace_self(nodes.raw("", make(app, docname), format="html"))


def _claims_html(app: Sphinx, docname: str) -> str:
    pages = claim_pages(app.env)

    def link(entry: Any) -> str | None:
        page = pages.get(entry["id"])
        if page is None:
            return None
        return f"{app.builder.get_relative_uri(docname, page)}#claim-{entry['id']}"

    return scoreboard_html(ledger(executed.published(build_folder(app))), link)


def claim_pages(env: BuildEnvironment) -> dict[str, str]:
    """Return, for each claim that a page records, the page."""
    pages: dict[str, str] = {}
    for page in sorted(env.found_docs):
        for raw in env.get_doctree(page).findall(nodes.raw):
            for claim in _CLAIM_ANCHOR.findall(raw.astext()):
                pages.setdefault(claim, page)
    return pages


def _gallery_html(app: Sphinx, docname: str) -> str:
    top = "../" * docname.count("/")
    items = []
    for record in _figure_records(executed.published(build_folder(app)) / "figures"):
        id, alt = record["id"], escape(record.get("alt", record["id"]), quote=True)
        items.append(
            f'<li><a href="{top}figures/{id}.svg"><img src="{top}figures/{id}.png" alt="{alt}" '
            f'loading="lazy"></a><p>{escape(record.get("caption", id))}</p></li>'
        )
    return f'<ul class="figure-gallery">{"".join(items)}</ul>'


def _figure_records(folder: Path) -> Iterable[dict[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        yield {"id": path.stem} | json.loads(path.read_text(encoding="utf8"))


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

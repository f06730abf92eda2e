"""Execute the chapters once, so that the tests and the book see the same run.

    python -m steering_core.publishing.executed

copies the notebooks of `book/` to `.executed/book/`, runs them there under pytest (nbmake), and
hands the outcome to the cache that Jupyter Book reads, which then executes nothing again.

That cache is keyed on the code cells and knows nothing of the package that they call. So a stamp is
kept in it: a digest of everything that a result depends on, and of every file that the run
published. The stamp is written last and in one step. Whoever finds it missing or different forgets
all results, pages included, before going on; that is why an interrupted run can never be mistaken
for a finished one. `steering_core.publishing.site` asks the same question at the start of every
build, so a bare `jupyter-book build .` is as safe as `make book`.

This module is not for rendering: it knows no HTML.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat

from steering_core.publishing.files import PUBLISHED_VARIABLE, write_atomically

SECONDS_PER_CELL = 900
"""Longest time that one cell may take before its chapter fails."""
AT_ONCE = 2
"""How many chapters run side by side."""

_IGNORED = {"__pycache__", ".ipynb_checkpoints"}
_DATA = {".csv", ".npz", ".json", ".txt"}
_RESULTS_DEPEND_ON = ("jupyter-book", "matplotlib", "numpy", "plotly", "scipy", "torch")


# --- where things are


def notebooks(root: Path) -> list[Path]:
    """Return the chapters under `root/book` that have code, sorted."""
    found = (root / "book").rglob("*.ipynb")
    return sorted(path for path in found if not _IGNORED & set(path.parts))


def cache_folder(build: Path) -> Path:
    """Return the folder where Jupyter Book looks for executed notebooks."""
    return build / ".jupyter_cache"


def published(build: Path) -> Path:
    """Return the folder into which the chapters of this build publish figures and claims."""
    return build / "published"


def stamp_file(build: Path) -> Path:
    """Return the file that says what the results of this build were made from."""
    return cache_folder(build) / "executed.json"


# --- is what we have still true?


def digest(root: Path) -> str:
    """Return a hash of everything that a result depends on.

    That is the package with its tables, the lock file, the code cells of the chapters (their prose
    may change freely), data beside the chapters, the versions of what computes, and the language
    model that was asked for.
    """
    sha = hashlib.sha256()

    def add(name: str, content: bytes) -> None:
        sha.update(f"{name}\0{len(content)}\0".encode())
        sha.update(content)

    package = (root / "steering_core").rglob("*")
    # What lies in book/_data is shown by pages and read by no chapter.
    files = (root / "book").rglob("*")
    data = [path for path in files if path.suffix in _DATA and "_data" not in path.parts]
    for path in sorted([*package, *data, root / "requirements.lock"]):
        changes_looks_only = path.suffix in {".css", ".js"}
        if path.is_file() and not changes_looks_only and not _IGNORED & set(path.parts):
            add(path.relative_to(root).as_posix(), path.read_bytes())
    for path in notebooks(root):
        add(path.relative_to(root).as_posix(), _code_of(path).encode())
    for name in _RESULTS_DEPEND_ON:
        add(name, _version_of(name).encode())
    add("python", platform.python_version().encode())
    add("model", os.environ.get("STEERING_CORE_MODEL", "").encode())
    return sha.hexdigest()


def is_current(root: Path, build: Path) -> bool:
    """Tell whether `build` holds all results of the sources in `root` as they are now."""
    try:
        stamp = json.loads(stamp_file(build).read_text())
    except (OSError, ValueError):
        return False
    made_from, left_behind = stamp.get("sources"), stamp.get("published")
    return made_from == digest(root) and left_behind == _contents(published(build))


def forget(build: Path) -> None:
    """Remove every result in `build`: the stamp first, then what it vouched for, then the pages.

    The pages go too because Sphinx keeps parsed pages (with the outputs in them) and parses again
    only those whose own source changed.
    """
    stamp_file(build).unlink(missing_ok=True)
    pages = [build / name for name in (".doctrees", "html", "jupyter_execute")]
    for folder in (cache_folder(build), published(build), *pages):
        shutil.rmtree(folder, ignore_errors=True)


def remember(build: Path, sources: str) -> None:
    """Vouch that the results in `build` were made from `sources`, a digest taken before the run."""
    content = json.dumps({"sources": sources, "published": _contents(published(build))}, indent=1)
    write_atomically(stamp_file(build), content)


# --- the run


def execute(root: Path, build: Path) -> int:
    """Run the chapters under pytest, fill the book's cache with them; return the exit status."""
    forget(build)
    sources = digest(root)
    run = root / ".executed"
    shutil.rmtree(run, ignore_errors=True)
    for chapter in notebooks(root):
        copy = run / chapter.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chapter, copy)
    status = _pytest(run / "book", root, build) if notebooks(root) else 0
    if status == 0:
        for chapter in notebooks(root):
            _hand_over(chapter, run / chapter.relative_to(root), build)
        remember(build, sources)
    return status


def _pytest(folder: Path, root: Path, build: Path) -> int:
    """Run the notebooks in `folder` in place as tests, two at once with one thread each.

    Most of what they compute is too small to gain from a second thread.
    """
    command = [sys.executable, "-m", "pytest", "--nbmake", "--overwrite", str(folder)]
    command += [f"--nbmake-timeout={SECONDS_PER_CELL}", "--durations=0", "--durations-min=1"]
    command += [f"--numprocesses={AT_ONCE}", "--dist=load", "--maxschedchunk=1"]
    environment = os.environ | {PUBLISHED_VARIABLE: str(published(build)), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _hand_over(chapter: Path, executed: Path, build: Path) -> None:
    """Put the outputs of `executed` into the book's cache, under the code of `chapter`.

    The cache compares code cells with all their metadata, and a run adds times to that; so the
    cells are taken from the chapter and only the outcome from the run.
    """
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    notebook, ran = (nbformat.read(path, as_version=4) for path in (chapter, executed))
    for cell, outcome in zip(notebook.cells, ran.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = outcome.outputs, outcome.execution_count
    if "language_info" in ran.metadata:
        notebook.metadata["language_info"] = ran.metadata["language_info"]
    bundle = CacheBundleIn(notebook, str(chapter), data={"execution_seconds": _seconds(ran)})
    get_cache(str(cache_folder(build))).cache_notebook_bundle(
        bundle, check_validity=False, overwrite=True
    )


def _seconds(ran: nbformat.NotebookNode) -> float:
    """Return how long the code cells of an executed notebook took together."""
    from datetime import datetime

    total = 0.0
    for cell in ran.cells:
        times = cell.metadata.get("execution", {})
        begin, end = times.get("iopub.execute_input"), times.get("shell.execute_reply")
        if begin and end:
            total += (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
    return total


def _code_of(path: Path) -> str:
    """Return the code cells of a notebook, with what the book's cache compares, as text."""
    notebook = json.loads(path.read_text(encoding="utf8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code = [["".join(cell["source"]), cell.get("metadata", {})] for cell in cells]
    return json.dumps([code, notebook.get("metadata", {}).get("kernelspec")], sort_keys=True)


def _contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file below `folder`, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "absent"


def main() -> int:
    """Execute the chapters of the checkout one stands in, unless their results are current."""
    root = Path.cwd()
    build = root / "_build"
    if not (root / "_config.yml").exists():
        raise SystemExit(
            f"no book here: {root} has no _config.yml; run this at the root of a checkout"
        )
    if is_current(root, build):
        os.utime(stamp_file(build))  # tells make, which compares times, that nothing is to be done
        return 0
    return execute(root, build)


if __name__ == "__main__":
    raise SystemExit(main())

"""The book never shows a result of other sources than those that are there.

On a copy of the checkout, with one tiny chapter that shows and publishes a constant of the package
and counts how often it runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from steering_core.publishing import executed

PACKAGE = ("steering_core/__init__.py", "steering_core/publishing")  # and none of its parts
BOOK = ("_config.yml", "requirements.lock", "pyproject.toml", "book/_static", "book/references.bib")
BUILD = (str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-n", "-W")
CODE = """\
import os
from pathlib import Path
from steering_core.tiny import CONSTANT
with Path(os.environ["RUNS"]).open("a") as runs: runs.write("run ")
figures = Path(os.environ["STEERING_CORE_PUBLISHED"], "figures")
figures.mkdir(parents=True, exist_ok=True)
_ = (figures / "tiny.csv").write_text(CONSTANT)
print("the constant is", CONSTANT)
"""


class Copy:
    """A copy of the checkout with one tiny chapter."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.folder, self.runs_file = folder, folder / "runs.txt"
        for name in (*PACKAGE, *BOOK):
            source, target = root / name, folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target)
        (folder / "_toc.yml").write_text(
            "format: jb-book\nroot: book/intro\nchapters: [{file: book/tiny}]\n"
        )
        (folder / "book/intro.md").write_text("# A book\n\nOf one chapter.\n")
        self.write_chapter("As it was.")

    def write_chapter(self, prose: str, code: str = CODE) -> None:
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
        notebook.cells = [
            nbformat.v4.new_markdown_cell(f"# A chapter\n\n{prose}", id="prose"),
            nbformat.v4.new_code_cell(code, id="code"),
        ]
        nbformat.write(notebook, self.folder / "book/tiny.ipynb")

    def set_constant(self, value: str) -> None:
        (self.folder / "steering_core/tiny.py").write_text(f'"""Tiny."""\n\nCONSTANT = "{value}"\n')

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self.folder), "RUNS": str(self.runs_file)}
        environment.pop("STEERING_CORE_PUBLISHED", None)
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def execute(self) -> None:
        done = self.call(sys.executable, "-m", "steering_core.publishing.executed")
        assert done.returncode == 0, done.stdout + done.stderr

    def build(self) -> None:
        done = self.call(*BUILD)
        assert done.returncode == 0, done.stdout + done.stderr

    def die_before_the_stamp(self) -> None:
        code = (
            "import os; from steering_core.publishing import executed;"
            "executed.remember = lambda *_: os._exit(9); executed.main()"
        )
        assert self.call(sys.executable, "-c", code).returncode == 9

    @property
    def runs(self) -> int:
        return self.runs_file.read_text().count("run")

    @property
    def shown(self) -> tuple[str, str]:
        """The constant on the page, and at the figure's stable address."""
        page = (self.folder / "_build/html/book/tiny.html").read_text()
        on_page = page.split("the constant is ")[1].split("\n")[0].split("<")[0].strip()
        return on_page, (self.folder / "_build/html/figures/tiny.csv").read_text()


@pytest.mark.slow
def test_the_book_shows_results_of_the_present_sources_and_no_others(
    root: Path, tmp_path: Path
) -> None:
    copy = Copy(root, tmp_path)

    copy.set_constant("first")
    copy.execute()
    copy.build()
    assert (copy.shown, copy.runs) == (("first", "first"), 1), "one run serves tests and book"

    copy.write_chapter("Prose has changed.")
    copy.build()
    assert "Prose has changed." in (tmp_path / "_build/html/book/tiny.html").read_text()
    assert (copy.shown, copy.runs) == (("first", "first"), 1), "prose runs nothing again"

    copy.set_constant("second")
    copy.build()  # as a reader would who does not know of make
    assert (copy.shown, copy.runs) == (("second", "second"), 2)
    assert executed.is_current(tmp_path, tmp_path / "_build"), "that build vouches for its run"

    copy.set_constant("third")
    copy.die_before_the_stamp()
    assert copy.runs == 3
    copy.build()
    assert (copy.shown, copy.runs) == (("third", "third"), 4), "nothing of a dead run is used"


@pytest.mark.slow
def test_a_chapter_that_fails_leaves_nothing_to_trust(root: Path, tmp_path: Path) -> None:
    copy = Copy(root, tmp_path)
    copy.set_constant("first")
    copy.write_chapter("It fails.", CODE + "raise RuntimeError('on purpose')\n")
    assert copy.call(*BUILD).returncode != 0
    assert copy.runs == 1
    assert not executed.stamp_file(tmp_path / "_build").exists()


def test_the_stamp_names_every_published_file(root: Path, tmp_path: Path) -> None:
    copy, build = Copy(root, tmp_path), tmp_path / "_build"
    claims = executed.published(build) / "claims"
    claims.mkdir(parents=True)
    (claims / "one.json").write_text("{}")
    executed.remember(build, executed.digest(copy.folder))
    assert list(json.loads(executed.stamp_file(build).read_text())["published"]) == [
        "claims/one.json"
    ]
    assert executed.is_current(copy.folder, build)
    (claims / "one.json").write_text("{ }")
    assert not executed.is_current(copy.folder, build)
    executed.forget(build)
    assert not claims.exists()

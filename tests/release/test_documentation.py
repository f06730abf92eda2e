"""What README, CONTRIBUTING and the pages of the book tell a reader to type does work."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from steering_core.publishing.studies.__main__ import declared_studies
from tests.release.blocks import Block, commands, python_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("book/*.md"), *ROOT.glob("steering_core/**/*.md")])
CHAPTERS = sorted(ROOT.glob("book/**/*.ipynb"))
RUNNER = Path(__file__).with_name("run_blocks.py")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text_of(path: Path) -> str:
    """A page; of a chapter, its prose."""
    if path.suffix == ".md":
        return path.read_text("utf8")
    cells = json.loads(path.read_text("utf8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown") + "\n"


def all_blocks() -> Iterator[tuple[Path, int, Block]]:
    for page in PAGES + CHAPTERS:
        yield from ((page, i, block) for i, block in enumerate(python_blocks(text_of(page))))


BLOCKS = [pytest.param(*found, id=f"{name_of(found[0])}-{found[1]}") for found in all_blocks()]


@functools.cache
def outcomes(page: Path) -> list[str | None]:
    """The traceback of each block of a page, None where it ran; null for those not to be run."""
    blocks = python_blocks(text_of(page))
    sources = [block.source if block.why_not is None else "" for block in blocks]
    environment = {
        name: v for name, v in os.environ.items() if not name.startswith("STEERING_CORE")
    }
    done = subprocess.run(
        [sys.executable, RUNNER],
        input=json.dumps(sources),
        env=environment | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(("page", "number", "block"), BLOCKS)
def test_a_block_of_python_runs_by_itself(page: Path, number: int, block: Block) -> None:
    if block.why_not is None:
        assert outcomes(page)[number] is None, outcomes(page)[number]
    else:
        assert missing_names(block.source) == []


def missing_names(source: str) -> list[str]:
    """What a block imports from this package that is not there."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return [
        f"{node.module}.{alias.name}"
        for node in nodes
        if node.module and node.module.startswith("steering_core")
        for alias in node.names
        if not hasattr(importlib.import_module(node.module), alias.name)
        and not importlib.util.find_spec(f"{node.module}.{alias.name}")
    ]


def test_a_block_that_fails_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n```python\nx + 1\n```\n\n"
        "<!-- not run: needs a GPU -->\n```python\nx + 2\n```\n"
    )
    first, second, third = outcomes(page)
    assert first is None
    assert second is not None
    assert "NameError" in second
    assert third is None
    assert missing_names("from steering_core.steering import steer, stear") == [
        "steering_core.steering.stear"
    ]


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf8")
    return {
        name
        for names in re.findall(r"^([a-z][\w %-]*):(?!=)", makefile, re.M)
        for name in names.split()
    }


def unknown_targets(text: str) -> list[str]:
    """The targets that a page's commands ask `make` for and that are not there."""
    words = [command.split() for command in commands(text) if command.split()[0] == "make"]
    asked = {word for _, *rest in words for word in rest if re.fullmatch(r"[a-z][\w%-]*", word)}
    names = {*declared_studies(), "NAME", "name"}
    studies = {f"{do}-{name}" for do in ("study", "again") for name in names}
    return sorted(asked - targets() - studies)


@pytest.mark.parametrize("path", [*PAGES, *CHAPTERS], ids=name_of)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    assert unknown_targets(text_of(path)) == []


def test_a_make_target_that_does_not_exist_is_found() -> None:
    page = "Say `make book` or `make tea`:\n\n    make study-of-tea  # long\n    make test\n\n"
    assert unknown_targets(page) == ["study-of-tea", "tea"]


MODULES = sorted(
    {
        (name_of(path), *match)
        for path in [*PAGES, *CHAPTERS]
        for command in commands(text_of(path))
        for match in re.findall(r"python3? -m (steering_core[\w.]*)(.*)", command)
    }
)


@pytest.mark.parametrize(("page", "module", "rest"), MODULES)
def test_a_module_that_is_to_be_run_takes_the_options_that_are_named(
    page: str, module: str, rest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.find_spec(module)
    assert spec is not None, page
    if spec.submodule_search_locations:
        spec = importlib.util.find_spec(f"{module}.__main__")
    assert spec is not None, page
    assert spec.origin is not None
    source = Path(spec.origin).read_text("utf8")
    assert 'if __name__ == "__main__"' in source
    options = re.findall(r"(--[a-z][\w-]*)", rest)
    if options or "argparse" in source:
        with pytest.raises(SystemExit, match=r"^0$"):
            importlib.import_module(spec.name).main(["--help"])
        shown = capsys.readouterr().out
        assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("path", [p for p in PAGES if p.parent == ROOT], ids=name_of)
def test_every_program_of_the_environment_that_is_named_is_in_it(path: Path) -> None:
    programs = set(re.findall(r"\.venv/bin/([\w-]+)", text_of(path)))
    assert [p for p in programs if not Path(sys.executable).with_name(p).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_to_a_file_finds_it(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)\s#]+)", text_of(path))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_readme_links_every_page_of_the_book() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    pages = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    links = re.findall(r"\]\((book/[^)]+)\.(?:ipynb|md)\)", text_of(ROOT / "README.md"))
    assert len(pages) > 10
    assert set(pages) - set(links) == set()
    assert len(links) == len(set(links))

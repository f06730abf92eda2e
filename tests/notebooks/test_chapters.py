"""Chapters are for reading: short cells, listed in the table of contents.

That they run is checked by `make execute`, under nbmake; this only looks at them.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import yaml


def chapters(root: Path) -> list[Path]:
    found = (root / "book").rglob("*.ipynb")
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def code_cells(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def lines(code: str) -> int:
    return sum(bool(line.strip()) for line in code.splitlines())


def test_code_cells_are_short(root: Path) -> None:
    for path in chapters(root):
        lengths = [lines(code) for code in code_cells(path)]
        assert median(lengths) <= 8, path.name
        assert sum(length <= 20 for length in lengths) >= 0.9 * len(lengths), path.name


def test_chapters_hold_no_algorithm(root: Path) -> None:
    for path in chapters(root):
        for code in code_cells(path):
            assert not any(
                line.startswith(("class ", "for ", "while ")) for line in code.splitlines()
            ), f"{path.name}: belongs in the package:\n{code}"


def test_every_chapter_and_page_is_in_the_table_of_contents(root: Path) -> None:
    toc = yaml.safe_load((root / "_toc.yml").read_text())
    listed = {toc["root"]}
    listed |= {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}
    there = {
        path.relative_to(root).with_suffix("").as_posix()
        for path in (root / "book").rglob("*")
        if path.suffix in {".md", ".ipynb"} and ".ipynb_checkpoints" not in path.parts
    }
    assert listed == there

"""The scoreboard's reading of the parts sorts claims as their verdicts do."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GROUPS = {
    "What holds.": {"reproduced", "holds"},
    "What does not.": {"not reproduced", "refuted", "fails"},
    "What is open.": {"inconclusive", "not run"},
}


def groups() -> dict[str, list[str]]:
    """The ids named under each heading, all parts together; those under others are left out."""
    cells = json.loads((ROOT / "book" / "scoreboard.ipynb").read_text("utf8"))["cells"]
    prose = "".join("".join(one["source"]) for one in cells if one["cell_type"] == "markdown")
    found: dict[str, list[str]] = {name: [] for name in GROUPS}
    for name, text in re.findall(r"^\*(What [^*]+)\*(.*?)(?=^\*What|^#)", prose, re.M | re.S):
        found.get(name, []).extend(re.findall(r"\{verdict\}`([^`]+)`", text))
    return found


def test_every_claim_stands_under_the_heading_of_its_verdict() -> None:
    held = json.loads((ROOT / "tests" / "verdicts.json").read_text("utf8"))
    found = groups()
    assert min(len(ids) for ids in found.values()) >= 2, "a heading was not found"
    misplaced = [
        f"{id} ({held[id]}) under {name}"
        for name, ids in found.items()
        for id in ids
        if held[id] not in GROUPS[name]
    ]
    assert misplaced == []

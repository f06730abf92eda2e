"""In which order claims, parts of the book, origins and verdicts are shown, and by what names."""

from __future__ import annotations

import re
from typing import get_args

from steering_core.publishing.claims import Verdict

PARTS = {
    "I": "Steering",
    "II": "Superposition",
    "III": "Computation in superposition",
    "IV": "Sparse autoencoders",
}
ORIGINS = {"source": "a source", "ours": "this book"}
VERDICTS: tuple[str, ...] = get_args(Verdict)


def part_of(id: str) -> str:
    """The part of the book that a claim belongs to: "II" of "II-12"."""
    return id.split("-")[0]


def natural_order(id: str) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    """What claims are sorted by: parts as in the book, then I-2 before I-10, I-G1 after them.

    A part's own name is in order, too; parts that the book does not have come last.
    """
    part, _, rest = id.partition("-")
    place = list(PARTS).index(part) if part in PARTS else len(PARTS)
    pieces = re.findall(r"([A-Za-z]*)(\d*)", rest)
    return place, part, tuple((letters, int(digits or 0)) for letters, digits in pieces)

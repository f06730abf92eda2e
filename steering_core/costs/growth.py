"""How seconds grow with size: a power law through the largest sizes that were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LARGEST = 3
"""Points that the law goes through. Small sizes cost what a call costs whatever its size, and would
bend it."""


@dataclass(frozen=True)
class Growth:
    """seconds = factor * size ** power."""

    factor: float
    power: float

    def seconds(self, size: float) -> float:
        """What the law says of a size."""
        return self.factor * size**self.power


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> Growth:
    """The power law through the three largest sizes, by least squares on logarithms.

    Args:
        sizes: at least three different ones, above 0.
        seconds: of each, above 0.

    Raises:
        ValueError: fewer than three points, lengths that differ, numbers that are not above 0.
    """
    if len(sizes) != len(seconds) or len(set(sizes)) < LARGEST:
        raise ValueError(
            f"sizes: got {len(set(sizes))} different ones and {len(seconds)} seconds; as many of "
            f"each, and at least {LARGEST} different sizes, are allowed"
        )
    for name, values in (("sizes", sizes), ("seconds", seconds)):
        if not all(0 < value < float("inf") for value in values):
            raise ValueError(f"{name}: got {list(values)}; finite numbers above 0 are allowed")
    order = np.argsort(sizes)[-LARGEST:]
    logs = np.log(np.asarray(sizes, dtype=float)[order]), np.log(np.asarray(seconds)[order])
    power, intercept = np.polyfit(*logs, deg=1)
    return Growth(float(np.exp(intercept)), float(power))


def missed(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """What the law through the other points says of the largest size, over what was measured.

    It is how far an extrapolation by one step goes wrong.

    Raises:
        ValueError: fewer than four points, and what `growth` refuses.
    """
    order = np.argsort(sizes).tolist()
    *others, largest = [(sizes[place], seconds[place]) for place in order]
    law = growth([size for size, _ in others], [taken for _, taken in others])
    return law.seconds(largest[0]) / largest[1]

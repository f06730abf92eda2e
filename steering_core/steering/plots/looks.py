"""How each kind of vector looks: the same colour and mark in every figure of part I."""

from collections.abc import Iterable
from itertools import cycle

from steering_core.publishing.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
)

MARKERS = "osD^vP<>X*"
SYMBOLS = dict(
    zip(
        MARKERS,
        (
            "circle",
            "square",
            "diamond",
            "triangle-up",
            "triangle-down",
            "cross",
            "triangle-left",
            "triangle-right",
            "x",
            "star",
        ),
        strict=True,
    )
)
"""What plotly calls each marker."""

LOOKS = {
    "less m": (BLUE, "o"),
    "uncentred": (VERMILLION, "s"),
    "as they are": (VERMILLION, "s"),
    "as they are, with m itself": (BLACK, "X"),
    "pair: target less source": (GREEN, "D"),
    "less neutral texts": (GREEN, "D"),
    "less stories": (PURPLE, "^"),
    "less m, matched by position": (ORANGE, "v"),
    "less all texts": (SKY_BLUE, "P"),
    "a genre's own": (BLACK, "X"),
}


def looks_of(names: Iterable[str]) -> list[tuple[str, str]]:
    """Colour and marker of each name: its own, or else the next of the palette."""
    spare = zip(cycle(PALETTE), cycle(MARKERS), strict=False)
    return [LOOKS.get(name, look) for name, look in zip(names, spare, strict=False)]

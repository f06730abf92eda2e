"""The look is applied inside the block only, and can be told apart and read."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from steering_core import publishing
from steering_core.publishing import PALETTE, use_style
from steering_core.publishing.style import STYLE

CSS = Path(publishing.__file__).parent / "static" / "publishing.css"


def test_the_style_ends_with_the_block() -> None:
    before = dict(mpl.rcParams)
    with use_style():
        assert mpl.rcParams["svg.fonttype"] == "none"
        assert not mpl.rcParams["axes.spines.top"]
    assert dict(mpl.rcParams) == before


def test_no_text_is_smaller_than_nine_points() -> None:
    sizes = [value for name, value in STYLE.items() if name.endswith(("labelsize", "fontsize"))]
    assert min([*sizes, STYLE["font.size"]]) >= 9


def test_the_palette_has_eight_colours() -> None:
    assert len(set(PALETTE)) == 8


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_stands_out_from_its_surface(theme: int) -> None:
    blocks = [block for block in CSS.read_text().split("}") if "--surface:" in block]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[theme]))
    surface = luminance(colours["surface"])
    for name in ("ink", "faint", "link", "good", "bad", "open"):
        lighter, darker = sorted((luminance(colours[name]), surface), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, name

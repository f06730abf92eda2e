"""One look for every figure: colours for colour-blind readers too, type that can be read.

The eight colours are those of Okabe and Ito (2008). Nothing here draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

import matplotlib as mpl
import plotly.graph_objects as go
from cycler import cycler

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"

# In the order in which series take them; yellow comes last, being faint on white.
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK, YELLOW)

INK = "#1A1A1A"
PAPER = "#FFFFFF"
GRID = "#D9D9D9"

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "figure.figsize": (6.4, 4.0),
    "font.size": 10,
    "grid.color": GRID,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",  # text stays text, to be searched and read aloud
    "svg.hashsalt": "steering_core",  # the same figure gives the same file
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 9,
    "ytick.color": INK,
    "ytick.labelsize": 9,
}

_AXIS = {"gridcolor": GRID, "linecolor": INK, "ticks": "outside", "automargin": True}

TEMPLATE = go.layout.Template(
    layout={
        "colorway": PALETTE,
        "font": {"color": INK, "size": 13},
        "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def use_style() -> AbstractContextManager[None]:
    """Draw with `STYLE` inside the `with` block, and as before after it."""
    return rc_context(STYLE)


def rc_context(settings: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Draw with matplotlib `settings` inside the `with` block."""
    return mpl.rc_context(cast(Any, dict(settings)))

"""What a drawing shows, as the tests of the plots read it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def legend_of(drawing: Figure | Axes) -> list[str]:
    """What the one legend says, once all is laid out: inside the axes, or else beside them."""
    fig = drawing.figure
    assert isinstance(fig, Figure)
    fig.draw_without_rendering()
    inside = drawing.get_legend() if isinstance(drawing, Axes) else None
    (legend,) = [inside] if inside else fig.legends
    return [text.get_text() for text in legend.get_texts()]


def lines_of(ax: Axes) -> dict[str, Any]:
    """The lines by their labels."""
    return {str(line.get_label()): line for line in ax.lines}


def heights_of(ax: Axes, label: str) -> np.ndarray:
    """Of the one line with this label."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return np.asarray(line.get_ydata(), float)


def ticks_of(ax: Axes) -> list[str]:
    """What stands along the horizontal axis."""
    return [label.get_text() for label in ax.get_xticklabels()]


def spans_of(bars: Any, *, axis: Literal["x", "y"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What error bars along an axis show: values, and both ends."""
    points, _, (ends,) = bars
    along = "xy".index(axis)
    segments = np.array(ends.get_segments())[..., along]
    return np.asarray(points.get_data()[along], float), segments[:, 0], segments[:, 1]

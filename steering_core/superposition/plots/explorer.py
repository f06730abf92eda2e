"""Phase diagrams to hover over: every activation side by side, every cell with its numbers."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Shaped
from plotly.subplots import make_subplots

from steering_core.superposition import phases
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.plots.maps import COLOURS, NAMES
from steering_core.superposition.trained import TrainedDiagram

_PLACE = "density %{y:.3g}, importance %{x:.3g}<br>"
_MODEL = (
    "w = (%{customdata[0]:.3f}, %{customdata[1]:.3f})<br>"
    "b = (%{customdata[2]:.3f}, %{customdata[3]:.3f})<br>"
    "r = (%{customdata[4]:.2f}, %{customdata[5]:.2f})<br>"
    "loss %{customdata[6]:.3g}<br>"
)
_COLUMNS = 4
_NUMBERS = tuple(range(len(phases.PHASES_OF_TWO)))


def phase_explorer(diagrams: Mapping[str, PhaseDiagram]) -> go.Figure:
    """The optimum of every cell: weights, biases, r, loss, margin to the next best phase."""
    layers = {}
    for activation, d in diagrams.items():
        numbers = np.concatenate(
            [
                d.weights[..., 0, :],
                d.bias,
                d.represented,
                d.loss[..., None],
                100 * d.margin[..., None],
            ],
            axis=-1,
        )
        layers[activation] = _layer(
            d, d.phase, numbers, _MODEL + "next best phase: %{customdata[7]:.3g}% higher"
        )
    return _explorer(layers)


def trained_explorer(diagrams: Mapping[str, TrainedDiagram]) -> go.Figure:
    """The best restart of every cell, and how many restarts ended in which phase."""
    layers = {}
    for activation, d in diagrams.items():
        best = d.best()
        picked = [
            np.take_along_axis(part.numpy(), best[..., None, None], 2)[..., 0, :]
            for part in (d.weights[..., 0, :], d.bias)
        ]
        share = [d.share_of_restarts(name)[..., None] * d.restarts for name in phases.PHASES_OF_TWO]
        layers[activation] = _layer(d, d.phase(), np.concatenate([*picked, *share], -1), _RESTARTS)
    return _explorer(layers)


_RESTARTS = (
    "best restart: w = (%{customdata[0]:.3f}, %{customdata[1]:.3f}), "
    "b = (%{customdata[2]:.3f}, %{customdata[3]:.3f})<br>restarts that end "
    + ", ".join(
        f"{name}: %{{customdata[{4 + i}]:.0f}}" for i, name in enumerate(phases.PHASES_OF_TWO)
    )
)


def _layer(
    diagram: PhaseDiagram | TrainedDiagram,
    phase: Shaped[np.ndarray, "D I"],
    numbers: Float[np.ndarray, "D I k"],
    words: str,
) -> go.Heatmap:
    """One activation's map; what a hover shows is in `numbers`."""
    codes = np.array([phases.PHASES_OF_TWO.index(name) for name in phase.flat])
    return go.Heatmap(
        x=diagram.importances.numpy().astype(np.float32),
        y=diagram.densities.numpy().astype(np.float32),
        z=codes.reshape(phase.shape).astype(np.int8),
        customdata=numbers.astype(np.float32),
        text=phase,
        hovertemplate="<b>%{text}</b><br>" + _PLACE + words + "<extra></extra>",
        coloraxis="coloraxis",
    )


def _explorer(layers: Mapping[str, go.Heatmap]) -> go.Figure:
    """All maps side by side, as in the still figure, with one legend of colours."""
    rows = -(-len(layers) // _COLUMNS)
    cells = [{} if i < len(layers) else None for i in range(rows * _COLUMNS)]
    fig = make_subplots(
        rows,
        _COLUMNS,
        specs=[cells[i : i + _COLUMNS] for i in range(0, len(cells), _COLUMNS)],
        shared_xaxes="all",  # pyright: ignore[reportArgumentType]
        shared_yaxes="all",  # pyright: ignore[reportArgumentType]
        horizontal_spacing=0.03,
        vertical_spacing=0.1,
        subplot_titles=[NAMES[name] for name in layers],
        x_title="importance of the extra feature",
        y_title="density 1 − S",
    )
    for place, layer in enumerate(layers.values()):
        fig.add_trace(layer, row=1 + place // _COLUMNS, col=1 + place % _COLUMNS)
    fig.update_xaxes(type="log", tickvals=[0.1, 1, 10], tickfont_size=11)
    fig.update_yaxes(type="log", tickvals=[0.01, 0.1, 1])
    fig.update_layout(
        height=230 * rows + 130, margin={"t": 40, "l": 70, "b": 130}, coloraxis=_colours()
    )
    return fig


def _colours() -> dict:
    """A colour for each phase, and its name below the maps."""
    steps = len(_NUMBERS)
    colours = [COLOURS[name] for name in phases.PHASES_OF_TWO]
    return {
        "colorscale": [[(i + end) / steps, c] for i, c in enumerate(colours) for end in (0, 1)],
        "cmin": -0.5,
        "cmax": steps - 0.5,
        "colorbar": {
            "orientation": "h",
            "y": -0.18,
            "yanchor": "top",
            "thickness": 12,
            "tickvals": _NUMBERS,
            "ticktext": [name.replace(" ", "<br>") for name in phases.PHASES_OF_TWO],
        },
    }

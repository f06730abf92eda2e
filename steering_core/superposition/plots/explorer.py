"""Phase diagrams to hover over: pick an activation, read a cell."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Shaped

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
    steps = len(_NUMBERS)
    colours = [COLOURS[name] for name in phases.PHASES_OF_TWO]
    scale = [[(i + end) / steps, colour] for i, colour in enumerate(colours) for end in (0, 1)]
    return go.Heatmap(
        x=diagram.importances.numpy().astype(np.float32),
        y=diagram.densities.numpy().astype(np.float32),
        z=codes.reshape(phase.shape).astype(np.int8),
        customdata=numbers.astype(np.float32),
        text=phase,
        hovertemplate="<b>%{text}</b><br>" + _PLACE + words + "<extra></extra>",
        colorscale=scale,
        zmin=-0.5,
        zmax=steps - 0.5,
        colorbar={
            "orientation": "h",
            "y": -0.2,
            "yanchor": "top",
            "thickness": 12,
            "tickvals": _NUMBERS,
            "ticktext": [name.replace(" ", "<br>") for name in phases.PHASES_OF_TWO],
        },
    )


def _explorer(layers: Mapping[str, go.Heatmap]) -> go.Figure:
    """One map at a time, chosen from a menu."""
    shown = "gelu" if "gelu" in layers else next(iter(layers))
    fig = go.Figure([layer.update(visible=name == shown) for name, layer in layers.items()])
    buttons = [
        {
            "label": NAMES[name],
            "method": "restyle",
            "args": [{"visible": [o == name for o in layers]}],
        }
        for name in layers
    ]
    fig.update_layout(
        height=560,
        updatemenus=[
            {
                "buttons": buttons,
                "active": list(layers).index(shown),
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
            }
        ],
        xaxis={"type": "log", "title": "importance of the extra feature", "tickvals": [0.1, 1, 10]},
        yaxis={"type": "log", "title": "density 1 - S", "tickvals": [0.01, 0.1, 1]},
        margin={"t": 60},
    )
    return fig

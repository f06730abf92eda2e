"""Response curves to play with: three sliders, for the noise, the fitted magnitude, the feature.

Curves are drawn in units of s, so that the three do not disturb each other: the first exchanges the
curves, the second the numbers on the axes, the third says which point of each curve is marked.
"""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from steering_core.publishing.style import BLUE, GRID, INK, VERMILLION
from steering_core.sparse_autoencoders.response import Kind, response

SHARES = tuple(k / 10 for k in range(10))
MARKED = tuple(k / 4 for k in range(13))
FITTED = (0.5, 1.0, 2.0, 4.0)
START = {"noise": 5, "fitted": 1, "marked": 8}

_TICKS = tuple(range(7))
_HOVER = {"unifiedhovertitle": {"text": "M = %{x:.2f} s"}}
_LOOKS: dict[Kind, tuple[str, str]] = {
    "relu": ("gates and shifts (ReLU)", VERMILLION),
    "scsae": ("gates only", BLUE),
}


def response_table() -> pd.DataFrame:
    """Outputs of both kinds of latents at noises from 0 to 0.9 and magnitudes to 3, all in units
    of s; a row a hair above the threshold draws the jump of the gate."""
    frames = []
    for share in SHARES:
        m = np.union1d(np.linspace(0, 3, 61), [share, share + 1e-9])
        outputs = {
            kind: response(m, fitted_magnitude=1.0, noise=share, kind=kind) for kind in _LOOKS
        }
        frames.append(pd.DataFrame({"noise": share, "magnitude": m} | outputs))
    return pd.concat(frames, ignore_index=True)


def response_explorer(table: pd.DataFrame) -> go.Figure:
    """What comes out at any noise, fitted magnitude and magnitude.

    Args:
        table: from `response_table`.
    """
    pictures = [_traces(table, share) for share in SHARES]
    fig = go.Figure(pictures[START["noise"]])
    fig.update_traces(selectedpoints=[START["marked"]], selector={"meta": "marked"})
    everything = list(range(len(pictures[0])))
    marked = [k for k, trace in enumerate(pictures[0]) if trace["meta"] == "marked"]
    noise = [
        _step(
            f"{share:g} s",
            "restyle",
            [{key: [trace.get(key) for trace in traces] for key in ("x", "y", "text")}, everything],
        )
        for share, traces in zip(SHARES, pictures, strict=True)
    ]
    fitted = [_step(f"{s:g}", "relayout", [_axes(s)]) for s in FITTED]
    points = [
        _step(f"{m:g} s", "restyle", [{"selectedpoints": [[k]]}, marked])
        for k, m in enumerate(MARKED)
    ]
    fig.update_layout(
        height=680,
        hovermode="x unified",
        dragmode=False,
        modebar={"remove": ["select2d", "lasso2d"]},  # a selection would move the marks
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 70, "b": 300, "l": 60, "r": 20},
        xaxis={"range": [0, 3.05], "fixedrange": True, "tickvals": _TICKS} | _HOVER,
        yaxis={"range": [-0.25, 6.2], "fixedrange": True, "tickvals": _TICKS},
        sliders=[
            _slider("noise n: ", noise, START["noise"], 70),
            _slider("fitted to s = ", fitted, START["fitted"], 160),
            _slider("marked magnitude: ", points, START["marked"], 250),
        ],
    )
    fig.update_layout(_axes(FITTED[START["fitted"]]))
    return fig


def _traces(table: pd.DataFrame, share: float) -> list[dict[str, Any]]:
    """The noise, the right answer, and a curve and its marks for either kind."""
    rows = table[np.isclose(table["noise"], share)]
    x = rows["magnitude"].round(4).tolist()
    band: dict[str, Any] = {"x": [0, share, share, 0], "y": [-0.25, -0.25, 6.2, 6.2]}
    band |= {"fill": "toself", "fillcolor": GRID, "opacity": 0.6, "mode": "lines"}
    band |= {"line": {"width": 0}, "name": "noise", "hoverinfo": "skip"}
    right = {"x": [0, 3], "y": [0, 3], "mode": "lines", "name": "what went in", "hoverinfo": "skip"}
    right |= {"line": {"dash": "dot", "color": INK, "width": 1.5}}
    traces = [band, right]
    for kind, (name, colour) in _LOOKS.items():
        y = rows[kind].round(4).tolist()
        curve = {"x": x, "y": y, "mode": "lines", "name": name, "line": {"color": colour}}
        curve["hovertemplate"] = "%{y:.2f} s"
        traces += [curve, _marks(kind, share)]
    return [{"type": "scatter", "meta": "line"} | trace for trace in traces]


def _marks(kind: Kind, share: float) -> dict[str, Any]:
    """A dot and its number at every magnitude that can be marked; those not selected are unseen."""
    colour = _LOOKS[kind][1]
    out = response(np.array(MARKED), fitted_magnitude=1.0, noise=share, kind=kind)
    unseen = {"marker": {"opacity": 0}, "textfont": {"color": "rgba(0,0,0,0)"}}
    return {
        "meta": "marked",
        "x": list(MARKED),
        "y": out.round(4).tolist(),
        "text": [f"{value:.2f} s" for value in out],
        "mode": "markers+text",
        "textposition": "middle left" if kind == "relu" else "bottom right",
        "marker": {"color": colour, "size": 11},
        "textfont": {"color": colour, "size": 14},
        "selected": {"marker": {"opacity": 1}, "textfont": {"color": colour}},
        "unselected": unseen,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _axes(s: float) -> dict[str, Any]:
    """Numbers and titles of the axes when s is this long."""
    ticks = [f"{s * k:g}" for k in _TICKS]
    return {
        "xaxis.ticktext": ticks,
        "yaxis.ticktext": ticks,
        "xaxis.title.text": f"magnitude M (s = {s:g})",
        "yaxis.title.text": "what comes out",
    }


def _step(label: str, method: str, args: list[Any]) -> dict[str, Any]:
    return {"label": label, "method": method, "args": args}


def _slider(said: str, steps: list[Any], active: int, down: int) -> dict[str, Any]:
    return {
        "active": active,
        "steps": steps,
        "pad": {"t": down},
        "currentvalue": {"prefix": said},
        "font": {"size": 11},
    }

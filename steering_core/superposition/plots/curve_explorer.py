"""The curves of dimensions per feature in one plot that answers a pointer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from steering_core.publishing.style import INK
from steering_core.superposition.dimension_measures import Runs
from steering_core.superposition.plots.curves import Curve, check_curves
from steering_core.superposition.plots.inflation import CEILING
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import ACTIVATION_COLOURS

_PLOTLY_MARKERS = {
    "linear": "x-thin-open",
    "relu": "circle-open",
    "gelu": "square-open",
    "silu": "diamond-open",
    "sigmoid": "triangle-up-open",
    "tanh": "cross-open",
    "solu": "triangle-down-open",
}
_KEY = "line: rerun; marks: published; dashed: ours"
_HOVER = (
    "1/(1 − S) = %{x:.3g}<br>our rerun %{customdata[0]:.4f}<br>"
    "published %{customdata[1]:.4f}<br>difference %{customdata[2]:+.4f}<br>"
    "our recipe %{customdata[3]:.4f}"
)


def dimension_explorer(
    live: Mapping[str, Curve],
    studied: Mapping[str, Runs],
    published: Mapping[str, Curve],
    expansion: Curve,
) -> go.Figure:
    """What `dimension_curves` draws, as D* or as 1/D*; a click in the legend isolates a curve."""
    check_curves(live, studied, published)
    fig = go.Figure()
    forms: list[list[tuple[Curve, Float[np.ndarray, "levels 4"]]]] = [[], []]
    for name in NAMES:
        group = {"legendgroup": name, "name": NAMES[name], "hovertemplate": _HOVER}
        colour = ACTIVATION_COLOURS[name]
        fig.add_scatter(mode="lines", line={"color": colour, "width": 2}, **group)
        fig.add_scatter(
            mode="markers",
            marker={"symbol": _PLOTLY_MARKERS[name], "color": colour, "size": 8},
            showlegend=False,
            **group,
        )
        fig.add_scatter(
            mode="lines",
            line={"color": colour, "width": 1, "dash": "dash"},
            showlegend=False,
            **group,
        )
        curves = [
            np.asarray(c, float) for c in (studied[name].curve(), published[name], live[name])
        ]
        for form, shown in zip(forms, (curves, [1 / c for c in curves]), strict=True):
            ours, theirs, quick = shown
            numbers = np.stack([ours, theirs, ours - theirs, quick], axis=-1).round(4)
            form += [(c.round(4), numbers) for c in shown]
    traces: Any = fig.data
    for trace, (y, numbers) in zip(traces, forms[0], strict=True):
        trace.update(x=np.asarray(expansion, float).round(3), y=y, customdata=numbers)
    titles = ("D*, dimensions per feature", "1/D*, features per dimension")
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"y": [y.tolist() for y, _ in form], "customdata": [c.tolist() for _, c in form]},
                {
                    "yaxis.title.text": title,
                    "shapes[0].visible": is_inverse,
                    "annotations[0].visible": is_inverse,
                },
            ],
        }
        for label, title, form, is_inverse in zip(
            ("D*", "1/D*"), titles, forms, (False, True), strict=True
        )
    ]
    fig.update_layout(
        height=580,
        margin={"t": 60},
        hoverlabel={"bgcolor": "white"},
        xaxis={
            "type": "log",
            "title": f"1/(1 − S)<br><sub>{_KEY}</sub>",
            "tickvals": [1, 2, 5, 10, 20],
        },
        yaxis={"title": titles[0], "rangemode": "tozero"},
        legend={
            "orientation": "h",
            "y": -0.26,
            "yanchor": "top",
            "itemclick": "toggleothers",
            "itemdoubleclick": "toggle",
            "groupclick": "togglegroup",
        },
        updatemenus=[
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "active": 0,
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
            }
        ],
        shapes=[
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": CEILING,
                "y1": CEILING,
                "line": {"color": INK, "dash": "dot", "width": 1.5},
                "visible": False,
            }
        ],
        annotations=[
            {
                "text": f"n/m = {CEILING:g}",
                "xref": "paper",
                "x": 0.01,
                "xanchor": "left",
                "y": CEILING,
                "yanchor": "bottom",
                "showarrow": False,
                "visible": False,
            }
        ],
    )
    return fig

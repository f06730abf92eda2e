"""How the cosines of pairs of activations are spread, layer by layer."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from matplotlib.figure import Figure

from steering_core.publishing.style import BLUE, GRID, INK, TEMPLATE, use_style
from steering_core.steering.plots.layer_lines import layer_names

BINS = np.linspace(-1, 1, 81)


def cosine_histograms(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> Figure:
    """How the cosines of pairs are spread, before and after the mean is taken away."""
    n = len(raw)
    middle = (BINS[1:] + BINS[:-1]) / 2
    with use_style():
        fig, axes = plt.subplots(1, n, figsize=(9.6, 2.5), sharey=True, sharex=True)
        for ax, name, a, b in zip(axes, layer_names(n), raw, centred, strict=True):
            ax.fill_between(middle, b, color=GRID, label="mean taken away")
            ax.plot(middle, a, color=BLUE, linewidth=1.4, label="as they are")
            ax.axvline(0, color=INK, linewidth=0.8)
            ax.set(title=name, xlim=(-1, 1))
            ax.set_yticks([])
        axes[0].set_ylabel("share of pairs")
        fig.supxlabel("cosine of two tokens", fontsize=10)
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside upper center", ncols=2)
    return fig


def cosine_explorer(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> go.Figure:
    """The same, a layer at a time behind a slider."""
    middle = (BINS[1:] + BINS[:-1]) / 2
    names = layer_names(len(raw))
    fig = go.Figure(layout={"template": TEMPLATE})
    for which, counts, colour in (
        ("mean taken away", centred, "#999999"),
        ("as they are", raw, BLUE),
    ):
        for row in counts:
            fig.add_bar(
                x=middle,
                y=row,
                name=which,
                marker_color=colour,
                opacity=0.65,
                visible=False,
                hovertemplate="cosine %{x:.2f}: %{y:.1%} of pairs",
            )
    n = len(names)
    first = 1
    fig.data[first].visible = fig.data[n + first].visible = True
    steps = [
        {
            "label": name,
            "method": "update",
            "args": [{"visible": [i % n == k for i in range(2 * n)]}],
        }
        for k, name in enumerate(names)
    ]
    fig.update_layout(
        barmode="overlay",
        bargap=0,
        sliders=[
            {
                "active": first,
                "steps": steps,
                "currentvalue": {"prefix": "layer "},
                "pad": {"t": 60},
            }
        ],
        xaxis={"title": "cosine of two tokens", "range": [-1, 1]},
        yaxis={"title": "share of pairs", "tickformat": ".0%"},
        legend={"orientation": "h", "y": 1.12},
    )
    return fig


def histogram_table(
    raw: Float[np.ndarray, "layers bins"], centred: Float[np.ndarray, "layers bins"]
) -> pd.DataFrame:
    """What the histograms show: a row for each layer and bin."""
    n_layers, n_bins = raw.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layers), n_bins),
            "from": np.tile(BINS[:-1], n_layers),
            "to": np.tile(BINS[1:], n_layers),
            "share as they are": raw.ravel(),
            "share with the mean taken away": centred.ravel(),
        }
    )

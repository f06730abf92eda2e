"""W^T W of single models: which features stand alone, which face each other, which are mixed."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from plotly.subplots import make_subplots
from torch import Tensor

from steering_core.publishing.style import use_style
from steering_core.superposition.plots.maps import NAMES
from steering_core.superposition.plots.sharing import named

Best = Mapping[str, Float[Tensor, "D m n"]]
"""For each activation, the weights of one model for each density."""

COLOURS = "RdBu"
CLIPPED = "value (clipped to [−1, 1])"


def gram_panels(best: Best, densities: Sequence[float]) -> Figure:
    """W^T W of one model per activation (row) and density (column, falling)."""
    order = _checked(best, densities)
    with use_style():
        n_rows, n_columns = len(best), len(densities)
        fig, axes = plt.subplots(
            n_rows,
            n_columns,
            figsize=(1.08 * n_columns + 1.4, 1.08 * n_rows + 0.5),
            squeeze=False,
        )
        for row, (name, weights) in zip(axes, best.items(), strict=True):
            for ax, k in zip(row, order, strict=True):
                gram = weights[k].mT @ weights[k]
                image = ax.imshow(gram.numpy(), cmap=COLOURS, vmin=-1, vmax=1)
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(True)
            row[0].set_ylabel(NAMES[name], fontsize=11)
        for ax, k in zip(axes[0], order, strict=True):
            ax.set_title(f"{densities[k]:g}")
        fig.suptitle("density 1 − S", fontsize=11)
        fig.colorbar(
            image,
            ax=axes,
            label=r"entry of $W^{\top} W$ (clipped to [−1, 1])",
            extend="both",
            aspect=40,
            shrink=0.8,
            ticks=[-1, -0.5, 0, 0.5, 1],
        )
    return fig


def gram_explorer(best: Best, densities: Sequence[float], *, opens_at: float) -> go.Figure:
    """W^T W and W of a model: a menu picks the activation, a slider the density.

    There are two traces an activation, of which the menu shows one pair; a step of the slider
    exchanges the values of all of them. So either keeps what the other has chosen.

    Args:
        best: the weights.
        densities: of the weights.
        opens_at: the density that is shown first; of those that there are, the nearest one.
    """
    order = _checked(best, densities)
    first = min(range(len(order)), key=lambda k: abs(densities[order[k]] - opens_at))
    n, m = next(iter(best.values())).mT.shape[-2:]
    features, coordinates = list(range(1, n + 1)), list(range(1, m + 1))
    fig = make_subplots(
        cols=2,
        shared_yaxes=True,
        column_widths=[n, m],
        horizontal_spacing=0.04,
        subplot_titles=["W<sup>T</sup>W", "W (transposed)"],
    )
    shown = "relu" if "relu" in best else next(iter(best))
    values = [[z for weights in best.values() for z in _drawn(weights[k])] for k in order]
    for i, z in enumerate(values[first]):
        column = i % 2
        name = list(best)[i // 2]
        fig.add_heatmap(
            x=coordinates if column else features,
            y=features,
            z=z,
            name=NAMES[name],
            coloraxis="coloraxis",
            xgap=1,
            ygap=1,
            hovertemplate=_HOVER[column],
            visible=name == shown,
            row=1,
            col=column + 1,
        )
    traces = list(range(2 * len(best)))
    steps = [
        {"label": f"{densities[k]:g}", "method": "restyle", "args": [{"z": z}, traces]}
        for k, z in zip(order, values, strict=True)
    ]
    buttons = [
        {
            "label": NAMES[name],
            "method": "restyle",
            "args": [{"visible": [other == name for other in best for _ in range(2)]}, traces],
        }
        for name in best
    ]
    fig.update_layout(
        height=540,
        margin={"t": 90, "l": 50, "r": 10, "b": 40},
        coloraxis={
            "colorscale": COLOURS,
            "cmin": -1,
            "cmax": 1,
            "colorbar": {"thickness": 10, "tickvals": [-1, -0.5, 0, 0.5, 1], "ticktext": _TICKS},
        },
        updatemenus=[
            {
                "buttons": buttons,
                "active": list(best).index(shown),
                "x": 0,
                "xanchor": "left",
                "y": 1.12,
                "yanchor": "bottom",
            }
        ],
        sliders=[
            {
                "active": first,
                "steps": steps,
                "currentvalue": {"prefix": "density 1 − S: "},
                "pad": {"t": 70},
            }
        ],
    )
    fig.update_xaxes(showgrid=False, dtick=1, tickangle=0, title_standoff=6)
    fig.update_yaxes(showgrid=False, dtick=1, autorange="reversed")
    fig.update_xaxes(title="feature", col=1)
    fig.update_xaxes(title="coordinate", col=2)
    fig.update_yaxes(title="feature", col=1)
    return fig


_TICKS = ["≤ −1", "−0.5", "0", "0.5", "≥ 1"]
_HOVER = (
    "features %{y} and %{x}<br>W<sub>%{y}</sub> · W<sub>%{x}</sub> = %{z:.3f}",
    "feature %{y} on coordinate %{x} of h<br>%{z:.3f}",
)


def rotation_panels(weights: Float[Tensor, "m n"], rotated: Float[Tensor, "m n"]) -> Figure:
    """W, W rotated, and the W^T W which they share.

    Raises:
        ValueError: two matrices that differ by more than a rotation.
    """
    gram = weights.mT @ weights
    if not torch.allclose(gram, rotated.mT @ rotated, atol=1e-3):
        raise ValueError("rotated: got another W^T W than that of weights; allowed are rotations")
    panels = {"$W$": weights, "$W$ rotated": rotated, r"$W^{\top} W$ of both": gram}
    with use_style():
        n = weights.shape[1]
        fig, axes = plt.subplots(1, 3, figsize=(8.4, 2.9))
        for ax, (title, values) in zip(axes, panels.items(), strict=True):
            image = ax.imshow(values.numpy(), cmap=COLOURS, vmin=-1, vmax=1)
            rows = len(values)
            ax.set(title=title, xlabel="feature")
            ax.set_ylabel("feature" if rows == n else "coordinate of h")
            ax.set_xticks(range(n), [str(i + 1) for i in range(n)])
            ax.set_yticks(range(rows), [str(i + 1) for i in range(rows)])
        fig.colorbar(image, ax=axes, label=CLIPPED, extend="both", ticks=[-1, 0, 1])
    return fig


def _drawn(weights: Float[Tensor, "m n"]) -> tuple[list[list[float]], list[list[float]]]:
    """W^T W, and W transposed, to three decimals."""
    pair = (weights.mT @ weights, weights.mT)
    first, second = ((np.round(part.double().numpy(), 3) + 0.0).tolist() for part in pair)
    return first, second


def _checked(best: Best, densities: Sequence[float]) -> list[int]:
    """Where the densities are, from the highest on."""
    named(NAMES, holder="names", needed=best)
    for name, weights in best.items():
        if len(weights) != len(densities):
            raise ValueError(
                f"best: got {len(weights)} models of {name}; allowed is one for each of the "
                f"{len(densities)} densities"
            )
    return sorted(range(len(densities)), key=lambda k: -densities[k])

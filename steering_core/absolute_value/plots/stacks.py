"""Neuron stack plots: each neuron a bar, made of its weights (after Elhage et al. 2022)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from steering_core.absolute_value.neurons import Neurons
from steering_core.publishing.style import BLUE, GRID, INK, ORANGE, VERMILLION, use_style

MOST_SHARED = 8
"""Other features beside a feature, from which on all are drawn alike."""
_KEY = {0: "1 feature", 2: "3", 4: "5", 6: "7", MOST_SHARED: "9 or more"}
"""Other features beside a feature: what a neuron that carries it then carries in all."""
_SHARING = LinearSegmentedColormap.from_list("sharing", [BLUE, ORANGE, VERMILLION])
_LEFTOVER = "weights that their own feature does not need"


def stack_table(found: Mapping[float, Neurons]) -> pd.DataFrame:
    """Every weight of the neurons of one model a density, neurons sorted by their primary feature.

    Weights that do not count are one row a neuron, feature -1, with the sum of their sizes.
    """
    frames = []
    for density, one in found.items():
        for place, k in enumerate(_order(one)):
            counts = one.carried[k]
            features = counts.nonzero()[:, 0]
            features = features[one.weights[k, features].abs().argsort(descending=True)]
            frames.append(
                pd.DataFrame(
                    {
                        "density": density,
                        "place": place,
                        "feature": [*features.tolist(), -1],
                        "weight": [
                            *one.weights[k, features].tolist(),
                            float((one.weights[k].abs() * ~counts).sum()),
                        ],
                        "sharing": [*one.sharing[features].tolist(), 0.0],
                    }
                )
            )
    return pd.concat(frames, ignore_index=True).round({"weight": 4, "sharing": 4})


def stack_panels(found: Mapping[float, Neurons]) -> Figure:
    """|W1| of every neuron, a row a density; features are coloured by how shared they are."""
    table: Any = stack_table(found)
    with use_style():
        fig, axes = plt.subplots(
            len(found), 1, figsize=(7.4, 1.25 * len(found) + 0.5), sharex=True, squeeze=False
        )
        for ax, (density, rows) in zip(
            axes[:, 0], table.groupby("density", sort=False), strict=True
        ):
            for bar in _bars(rows):
                ax.bar(
                    bar["place"],
                    bar["size"],
                    bottom=bar["bottom"],
                    color=bar["colour"],
                    width=0.86,
                    edgecolor="white",
                    linewidth=0.3,
                )
            ax.set_ylabel(f"{density:g}", rotation=0, labelpad=16, va="center", fontsize=11)
            ax.yaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=2))
            ax.set(xticks=[], xlim=(-0.7, _places(rows) - 0.3))
        axes[-1, 0].set_xlabel("neurons, by the importance of their primary feature")
        fig.supylabel("density 1 − S, and sum of |W₁| of a neuron", fontsize=10)
        shades = plt.cm.ScalarMappable(Normalize(1, MOST_SHARED + 1), _SHARING)
        fig.colorbar(
            shades,
            ax=axes,
            label="features that the neurons of a feature carry (grey: its weight is not needed)",
            aspect=50,
            shrink=0.7,
            extend="max",
            ticks=[beside + 1 for beside in _KEY],
        )
    return fig


def stack_explorer(found: Mapping[float, Neurons], *, opens_at: float) -> go.Figure:
    """The same with a slider over densities; hovering names the feature and its weight.

    Args:
        found: the neurons of one model a density.
        opens_at: the density that is shown first, one of `found`.
    """
    table: Any = stack_table(found)
    fig = go.Figure()
    densities = list(found)
    for density, rows in table.groupby("density", sort=False):
        bars = _bars(rows)
        fig.add_bar(
            x=[bar["place"] for bar in bars],
            y=[bar["size"] for bar in bars],
            base=[bar["bottom"] for bar in bars],
            marker={
                "color": [bar["colour"] for bar in bars],
                "line": {"width": 0.5, "color": "white"},
            },
            customdata=[[bar["name"], bar["weight"], bar["shared"]] for bar in bars],
            hovertemplate="%{customdata[0]}<br>weight %{customdata[1]:.2f}%{customdata[2]}"
            "<extra></extra>",
            showlegend=False,
            visible=density == opens_at,
        )
    _add_key(fig)
    sums = table.assign(size=table["weight"].abs()).groupby(["density", "place"])["size"].sum()
    ranges = {density: [0.0, 1.03 * float(sums[density].max())] for density in densities}
    steps = [
        {
            "label": f"{density:g}",
            "method": "update",
            "args": [
                {"visible": [other == density for other in densities]},
                {"yaxis.range": ranges[density]},
                list(range(len(densities))),  # the key stays
            ],
        }
        for density in densities
    ]
    fig.update_layout(
        barmode="overlay",
        height=500,
        xaxis={
            "title": "neurons, by the importance<br>of their primary feature",
            "showgrid": False,
        },
        yaxis={"title": "sum of |W<sub>1</sub>|", "range": ranges[opens_at]},
        legend={
            "title": {"text": "features carried:", "side": "top"},
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "itemclick": False,
        },
        sliders=[
            {
                "active": densities.index(opens_at),
                "currentvalue": {"prefix": "density 1 − S = "},
                "steps": steps,
                "pad": {"t": 92},
            }
        ],
    )
    return fig


def _add_key(fig: go.Figure) -> None:
    """A legend of how many features a neuron carries."""
    shades = {name: to_hex(_SHARING(beside / MOST_SHARED)) for beside, name in _KEY.items()}
    for name, colour in (shades | {"not needed": GRID}).items():
        fig.add_bar(x=[None], y=[None], name=name, marker={"color": colour}, hoverinfo="skip")


def _bars(rows: Any) -> list[dict[str, Any]]:
    """The pieces of the bars of one density, the largest weight at the bottom."""
    bars, bottoms = [], dict.fromkeys(rows["place"], 0.0)
    for place, feature, weight, sharing in rows[
        ["place", "feature", "weight", "sharing"]
    ].itertuples(index=False):
        size, leftover = abs(weight), feature < 0
        shade = to_hex(_SHARING(min(1.0, sharing / MOST_SHARED)))
        bars.append(
            {
                "place": place,
                "bottom": bottoms[place],
                "size": size,
                "weight": weight,
                "colour": GRID if leftover else shade,
                "name": _LEFTOVER if leftover else f"feature {feature}",
                "shared": "" if leftover else f"<br>beside {sharing:.1f} others",
            }
        )
        bottoms[place] += size
    return bars


def _places(rows: Any) -> int:
    return int(rows["place"].max()) + 1


def _order(one: Neurons) -> list[int]:
    """Neurons by the rank of their primary feature; those that carry none last."""
    primary = one.primary.clone()
    primary[primary < 0] = one.weights.shape[-1]
    return primary.argsort(stable=True).tolist()


def three_features_panel(w_in: Float[Tensor, "m n"], w_out: Float[Tensor, "n m"]) -> Figure:
    """Rescaled W1 and W2 of the small model as numbers in cells, neurons sorted by feature."""
    inner, outer = w_in.numpy(), w_out.numpy()
    primary = np.abs(inner).argmax(1)
    order = np.lexsort((-inner[np.arange(len(primary)), primary], primary))
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(7.0, 2.6))
        for ax, matrix, name in (
            (axes[0], inner[order].T, "W₁, rescaled (transposed)"),
            (axes[1], outer[:, order], "W₂, rescaled"),
        ):
            ax.imshow(matrix, cmap="RdBu", vmin=-1.2, vmax=1.2, aspect="auto")
            for (i, k), value in np.ndenumerate(matrix):
                ax.text(
                    k,
                    i,
                    f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−"),
                    ha="center",
                    va="center",
                    color="white" if abs(value) > 0.6 else INK,
                    fontsize=9,
                )
            ax.set(
                title=name,
                xlabel="neuron",
                ylabel="feature",
                xticks=range(matrix.shape[1]),
                yticks=range(matrix.shape[0]),
            )
            ax.set_xticklabels(range(matrix.shape[1]))
            ax.set_yticklabels(range(matrix.shape[0]))
    return fig


def weights_table(w_in: Float[Tensor, "m n"], w_out: Float[Tensor, "n m"]) -> pd.DataFrame:
    """Both matrices, a row a neuron and feature."""
    neuron, feature = np.indices(w_in.shape)
    return pd.DataFrame(
        {
            "neuron": neuron.ravel(),
            "feature": feature.ravel(),
            "w_in": w_in.numpy().ravel(),
            "w_out": w_out.T.numpy().ravel(),
        }
    )

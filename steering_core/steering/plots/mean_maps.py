"""The mean as tables of colours: between layers, and by the part that wrote it."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float64
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import INK, use_style
from steering_core.steering.plots.layer_lines import layer_names


def layer_map(cosines: Float64[Tensor, "layers layers"]) -> Figure:
    """Cosine between the means of each two layers, as a table of colours."""
    names = layer_names(len(cosines))
    with use_style():
        fig, ax = plt.subplots(figsize=(4.6, 3.8))
        image = ax.imshow(cosines, cmap="RdBu", vmin=-1, vmax=1)
        for row, column in np.ndindex(*cosines.shape):
            value = float(cosines[row, column])
            ink = "white" if abs(value) > 0.6 else INK
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="layer", ylabel="layer")
        fig.colorbar(image, label="cosine between means")
    return fig


def layer_table(cosines: Float64[Tensor, "layers layers"]) -> pd.DataFrame:
    """What the map shows: a row for each two layers."""
    return pd.DataFrame(
        [
            {"layer": row, "other layer": column, "cosine": float(cosines[row, column])}
            for row, column in np.ndindex(*cosines.shape)
        ]
    )


def writer_map(shares: Mapping[int, Mapping[str, float]]) -> Figure:
    """Each part's share of the mean at each layer; the parts in order of writing."""
    parts = list(shares[max(shares)])
    grid = np.array([[column.get(part, np.nan) for column in shares.values()] for part in parts])
    with use_style():
        fig, ax = plt.subplots(figsize=(5.6, 4.6))
        image = ax.imshow(grid, cmap="RdBu", vmin=-1, vmax=1, aspect="auto")
        for row, column in np.argwhere(np.isfinite(grid)):
            value = grid[row, column]
            ink = "white" if abs(value) > 0.6 else INK
            ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
        ax.set_xticks(range(len(shares)), [str(layer) for layer in shares])
        ax.set_yticks(range(len(parts)), parts)
        ax.set(xlabel="layer (k: the output of block k - 1)")
        fig.colorbar(image, label="share of the mean")
    return fig


def writer_table(shares: Mapping[int, Mapping[str, float]]) -> pd.DataFrame:
    """What the map shows: a row for each layer and part."""
    return pd.DataFrame(
        [
            {"layer": layer, "part": part, "share": share}
            for layer, column in shares.items()
            for part, share in column.items()
        ]
    )

"""Where an instance of the motif errs, over the plane of its strong and its weak feature."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from plotly.subplots import make_subplots

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.motifs import Motif
from steering_core.absolute_value.plots.motif_answers import answers
from steering_core.publishing.style import use_style

_GRID = torch.linspace(-1, 1, 41)
_MAPS = ("with the inhibitor", "inhibitor cut")
_NARROW = ("with the<br>inhibitor", "inhibitor<br>cut")  # side by side on a phone, too


def error_maps(net: Net, motif: Motif) -> tuple[Float[np.ndarray, "weak strong"], ...]:
    """y' - |x| of the weak output over both features, with the inhibitor and without."""
    weak, strong = torch.meshgrid(_GRID, _GRID, indexing="ij")
    x = torch.zeros(net.w_in.shape[1], weak.numel())
    x[motif.strong], x[motif.weak] = strong.flatten(), weak.flatten()
    return tuple(
        (answers(net, motif, x, cut=cut)["weak"].clamp_min(0) - weak.flatten().abs())
        .reshape(weak.shape)
        .numpy()
        for cut in (False, True)
    )


def maps_panels(net: Net, motif: Motif) -> Figure:
    """Errors of the weak output over the plane of both features."""
    with use_style():
        fig, axes = plt.subplots(1, 2, figsize=(6.8, 3.1), sharey=True)
        for ax, values, name in zip(axes, error_maps(net, motif), _MAPS, strict=True):
            image = ax.imshow(
                values, origin="lower", extent=(-1, 1, -1, 1), cmap="RdBu", vmin=-2, vmax=2
            )
            ax.set(title=name, xlabel=f"strong feature, x {motif.strong}", xticks=[-1, 0, 1])
        axes[0].set(ylabel=f"weak feature, x {motif.weak}", yticks=[-1, 0, 1])
        fig.colorbar(image, ax=axes, label="error of the weak output", extend="both")
    return fig


def maps_explorer(net: Net, motif: Motif) -> go.Figure:
    """The same to hover over."""
    fig = make_subplots(cols=2, shared_yaxes=True, subplot_titles=_NARROW, horizontal_spacing=0.05)
    for column, values in enumerate(error_maps(net, motif), start=1):
        fig.add_heatmap(
            x=_GRID.numpy().round(3),
            y=_GRID.numpy().round(3),
            z=values.round(3),
            coloraxis="coloraxis",
            hovertemplate="strong %{x}, weak %{y}<br>error %{z:.2f}<extra></extra>",
            row=1,
            col=column,
        )
    fig.update_xaxes(title_text=f"strong, x {motif.strong}", tickvals=[-1, 0, 1], tickangle=0)
    fig.update_yaxes(title_text=f"weak, x {motif.weak}", col=1)
    fig.update_layout(
        height=420,
        margin={"t": 60},
        coloraxis={"colorscale": "RdBu", "cmin": -2, "cmax": 2, "colorbar": {"thickness": 10}},
    )
    return fig


def maps_table(net: Net, motif: Motif) -> pd.DataFrame:
    """What `maps_panels` draws."""
    weak, strong = np.meshgrid(_GRID.numpy(), _GRID.numpy(), indexing="ij")
    whole, cut = error_maps(net, motif)
    columns = {"strong": strong, "weak": weak, "error": whole, "error_cut": cut}
    return pd.DataFrame({name: values.ravel().round(4) for name, values in columns.items()})

"""What LayerNorm leaves of a feature's strength."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from steering_core.publishing.style import PALETTE, use_style


def strength_table(
    strengths: Sequence[float], dots: Mapping[str, Float[Tensor, "features layers strengths"]]
) -> pd.DataFrame:
    """What the lines show: a row for each base, feature, layer and strength; layers from 1."""
    return pd.DataFrame(
        [
            {"base": base, "feature": f, "layer": k + 1, "strength": a, "dot": float(d[f, k, i])}
            for base, d in dots.items()
            for f in range(d.shape[0])
            for k in range(d.shape[1])
            for i, a in enumerate(strengths)
        ]
    )


def strength_lines(
    strengths: Sequence[float], dots: Mapping[str, Float[Tensor, "cases strengths"]]
) -> Figure:
    """Dot product with the feature over its strength: a panel a base, a thin line a case."""
    with use_style():
        fig, (axes,) = plt.subplots(1, len(dots), figsize=(9.6, 2.9), sharey=True, squeeze=False)
        for ax, (name, cases), colour in zip(axes, dots.items(), cycle(PALETTE), strict=False):
            ax.plot(strengths, cases.T, color=colour, alpha=0.25, linewidth=0.8)
            ax.plot(strengths, cases.quantile(0.5, dim=0), "o-", color=colour, linewidth=2.4)
            ax.set(xscale="log", title=name)
            ax.set_xticks(list(strengths), [f"{a:g}" for a in strengths])
            ax.minorticks_off()
        axes[0].set_ylabel("dot product with v")
        fig.supxlabel("strength a of the feature", fontsize=10)
    return fig

"""The two small drawings of the set-up: what goes in, and through what."""

from itertools import pairwise

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from torch import Tensor

from steering_core.publishing.style import BLUE, GRID, INK, ORANGE, use_style


def input_batches(batches: dict[str, Float[Tensor, "inputs features"]]) -> Figure:
    """Batches of inputs as images, an input a column, under their titles."""
    with use_style():
        fig, axes = plt.subplots(len(batches), 1, figsize=(6.4, 3.6), sharex=True)
        for ax, (title, batch) in zip(axes, batches.items(), strict=True):
            ax.imshow(batch.T.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
            ax.set(title=title, ylabel="feature")
        axes[-1].set_xlabel("input")
        fig.colorbar(axes[0].images[0], ax=axes, label="value", shrink=0.8)
    return fig


def network(n: int = 5, m: int = 2) -> Figure:
    """x' = f(W^T W x + b): n inputs, m hidden dimensions, n outputs."""
    columns = [(0.0, n, "$x$"), (1.0, m, "$h = Wx$"), (2.0, n, "$x' = f(W^{\\top} h + b)$")]
    with use_style():
        fig, ax = plt.subplots(figsize=(6.0, 2.8))
        places = [[(x, (i - (k - 1) / 2) / n) for i in range(k)] for x, k, _ in columns]
        for left, right in pairwise(places):
            for a in left:
                for b in right:
                    ax.plot([a[0], b[0]], [a[1], b[1]], color=GRID, zorder=0, linewidth=1)
        for (x, _, name), spots, colour in zip(columns, places, (BLUE, ORANGE, BLUE), strict=True):
            for spot in spots:
                ax.add_patch(Circle(spot, 0.07, facecolor=colour, edgecolor=INK))
            ax.text(x, -0.75, name, ha="center")
        for x, name in ((0.5, "$W$"), (1.5, "$W^{\\top}$")):
            ax.text(x, 0.62, name, ha="center")
            arrow = FancyArrowPatch((x - 0.25, 0.56), (x + 0.25, 0.56), arrowstyle="->", color=INK)
            arrow.set_mutation_scale(12)
            ax.add_patch(arrow)
        ax.set(xlim=(-0.5, 2.6), ylim=(-0.85, 0.8), aspect="equal")
        ax.axis("off")
    return fig

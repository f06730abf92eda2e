"""What an instance of the motif answers, with its inhibitor and with that one cut."""

import matplotlib.pyplot as plt
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.motifs import Motif
from steering_core.absolute_value.plots.motif_circuit import STRONG, WEAK
from steering_core.publishing.style import GRID, INK, use_style


def answers(
    net: Net, motif: Motif, x: Float[Tensor, "n inputs"], *, cut: bool
) -> dict[str, Tensor]:
    """Pre-activations of both outputs, with the inhibitor or without its view of the strong one."""
    heard = net.w_in @ x
    z = net.w_out @ heard.clamp_min(0) + net.bias[:, None]
    weak = z[motif.weak]
    if cut:
        own = heard[motif.inhibitor]
        deaf = own - net.w_in[motif.inhibitor, motif.strong] * x[motif.strong]
        weight = net.w_out[motif.weak, motif.inhibitor]
        weak = weak + weight * (deaf.clamp_min(0) - own.clamp_min(0))
    return {"strong": z[motif.strong], "weak": weak}


def _inputs(net: Net, motif: Motif, strong: Tensor, weak: Tensor) -> Tensor:
    x = torch.zeros(net.w_in.shape[1], len(strong))
    x[motif.strong], x[motif.weak] = motif.strong_sign * strong, motif.weak_sign * weak
    return x


def answers_table(net: Net, motif: Motif) -> pd.DataFrame:
    """Strong alone, weak alone, and both at one size, from 0 to 1."""
    size = torch.linspace(0, 1, 51)
    none = torch.zeros_like(size)
    frames = []
    for name, strong, weak in (
        ("strong alone", size, none),
        ("weak alone", none, size),
        ("both", size, size),
    ):
        x = _inputs(net, motif, strong, weak)
        whole, cut = (answers(net, motif, x, cut=without) for without in (False, True))
        frames.append(
            pd.DataFrame(
                {
                    "inputs": name,
                    "size": size,
                    "strong": whole["strong"],
                    "weak": whole["weak"],
                    "weak_cut": cut["weak"],
                    "weak_target": weak,
                    "strong_target": strong,
                }
            )
        )
    return pd.concat(frames, ignore_index=True).round(5)


def answers_panels(table: pd.DataFrame) -> Figure:
    """Pre-activations of the two outputs for the three kinds of inputs."""
    with use_style():
        fig, axes = plt.subplots(1, 3, figsize=(7.6, 2.9), sharey=True)
        for ax, (name, rows) in zip(axes, table.groupby("inputs", sort=False), strict=True):
            ax.axhspan(-99, 0, color=GRID, alpha=0.45, linewidth=0)
            ax.plot(rows["size"], rows["strong"], color=STRONG, label="strong output")
            ax.plot(rows["size"], rows["weak"], color=WEAK, label="weak output")
            ax.plot(
                rows["size"], rows["weak_cut"], "--", color=WEAK, label="weak output, inhibitor cut"
            )
            ax.plot(rows["size"], rows["weak_target"], ":", color=INK, label="right for weak")
            ax.set(title=name, xlabel="size of the inputs")
        values = table[["strong", "weak", "weak_cut"]].to_numpy()
        axes[0].set(
            ylabel="before the output's ReLU", ylim=(values.min() - 0.2, values.max() + 0.2)
        )
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(
            [*handles, Patch(color=GRID, alpha=0.6)],
            [*labels, "hidden by the ReLU"],
            loc="outside upper center",
            ncols=5,
            fontsize=8,
            columnspacing=1.0,
        )
    return fig

"""The shipped model: its training, and what it writes."""

import re
from itertools import cycle

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from steering_core.publishing.style import INK, PALETTE, use_style
from steering_core.steering.plots.reading import nice


def training_curve(curve: pd.DataFrame, sets: list[str]) -> Figure:
    """Bits a byte on held-out windows of each set over the tokens read."""
    with use_style():
        fig, ax = plt.subplots(figsize=(6.4, 3.6))
        for of_set, colour in zip(sets, cycle(PALETTE), strict=False):
            ax.plot(curve["tokens"] / 1e6, curve[of_set], color=colour, label=nice(of_set))
        ax.axhline(1.55, color=INK, linewidth=0.8, linestyle=":")
        ax.set(xlabel="tokens read, in millions", ylabel="bits a byte, held out")
        ax.legend(ncols=2)
    return fig


def continuation(prompt: str, text: str) -> str:
    """A prompt and its continuation as an item of a Markdown list; line breaks as strokes."""
    marked = [re.sub(r"([\\`*_<>\[\]#$])", r"\\\1", part) for part in (prompt, text)]
    return f"- **{marked[0]}**{marked[1]}...".replace("\n", " / ")

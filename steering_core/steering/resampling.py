"""Means of sets of texts with the texts drawn again within each set, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.steering.anisotropy import interval
from steering_core.steering.material import Material

RESAMPLES = 300

Band = tuple[Tensor, Tensor, Tensor]
"""Values with the lower and upper ends of their intervals, each (layers,)."""


def resampled_means(
    material: Material, sets: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Float64[Tensor, "resamples layers d_model"]]:
    """The mean of each set with its texts drawn again with replacement."""
    generator = np.random.default_rng(seed)
    means = {}
    for name in sets:
        span = material.spans[name]
        counts = resampled_counts(span.stop - span.start, generator, resamples)
        means[name] = weighted_mean(material, span, counts)
    return means


def resampled_counts(
    n: int, generator: np.random.Generator, resamples: int = RESAMPLES
) -> Float64[Tensor, "resamples texts"]:
    """How often each of n texts is drawn in each resample."""
    return torch.from_numpy(generator.multinomial(n, np.full(n, 1 / n), size=resamples)).double()


def weighted_mean(
    material: Material, span: slice, counts: Float64[Tensor, "resamples texts"]
) -> Float64[Tensor, "resamples layers d_model"]:
    """The mean over all tokens of some texts, each text counted so many times."""
    total = torch.einsum("rt,ltd->rld", counts, material.sums.total[:, span])
    return total / (counts @ material.sums.tokens[span])[:, None, None]


@dataclass(frozen=True)
class Spread:
    """Numbers that follow from the means of sets of texts, one a layer, and what they are with the
    texts drawn again.

    n: how many texts stand behind them.
    """

    value: Float64[Tensor, " layers"]
    drawn: Float64[Tensor, "resamples layers"]
    n: int

    def __sub__(self, other: Spread) -> Spread:
        """The difference; both are of the same texts and draws."""
        return Spread(self.value - other.value, self.drawn - other.drawn, self.n)

    @property
    def band(self) -> Band:
        """The values with their 99% intervals."""
        return self.value, *interval(self.drawn)

    def over(self, layers: Sequence[int]) -> Measured:
        """The mean over some layers."""
        chosen = list(layers)
        value = float(self.value[chosen].mean())
        return Measured(value, self.n, ends(self.drawn[:, chosen].mean(-1)))


def ends(values: Float64[Tensor, " resamples"]) -> tuple[float, float]:
    """The 99% interval of one number."""
    low, high = interval(values)
    return float(low), float(high)

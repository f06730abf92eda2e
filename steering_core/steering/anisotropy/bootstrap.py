"""The bootstrap over texts: how often each is drawn, and the interval that follows."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

RESAMPLES = 2000
CONFIDENCE = 0.99


def resample(n_texts: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Float64[Tensor, "r t"]:
    """How often each text is drawn in each bootstrap resample."""
    drawn = np.random.default_rng(seed).multinomial(
        n_texts, np.full(n_texts, 1 / n_texts), size=resamples
    )
    return torch.from_numpy(drawn).double()


def interval(values: Float64[Tensor, "resamples ..."]) -> tuple[Tensor, Tensor]:
    """The 99% percentile interval over resamples, of each of the other axes."""
    tail = (1 - CONFIDENCE) / 2
    low, high = torch.quantile(values, torch.tensor([tail, 1 - tail], dtype=values.dtype), dim=0)
    return low, high

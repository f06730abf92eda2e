"""Nets whose weights were set by hand, as training would give them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steering_core.absolute_value import ABSOLUTE, TrainedAbsoluteValue

Model = tuple[Tensor, Tensor, Tensor]


def as_trained(
    models: Sequence[Sequence[Model]],
    densities: tuple[float, ...],
    seeds: Sequence[int],
    *,
    importance: Tensor | None = None,
    seconds: float = 1.0,
) -> TrainedAbsoluteValue:
    """A row of models for each density, one for each seed."""
    w_in, w_out, bias = (
        torch.stack([torch.stack([model[k] for model in row]) for row in models]) for k in range(3)
    )
    shape = (len(densities), len(seeds))
    return TrainedAbsoluteValue(
        w_in,
        w_out,
        bias,
        densities,
        torch.ones(bias.shape[-1]) if importance is None else importance,
        torch.tensor(list(seeds)),
        ABSOLUTE,
        torch.zeros(1, *shape),
        torch.zeros(shape, dtype=torch.bool),
        seconds,
    )

"""Neurons set by hand to draw."""

from __future__ import annotations

import torch

from steering_core.absolute_value import Neurons


def found(rows: list[list[float]], carried: list[list[int]]) -> Neurons:
    """Neurons that carry what is said."""
    weights, counts = torch.tensor(rows), torch.tensor(carried).bool()
    primary = torch.where(counts.any(-1), (weights.abs() * counts).argmax(-1), -1)
    return Neurons(weights, counts, primary)


# Neurons of features 2 and 1; of 0; of none; of 1. Then one of 0, and one of 1 and 2.
DENSE = found(
    [[0.1, -0.5, 1.0], [1.0, 0.0, 0.0], [0.2, 0.3, -1.0], [0.0, -1.0, 0.0]],
    [[0, 1, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]],
)
SPARSE = found([[1.0, 0.0, 0.0], [0.0, 1.0, 0.4]], [[1, 0, 0], [0, 1, 1]])
BOTH = {1.0: DENSE, 0.03: SPARSE}

"""What gets through below zero, and the slope where an activation puts out one half."""

from __future__ import annotations

import math

import pytest
import torch

from steering_core.superposition import ACTIVATIONS, Activation, expected_loss
from steering_core.superposition.leak import (
    leak,
    leaky_relu,
    pair_is_better_below,
    slope_at_half,
)


def test_known_leaks() -> None:
    assert leak("relu") == 0
    assert leak("linear") == pytest.approx(1)
    assert leak("tanh") == pytest.approx(3 * (1 - math.tanh(1)))
    for slope in (0.0, 0.3, 1.0):
        assert leak(leaky_relu(slope)) == pytest.approx(slope**2)


@pytest.mark.parametrize("importance", [0.3, 0.8])
def test_the_pair_changes_from_better_to_worse_where_the_formula_says(importance: float) -> None:
    pair, alone = torch.tensor([[1.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    weights = torch.tensor([1.0, importance])
    limit = pair_is_better_below(importance)
    for factor, better in ((0.9, True), (1.1, False)):
        f = leaky_relu(math.sqrt(limit * factor))
        losses = [
            expected_loss(w, torch.zeros(2), activation=f, density=1e-4, importance=weights)
            for w in (pair, alone)
        ]
        assert bool(losses[0] < losses[1]) is better


def test_slopes_at_one_half() -> None:
    assert slope_at_half("relu") == pytest.approx(1)
    assert slope_at_half("sigmoid") == pytest.approx(0.25)
    assert slope_at_half("tanh") == pytest.approx(0.75)
    z = torch.linspace(0.5, 0.7, 20_001, dtype=torch.float64)
    gelu = ACTIVATIONS["gelu"](z)
    nearest = int((gelu - 0.5).abs().argmin())
    slope = float((gelu[nearest + 1] - gelu[nearest - 1]) / (z[nearest + 1] - z[nearest - 1]))
    assert slope_at_half("gelu") == pytest.approx(slope, rel=1e-4)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="activation: got one that mixes"):
        leak("solu")
    with pytest.raises(ValueError, match="activation: got one that mixes"):
        slope_at_half("solu")
    with pytest.raises(ValueError, match="activation: got one that"):
        slope_at_half(Activation(lambda z: torch.sigmoid(z) / 4))
    with pytest.raises(ValueError, match=r"importance: got 0\.0"):
        pair_is_better_below(0.0)

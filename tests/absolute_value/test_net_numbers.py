"""Numbers of nets that were set by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from steering_core.absolute_value import Neurons, find_motifs, pairs_loss, plain_pairs
from steering_core.absolute_value.net_numbers import (
    net_numbers,
    primary_numbers,
    sharing_numbers,
)
from tests.absolute_value.planted import plant

IMPORTANCE = 0.8 ** torch.arange(100.0)
NOTHING = (
    "carried_by_polysemantic",
    "carried_strict",
    "carried_loose",
    "rank_correlation",
    "below_half",
    "top",
    "middle",
    "present_top",
)


def found(weights: Tensor, carried: Tensor) -> Neurons:
    """Neurons that carry what is said."""
    carried = carried.bool()
    primary = torch.where(carried.any(-1), (weights.abs() * carried).argmax(-1), -1)
    return Neurons(weights, carried, primary)


@pytest.fixture(scope="module")
def of_pairs() -> dict[str, float]:
    """Of the solution without superposition."""
    pairs = plain_pairs(100, 40, density=0.1)
    return net_numbers(*pairs, density=0.1, importance=IMPORTANCE)


def test_pairs_are_what_they_are(of_pairs: dict[str, float]) -> None:
    for name, value in {
        "loss": pairs_loss(IMPORTANCE, 40),
        "computed": 20,
        "dead_sides": 0,
        "dead_outputs": 0,
        "motifs": 0,
        "causal_motifs": 0,
        "kurtosis": 100,
        "read_off": 1,
        "live": 40,
        "single": 1,
        "two_or_three": 0,
        "three_or_more": 0,
        "polysemantic": 0,
        "carried": 1,
        "pairs": 20,
        "split": 0,
    }.items():
        assert of_pairs[name] == pytest.approx(value, rel=0.03), name
    assert of_pairs["kurtosis_rotated"] < 25
    assert all(isinstance(value, float) for value in of_pairs.values())


def test_where_there_is_nothing_to_measure_there_is_no_number(of_pairs: dict[str, float]) -> None:
    assert {name for name, value in of_pairs.items() if math.isnan(value)} == set(NOTHING)


def test_a_dead_net_has_numbers() -> None:
    numbers = net_numbers(
        torch.zeros(4, 30),
        torch.zeros(30, 4),
        torch.zeros(30),
        density=0.1,
        importance=IMPORTANCE[:30],
    )
    assert numbers["live"] == numbers["computed"] == numbers["pairs"] == numbers["read_off"] == 0
    assert numbers["dead_sides"] == 40
    assert numbers["dead_outputs"] == 20
    assert math.isnan(numbers["single"])
    assert math.isnan(numbers["split"])


def test_motifs_are_counted_and_single_sides_cost() -> None:
    model, _ = plant(2, n=20, count=3, inhibition=(0.6, 1.5))
    numbers = net_numbers(*model, density=0.03, importance=torch.ones(20))
    motifs = find_motifs(*model)
    assert numbers["motifs"] == len(motifs) == 3
    assert numbers["causal_motifs"] == sum(motif.causal for motif in motifs)
    assert numbers["polysemantic"] > 0
    assert numbers["pairs"] == 20 - 6
    w_in, w_out, bias = plain_pairs(30, 60, density=0.1)
    w_out[0, 0] = w_out[1, 2:4] = w_out[25] = 0.0
    numbers = net_numbers(w_in, w_out, bias, density=0.1, importance=torch.ones(30))
    assert numbers["dead_sides"] == 3  # of the first twenty
    assert numbers["dead_outputs"] == 1
    assert numbers["computed"] == 27


def test_sharing_is_counted() -> None:
    weights = torch.tensor(
        [
            [1.0, 0.0, 0.0, 0.0, 0.0],  # own, of 0
            [-1.0, 0.0, 0.0, 0.0, 0.0],  # and its other side
            [0.0, 1.0, 0.0, 0.0, 0.0],  # own, of 1
            [0.0, -1.0, 0.4, 0.0, 0.0],  # 1 and 2
            [0.0, 0.0, 1.0, 0.9, 0.2],  # 2, 3 and 4
            [0.3, 0.0, 0.0, 1.0, 0.0],  # carries nothing
        ]
    )
    carried = weights != 0
    carried[5] = False
    numbers = sharing_numbers(found(weights, carried))
    expected = {
        "live": 5,
        "single": 3 / 5,
        "two_or_three": 2 / 5,
        "three_or_more": 1 / 5,
        "polysemantic": 2 / 5,
        "carried": 8 / 5,
        "carried_by_polysemantic": 5 / 2,
        "pairs": 1,
        "split": 1 / 5,  # feature 1
    }
    for name, value in expected.items():
        assert numbers[name] == pytest.approx(value), name
    # Carried 1, 1, 1, 2, 3 and primaries 0, 0, 1, 1, 2, with ranks 2, 2, 2, 4, 5 and 1.5, 1.5,
    # 3.5, 3.5, 5: covariances 7, 8 and 9 times a fourth.
    assert numbers["rank_correlation"] == pytest.approx(7 / (8 * 9) ** 0.5)


def test_primaries_are_weighed() -> None:
    weights = torch.tensor([[1.0, 0.4, 0.0], [0.0, 1.0, 0.8], [0.0, 0.0, 1.0]])
    numbers = primary_numbers(found(weights, weights != 0), 1e-4)
    assert numbers["below_half"] == pytest.approx(0.5)
    assert numbers["top"] == pytest.approx(1.0, abs=0.01)
    # Sizes from 0.05 to w are of the primary once in 1 + 1/w times, and larger ones always: these
    # are a third of all at w = 0.4, and so a part of the highest of the four middle deciles.
    lower, mixed = 0.4 / 1.4, 1.225 / 1.825 * 10 - 6
    middle = (3 * lower + mixed * lower + 1 - mixed) / 4
    assert numbers["middle"] == pytest.approx((middle + 0.8 / 1.8) / 2, abs=0.02)
    alone = primary_numbers(found(torch.eye(3), torch.eye(3)), 0.1)
    assert all(math.isnan(value) for value in alone.values())
    assert set(alone) == {"below_half", "top", "middle", "present_top"}


def test_neurons_of_one_primary_have_no_rank_correlation() -> None:
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.5], [1.0, 0.4]])
    assert math.isnan(sharing_numbers(found(weights, weights != 0))["rank_correlation"])
    weights = torch.tensor([[1.0, 0.5], [1.0, 0.5], [0.4, 1.0]])
    assert math.isnan(sharing_numbers(found(weights, weights != 0))["rank_correlation"])

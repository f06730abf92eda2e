"""Without aim, neurons go on carrying what they carry, and inhibit at random."""

from __future__ import annotations

import pytest
import torch

from steering_core.absolute_value import find_motifs, plain_pairs
from steering_core.absolute_value.aim import instances_without_aim, without_aim
from steering_core.absolute_value.motifs import OWN
from tests.absolute_value.by_hand import as_trained
from tests.absolute_value.planted import plant

MODEL, _ = plant(2, n=9, count=2)


def test_what_a_neuron_carries_stays_and_the_rest_is_permuted() -> None:
    kept = [p.clone() for p in MODEL]
    w_in, w_out, bias = without_aim(*MODEL, seed=0)
    carried = MODEL[0].abs() * MODEL[1].mT >= OWN
    assert 0 < carried.sum() < carried.numel()
    assert torch.equal(w_in[carried], MODEL[0][carried])
    assert torch.equal(w_out.mT[carried], MODEL[1].mT[carried])
    assert torch.equal(bias, MODEL[2])
    assert torch.equal(w_in.sort(1).values, MODEL[0].sort(1).values)
    assert torch.equal(w_out.sort(0).values, MODEL[1].sort(0).values)
    assert not torch.equal(w_in, MODEL[0])
    assert not torch.equal(w_out, MODEL[1])
    for p, before in zip(MODEL, kept, strict=True):
        assert torch.equal(p, before)


def test_the_seed_decides() -> None:
    one, same, other = (without_aim(*MODEL, seed=seed)[1] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_planted_instances_are_gone() -> None:
    shuffled = [without_aim(*MODEL, seed=seed) for seed in range(20)]
    left = [len(find_motifs(*one, must_compute=False)) for one in shuffled]
    assert len(find_motifs(*MODEL)) == 2
    assert sum(left) < 0.25 * 2 * len(left)


def test_every_model_of_the_first_density_is_counted() -> None:
    trained = as_trained([[MODEL, MODEL]], (0.1,), (0, 5))
    nulls = [find_motifs(*without_aim(*MODEL, seed=s), must_compute=False) for s in (0, 5)]
    assert instances_without_aim(trained).tolist() == [len(one) for one in nulls]


def test_bad_input_is_named() -> None:
    w_in, w_out, bias = plain_pairs(3, 2, density=0.1)
    with pytest.raises(ValueError, match="bias: got nan"):
        without_aim(w_in, w_out, torch.full_like(bias, torch.nan), seed=0)

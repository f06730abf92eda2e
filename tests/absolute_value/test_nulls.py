"""Permuted models keep the weights of each neuron, and nothing of their places."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steering_core.absolute_value import find_motifs, plain_pairs, responses
from steering_core.absolute_value.nulls import permuted
from tests.absolute_value.planted import plant

N, M = 7, 5


@pytest.fixture
def model() -> tuple[Tensor, Tensor, Tensor]:
    """Of which no two weights are alike."""
    generator = torch.Generator().manual_seed(0)
    w_in, w_out = (torch.randn(shape, generator=generator) for shape in ((M, N), (N, M)))
    return w_in, w_out, torch.randn(N, generator=generator)


@pytest.mark.parametrize("keep_main", [True, False])
def test_each_neuron_keeps_its_weights(model, keep_main: bool) -> None:
    kept = [p.clone() for p in model]
    w_in, w_out, bias = permuted(*model, seed=3, keep_main=keep_main)
    assert torch.equal(w_in.sort(1).values, model[0].sort(1).values)
    assert torch.equal(w_out.sort(0).values, model[1].sort(0).values)
    assert torch.equal(bias, model[2])
    assert not torch.equal(w_in, model[0])
    assert not torch.equal(w_out, model[1])
    for p, before in zip(model, kept, strict=True):
        assert torch.equal(p, before)


def test_the_main_weight_stays_if_that_is_asked_for(model) -> None:
    main = model[0].abs().argmax(1)
    neurons = torch.arange(M)
    for seed in range(20):
        w_in, w_out, _ = permuted(*model, seed=seed, keep_main=True)
        assert torch.equal(w_in[neurons, main], model[0][neurons, main])
        assert torch.equal(w_out[main, neurons], model[1][main, neurons])


@pytest.mark.parametrize("keep_main", [True, False])
def test_all_other_places_are_alike_and_inputs_go_apart_from_outputs(
    model, keep_main: bool
) -> None:
    seeds, movable = 600, N - keep_main
    main = model[0].abs().argmax(1)
    k, feature = 2, (int(main[2]) + 1) % N
    came_in, came_out, together = torch.zeros(N), torch.zeros(N), 0
    for seed in range(seeds):
        w_in, w_out, _ = permuted(*model, seed=seed, keep_main=keep_main)
        to_in = int((w_in[k] == model[0][k, feature]).nonzero())
        to_out = int((w_out[:, k] == model[1][feature, k]).nonzero())
        came_in[to_in] += 1
        came_out[to_out] += 1
        together += to_in == to_out
    expected = torch.full((N,), seeds / movable)
    if keep_main:
        expected[main[k]] = 0
    slack = 4.5 * (seeds / movable) ** 0.5
    torch.testing.assert_close(came_in, expected, rtol=0, atol=slack)
    torch.testing.assert_close(came_out, expected, rtol=0, atol=slack)
    assert together == pytest.approx(seeds / movable, abs=slack)
    assert bool(came_in[main[k]] == 0) is keep_main


def test_seeds_decide_and_the_global_generator_is_left_alone(model) -> None:
    before = torch.get_rng_state()
    first, again, other = (permuted(*model, seed=seed, keep_main=True) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_plain_pairs_go_on_working_or_do_not() -> None:
    pairs = plain_pairs(6, 8, density=0.1)
    for p, kept in zip(permuted(*pairs, seed=0, keep_main=True), pairs, strict=True):
        assert torch.equal(p, kept)
    broken = permuted(*pairs, seed=0, keep_main=False)
    assert (responses(*broken)[:4] < 0.5).any()


def test_a_planted_motif_is_lost() -> None:
    left, planted = 0, 0
    for seed in range(30):
        model, instances = plant(seed, noise=0.0)
        for keep_main in (True, False):
            null = permuted(*model, seed=seed, keep_main=keep_main)
            left += len(find_motifs(*null, must_compute=False))
            planted += len(instances)
    assert planted > 80
    assert left < 0.1 * planted

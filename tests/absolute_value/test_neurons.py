"""What a neuron carries is what it costs to cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core import sparse_features
from steering_core.absolute_value import Neurons, neurons, plain_pairs, rescaled
from steering_core.absolute_value.errors import outputs, variance
from steering_core.absolute_value.neurons import CARRIED, cutting_costs


def random_model(*batch: int, n: int = 4, m: int = 3, seed: int = 0) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    w_in = torch.randn(*batch, m, n, generator=generator)
    w_out = torch.randn(*batch, n, m, generator=generator)
    return w_in, w_out, 0.2 * torch.randn(*batch, n, generator=generator)


def found(weights: Tensor, carried: Tensor) -> Neurons:
    """Neurons that carry what is said."""
    carried = carried.bool()
    primary = torch.where(carried.any(-1), (weights.abs() * carried).argmax(-1), -1)
    return Neurons(weights, carried, primary)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_rescaling_keeps_the_function(seed: int, n: int, m: int, dead: bool) -> None:
    w_in, w_out, bias = random_model(2, n=n, m=m, seed=seed)
    if dead:
        w_in[:, 0] = 0.0
    inner, outer = rescaled(w_in, w_out)
    x = torch.randn(n, 50, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        outputs(inner, outer, bias, x), outputs(w_in, w_out, bias, x), rtol=1e-4, atol=1e-5
    )
    largest = inner.abs().amax(-1)
    torch.testing.assert_close(largest[:, dead:], torch.ones(2, m - dead))
    if dead:
        assert torch.equal(inner[:, 0], w_in[:, 0])
        assert torch.equal(outer[..., 0], w_out[..., 0])


@pytest.mark.parametrize("density", [1.0, 0.3, 0.02])
def test_costs_are_those_of_cutting_on_all_inputs(density: float) -> None:
    w_in, w_out, bias = random_model()
    x = sparse_features.sample(
        4, 300_000, density=density, axis=0, generator=torch.Generator().manual_seed(9), signed=True
    )
    got = cutting_costs(w_in, w_out, bias, density=density, n_inputs=60_000)
    before = (outputs(w_in, w_out, bias, x) - x.abs()).square()
    for k in range(3):
        for i in range(4):
            cut = w_in.clone()
            cut[k, i] = 0.0
            after = (outputs(cut, w_out, bias, x) - x.abs()).square()
            rise = (after - before)[i].double() / variance(density)
            error = rise.std().item() / len(rise) ** 0.5
            assert got[k, i].item() == pytest.approx(rise.mean().item(), abs=8 * error + 1e-4)


@pytest.mark.parametrize("density", [1.0, 0.1, 0.001])
def test_a_side_of_a_pair_costs_half_of_what_there_is(density: float) -> None:
    """Without it, x² is lost where x has its sign: p/6 of E x² = p/3, over the variance V(p)."""
    model = plain_pairs(3, 4, density=density)
    costs = cutting_costs(*model, density=density, n_inputs=20_000)
    expected = density / 6 / variance(density)
    own = model[0] != 0
    torch.testing.assert_close(costs[own], torch.full((4,), expected), rtol=0.05, atol=0)
    assert (costs[~own] == 0).all()


def test_models_are_cut_together_as_alone_and_scale_makes_no_difference() -> None:
    w_in, w_out, bias = random_model(2, 3)
    whole = cutting_costs(w_in, w_out, bias, density=0.2)
    assert whole.shape == w_in.shape
    for d in range(2):
        for s in range(3):
            alone = cutting_costs(w_in[d, s], w_out[d, s], bias[d, s], density=0.2)
            torch.testing.assert_close(whole[d, s], alone, rtol=1e-3, atol=1e-6)
    inner, outer = rescaled(w_in, w_out)
    torch.testing.assert_close(
        cutting_costs(inner, outer, bias, density=0.2), whole, rtol=1e-3, atol=1e-6
    )


def test_the_global_generator_is_left_alone() -> None:
    before, model = torch.get_rng_state(), random_model()
    first = cutting_costs(*model, density=0.2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, cutting_costs(*model, density=0.2))
    assert not torch.equal(first, cutting_costs(*model, density=0.2, seed=3))


def test_neurons_carry_what_costs() -> None:
    w_in, w_out, bias = random_model(2)
    whole = neurons(w_in, w_out, bias, density=0.3)
    costs = cutting_costs(w_in, w_out, bias, density=0.3)
    assert torch.equal(whole.carried, costs >= CARRIED)
    assert torch.equal(whole.weights, rescaled(w_in, w_out)[0])
    assert 0 < whole.carried.sum() < whole.carried.numel()


def test_leftovers_are_not_carried_and_dead_neurons_carry_nothing() -> None:
    w_in, w_out, bias = plain_pairs(4, 6, density=0.1)
    generator = torch.Generator().manual_seed(0)
    w_in = w_in + 0.01 * torch.randn(w_in.shape, generator=generator)
    w_in, w_out = torch.cat([w_in, torch.zeros(2, 4)]), torch.cat([w_out, torch.zeros(4, 2)], 1)
    w_in[7] = 5.0  # heard, and not told
    whole = neurons(w_in, w_out, bias, density=0.1)
    assert whole.primary.tolist() == [0, 0, 1, 1, 2, 2, -1, -1]
    assert whole.features.tolist() == [1] * 6 + [0] * 2
    assert not whole.polysemantic.any()
    assert (whole.second_over_first == 0).all()
    assert (whole.sharing == 0).all()


def test_the_primary_is_the_largest_of_what_is_carried() -> None:
    """A neuron that hears feature 2 loudest tells only of features 0 and 1."""
    w_in = torch.tensor([[0.5, -1.0, 3.0], [0.0, 0.0, 1.0]])
    w_out = torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    whole = neurons(w_in, w_out, torch.zeros(3), density=0.01)
    assert whole.carried.tolist() == [[True, True, False], [False, False, True]]
    assert whole.primary.tolist() == [1, 2]
    torch.testing.assert_close(whole.second_over_first, torch.tensor([0.5, 0.0]))


def test_numbers_of_neurons_set_by_hand() -> None:
    weights = torch.tensor(
        [[1.0, -0.8, 0.1, 0.0], [0.2, 1.0, 0.0, 0.0], [0.0, 0.3, -1.0, 0.5], [1.0, 1.0, 0.0, 0.0]]
    )
    carried = torch.tensor([[1, 1, 0, 0], [0, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]])
    one = found(weights, carried)
    assert one.features.tolist() == [2, 1, 3, 0]
    assert one.polysemantic.tolist() == [True, False, True, False]
    assert one.primary.tolist() == [0, 1, 2, -1]
    torch.testing.assert_close(one.second_over_first, torch.tensor([0.8, 0.0, 0.5, 0.0]))
    torch.testing.assert_close(one.sharing, torch.tensor([1.0, (1 + 0 + 2) / 3, 2.0, 2.0]))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(2, 6), st.integers(1, 5))
def test_numbers_are_those_counted_one_by_one(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    weights = torch.tensor(rng.standard_normal((2, m, n)), dtype=torch.float32)
    carried = torch.tensor(rng.random((2, m, n)) < 0.4)
    whole = found(weights, carried)
    for b in range(2):
        lists = [[i for i in range(n) if carried[b, k, i]] for k in range(m)]
        for k, its in enumerate(lists):
            sizes = sorted((abs(weights[b, k, i].item()) for i in its), reverse=True)
            assert whole.features[b, k] == len(its)
            ratio = sizes[1] / sizes[0] if len(its) > 1 else 0.0
            assert whole.second_over_first[b, k].item() == pytest.approx(ratio)
        for i in range(n):
            others = [len(its) - 1 for its in lists if i in its]
            mean = sum(others) / len(others) if others else 0.0
            assert whole.sharing[b, i].item() == pytest.approx(mean)


def test_a_model_of_one_feature_has_no_second() -> None:
    whole = neurons(torch.tensor([[1.0], [-1.0]]), torch.ones(1, 2), torch.zeros(1), density=0.1)
    assert whole.primary.tolist() == [0, 0]
    assert whole.second_over_first.tolist() == [0, 0]

"""What strong activations are about, and whether neurons are a basis that means something."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from steering_core.absolute_value import Neurons, neurons, plain_pairs
from steering_core.absolute_value.basis import read_off, rotated_kurtosis, row_kurtosis
from steering_core.absolute_value.deciles import STRONG_ENOUGH, primary_share


def carrying_all(weights: Tensor) -> Neurons:
    """Neurons that carry whatever they hear."""
    carried = weights != 0
    primary = torch.where(carried.any(-1), weights.abs().argmax(-1), -1)
    return Neurons(weights, carried, primary)


def shares_one_by_one(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(m, 10) from inputs (inputs, n), neuron by neuron."""
    rows = []
    for row in weights:
        given = row * x
        activation = given.sum(1)
        on = activation > STRONG_ENOUGH
        positive = np.maximum(given[on], 0)
        share = positive[:, np.abs(row).argmax()] / positive.sum(1)
        rows.append([part.mean() for part in np.array_split(share[activation[on].argsort()], 10)])
    return np.array(rows)


@pytest.mark.parametrize("density", [1.0, 0.3, 0.03])
def test_shares_are_those_counted_one_by_one(density: float) -> None:
    weights = np.array([[1.0, 0.6, -0.3], [0.2, -1.0, 0.0], [0.0, 0.5, 1.0]])
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (400_000, 3)) * (rng.random((400_000, 3)) < density)
    got = primary_share(carrying_all(torch.tensor(weights).float()), density=density)
    np.testing.assert_allclose(got.numpy(), shares_one_by_one(weights, x), atol=0.06)


def test_the_strongest_activations_of_rare_inputs_are_the_primary_alone() -> None:
    """Sizes above 1/2, of which there are 0.5 of 1.85, only the primary reaches; below, of every
    three one is the primary, as the other feature is crowded into half of the range."""
    found = carrying_all(torch.tensor([[1.0, 0.5], [-0.5, 1.0]]))
    share = primary_share(found, density=1e-4)
    third = torch.full((7,), 1 / 3)
    for row in share:
        torch.testing.assert_close(row[8:], torch.ones(2), atol=1e-3, rtol=0)
        torch.testing.assert_close(row[:7], third, atol=0.03, rtol=0)
        assert 1 / 3 < row[7] < 1


def test_a_neuron_of_one_feature_is_about_it_throughout() -> None:
    share = primary_share(neurons(*plain_pairs(3, 4, density=0.2), density=0.2), density=0.2)
    torch.testing.assert_close(share, torch.ones(4, 10))


def test_what_cannot_be_measured_is_not_a_number() -> None:
    weights = torch.tensor([[1.0, 0.5], [1.0, 0.0], [0.04, 0.0]])
    carried = torch.tensor([[True, True], [False, False], [True, False]])
    found = Neurons(weights, carried, torch.tensor([0, -1, 0]))
    share = primary_share(found, density=0.2)
    assert share.isnan().all(1).tolist() == [False, True, True]


def test_draws_are_seeded_and_leave_the_global_generator_alone() -> None:
    found, before = carrying_all(torch.tensor([[1.0, 0.5]])), torch.get_rng_state()
    first, again, other = (
        (primary_share(found, density=0.2, seed=seed), read_off(found, density=0.2, seed=seed))
        for seed in (3, 3, 4)
    )
    assert torch.equal(torch.get_rng_state(), before)
    for i in range(2):
        torch.testing.assert_close(first[i], again[i], rtol=0, atol=0, equal_nan=True)
        assert not torch.equal(first[i].nan_to_num(), other[i].nan_to_num())
    weights = torch.eye(4)
    assert torch.equal(rotated_kurtosis(weights), rotated_kurtosis(weights))
    assert not torch.equal(rotated_kurtosis(weights), rotated_kurtosis(weights, seed=1))


def test_kurtosis_is_that_of_the_formula() -> None:
    weights = np.random.default_rng(0).standard_normal((2, 3, 7))
    expected = [
        np.mean([np.mean(row**4) / np.mean(row**2) ** 2 for row in model]) for model in weights
    ]
    got = row_kurtosis(torch.tensor(weights))
    np.testing.assert_allclose(got.numpy(), expected)
    np.testing.assert_allclose(row_kurtosis(torch.tensor(100 * weights)).numpy(), expected)


@pytest.mark.parametrize("n", [1, 5, 100])
def test_kurtosis_of_one_weight_a_row_is_their_number(n: int) -> None:
    weights = torch.zeros(3, n)
    weights[[0, 1, 2], [0, n // 2, n - 1]] = torch.tensor([1.0, -2.0, 0.1])
    assert row_kurtosis(weights).item() == pytest.approx(n)


def test_kurtosis_of_noise_is_three_and_of_nothing_zero() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 400, generator=generator)
    assert row_kurtosis(noise).item() == pytest.approx(3, abs=0.05)
    assert row_kurtosis(torch.zeros(3, 4)).item() == 0.0
    assert row_kurtosis(torch.tensor([[1.0, 0.0], [0.0, 0.0]])).item() == 1.0


@pytest.mark.parametrize("m", [2, 5, 40])
def test_rotations_are_uniform(m: int) -> None:
    """A row of one is a point on the sphere, where E w⁴ / (E w²)² is 3 m / (m + 2)."""
    rotated = rotated_kurtosis(torch.eye(m), rotations=400)
    assert rotated.shape == (400,)
    error = rotated.std().item() / 400**0.5
    assert rotated.mean().item() == pytest.approx(3 * m / (m + 2), abs=4 * error)
    assert rotated.max() < m


def test_rotations_keep_what_is_left_of_one_neuron() -> None:
    weights = torch.tensor([[1.0, 0.5, -0.2, 0.0]])
    torch.testing.assert_close(rotated_kurtosis(weights), row_kurtosis(weights).expand(99))


def test_noise_is_not_told_from_its_rotations_and_pairs_are() -> None:
    generator = torch.Generator().manual_seed(1)
    ranks = []
    for _ in range(60):
        noise = torch.randn(6, 20, generator=generator)
        ranks.append((rotated_kurtosis(noise) > row_kurtosis(noise)).double().mean().item())
    assert 0.35 < np.mean(ranks) < 0.65
    pairs = plain_pairs(20, 10, density=0.1)[0]
    assert row_kurtosis(pairs) > rotated_kurtosis(pairs).max()


@pytest.mark.parametrize("density", [1.0, 0.3, 0.01])
def test_values_are_read_off_pairs_and_half_off_a_single_side(density: float) -> None:
    """Of one side: cov² = (p/6)², the variances are p/3 and p/6 - p²/16."""
    weights = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -0.3, 0.0]])
    got = read_off(carrying_all(weights), density=density, n_inputs=100_000)
    assert got[0].item() == pytest.approx(1.0, abs=1e-5)
    assert got[1].item() == pytest.approx((1 / 36) / ((1 / 3) * (1 / 6 - density / 16)), abs=0.04)
    assert got[2].isnan()


def test_only_neurons_about_a_feature_are_read() -> None:
    """Feature 0 is heard by two neurons, and is the primary of one."""
    weights = torch.tensor([[1.0, 0.0], [-0.9, 1.0], [0.0, -1.0]])
    got = read_off(carrying_all(weights), density=1.0)
    assert got[0].item() == pytest.approx(0.8, abs=0.02)
    assert 0.5 < got[1] < 0.99


def test_as_many_inputs_are_drawn_as_are_asked_for() -> None:
    found = carrying_all(torch.tensor([[1.0, 0.5], [-1.0, 0.0]]))
    assert primary_share(found, density=0.5, n_inputs=9).isnan().all()
    assert primary_share(found, density=0.5, n_inputs=70_000).isfinite().all()


def test_kurtosis_does_not_depend_on_scale() -> None:
    weights = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, -1.0]])
    for scale in (1e-30, 1e-15, 1e15, 1e30):
        torch.testing.assert_close(row_kurtosis(scale * weights), row_kurtosis(weights))

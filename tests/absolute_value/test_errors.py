"""Errors are those of plain Monte Carlo, and where they are known in closed form, those."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from steering_core import sparse_features
from steering_core.absolute_value import (
    ABSOLUTE,
    TASKS,
    Task,
    feature_errors,
    normalised_loss,
    pairs_loss,
    plain_pairs,
    responses,
)
from steering_core.absolute_value.errors import dead_sides, outputs, variance

DENSITIES = [1.0, 0.3, 0.03, 0.003]
DECAY = 0.8 ** torch.arange(12.0)
Model = tuple[Tensor, Tensor, Tensor]


def random_model(*batch: int, n: int = 5, m: int = 4, seed: int = 0) -> Model:
    generator = torch.Generator().manual_seed(seed)
    w_in = torch.randn(*batch, m, n, generator=generator)
    w_out = torch.randn(*batch, n, m, generator=generator)
    return w_in, w_out, 0.2 * torch.randn(*batch, n, generator=generator)


def output_of(model: Model, x: np.ndarray, task: Task) -> np.ndarray:
    """(inputs, n) of inputs (inputs, n)."""
    w_in, w_out, bias = (p.double().numpy() for p in model)
    hidden = x @ w_in.T
    hidden = np.maximum(hidden, 0) if task.hidden_relu else hidden
    return np.maximum(hidden @ w_out.T + bias, 0)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
@pytest.mark.parametrize("density", [1.0, 0.2, 0.02])
def test_errors_are_those_of_plain_sampling(density: float, task: Task) -> None:
    model = random_model()
    inputs = sparse_features.sample(
        200_000,
        5,
        density=density,
        generator=torch.Generator().manual_seed(1),
        signed=task.signed,
    )
    residual = output_of(model, inputs.double().numpy(), task) - task.labels(inputs.T).T.numpy()
    expected = (residual**2).mean(0) / variance(density)
    error = (residual**2).std(0) / variance(density) / 200_000**0.5
    got = feature_errors(*model, density=density, task=task).numpy()
    assert (np.abs(got - expected) < 8 * error).all()


def test_variance_is_that_of_a_size() -> None:
    x = sparse_features.sample(
        10**6, density=0.3, generator=torch.Generator().manual_seed(0), signed=True
    )
    assert x.abs().double().var().item() == pytest.approx(variance(0.3), rel=0.01)
    assert variance(1.0) == pytest.approx(1 / 12)


@pytest.mark.parametrize("density", DENSITIES)
def test_pairs_are_exact_and_constants_are_at_one(density: float) -> None:
    errors = feature_errors(*plain_pairs(12, 7, density=density), density=density)
    assert (errors[:3] < 1e-12).all()
    torch.testing.assert_close(errors[3:], torch.ones(9), rtol=0.08, atol=0)
    loss = normalised_loss(errors, DECAY).item()
    assert loss == pytest.approx(pairs_loss(DECAY, 7), rel=0.02)


def test_the_loss_of_forty_neurons_is_the_published_one() -> None:
    assert pairs_loss(0.8 ** torch.arange(100.0), 40) == pytest.approx(0.8**20, rel=1e-5)
    assert pairs_loss(torch.ones(5), 40) == 0.0
    assert pairs_loss(torch.ones(5), 1) == 1.0
    assert pairs_loss(torch.tensor([3.0, 2.0, 1.0]), 3) == pytest.approx(0.5)


@pytest.mark.parametrize("constant", [-0.3, 0.0, 0.2, 0.7])
@pytest.mark.parametrize("density", DENSITIES)
def test_a_constant_output_has_the_error_that_it_has(density: float, constant: float) -> None:
    """Where p is small, nearly all of it is that of the empty input."""
    n, m = 4, 3
    errors = feature_errors(
        torch.zeros(m, n), torch.zeros(n, m), torch.full((n,), constant), density=density
    )
    c = max(constant, 0.0)
    expected = (c**2 - c * density + density / 3) / variance(density)
    torch.testing.assert_close(errors, torch.full((n,), expected), rtol=0.04, atol=0)


def test_the_empty_input_counts_with_its_weight() -> None:
    p, n, huge = 1e-3, 3, 100.0
    model = torch.zeros(2, n), torch.zeros(n, 2), torch.full((n,), huge)
    got = feature_errors(*model, density=p) * variance(p)
    torch.testing.assert_close(got, torch.full((n,), huge**2), rtol=1e-3, atol=0)


def test_models_are_measured_together_as_alone() -> None:
    whole = random_model(2, 3)
    errors = feature_errors(*whole, density=0.2, n_inputs=9_000)
    assert errors.shape == (2, 3, 5)
    for d in range(2):
        for s in range(3):
            one = [p[d, s] for p in whole]
            alone = feature_errors(one[0], one[1], one[2], density=0.2, n_inputs=9_000)
            torch.testing.assert_close(errors[d, s], alone, rtol=1e-4, atol=1e-6)


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    model, before = random_model(), torch.get_rng_state()
    first, again, other = (
        feature_errors(*model, density=0.2, n_inputs=5_000, seed=seed) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_outputs_are_those_of_the_formula(task: Task) -> None:
    model = random_model(3)
    x = torch.randn(5, 7, generator=torch.Generator().manual_seed(2))
    got = outputs(*model, x, task)
    for i in range(3):
        one = (model[0][i], model[1][i], model[2][i])
        expected = output_of(one, x.T.double().numpy(), task).T
        np.testing.assert_allclose(got[i].numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_labels_are_sizes_and_what_leaks_between_them(task: Task) -> None:
    x = torch.rand(6, 2_000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels = task.labels(x)
    assert (labels >= 0).all()
    if not task.mixing:
        assert torch.equal(labels, x.abs())
        return
    alone = task.labels(torch.eye(6))  # the column of each feature, cut at zero
    assert torch.equal(alone.diagonal(), torch.ones(6))
    leaks = alone[~torch.eye(6, dtype=torch.bool)]
    assert (leaks == 0).any()
    assert 0.01 < leaks[leaks > 0].mean() < 0.1
    assert torch.equal(labels, task.labels(-x))
    assert ABSOLUTE.labels(x).sub(labels).abs().mean() > 0.01


def test_the_loss_is_a_mean_that_importance_weighs() -> None:
    errors = torch.tensor([[0.0, 1.0, 0.5], [1.0, 1.0, 1.0]])
    torch.testing.assert_close(
        normalised_loss(errors, torch.tensor([2.0, 1.0, 1.0])), torch.tensor([0.375, 1.0])
    )


def test_responses_are_rises_from_the_empty_input() -> None:
    w_in = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, -2.0]])
    w_out = torch.tensor([[1.0, 0.05, 0.0], [0.0, 0.0, 0.25]])
    bias = torch.tensor([0.0, 0.3])
    expected = torch.tensor([[1.0, 0.05], [0.0, 0.5]])
    torch.testing.assert_close(responses(w_in, w_out, bias), expected)
    assert dead_sides(w_in, w_out, bias).tolist() == [[False, True], [True, False]]
    below = bias - torch.tensor([0.95, 0.0])
    assert responses(w_in, w_out, below)[0].tolist() == pytest.approx([0.05, 0.0])
    assert dead_sides(w_in, w_out, below)[0].all()


def test_responses_are_what_the_model_puts_out() -> None:
    model = random_model(2, seed=5)
    got = responses(*model)
    for b in range(2):
        one = (model[0][b], model[1][b], model[2][b])
        nothing = output_of(one, np.zeros((1, 5)), ABSOLUTE)[0]
        for i in range(5):
            for side, sign in enumerate((1, -1)):
                x = np.zeros((1, 5))
                x[0, i] = sign
                rise = output_of(one, x, ABSOLUTE)[0, i] - nothing[i]
                assert got[b, i, side].item() == pytest.approx(rise, abs=1e-5)


def test_all_of_what_pairs_do_not_compute_is_dead() -> None:
    dead = dead_sides(*plain_pairs(6, 9, density=0.1))
    assert dead.tolist() == [[False, False]] * 4 + [[True, True]] * 2

"""The expected loss is the integral it says it is, and differentiable, for every activation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.superposition import ACTIVATIONS, Activation, expected_errors, expected_loss

from . import independent

ALL = list(ACTIVATIONS)


def model(seed: int, scale: float, n: int = 2, m: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (m, n) and bias (n,) drawn with that standard deviation, and importances."""
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(m, n)) * scale, rng.normal(size=n) * scale / 2
    importance = 10 ** rng.uniform(-1, 1, size=n)
    return torch.tensor(weights), torch.tensor(bias), torch.tensor(importance)


def ours(
    weights: Tensor, bias: Tensor, importance: Tensor, activation: str | Activation, density: float
) -> float:
    return expected_loss(
        weights, bias, activation=activation, density=density, importance=importance
    ).item()


def flat(seed: int) -> tuple[Tensor, Tensor]:
    """Weights and bias of one model as one row, and its importances."""
    weights, bias, importance = model(seed, 1.0)
    return torch.cat([weights.flatten(), bias]), importance


def loss_of(
    parameters: Tensor, activation: str, importance: Tensor, density: float = 0.4
) -> Tensor:
    return expected_loss(
        parameters[:2].reshape(1, 2),
        parameters[2:],
        activation=activation,
        density=density,
        importance=importance,
    )


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize(
    ("seed", "scale", "density"),
    [(0, 1.0, 0.3), (1, 1.0, 1.0), (2, 5.0, 0.001), (3, 5.0, 0.7), (4, 5.0, 0.05)],
)
def test_it_agrees_with_adaptive_quadrature(
    activation: str, seed: int, scale: float, density: float
) -> None:
    weights, bias, importance = model(seed, scale)
    expected = independent.loss(
        weights.numpy(), bias.numpy(), activation, density, importance.numpy()
    )
    assert ours(weights, bias, importance, activation, density) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("row", [(19.5, -20.3), (20.0, 0.4), (-18.0, -0.9)])
def test_it_agrees_where_weights_are_extreme(activation: str, row: tuple[float, float]) -> None:
    weights, bias = torch.tensor([row], dtype=torch.float64), torch.tensor([-3.0, 1.7]).double()
    importance = torch.tensor([1.0, 0.3], dtype=torch.float64)
    expected = independent.loss(weights.numpy(), bias.numpy(), activation, 0.2, importance.numpy())
    assert ours(weights, bias, importance, activation, 0.2) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("activation", ALL)
def test_it_agrees_with_adaptive_quadrature_for_three_inputs(activation: str) -> None:
    weights, bias, importance = model(5, 1.0, n=3, m=2)
    expected = independent.loss_of_three(
        weights.numpy(), bias.numpy(), activation, 0.6, importance.numpy()
    )
    assert ours(weights, bias, importance, activation, 0.6) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize(("n", "density"), [(2, 0.05), (2, 0.8), (3, 0.3)])
def test_it_agrees_with_a_million_samples(activation: str, n: int, density: float) -> None:
    weights, bias, importance = model(6, 1.0, n=n)
    samples = independent.sampled_losses(
        weights.numpy(), bias.numpy(), activation, density, importance.numpy(), 1_000_000
    )
    standard_error = samples.std() / np.sqrt(len(samples))
    loss = ours(weights, bias, importance, activation, density)
    assert abs(loss - samples.mean()) < 4 * standard_error


def test_relus_candidates_have_the_losses_of_the_theory() -> None:
    s, r = 0.3, 0.7
    importance = torch.tensor([1.0, r], dtype=torch.float64)
    best_constant = torch.tensor([0.0, s / 2], dtype=torch.float64)
    dedicated = ours(torch.tensor([[1.0, 0.0]]), best_constant, importance, "relu", s)
    assert dedicated == pytest.approx(r * (s / 3 - s**2 / 4), rel=1e-12)
    pair = ours(torch.tensor([[1.0, -1.0]]), torch.zeros(2), importance, "relu", s)
    assert pair == pytest.approx((1 + r) * s**2 / 6, rel=1e-12)


def test_one_input_is_a_model_too() -> None:
    loss = ours(torch.tensor([[0.5]]), torch.zeros(1), torch.ones(1), "linear", 0.6)
    assert loss == pytest.approx(0.6 * 0.75**2 / 3, rel=1e-12)
    hidden = Activation(lambda z: z.clamp(-0.3, 0.7), kinks=(-0.3, 0.7), elementwise=False)
    loss = ours(torch.tensor([[1.0]]), torch.zeros(1), torch.ones(1), hidden, 1.0)
    assert loss == pytest.approx(0.3**3 / 3, rel=1e-12)


@pytest.mark.parametrize("elementwise", [True, False])
def test_a_kink_that_is_declared_is_integrated_exactly(elementwise: bool) -> None:
    weights, bias, importance = model(8, 1.5)
    clamp = Activation(lambda z: z.clamp(-0.3, 0.7), kinks=(-0.3, 0.7), elementwise=elementwise)
    expected = independent.loss(
        weights.numpy(),
        bias.numpy(),
        "clamp",
        0.9,
        importance.numpy(),
        function=lambda z: min(max(z, -0.3), 0.7),
        kinks=(-0.3, 0.7),
    )
    assert ours(weights, bias, importance, clamp, 0.9) == pytest.approx(expected, rel=1e-8)


def test_a_kink_that_is_hidden_is_warned_of() -> None:
    weights, bias, importance = model(8, 1.5)
    with pytest.warns(RuntimeWarning, match="relative error .* is above 1e-06; .* kinks"):
        expected_loss(
            weights,
            bias,
            activation=lambda z: z.clamp(-0.3, 0.7),
            density=0.9,
            importance=importance,
        )


def test_a_callable_with_an_attribute_declares_its_kinks() -> None:
    def clamp(z: Tensor) -> Tensor:
        return z.clamp(-0.3, 0.7)

    clamp.kinks = (-0.3, 0.7)  # pyright: ignore[reportFunctionMemberAccess]
    weights, bias, importance = model(8, 1.5)
    declared = Activation(clamp, kinks=(-0.3, 0.7))
    by_attribute = expected_loss(
        weights, bias, activation=clamp, density=0.9, importance=importance
    ).item()
    assert by_attribute == pytest.approx(ours(weights, bias, importance, declared, 0.9), rel=1e-8)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "solu"])
def test_a_batch_is_its_models_one_by_one(activation: str) -> None:
    rng = np.random.default_rng(8)
    weights = torch.tensor(rng.normal(size=(2, 3, 1, 2)) * 3)
    bias = torch.tensor(rng.normal(size=(2, 3, 2)))
    density = torch.tensor(rng.uniform(0.01, 1, size=(2, 3)))
    importance = torch.tensor(rng.uniform(0.1, 10, size=(2, 3, 2)))
    batch = expected_loss(
        weights, bias, activation=activation, density=density, importance=importance
    )
    assert batch.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = ours(weights[i, j], bias[i, j], importance[i, j], activation, density[i, j].item())
        assert batch[i, j].item() == pytest.approx(one, rel=1e-8)


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("seed", [10, 11])
def test_the_gradient_is_that_of_differences(activation: str, seed: int) -> None:
    x, importance = flat(seed)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(loss_of(x, activation, importance), x)
    h = 1e-5
    for k in range(4):
        step = torch.zeros(4, dtype=torch.float64)
        step[k] = h
        with torch.no_grad():
            up = loss_of(x + step, activation, importance)
            down = loss_of(x - step, activation, importance)
        difference = (up - down).item() / (2 * h)
        assert gradient[k].item() == pytest.approx(difference, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("seed", [10, 11])
def test_the_hessian_is_that_of_differences(activation: str, seed: int) -> None:
    x, importance = flat(seed)
    hessian = torch.autograd.functional.hessian(lambda p: loss_of(p, activation, importance), x)
    assert isinstance(hessian, Tensor)
    h = 1e-3
    steps = h * torch.eye(4, dtype=torch.float64)
    for i, j in np.ndindex(4, 4):
        corners = torch.stack([x + p * steps[i] + q * steps[j] for p in (1, -1) for q in (1, -1)])
        with torch.no_grad():
            values = [loss_of(corner, activation, importance).item() for corner in corners]
        difference = (values[0] - values[1] - values[2] + values[3]) / (4 * h**2)
        assert hessian[i, j].item() == pytest.approx(difference, rel=1e-4, abs=1e-4)


models = st.builds(model, st.integers(0, 10**6), st.sampled_from([0.5, 2.0]), st.just(2))
densities = st.floats(0.001, 1)
activations = st.sampled_from(ALL)
few = settings(max_examples=40, deadline=None)


@few
@given(models, densities, activations, st.sampled_from([2, 3]))
def test_permuting_the_features_changes_nothing(
    drawn: tuple[Tensor, Tensor, Tensor], density: float, activation: str, n: int
) -> None:
    weights, bias, importance = drawn
    order = [1, 0]
    if n == 3:
        weights, bias, importance = model(int(weights.abs().sum() * 1e6), 1.0, n=3)
        order = [2, 0, 1]
    assert ours(
        weights[:, order], bias[order], importance[order], activation, density
    ) == pytest.approx(ours(weights, bias, importance, activation, density), rel=1e-7)


@few
@given(models, densities, activations, st.floats(0, 6.3))
def test_turning_the_hidden_space_changes_nothing(
    drawn: tuple[Tensor, Tensor, Tensor], density: float, activation: str, angle: float
) -> None:
    weights, bias, importance = drawn
    loss = ours(weights, bias, importance, activation, density)
    assert ours(-weights, bias, importance, activation, density) == pytest.approx(loss, rel=1e-10)
    other = model(12, 1.0)[0]
    two = torch.cat([weights, other])
    turn = torch.tensor(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=torch.float64
    )
    assert ours(turn @ two, bias, importance, activation, density) == pytest.approx(
        ours(two, bias, importance, activation, density), rel=1e-7
    )


@few
@given(models, densities, activations, st.floats(1e-3, 1e3))
def test_the_loss_scales_with_the_importances(
    drawn: tuple[Tensor, Tensor, Tensor], density: float, activation: str, factor: float
) -> None:
    weights, bias, importance = drawn
    assert ours(weights, bias, factor * importance, activation, density) == pytest.approx(
        factor * ours(weights, bias, importance, activation, density), rel=1e-12
    )


def test_the_errors_are_the_losses_of_single_importances() -> None:
    weights, bias, _ = model(13, 1.0)
    errors = expected_errors(weights, bias, activation="gelu", density=0.3)
    for i in range(2):
        only_this = torch.full((2,), 1e-300, dtype=torch.float64)
        only_this[i] = 1.0
        assert errors[i].item() == pytest.approx(ours(weights, bias, only_this, "gelu", 0.3))

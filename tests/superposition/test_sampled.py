"""Errors on fresh inputs are the expected ones, but for the chance of the draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from steering_core.superposition import ACTIVATIONS, Activation, expected_errors
from steering_core.superposition.sampled import explained, sampled_errors

ALL = list(ACTIVATIONS)


def models(seed: int, *shape: int, m: int, n: int) -> tuple[Tensor, Tensor]:
    """Weights (..., m, n) and bias (..., n)."""
    rng = np.random.default_rng(seed)
    weights, bias = rng.normal(size=(*shape, m, n)), rng.normal(size=(*shape, n)) / 2
    return torch.tensor(weights).float(), torch.tensor(bias).float()


def squared_errors(
    weights: Tensor, bias: Tensor, activation: str | Activation, density: float, signed: bool
) -> Tensor:
    """(100,000, n), of inputs drawn here."""
    f = ACTIVATIONS[activation] if isinstance(activation, str) else activation
    rng = np.random.default_rng(3)
    shape = (100_000, weights.shape[-1])
    size = rng.uniform(-1 if signed else 0, 1, shape)
    x = torch.tensor(size * (rng.random(shape) < density)).float()
    return (x - f(x @ weights.mT @ weights + bias)).square()


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize(("n", "m", "density"), [(2, 1, 0.05), (2, 1, 1.0), (3, 2, 0.4)])
def test_they_are_the_expected_ones(activation: str, n: int, m: int, density: float) -> None:
    weights, bias = models(0, m=m, n=n)
    inputs = 40_000
    sampled = sampled_errors(weights, bias, activation=activation, density=density, inputs=inputs)
    exact = expected_errors(weights, bias, activation=activation, density=density)
    spread = squared_errors(weights, bias, activation, density, False).std(0)
    assert ((sampled - exact).abs() < 5 * spread / math.sqrt(inputs)).all()


@pytest.mark.parametrize("activation", ALL)
def test_signed_inputs_are_as_often_negative(activation: str) -> None:
    weights, bias = models(1, m=2, n=3)
    inputs = 40_000
    sampled = sampled_errors(
        weights, bias, activation=activation, density=0.4, signed=True, inputs=inputs
    )
    known = squared_errors(weights, bias, activation, 0.4, True)
    allowed = 5 * known.std(0) * math.sqrt(1 / inputs + 1 / len(known))
    assert ((sampled - known.mean(0)).abs() < allowed).all()


def test_signed_inputs_have_a_variance_of_a_third_of_the_density() -> None:
    nothing = torch.zeros(1, 4), torch.zeros(4)
    for signed in (False, True):
        errors = sampled_errors(*nothing, activation="linear", density=0.3, signed=signed)
        torch.testing.assert_close(errors, torch.full((4,), 0.1), rtol=0.06, atol=0)


@pytest.mark.parametrize("activation", ALL)
def test_all_models_see_the_same_inputs(activation: str) -> None:
    weights, bias = models(2, m=2, n=5)
    errors = sampled_errors(
        weights.expand(7, 2, 5), bias.expand(7, 5), activation=activation, density=0.3
    )
    assert torch.equal(errors, errors[:1].expand(7, 5))


def test_every_seed_gives_inputs_of_its_own() -> None:
    weights, bias = models(2, m=2, n=5)

    def errors(seed: int) -> Tensor:
        return sampled_errors(weights, bias, activation="relu", density=0.3, seed=seed)

    assert torch.equal(errors(0), errors(0))
    assert not torch.equal(errors(0), errors(1))


@pytest.mark.parametrize("company", [2, 10])
def test_a_model_is_measured_in_company_as_it_is_alone(company: int) -> None:
    weights, bias = models(3, company, m=2, n=10)
    together = sampled_errors(weights, bias, activation="relu", density=0.3)
    alone = sampled_errors(weights[0], bias[0], activation="relu", density=0.3)
    torch.testing.assert_close(together[0], alone, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("activation", ["relu", "solu"])
def test_batches_may_have_several_axes(activation: str) -> None:
    weights, bias = models(4, 2, 3, 4, m=2, n=5)
    errors = sampled_errors(weights, bias, activation=activation, density=0.5, inputs=1000)
    flat = sampled_errors(
        weights.flatten(0, 2), bias.flatten(0, 2), activation=activation, density=0.5, inputs=1000
    )
    assert errors.shape == (2, 3, 4, 5)
    torch.testing.assert_close(errors.flatten(0, 2), flat)


def test_the_inputs_may_be_few_or_come_in_several_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, bias = models(5, 3, m=1, n=2)
    one = sampled_errors(weights, bias, activation="relu", density=0.5, inputs=1)
    assert one.isfinite().all()
    whole = sampled_errors(weights, bias, activation="relu", density=0.5, inputs=100_000)
    monkeypatch.setattr("steering_core.superposition.sampled._AT_ONCE", 7 * 6 * 1000)
    rounds = sampled_errors(weights, bias, activation="relu", density=0.5, inputs=100_000)
    torch.testing.assert_close(rounds, whole, rtol=0.05, atol=1e-3)


def test_a_callable_is_as_good_as_a_name() -> None:
    weights, bias = models(6, 2, m=2, n=4)
    by_name = sampled_errors(weights, bias, activation="solu", density=0.5)

    def mixing(z: Tensor) -> Tensor:
        return z * z.softmax(-1)

    torch.testing.assert_close(
        sampled_errors(weights, bias, activation=mixing, density=0.5), by_name
    )


def test_there_are_no_gradients_and_the_model_is_left_alone() -> None:
    weights, bias = models(7, m=2, n=4)
    errors = sampled_errors(
        weights.clone().requires_grad_(), bias, activation="relu", density=0.5, inputs=100
    )
    assert not errors.requires_grad
    assert torch.equal(weights, models(7, m=2, n=4)[0])


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("density", [1.0, 0.3, 0.01])
def test_a_perfect_model_explains_all(density: float, signed: bool) -> None:
    errors = sampled_errors(
        torch.eye(4), torch.zeros(4), activation="linear", density=density, signed=signed
    )
    assert torch.equal(explained(errors, density, signed=signed), torch.ones(4))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("density", [1.0, 0.3, 0.05])
def test_the_best_constant_explains_nothing(density: float, signed: bool) -> None:
    mean = torch.full((4,), 0.0 if signed else density / 2)
    errors = sampled_errors(
        torch.zeros(2, 4), mean, activation="linear", density=density, signed=signed, inputs=100_000
    )
    got = explained(errors, density, signed=signed)
    torch.testing.assert_close(got, torch.zeros(4), atol=0.08, rtol=0)


def test_a_share_of_the_variance_is_explained() -> None:
    variance = 0.5 / 3 - 0.5**2 / 4
    errors = torch.tensor([[0.0, variance / 2, variance, 2 * variance]])
    torch.testing.assert_close(explained(errors, 0.5), torch.tensor([[1.0, 0.5, 0.0, -1.0]]))
    torch.testing.assert_close(
        explained(torch.tensor([0.05, 0.1]), 0.3, signed=True), torch.tensor([0.5, 0.0])
    )


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"density": 0.0}, "density: got 0.0; allowed is (0, 1]"),
        ({"density": 1.5}, "density: got 1.5; allowed is (0, 1]"),
        ({"density": math.nan}, "density: got nan; allowed is (0, 1]"),
        ({"inputs": 0}, "inputs: got 0; allowed are whole numbers from 1"),
        ({"seed": -1}, "seed: got -1; allowed are whole numbers from 0"),
        ({"activation": "rleu"}, "activation: got 'rleu', nearest known name 'relu'"),
        ({"weights": torch.ones(3)}, "bias: got shape (3,) beside weights (3,); allowed are"),
        ({"bias": torch.ones(2)}, "bias: got shape (2,) beside weights (2, 3); allowed are"),
        ({"bias": torch.ones(1, 3)}, "bias: got shape (1, 3) beside weights (2, 3); allowed are"),
        ({"weights": torch.ones(4, 2, 3)}, "bias: got shape (3,) beside weights (4, 2, 3)"),
    ],
)
def test_an_argument_out_of_range_is_named(changed: dict[str, object], message: str) -> None:
    how = {"activation": "relu", "density": 0.5, **changed}
    weights, bias = how.pop("weights", torch.ones(2, 3)), how.pop("bias", torch.ones(3))
    with pytest.raises(ValueError) as error:  # noqa: PT011
        sampled_errors(weights, bias, **how)  # pyright: ignore[reportArgumentType]
    assert str(error.value).startswith(message)

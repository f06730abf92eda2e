"""Training follows the recipe, written out in another way."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steering_core.superposition import ACTIVATIONS, expected_loss, train_bottleneck
from steering_core.superposition import bottleneck as module

ALL = list(ACTIVATIONS)
IMPORTANCE = torch.tensor([[1.0, 0.3], [1.0, 1.0], [1.0, 4.0]])


def initial(activation: str, **options) -> tuple[Tensor, Tensor]:
    """Weights and bias before the first step: those after a step of no length."""
    still = {**options, "steps": 1, "learning_rate": 0.0}
    trained = train_bottleneck(activation, **still)
    return trained.weights, trained.bias


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize(("n", "m"), [(2, 1), (4, 3)])
def test_gradients_are_those_of_autograd(activation: str, n: int, m: int) -> None:
    generator = torch.Generator().manual_seed(0)
    restarts, models, inputs, zeros = 2, 3, 7, 5
    shape = {"generator": generator, "dtype": torch.float64}
    weights = torch.randn(restarts, models, m, n, **shape).requires_grad_()
    bias = torch.randn(restarts, models, n, **shape).requires_grad_()
    importance = torch.rand(models, n, **shape) + 0.1
    x = torch.rand(restarts, inputs, n, **shape)
    f = ACTIVATIONS[activation]
    ours = module._gradients(weights.detach(), bias.detach(), x.mT, zeros, importance, f)

    whole = torch.cat([x, x.new_zeros(restarts, zeros, n)], 1)[:, None]  # one model axis
    hidden = torch.einsum("rkmn,rkin->rkim", weights, whole.expand(-1, models, -1, -1))
    output = f(torch.einsum("rkmn,rkim->rkin", weights, hidden) + bias[:, :, None])
    loss = (importance[:, None] * (whole - output) ** 2).mean((-2, -1)).sum()
    for one, expected in zip(ours, torch.autograd.grad(loss, (weights, bias)), strict=True):
        torch.testing.assert_close(one, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "solu"])
@pytest.mark.parametrize("density", [0.05, 1.0])
def test_twenty_steps_are_those_of_a_plain_loop(
    activation: str, density: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "n_hidden": 1,
        "density": density,
        "importance": IMPORTANCE,
        "restarts": 2,
        "batch_size": 32,
        "weight_decay": 0.1,
        "seed": 5,
    }
    drawn: list[Tensor] = []
    original = module.sample

    def recorded(*shape: int, **how) -> Tensor:
        drawn.append(original(*shape, **how))
        return drawn[-1]

    weights, bias = (one.transpose(0, 1).requires_grad_() for one in initial(activation, **options))
    monkeypatch.setattr(module, "sample", recorded)
    ours = train_bottleneck(activation, steps=20, **options)
    optimiser = torch.optim.AdamW([weights, bias], lr=1e-3, weight_decay=0.1)
    batches = torch.cat(drawn)
    assert batches.shape == (20, 2, 32, 2)
    for x in batches:  # (restarts, inputs, n)
        hidden = torch.einsum("rkmn,rin->rkim", weights, x)
        z = torch.einsum("rkmn,rkim->rkin", weights, hidden) + bias[:, :, None]
        output = ACTIVATIONS[activation](z)
        loss = (IMPORTANCE[:, None] * (x[:, None] - output) ** 2).mean((-2, -1)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    moved = (weights - initial(activation, **options)[0].transpose(0, 1)).abs()
    assert moved.max() > 0.01
    torch.testing.assert_close(ours.weights.transpose(0, 1), weights.detach(), rtol=0, atol=1e-5)
    torch.testing.assert_close(ours.bias.transpose(0, 1), bias.detach(), rtol=0, atol=1e-5)


def test_a_linear_model_keeps_the_more_important_feature() -> None:
    # One row, so that the best weight of the extra feature is smaller by the importance.
    trained = train_bottleneck(
        "linear",
        n_hidden=1,
        density=1.0,
        importance=torch.tensor([[1.0, 0.1], [0.1, 1.0]]),
        restarts=3,
        steps=800,
        batch_size=128,
        learning_rate=1e-2,
    )
    gram = trained.weights.mT @ trained.weights
    diagonal = gram.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(diagonal[0, :, 0], torch.ones(3), rtol=0, atol=0.1)
    torch.testing.assert_close(diagonal[1, :, 1], torch.ones(3), rtol=0, atol=0.1)
    assert (diagonal[0, :, 1] < 0.1).all()
    assert (diagonal[1, :, 0] < 0.1).all()


def test_training_lowers_the_expected_loss_and_starts_are_apart() -> None:
    options = {"n_hidden": 1, "density": 0.1, "importance": IMPORTANCE, "restarts": 4, "seed": 1}
    start = initial("relu", **options)
    end = train_bottleneck("relu", steps=300, batch_size=256, learning_rate=1e-2, **options)

    def loss(weights: Tensor, bias: Tensor) -> Tensor:
        each = IMPORTANCE.double()[:, None].expand(-1, 4, -1)
        return expected_loss(weights, bias, activation="relu", density=0.1, importance=each)

    assert (loss(end.weights, end.bias) < loss(*start)).all()
    flat = start[0].flatten(0, 1).flatten(1)
    assert torch.pdist(flat).min() > 1e-4


def test_the_seed_decides_and_the_global_generator_is_left_alone() -> None:
    options = {"n_hidden": 1, "density": 0.3, "importance": IMPORTANCE, "restarts": 2, "steps": 60}
    before = torch.get_rng_state()
    first = train_bottleneck("gelu", batch_size=16, seed=1, **options)
    again = train_bottleneck("gelu", batch_size=16, seed=1, **options)
    other = train_bottleneck("gelu", batch_size=16, seed=2, **options)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.weights.shape == (3, 2, 1, 2)
    assert first.bias.shape == (3, 2, 2)
    assert torch.equal(first.weights, again.weights)
    assert torch.equal(first.bias, again.bias)
    assert not torch.equal(first.weights, other.weights)


@pytest.mark.parametrize(("axes", "fans"), [(2, 5 + 2), (3, 2 * 5 + 2 * 400)])
def test_the_weights_start_as_xavier_has_them(axes: int, fans: int) -> None:
    weights, bias = initial(
        "relu",
        n_hidden=2,
        density=0.5,
        importance=torch.ones(10, 5),
        restarts=400,
        batch_size=1,
        xavier_axes=axes,
    )
    assert weights.mean().abs() < 4 * weights.std() / weights.numel() ** 0.5
    assert weights.std().item() == pytest.approx((2 / fans) ** 0.5, rel=4 / (2 * 40_000) ** 0.5)
    assert (bias == 0).all()


def test_a_shared_mask_is_what_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Tensor] = []
    original = module.sample

    def recorded(*shape: int, **how) -> Tensor:
        drawn.append(original(*shape, **how))
        return drawn[-1]

    monkeypatch.setattr(module, "sample", recorded)
    for shared in (False, True):
        train_bottleneck(
            "relu",
            n_hidden=1,
            density=0.5,
            importance=IMPORTANCE,
            restarts=2,
            steps=3,
            batch_size=64,
            shared_mask=shared,
        )
    apart, together = ((one != 0) for one in drawn)
    assert (apart[..., 0] != apart[..., 1]).any()
    assert (together[..., 0] == together[..., 1]).all()
    assert not (together[:, 0] == together[:, 1]).all()  # restarts draw inputs of their own


@pytest.mark.parametrize("steps", [30, 120])
def test_what_is_no_longer_finite_is_reported(steps: int) -> None:
    by = min(steps, 50)
    with pytest.raises(ValueError, match=rf"got 1e\+30; relu at density 0\.4 .* by step {by};"):
        train_bottleneck(
            "relu",
            n_hidden=1,
            density=0.4,
            importance=IMPORTANCE,
            restarts=2,
            steps=steps,
            batch_size=8,
            learning_rate=1e30,
        )

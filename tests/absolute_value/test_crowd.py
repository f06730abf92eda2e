"""Gradients, inputs and starts are those that are said, written out in another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.absolute_value import ABSOLUTE, OURS, TASKS, Recipe, Task, plain_pairs
from steering_core.absolute_value.crowd import Crowd


def begun(start: str, n: int = 60, m: int = 40, seed: int = 0, **how) -> dict[str, Tensor]:
    """The parameters with which a model begins."""
    recipe = Recipe(**{"start": start, **how})
    return Crowd(m, 0.1, torch.ones(n), (seed,), recipe, ABSOLUTE).start(seed)


class LeakyOutput(torch.autograd.Function):
    """A ReLU whose gradient leaks."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, leak: float) -> Tensor:
        ctx.save_for_backward(z)
        ctx.leak = leak
        return z.relu()

    @staticmethod
    def backward(ctx: Any, by_output: Tensor) -> tuple[Tensor, None]:  # pyright: ignore
        (z,) = ctx.saved_tensors
        return torch.where(z > 0, by_output, ctx.leak * by_output), None


def loss_of(
    model: tuple[Tensor, Tensor, Tensor],
    x: Tensor,
    importance: Tensor,
    task: Task,
    output: Callable[[Tensor], Tensor],
    empty: int,
) -> Tensor:
    """Of one model, input by input; so many more inputs are empty."""
    w_in, w_out, bias = model
    losses = []
    for column in [*x.T, *torch.zeros(empty, len(x), dtype=x.dtype)]:
        hidden = w_in @ column
        hidden = hidden.relu() if task.hidden_relu else hidden
        labels = task.labels(column[:, None])[:, 0]
        losses.append((importance * (output(w_out @ hidden + bias) - labels) ** 2).sum())
    return torch.stack(losses).mean()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(TASKS.values())),
    st.sampled_from([(2, 1), (3, 6), (7, 4)]),
    st.integers(1, 3),
    st.integers(1, 8),
    st.sampled_from([0, 1, 9]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.integers(0, 99),
)
def test_gradients_are_those_of_autograd(
    task: Task, sizes: tuple[int, int], models: int, inputs: int, empty: int, leak: float, seed: int
) -> None:
    n, m = sizes
    how = {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}
    stacks = {
        "w_in": torch.randn(models, m, n, **how),
        "w_out": torch.randn(models, n, m, **how),
        "bias": torch.randn(models, n, **how),
    }
    importance = torch.rand(n, **how) + 0.1
    x = torch.rand(n, inputs, **how) * 2 - 1 if task.signed else torch.rand(n, inputs, **how)
    crowd = Crowd(m, 0.3, importance, tuple(range(models)), OURS, task)
    share = inputs / (inputs + empty)
    kept = {name: p.clone() for name, p in stacks.items()}
    losses, ours = crowd.gradients(stacks, (x, share, leak), torch.arange(models))

    def output(z: Tensor) -> Tensor:
        if leak == 0:
            return z.relu()
        leaky: Any = LeakyOutput.apply(z, leak)
        return leaky

    for i in range(models):
        leaves = [stacks[name][i].clone().requires_grad_() for name in ("w_in", "w_out", "bias")]
        loss = loss_of((leaves[0], leaves[1], leaves[2]), x, importance, task, output, empty)
        expected = torch.autograd.grad(loss, leaves)
        torch.testing.assert_close(losses[i], loss.detach(), rtol=1e-10, atol=1e-12)
        for name, by in zip(("w_in", "w_out", "bias"), expected, strict=True):
            torch.testing.assert_close(ours[name][i], by, rtol=1e-9, atol=1e-11)
            assert torch.equal(stacks[name], kept[name])


@pytest.mark.parametrize("skip_empty", [True, False])
@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_batches_follow_the_schedules(skip_empty: bool, task: Task) -> None:
    recipe = replace(OURS, steps=20, batch_size=4_000, skip_empty=skip_empty)
    crowd = Crowd(2, 0.6, torch.ones(5), (0,), recipe, task)
    for step, (x, share, leak) in enumerate(crowd.batches()):
        density = recipe.density_at(step / 20, 0.6)
        assert share == pytest.approx(1 - (1 - density) ** 5 if skip_empty else 1.0)
        assert leak == recipe.leak_at(step / 20)
        active = (x != 0).double().mean() * share
        assert active.item() == pytest.approx(density, abs=4 * (density / 4_000) ** 0.5)
        assert (x < 0).any().item() is task.signed
    assert step == 19


def test_company_sees_the_same_inputs() -> None:
    one, other = (
        Crowd(m, 0.2, torch.ones(6), seeds, Recipe(steps=5), ABSOLUTE).batches()
        for m, seeds in ((3, (0,)), (9, (4, 5)))
    )
    for (x, *_), (y, *_) in zip(one, other, strict=True):
        assert torch.equal(x, y)


def test_models_start_as_recipes_say() -> None:
    n, m = 60, 40
    normal = begun("normal", initial_bias=0.1)
    assert normal["w_in"].std().item() == pytest.approx(n**-0.5, rel=0.05)
    assert normal["w_out"].std().item() == pytest.approx(m**-0.5, rel=0.05)
    assert (normal["bias"] == 0.1).all()
    for start, fans in (("kaiming", (n, m)), ("kaiming, one tensor", (n * m, n * m))):
        uniform = begun(start)
        for w, fan in zip((uniform["w_in"], uniform["w_out"]), fans, strict=True):
            bound = (6 / fan) ** 0.5
            assert 0.99 * bound < w.abs().max() <= bound
            assert w.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    expected = torch.nn.init.kaiming_uniform_(torch.empty(3, m, n)).abs().max().item()
    assert begun("kaiming, one tensor")["w_in"].abs().max().item() == pytest.approx(expected, 0.02)


def test_a_start_from_pairs_is_close_to_them() -> None:
    near = begun("pairs")
    for p, exact in zip(near.values(), plain_pairs(60, 40, density=0.1), strict=True):
        assert (p - exact).abs().max() < 0.05
    noise = near["w_in"] - plain_pairs(60, 40, density=0.1)[0]
    assert noise.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("start", ["normal", "kaiming", "pairs"])
def test_seeds_and_densities_start_apart(start: str) -> None:
    first = begun(start)
    assert torch.equal(first["w_in"], begun(start)["w_in"])
    assert not torch.equal(first["w_in"], begun(start, seed=1)["w_in"])
    elsewhere = Crowd(40, 0.2, torch.ones(60), (0,), Recipe(), ABSOLUTE).start(0)
    assert not torch.equal(first["w_in"], elsewhere["w_in"])


def test_a_start_from_pairs_has_their_biases() -> None:
    exact = plain_pairs(60, 40, density=0.1)[2]
    assert torch.equal(begun("pairs", initial_bias=0.7)["bias"], exact)

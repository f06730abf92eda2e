"""The loop does what is asked of it, and nothing to what it was given."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from steering_core.lockstep import (
    Step,
    by_autograd,
    constant,
    one_thread,
    stream,
    train,
    warm_cosine,
)

from . import batches, chosen, losses_of, planted, pulled, starts

STRENGTHS = torch.tensor([1.0, 0.5, 0.2])
SGD = partial(torch.optim.SGD, lr=0.1)
ADAMW = partial(torch.optim.AdamW, lr=0.05, weight_decay=0.1)
SHARES = st.one_of(st.just(0.0), st.floats(1e-6, 1 - 1e-6))


@given(SHARES, SHARES)
def test_the_rate_goes_up_in_a_line_and_down_along_a_cosine(warmup: float, done: float) -> None:
    factor = warm_cosine(warmup)
    assert 0 <= factor(done) <= 1
    assert factor(0.0) == (0 if warmup else 1)
    assert factor(warmup) == pytest.approx(1)
    assert factor(1.0) == pytest.approx(0, abs=1e-12)
    assert factor(warmup / 2) == pytest.approx(0.5 if warmup else 1)
    assert factor((1 + warmup) / 2) == pytest.approx(0.5, abs=1e-6)
    assert constant(done) == 1


@pytest.mark.parametrize("warmup", [-0.1, 1.0, 1.5, math.nan])
def test_a_warmup_out_of_range_is_refused(warmup: float) -> None:
    with pytest.raises(ValueError, match=rf"warmup: got {warmup}; allowed is \[0, 1\)"):
        warm_cosine(warmup)


@pytest.mark.parametrize("schedule", [constant, warm_cosine(0.3), warm_cosine(0.0)])
def test_the_rate_is_the_factor_times_the_rate(schedule) -> None:
    seen = []

    def noted(done: float) -> float:
        seen.append(done)
        return schedule(done)

    def slope(parameters, batch, models):
        return parameters["x"].sum(1), {"x": torch.ones_like(parameters["x"])}

    start = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
    ends = train(slope, {"x": start}, range(20), steps=20, optimiser=SGD, schedule=noted)
    assert seen == [i / 20 for i in range(20)]
    way = 0.1 * sum(schedule(i / 20) for i in range(20))
    torch.testing.assert_close(ends.parameters["x"], start - way, rtol=1e-6, atol=1e-6)


NAMES = st.lists(st.one_of(st.text(max_size=3), st.integers(), st.floats(0, 1)), max_size=2)


@given(st.integers(0, 2**70), NAMES, st.integers(0, 2**70), NAMES)
def test_a_stream_is_told_by_its_seed_and_names(
    seed: int, names: list[object], other_seed: int, other_names: list[object]
) -> None:
    numbers = torch.rand(4, generator=stream(seed, *names))
    assert torch.equal(numbers, torch.rand(4, generator=stream(seed, *names)))
    other = torch.rand(4, generator=stream(other_seed, *other_names))
    same = repr((seed, names)) == repr((other_seed, other_names))
    assert torch.equal(numbers, other) is same


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed: got -1; allowed are whole numbers from 0"):
        stream(-1, "inputs")


def test_gradients_by_autograd_are_those_written_out() -> None:
    parameters, batch, models = starts(3), batches(1)[0], torch.tensor([0, 1, 2])
    before = {name: p.clone() for name, p in parameters.items()}
    losses, by_parameter = by_autograd(losses_of(STRENGTHS))(parameters, batch, models)
    right_losses, right = pulled(STRENGTHS)(parameters, batch, models)
    torch.testing.assert_close(losses, right_losses)
    assert not losses.requires_grad
    assert by_parameter.keys() == right.keys()
    for name, gradient in by_parameter.items():
        torch.testing.assert_close(gradient, right[name])
        assert torch.equal(parameters[name], before[name])
        assert not parameters[name].requires_grad
        assert parameters[name].grad is None


def test_what_the_caller_gave_is_left_alone() -> None:
    parameters = {name: p.requires_grad_() for name, p in starts(3).items()}
    generator = torch.get_rng_state()
    order = iter(batches(20))
    gradients = by_autograd(losses_of(STRENGTHS))
    first = train(gradients, parameters, order, steps=12, optimiser=ADAMW)
    assert next(order)[0] == 13
    assert torch.equal(torch.get_rng_state(), generator)
    for name, p in starts(3).items():
        assert torch.equal(parameters[name], p)
        assert parameters[name].grad is None
        assert not first.parameters[name].requires_grad
        assert not torch.equal(first.parameters[name], p)
    again = train(pulled(STRENGTHS), starts(3), batches(12), steps=12, optimiser=ADAMW)
    for name, p in again.parameters.items():
        torch.testing.assert_close(first.parameters[name], p, rtol=1e-5, atol=1e-6)


def test_after_a_step_parameters_and_moments_may_be_changed() -> None:
    def reset(step: Step) -> None:
        if step.number % 4 == 0:
            for name, p in step.parameters.items():
                p.clamp_(-0.5, 0.5)
                step.moments[name]["exp_avg"].zero_()

    ends = train(
        pulled(STRENGTHS), starts(3), batches(10), steps=10, optimiser=ADAMW, after_step=reset
    )
    leaves = [p.clone() for p in starts(3).values()]
    optimiser = ADAMW(leaves)
    for number, pull in batches(10):
        for p in leaves:
            apart = p - pull[: p.shape[1]]
            p.grad = STRENGTHS[:, None, None] * (apart + apart**3)
        optimiser.step()
        if number % 4 == 0:
            for p in leaves:
                p.clamp_(-0.5, 0.5)
                optimiser.state[p]["exp_avg"].zero_()
    for p, expected in zip(ends.parameters.values(), leaves, strict=True):
        torch.testing.assert_close(p, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adafactor])
def test_after_a_step_only_who_is_left_is_seen(kind: Any) -> None:
    seen = []

    def look(step: Step) -> None:
        seen.append((step.number, step.models.tolist()))
        for name, p in step.parameters.items():
            assert len(p) == len(step.models)
            if kind is torch.optim.AdamW:
                assert step.moments[name]["exp_avg_sq"].shape == p.shape
            p[:] = step.models[:, None, None].float() + step.number

    fault = planted(pulled(STRENGTHS), 1, 2, loss=math.nan, gradient=math.nan)
    with pytest.warns(RuntimeWarning, match="model 1"):
        ends = train(
            fault,
            starts(3),
            batches(7),
            steps=7,
            optimiser=partial(kind, lr=0.1),
            after_step=look,
            record_every=3,
        )
    everyone, left = [0, 1, 2], [0, 2]
    assert seen == [(i, everyone if i <= 3 else left) for i in range(1, 8)]
    for p in ends.parameters.values():
        assert (p[0] == 7).all()
        assert (p[2] == 9).all()
        assert p[1].isnan().all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "parameters: got {} models; allowed is one number above 0 for all"),
        ({"a": torch.ones(2, 3), "b": torch.ones(3, 3)}, "parameters: got {'a': 2, 'b': 3} models"),
        ({"a": torch.ones(0, 3)}, "parameters: got {'a': 0} models"),
        ({"a": torch.tensor(1.0)}, "parameters: got {'a': 0} models"),
        ({"a": torch.tensor([1.0, math.nan])}, "parameters: got a with values that are no finite"),
        ({"a": torch.tensor([1.0, math.inf])}, "parameters: got a with values that are no finite"),
        ({"a": torch.tensor([1, 2])}, "parameters: got a with values that are no finite numbers"),
    ],
)
def test_parameters_that_are_no_stacks_are_refused(
    parameters: dict[str, torch.Tensor], message: str
) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        train(pulled(STRENGTHS), parameters, batches(3), steps=3, optimiser=SGD)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps: got 0; allowed are whole numbers from 1"),
        ({"steps": -3}, "steps: got -3; allowed are whole numbers from 1"),
        ({"record_every": 0}, "record_every: got 0; allowed are whole numbers from 1"),
        ({"names": ["a", "b"]}, "names: got 2; allowed is one for each of 3 models"),
        ({"names": []}, "names: got 0; allowed is one for each of 3 models"),
        ({"steps": 4}, "batches: got 3; allowed are at least as many as steps, 4"),
        ({"batches": []}, "batches: got 0; allowed are at least as many as steps, 3"),
    ],
)
def test_an_argument_out_of_range_is_named(changed: dict[str, object], message: str) -> None:
    how = {"batches": batches(3), "steps": 3, "optimiser": SGD, **changed}
    with pytest.raises(ValueError, match=message):
        train(pulled(STRENGTHS), starts(3), **how)


def test_the_number_of_threads_comes_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_one_model_of_one_number_is_enough() -> None:
    def slope(parameters, batch, models):
        return parameters["x"] * 1, {"x": batch * torch.ones(1)}

    start = {"x": torch.tensor([1.0])}
    ends = train(slope, start, [1.0, 2.0], steps=2, optimiser=SGD, record_every=1)
    torch.testing.assert_close(ends.parameters["x"], torch.tensor([0.7]))
    torch.testing.assert_close(ends.losses, torch.tensor([[1.0], [0.9]]))
    assert chosen(ends.parameters, [0])["x"].shape == (1,)
    assert ends.seconds > 0

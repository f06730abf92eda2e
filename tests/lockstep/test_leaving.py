"""Who leaves when and why, and what the loss curves say."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.lockstep import Gradients, Plateau, Trained, train

from . import batches, chosen, planted, pulled, starts, told

STRENGTHS = torch.tensor([1.0, 0.5, 0.2])
NAN, INF = math.nan, math.inf
SGD = partial(torch.optim.SGD, lr=0.01)
PULLED = pulled(STRENGTHS)
NAMES = ["left", "middle", "right"]


def trained(gradients: Gradients = PULLED, *, steps: int = 30, **options) -> Trained:
    how = {"optimiser": SGD, "record_every": 5, "names": NAMES, **options}
    return train(gradients, starts(3), batches(steps), steps=steps, **how)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 50))
def test_a_point_of_the_curves_is_the_mean_over_a_stretch(steps: int, every: int) -> None:
    def loss(model: int, step: int) -> float:
        return model + math.sin(step)

    ends = trained(told(PULLED, loss), steps=steps, record_every=every)
    assert ends.losses.shape == (math.ceil(steps / every), 3)
    assert ends.record_every == every
    assert ends.steps.tolist() == [steps] * 3
    for i, point in enumerate(ends.losses):
        stretch = range(i * every + 1, min((i + 1) * every, steps) + 1)
        mean = sum(math.sin(step) for step in stretch) / len(stretch)
        expected = torch.tensor([mean, 1 + mean, 2 + mean])
        torch.testing.assert_close(point, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2),
    st.integers(1, 23),
    st.integers(1, 30),
    st.sampled_from([(NAN, NAN), (INF, 0.0), (-INF, INF), (NAN, 1.0)]),
)
def test_a_loss_that_is_not_finite_is_named_with_its_step(
    model: int, step: int, every: int, fault: tuple[float, float]
) -> None:
    loss, gradient = fault
    gradients = planted(PULLED, model, step, loss=loss, gradient=gradient)
    with pytest.warns(RuntimeWarning) as warned:
        ends = trained(gradients, steps=23, record_every=every)
    assert [str(one.message) for one in warned] == [
        f"{NAMES[model]}: not finite from step {step} on; it is left as NaN, the others go on"
    ]
    others = [i for i in range(3) if i != model]
    assert ends.diverged.tolist() == [i == model for i in range(3)]
    assert ends.steps[model] == step
    assert ends.steps[others].tolist() == [23, 23]
    assert not ends.converged.any()
    assert all(p[model].isnan().all() for p in ends.parameters.values())
    assert ends.losses[math.ceil(step / every) :, model].isnan().all()
    right = trained(steps=23, record_every=every)
    for name, p in chosen(right.parameters, others).items():
        torch.testing.assert_close(ends.parameters[name][others], p, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(ends.losses[:, others], right.losses[:, others])


def test_a_rate_that_is_too_high_for_one_model_is_noticed_when_its_loss_is() -> None:
    strengths = torch.tensor([1.0, 300.0, 0.2])
    p = {name: one.double() for name, one in chosen(starts(3), [1]).items()}
    step, loss = 0, 0.0
    for batch in batches(60):
        step, pull = batch
        apart = {name: one - pull[: one.shape[1]] for name, one in p.items()}
        loss = sum(300 * (d**2 / 2 + d**4 / 4).sum().item() for d in apart.values())
        if loss > torch.finfo(torch.float32).max:
            break
        p = {name: one - 3 * (apart[name] + apart[name] ** 3) for name, one in p.items()}
    assert loss > torch.finfo(torch.float32).max
    with pytest.warns(RuntimeWarning, match=f"middle: not finite from step {step} on"):
        ends = trained(pulled(strengths), steps=60)
    assert ends.diverged.tolist() == [False, True, False]
    assert ends.steps.tolist() == [60, step, 60]
    assert all(p[[0, 2]].isfinite().all() for p in ends.parameters.values())


@pytest.mark.parametrize("step", [5, 28, 30])
def test_finite_losses_do_not_hide_parameters_that_are_not(step: int) -> None:
    fault = planted(PULLED, 2, step, loss=1.0, gradient=NAN)
    hidden = told(fault, lambda model, step: 1.0)
    with pytest.warns(RuntimeWarning, match=r"right: not finite from step \d+ on"):
        ends = trained(hidden)
    assert ends.diverged.tolist() == [False, False, True]
    assert step <= ends.steps[2] <= math.ceil(step / 5) * 5
    assert all(p[2].isnan().all() for p in ends.parameters.values())
    assert all(p[:2].isfinite().all() for p in ends.parameters.values())


def test_several_may_leave_at_once_and_training_ends_with_the_last() -> None:
    taken = []

    def counted():
        for batch in batches(100):
            taken.append(batch[0])
            yield batch

    def loss(model: int, step: int) -> float:
        return [NAN if step >= 7 else 1.0, NAN if step >= 8 else 1.0, NAN if step > 11 else 1.0][
            model
        ]

    with pytest.warns(RuntimeWarning) as warned:
        ends = train(
            told(PULLED, loss),
            starts(3),
            counted(),
            steps=100,
            optimiser=SGD,
            record_every=5,
        )
    assert len(warned) == 3
    assert ends.steps.tolist() == [7, 8, 12]
    assert taken == list(range(1, 16))
    assert ends.losses.shape == (3, 3)
    assert ends.diverged.all()
    assert all(p.isnan().all() for p in ends.parameters.values())


def test_a_flat_loss_leaves_and_a_falling_one_stays() -> None:
    def loss(model: int, step: int) -> float:
        return [1.0, 0.95**step, 2.0 if step > 12 else 3.0 - step / 12][model]

    ends = trained(told(PULLED, loss), plateau=Plateau(10, 0.01), steps=60)
    assert ends.converged.tolist() == [True, False, True]
    assert ends.steps.tolist() == [20, 60, 30]
    assert not ends.diverged.any()
    for i, steps in enumerate(ends.steps.tolist()):
        assert ends.losses[: steps // 5, i].isfinite().all()
        assert ends.losses[steps // 5 :, i].isnan().all()
    assert all(p.isfinite().all() for p in ends.parameters.values())


@pytest.mark.parametrize("level", [1.0, 0.0, -1.0])
@pytest.mark.parametrize("tolerance", [0.0, 0.1])
def test_a_loss_that_does_not_move_is_flat_at_any_level(level: float, tolerance: float) -> None:
    flat = told(PULLED, lambda model, step: level)
    ends = trained(flat, plateau=Plateau(5, tolerance))
    assert ends.converged.all()
    assert ends.steps.tolist() == [10, 10, 10]


def test_a_rising_loss_leaves_and_a_window_is_whole_stretches() -> None:
    rising = told(PULLED, lambda model, step: 1.0 + step)
    assert trained(rising, plateau=Plateau(6, 0.0)).steps.tolist() == [20, 20, 20]
    assert trained(rising, plateau=Plateau(1, 0.0)).steps.tolist() == [10, 10, 10]


@pytest.mark.parametrize(
    ("window", "tolerance", "message"),
    [
        (0, 0.1, "window: got 0; allowed are whole numbers from 1"),
        (5, -0.1, r"tolerance: got -0.1; allowed is \[0, 1\)"),
        (5, 1.0, r"tolerance: got 1.0; allowed is \[0, 1\)"),
        (5, NAN, r"tolerance: got nan; allowed is \[0, 1\)"),
    ],
)
def test_a_plateau_out_of_range_is_refused(window: int, tolerance: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plateau(window, tolerance)

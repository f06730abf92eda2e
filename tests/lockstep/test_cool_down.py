"""A model that has come to a plateau cools down before it leaves, and nobody else notices."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.lockstep import Gradients, Parameters, Plateau, Step, Trained, train, warm_cosine

from . import Batch, batches, chosen, planted, pulled, starts, told

STRENGTHS = torch.tensor([1.0, 0.3, 0.1])
RATE = 0.125
SGD = partial(torch.optim.SGD, lr=RATE)
ACCEPTED: dict[str, Any] = {
    "SGD": SGD,
    "SGD, momentum": partial(torch.optim.SGD, lr=0.01, momentum=0.9),
    "AdamW": partial(torch.optim.AdamW, lr=0.05, weight_decay=0.1),
    "AdamW, fused": partial(torch.optim.AdamW, lr=0.05, weight_decay=0.1, fused=True),
    "Adafactor": partial(torch.optim.Adafactor, lr=0.05),
    "Muon": partial(torch.optim.Muon, lr=0.05),
}


def slope(parameters: Parameters, batch: Batch, models: torch.Tensor) -> tuple:
    """Losses that do not matter, and gradients of 1."""
    return torch.zeros(len(models)), {n: torch.ones_like(p) for n, p in parameters.items()}


def flat_from(*steps: int) -> Callable[[int, int], float]:
    """The loss of each model: halved every five steps until its own step, then constant."""
    return lambda model, step: 0.5 ** min((step - 1) // 5, (steps[model] - 1) // 5)


FLAT, NEVER = 1, 10_000


def slid(*flat: int, steps: int, plateau: Plateau, **options: Any) -> tuple[list[float], Trained]:
    """How far each model has gone down a constant slope, in full steps."""
    start = {"x": torch.zeros(len(flat), 2).double()}
    how = {"optimiser": SGD, "record_every": 5, **options}
    gradients = told(slope, flat_from(*flat))
    ends = train(gradients, start, batches(steps), steps=steps, plateau=plateau, **how)
    return (-ends.parameters["x"][:, 0] / RATE).tolist(), ends


def shares(cool_down: int) -> list[float]:
    """What is left of the rate at each step that a model cools."""
    return [1 - k / cool_down for k in range(cool_down)]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.sampled_from([1, 4, 5, 10]))
def test_the_rate_goes_down_in_a_line(cool_down: int, every: int) -> None:
    plateau = Plateau(every, 0.0, cool_down=cool_down)
    way, ends = slid(FLAT, steps=100, plateau=plateau, record_every=every)
    leaves = 2 * every + math.ceil(cool_down / every) * every
    assert ends.converged.tolist() == [True]
    assert ends.steps.tolist() == [leaves]
    assert way[0] == pytest.approx(2 * every + sum(shares(cool_down)), rel=1e-6)


def test_every_step_is_its_share_of_a_full_one() -> None:
    places: list[float] = [0.0]

    def look(step: Step) -> None:
        places.append(-step.parameters["x"][0, 0].item() / RATE)

    slid(FLAT, steps=60, plateau=Plateau(10, 0.0, cool_down=15), after_step=look)
    taken = [after - before for before, after in pairwise(places)]
    assert taken == pytest.approx([1.0] * 20 + shares(15), abs=1e-6)


def test_each_cools_in_its_own_time_and_the_others_keep_the_full_rate() -> None:
    plateau = Plateau(5, 0.01, cool_down=20)
    way, ends = slid(FLAT, NEVER, 21, 31, steps=70, plateau=plateau)
    assert ends.converged.tolist() == [True, False, True, True]
    assert ends.steps.tolist() == [30, 70, 50, 60]
    cooling = sum(shares(20))
    assert way == pytest.approx([10 + cooling, 70, 30 + cooling, 40 + cooling], rel=1e-6)


def test_the_share_is_taken_of_what_the_schedule_gives() -> None:
    def schedule(done: float) -> float:
        return warm_cosine(0.2)(done)

    plateau = Plateau(5, 0.01, cool_down=20)
    way, ends = slid(FLAT, NEVER, steps=50, plateau=plateau, schedule=schedule)
    rates = [schedule(i / 50) for i in range(50)]
    cooled = sum(rate * share for rate, share in zip(rates[10:30], shares(20), strict=True))
    assert ends.steps.tolist() == [30, 50]
    assert way == pytest.approx([sum(rates[:10]) + cooled, sum(rates)], rel=1e-6)


def test_without_cool_down_it_leaves_at_once() -> None:
    way, ends = slid(FLAT, NEVER, steps=40, plateau=Plateau(5, 0.01))
    assert ends.converged.tolist() == [True, False]
    assert ends.steps.tolist() == [10, 40]
    assert way == pytest.approx([10, 40])


def test_one_still_cooling_at_the_end_has_not_converged() -> None:
    way, ends = slid(FLAT, NEVER, steps=25, plateau=Plateau(5, 0.01, cool_down=20))
    assert ends.converged.tolist() == [False, False]
    assert ends.steps.tolist() == [25, 25]
    assert way == pytest.approx([10 + sum(shares(20)[:15]), 25], rel=1e-6)


def test_one_that_has_cooled_by_the_last_step_has_converged() -> None:
    _, ends = slid(FLAT, NEVER, steps=30, plateau=Plateau(5, 0.01, cool_down=20))
    assert ends.converged.tolist() == [True, False]
    assert ends.steps.tolist() == [30, 30]


def test_one_that_has_begun_to_cool_goes_on_though_its_loss_falls_again() -> None:
    def loss(model: int, step: int) -> float:
        return 1.0 if step <= 10 else 0.9**step

    gradients = told(slope, loss)
    ends = train(
        gradients,
        {"x": torch.zeros(1, 2)},
        batches(50),
        steps=50,
        optimiser=SGD,
        plateau=Plateau(5, 0.01, cool_down=20),
        record_every=5,
    )
    assert ends.converged.tolist() == [True]
    assert ends.steps.tolist() == [30]


def run(gradients: Gradients, models: list[int], optimiser: str, **options: Any) -> Trained:
    """Of the models, at most 60 steps."""
    return train(
        gradients,
        chosen(starts(3), models),
        batches(60),
        steps=60,
        optimiser=ACCEPTED[optimiser],
        schedule=warm_cosine(0.2),
        record_every=5,
        **options,
    )


def falling(strengths: torch.Tensor, *flat: int) -> Gradients:
    """Pulled at these strengths, with losses that are flat from these steps on."""
    return told(pulled(strengths), flat_from(*flat))


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_to_cool_is_to_be_trained_at_a_rate_that_goes_down(optimiser: str) -> None:
    plateau = Plateau(5, 0.01, cool_down=20)
    cooled = run(falling(STRENGTHS, FLAT, NEVER, 21), [0, 1, 2], optimiser, plateau=plateau)
    assert cooled.steps.tolist() == [30, 60, 50]

    def schedule(begins: int) -> Callable[[float], float]:
        def factor(done: float) -> float:
            step = round(done * 60)
            return warm_cosine(0.2)(done) * (1 - max(0, step - begins) / 20)

        return factor

    for model, begins in ((0, 10), (2, 30)):
        one = train(
            lambda p, batch, models, its=model: pulled(STRENGTHS[[its]])(p, batch, models),
            chosen(starts(3), [model]),
            batches(60)[: begins + 20],
            steps=begins + 20,
            optimiser=ACCEPTED[optimiser],
            schedule=lambda done, begins=begins: schedule(begins)(done * (begins + 20) / 60),
        )
        for name, p in one.parameters.items():
            torch.testing.assert_close(cooled.parameters[name][model], p[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_one_in_company_cools_as_it_does_alone(optimiser: str) -> None:
    plateau, flat = Plateau(5, 0.01, cool_down=20), [FLAT, NEVER, 21]
    together = run(falling(STRENGTHS, *flat), [0, 1, 2], optimiser, plateau=plateau)
    for i in range(3):
        gradients = falling(STRENGTHS[[i]], flat[i])
        alone = run(gradients, [i], optimiser, plateau=plateau)
        assert alone.steps[0] == together.steps[i]
        assert alone.converged[0] == together.converged[i]
        for name, p in alone.parameters.items():
            torch.testing.assert_close(together.parameters[name][i], p[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_the_others_do_not_notice_that_one_cools(optimiser: str) -> None:
    plateau = Plateau(5, 0.01, cool_down=20)
    together = run(falling(STRENGTHS, NEVER, FLAT, NEVER), [0, 1, 2], optimiser, plateau=plateau)
    without = run(pulled(STRENGTHS[[0, 2]]), [0, 2], optimiser)
    assert together.steps.tolist() == [60, 30, 60]
    for name, p in without.parameters.items():
        torch.testing.assert_close(together.parameters[name][[0, 2]], p, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimiser", ACCEPTED)
@pytest.mark.parametrize("step", [13, 22, 30])
def test_one_that_diverges_while_it_cools_has_diverged(optimiser: str, step: int) -> None:
    plateau = Plateau(5, 0.01, cool_down=20)
    gradients = planted(
        falling(STRENGTHS, FLAT, NEVER, FLAT), 0, step, loss=math.nan, gradient=math.nan
    )
    with pytest.warns(RuntimeWarning, match=f"model 0: not finite from step {step} on"):
        ends = run(gradients, [0, 1, 2], optimiser, plateau=plateau)
    assert ends.diverged.tolist() == [True, False, False]
    assert ends.converged.tolist() == [False, False, True]
    assert ends.steps.tolist() == [step, 60, 30]
    assert all(p[0].isnan().all() for p in ends.parameters.values())
    right = run(falling(STRENGTHS, FLAT, NEVER, FLAT), [0, 1, 2], optimiser, plateau=plateau)
    for name, p in right.parameters.items():
        torch.testing.assert_close(ends.parameters[name][1:], p[1:], rtol=1e-5, atol=1e-6)


def test_one_that_diverges_as_it_comes_to_its_plateau_has_diverged() -> None:
    gradients = planted(falling(STRENGTHS, FLAT, NEVER, NEVER), 0, 10, loss=1.0, gradient=math.nan)
    with pytest.warns(RuntimeWarning, match="model 0: not finite from step 10 on"):
        ends = run(gradients, [0, 1, 2], "SGD", plateau=Plateau(5, 0.01, cool_down=20))
    assert ends.diverged.tolist() == [True, False, False]
    assert not ends.converged.any()


@pytest.mark.parametrize("cool_down", [-1, -700])
def test_a_cool_down_out_of_range_is_refused(cool_down: int) -> None:
    message = f"cool_down: got {cool_down}; allowed are whole numbers from 0"
    with pytest.raises(ValueError, match=message):
        Plateau(5, 0.01, cool_down=cool_down)

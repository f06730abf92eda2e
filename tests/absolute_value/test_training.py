"""Models come out the same whatever is trained beside them, and learn what they are asked for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from steering_core import lockstep
from steering_core.absolute_value import (
    OURS,
    TASKS,
    Recipe,
    Task,
    TrainedAbsoluteValue,
    feature_errors,
    train_absolute_value,
    training,
)
from steering_core.absolute_value.crowd import Crowd

IMPORTANCE = torch.tensor([1.0, 0.8, 0.5, 0.3])
QUICK = Recipe(steps=60, batch_size=64)


def trained(**options) -> TrainedAbsoluteValue:
    """A short run of four features and five neurons, unless told otherwise."""
    how = {"importance": IMPORTANCE, "n_hidden": 5, "densities": (0.3,), "recipe": QUICK}
    return train_absolute_value(**{**how, **options})


def assert_same(one: TrainedAbsoluteValue, other: TrainedAbsoluteValue) -> None:
    for name in ("w_in", "w_out", "bias", "losses"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-5)


def test_a_model_comes_out_the_same_alone_and_in_company() -> None:
    whole = trained(densities=(0.03, 0.3, 1.0), seeds=(4, 0, 9))
    alone = trained(densities=(1.0,), seeds=(9,))
    for ours, its in zip(whole.model(2, 2), alone.model(0, 0), strict=True):
        torch.testing.assert_close(ours, its, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(whole.losses[:, 2, 2], alone.losses[:, 0, 0], rtol=1e-4, atol=1e-6)
    apart = [whole.model(0, s)[0] for s in range(3)] + [whole.model(d, 0)[0] for d in (1, 2)]
    for i, one in enumerate(apart):
        assert all((one - other).abs().max() > 0.01 for other in apart[:i])


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_neither_threads_nor_parts_make_a_difference(
    n_jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    how: dict[str, Any] = {"densities": (0.1, 1.0), "seeds": (0, 1, 2)}
    whole = trained(**how)
    monkeypatch.setattr(training, "_IN_CACHE", 2 * len(IMPORTANCE) * QUICK.batch_size)
    threads = torch.get_num_threads()
    assert_same(trained(**how, n_jobs=n_jobs), whole)
    assert torch.get_num_threads() == threads


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    first = trained(seeds=(1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    again = trained(seeds=(1, 2))
    torch.set_rng_state(before)
    assert torch.equal(first.w_in, again.w_in)
    assert torch.equal(first.losses, again.losses)


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_the_loss_falls(task: Task) -> None:
    recipe = replace(OURS, steps=400, batch_size=128, begin_between=None)
    ends = trained(recipe=recipe, task=task, n_hidden=8, seeds=(0, 1, 2))
    first, last = ends.losses[0, 0], ends.losses[-1, 0]
    assert (last < 0.5 * first).all()
    assert ends.task is task
    errors = feature_errors(
        ends.w_in, ends.w_out, ends.bias, density=0.3, n_inputs=8_192, task=task
    )
    kept = errors[0] @ IMPORTANCE * (0.3 / 3 - 0.3**2 / 4)
    torch.testing.assert_close(last, kept, rtol=0.15, atol=1e-3)


def test_two_neurons_a_feature_compute_absolute_values() -> None:
    ends = trained(
        importance=torch.ones(3),
        n_hidden=6,
        densities=(1.0,),
        seeds=range(6),
        recipe=replace(OURS, steps=800, batch_size=128),
    )
    errors = feature_errors(ends.w_in, ends.w_out, ends.bias, density=1.0, n_inputs=4_096)
    assert errors.amax(-1).min() < 1e-3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_diverges_is_named_and_left_as_nothing(n_jobs: int) -> None:
    recipe = replace(QUICK, learning_rate=1e30, schedule=lockstep.constant)
    with pytest.warns(RuntimeWarning) as warned:
        ends = trained(densities=(0.1, 1.0), seeds=(0, 3), recipe=recipe, n_jobs=n_jobs)
    said = sorted(str(one.message).split(": not finite")[0] for one in warned)
    assert said == [f"density {p}, seed {s}" for p in ("0.1", "1") for s in (0, 3)]
    assert ends.diverged.all()
    assert ends.w_in.isnan().all()
    assert ends.bias.isnan().all()
    assert ends.losses.shape == (2, 2, 2)
    assert ends.losses[1].isnan().all()


def test_who_diverges_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = trained(seeds=(0,))
    start = Crowd.start
    monkeypatch.setattr(
        Crowd,
        "start",
        lambda crowd, seed: {k: p * (1e30 if seed else 1.0) for k, p in start(crowd, seed).items()},
    )
    with pytest.warns(RuntimeWarning, match=r"^density 0\.3, seed 1: not finite from step 1 on"):
        ends = trained(seeds=(0, 1))
    assert ends.diverged.tolist() == [[False, True]]
    assert ends.w_in[0, 1].isnan().all()
    torch.testing.assert_close(ends.w_in[0, 0], alone.w_in[0, 0], rtol=1e-4, atol=1e-5)


def test_the_result_says_what_was_trained() -> None:
    recipe = Recipe(steps=101, batch_size=4)
    ends = trained(densities=(1.0, 0.5), seeds=(9, 2, 7), recipe=recipe)
    assert ends.w_in.shape == (2, 3, 5, 4)
    assert ends.w_out.shape == (2, 3, 4, 5)
    assert ends.bias.shape == (2, 3, 4)
    assert ends.losses.shape == (math.ceil(101 / 50), 2, 3)
    assert ends.diverged.shape == (2, 3)
    assert ends.densities == (1.0, 0.5)
    assert ends.seeds.tolist() == [9, 2, 7]
    assert torch.equal(ends.importance, IMPORTANCE)
    assert ends.seconds > 0
    assert torch.equal(ends.model(1, 2)[2], ends.bias[1, 2])

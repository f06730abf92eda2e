"""The usual recipe as people write it, and ours beside it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from steering_core.absolute_value import (
    USUAL,
    TrainedAbsoluteValue,
    feature_errors,
    plain_pairs,
    speed,
)
from steering_core.absolute_value.speed import compare
from steering_core.absolute_value.usual import UsualRun, train_usual
from tests.absolute_value.by_hand import as_trained

IMPORTANCE = torch.tensor([1.0, 0.8, 0.5])


def usual(**options: Any) -> UsualRun:
    """A short run of three features and four neurons, unless told otherwise."""
    how = {"importance": IMPORTANCE, "n_hidden": 4, "densities": (1.0, 0.3)}
    return train_usual(**{**how, "steps": 3, "batch_size": 16, **options})


def test_a_net_for_each_density() -> None:
    run = usual(densities=(1.0, 0.3, 0.03, 0.3, 0.1))
    assert run.w_in.shape == (5, 4, 3)
    assert run.w_out.shape == (5, 3, 4)
    assert run.bias.shape == (5, 3)
    assert not any(one.requires_grad for one in (run.w_in, run.w_out, run.bias))
    assert run.seconds > 0


def test_weights_begin_as_kaiming_has_them_and_biases_at_zero() -> None:
    run = usual(importance=torch.ones(50), n_hidden=20, steps=1)
    for weights, fan_in in ((run.w_in, 50), (run.w_out, 20)):
        bound = (6 / fan_in) ** 0.5
        assert 0.97 * bound < weights.abs().max() < bound + 2e-3
        assert weights.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    assert run.bias.abs().max() <= 1.01e-3  # one step of Adam


def test_errors_fall() -> None:
    def errors(run: UsualRun) -> torch.Tensor:
        nets = zip((1.0, 0.3), run.w_in, run.w_out, run.bias, strict=True)
        return torch.stack(
            [feature_errors(*net, density=p, n_inputs=2_048) @ IMPORTANCE for p, *net in nets]
        )

    assert (errors(usual(steps=600, batch_size=128)) < 0.5 * errors(usual(steps=1))).all()


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    first = usual(seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    again, other = usual(seed=1), usual(seed=2)
    torch.set_rng_state(before)
    for name in ("w_in", "w_out", "bias"):
        one, same, unlike = (getattr(run, name) for run in (first, again, other))
        assert torch.equal(one, same)
        assert not torch.equal(one, unlike)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"importance": torch.tensor([1.0, -1.0, 1.0])}, "importance: got -1"),
        ({"importance": torch.ones(0)}, "importance: got shape"),
        ({"densities": (0.5, 0.0)}, "densities: got 0"),
        ({"densities": (1.5,)}, "densities: got 1.5"),
        ({"steps": 0}, "steps: got 0"),
        ({"seed": -1}, "seed: got -1"),
        ({"densities": ()}, "densities: got"),
        ({"n_hidden": 0}, "n_hidden: got 0"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"batch_size": -1}, "batch_size: got -1"),
    ],
)
def test_bad_input_is_named(bad: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        usual(**bad)


def tiny(densities: int = 2, seeds: int = 3) -> TrainedAbsoluteValue:
    """Nets that took six seconds."""
    model = plain_pairs(3, 4, density=0.1)
    levels = (1.0, 0.3, 0.1)[:densities]
    return as_trained(
        [[model] * seeds] * densities, levels, range(seeds), importance=IMPORTANCE, seconds=6.0
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the usual recipe is asked for, which then takes 0.5 seconds a step and density."""
    asked: list[dict[str, Any]] = []

    def run(**how: Any) -> UsualRun:
        asked.append(how)
        seconds = 0.5 * how["steps"] * len(how["densities"])
        # The first run is slow, and should not count.
        none = torch.zeros(2, 4, 3), torch.zeros(2, 3, 4), torch.zeros(2, 3)
        return UsualRun(*none, seconds * (100 if len(asked) == 1 else 1))

    monkeypatch.setattr(speed, "train_usual", run)
    return asked


def test_the_usual_recipe_is_timed_for_a_few_steps_and_scaled_up(calls: list[dict]) -> None:
    table = compare(tiny(), steps=4)
    each = 0.5 * USUAL.steps
    assert list(table.index) == ["usual recipe", "ours"]
    assert list(table.columns) == ["seconds", "seconds a net", "times as fast"]
    assert table["seconds"].tolist() == pytest.approx([6 * each, 6.0])
    assert table["seconds a net"].tolist() == pytest.approx([each, 1.0])
    assert table["times as fast"].tolist() == pytest.approx([1.0, each])
    assert [how["steps"] for how in calls] == [4, 4]


def test_the_usual_recipe_gets_the_setting_of_ours(calls: list[dict]) -> None:
    compare(tiny(), steps=1)
    for how in calls:
        assert how["densities"] == (1.0, 0.3)
        assert how["n_hidden"] == 4
        assert torch.equal(how["importance"], IMPORTANCE)


@pytest.mark.parametrize(("densities", "seeds"), [(1, 1), (1, 4), (3, 1), (3, 5)])
def test_seconds_grow_with_the_nets(calls: list[dict], densities: int, seeds: int) -> None:
    table = compare(tiny(densities, seeds), steps=2)
    nets = densities * seeds
    assert table["seconds"].iloc[0] == pytest.approx(nets * 0.5 * USUAL.steps)
    assert table["seconds a net"].tolist() == pytest.approx([0.5 * USUAL.steps, 6 / nets])


def test_it_runs_and_needs_a_step() -> None:
    table = compare(tiny(), steps=1)
    assert (table.to_numpy() > 0).all()
    with pytest.raises(ValueError, match="steps: got 0"):
        compare(tiny(), steps=0)

"""Absolute-value nets by our recipe beside the usual one, on the same machine in the same process.

The usual way trains a net of each density as one tensor, 10,000 constant steps of 1,024 inputs
(`steering_core.absolute_value.usual`). It is run to the end, for its time and for its losses.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import torch

SEEDS = 4
"""Nets a density that the chapter trains."""

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


def test_seven_densities_take_ninety_seconds_on_two_cores(measured: dict[str, Any]) -> None:
    print(f"{7 * SEEDS} nets in {measured['ours']:.1f} s")
    assert measured["ours"] < 90


def test_the_usual_recipe_takes_three_times_as_long(measured: dict[str, Any]) -> None:
    ratio = measured["usual"] / (measured["ours"] / SEEDS)
    print(f"a net of each density: usual {measured['usual']:.0f} s, {ratio:.1f} times as long")
    assert ratio > 3


def test_every_net_of_ours_has_a_lower_loss(measured: dict[str, Any]) -> None:
    for density, ours, usual in measured["losses"]:
        print(f"density {density:g}: {min(ours):.5f} to {max(ours):.5f}, usual {usual:.5f}")
        assert max(ours) < usual


def test_256_small_models_take_two_minutes(measured: dict[str, Any]) -> None:
    print(f"256 models of 20 features and 10 neurons in {measured['small']:.1f} s")
    assert measured["small"] < 120


def measure() -> dict[str, Any]:
    """Train both ways: seconds, and losses on held-out inputs."""
    from steering_core.absolute_value import feature_errors, normalised_loss, train_absolute_value
    from steering_core.absolute_value.chosen import held_out
    from steering_core.absolute_value.density_study import DENSITIES, IMPORTANCE
    from steering_core.absolute_value.usual import train_usual

    how = {"importance": IMPORTANCE, "n_hidden": 40, "densities": DENSITIES}
    ours = train_absolute_value(**how, seeds=range(SEEDS), n_jobs=2)
    table: Any = held_out(ours)
    usual = train_usual(**how, progress=True)
    losses = []
    for d, density in enumerate(DENSITIES):
        errors = feature_errors(usual.w_in[d], usual.w_out[d], usual.bias[d], density=density)
        mine = table.loc[table["density"] == density, "loss"].tolist()
        losses.append((density, mine, float(normalised_loss(errors, IMPORTANCE))))
    small = train_absolute_value(
        importance=0.8 ** torch.arange(20.0),
        n_hidden=10,
        densities=(0.1,),
        seeds=range(256),
        n_jobs=2,
    )
    return {
        "ours": ours.seconds,
        "usual": usual.seconds,
        "losses": losses,
        "small": small.seconds,
    }


if __name__ == "__main__":
    json.dump(measure(), sys.stdout)

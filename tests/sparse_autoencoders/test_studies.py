"""The committed tables are what their code computes, and the studies are what the claims say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from steering_core.publishing import Study, load_study
from steering_core.sparse_autoencoders import (
    ARCHITECTURES,
    Autoencoders,
    Recipe,
    control_study,
    curve_study,
    frontier_setting,
    frontier_study,
    overlap_study,
    studies,
    tuning_study,
)
from steering_core.sparse_autoencoders.control_study import VARIANTS, spikes
from steering_core.sparse_autoencoders.frontier_study import COMPARED, TUNED, tuned_recipe
from steering_core.sparse_autoencoders.studies import (
    AUTOENCODER_CONTROLS,
    AUTOENCODER_CURVES,
    AUTOENCODER_FRONTIER,
    AUTOENCODER_OVERLAP,
    AUTOENCODER_TUNING,
)
from steering_core.sparse_autoencoders.tuning_study import KNOBS, RATES, TRIED, chosen
from tests.sparse_autoencoders.test_evaluate import planted

STUDIES: tuple[Study, ...] = tuple(
    getattr(studies, name) for name in studies.__all__ if name != "AUTOENCODER_LANGUAGE"
)
"""Those on a ground truth; for that on a language model see `test_language_measures`."""
every_study = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)

ROWS: dict[str, Callable[[dict[str, Any]], int]] = {
    "autoencoder-tuning": lambda task: len(TRIED[task["architecture"]]),
    "autoencoder-frontier": lambda task: len(frontier_study.PENALTIES[task["architecture"]]),
    "autoencoder-controls": lambda task: len(VARIANTS[task["variant"]].penalties),
    "autoencoder-curves": lambda task: (
        len(curve_study.PENALTIES) * (frontier_setting.STEPS // curve_study.EVERY)
    ),
    "autoencoder-overlap": lambda task: len(overlap_study.PENALTIES[task["architecture"]]),
}
"""How many rows each task has."""
ITSELF = {"autoencoder-curves": {"penalty", "step"}}
"""Columns, beside those of the task, that say which row it is; elsewhere the penalty."""


@every_study
def test_every_task_has_its_rows_and_every_column_a_tolerance(study: Study) -> None:
    table = load_study(study).table
    tasks = study.checked_tasks()
    keys = list(tasks[0])
    groups: Any = table.groupby(keys, dropna=False).size()
    assert len(groups) == len(tasks)
    for task in tasks:
        assert groups[tuple(task.values())] == ROWS[study.name](task), task
    own = ITSELF.get(study.name, {"penalty"})
    assert set(table.columns) - set(keys) - own == set(study.tolerance)
    assert not table.duplicated([*keys, *own]).any()


@every_study
def test_numbers_are_shares_where_they_must_be(study: Study) -> None:
    table: Any = load_study(study).table
    for name in ("fvu", "mcc", "precision", "recall", "f1", "alive", "negative", "up_right"):
        if name in table:
            values = table[name].dropna().to_numpy()
            assert values.min() >= (-1 if name == "mcc" else 0)
            assert name == "fvu" or values.max() <= 1
    for name in {"l0", "loss", "redrawn"} & set(table.columns):
        assert (table[name].dropna() >= 0).all()


def test_tuning_chose_what_is_trained() -> None:
    assert chosen(load_study(AUTOENCODER_TUNING).table) == TUNED


def test_what_is_chosen_has_the_best_f1() -> None:
    table = load_study(AUTOENCODER_TUNING).table
    worse = table.assign(f1=0.1)
    place = (worse["architecture"] == "gated") & (worse["rate"] == 0.01)
    worse.loc[place.to_numpy().nonzero()[0][1], "f1"] = 0.2  # one penalty of three is enough
    got = chosen(worse)
    assert got["gated"] == (0.01, 0.0)
    # One that diverged has no F1, and is not chosen.
    worse.loc[(worse["architecture"] == "relu") & (worse["rate"] != 0.003), "f1"] = np.nan
    worse.loc[(worse["architecture"] == "relu") & (worse["value"] == 0.0), "f1"] = np.nan
    assert chosen(worse)["relu"] == (0.003, -0.5)


def test_every_architecture_has_the_same_budget() -> None:
    tasks: Any = pd.DataFrame(AUTOENCODER_TUNING.checked_tasks())
    for name, mine in tasks.groupby("architecture"):
        knob, first, second = KNOBS[str(name)]
        assert len(mine) == 4
        assert set(mine["knob"]) == {knob}
        assert sorted(mine["rate"]) == sorted((*RATES, RATES[1]))
        assert sorted(mine["value"]) == sorted((first, first, first, second))
        assert len(TRIED[str(name)]) == 3
    assert (
        set(tasks["architecture"]) == set(KNOBS) == set(TUNED) == set(ARCHITECTURES) - {"prolu_l0"}
    )
    assert frontier_setting.TUNING_SEED not in range(frontier_setting.SEEDS)
    for name, (rate, value) in TUNED.items():
        assert rate in RATES
        assert value in KNOBS[name][1:]


def test_recipes_are_as_tuned() -> None:
    for name, (rate, value) in TUNED.items():
        recipe, knob = tuned_recipe(name, 77), KNOBS[name][0]
        assert (recipe.learning_rate, recipe.steps) == (rate, 77)
        assert getattr(recipe, knob) == value
        fixed = {knob: getattr(Recipe(), knob), "learning_rate": 1e-3, "steps": 20_000}
        assert Recipe(**{**recipe.__dict__, **fixed}) == Recipe()
    assert tuned_recipe("relu").steps == frontier_setting.STEPS


def test_the_frontier_is_large_enough() -> None:
    assert frontier_setting.WIDTH >= 64
    assert frontier_setting.N_LATENTS >= 256
    assert frontier_setting.N_FEATURES >= 400
    assert frontier_setting.STEPS >= 20_000
    assert frontier_setting.SEEDS >= 5
    assert set(frontier_study.PENALTIES) == set(COMPARED) == set(TUNED) - {"scsae_multiplied"}
    for penalties in frontier_study.PENALTIES.values():
        assert len(set(penalties)) == len(penalties) >= 6
    tasks = AUTOENCODER_FRONTIER.checked_tasks()
    assert len(tasks) == len(COMPARED) * frontier_setting.SEEDS


def test_the_frontier_reaches_the_true_number_with_every_architecture() -> None:
    table: Any = load_study(AUTOENCODER_FRONTIER).table
    assert table["l0"].notna().all()
    for _, rows in table.groupby(["architecture", "seed"]):
        assert rows["l0"].min() < frontier_setting.ACTIVE < rows["l0"].max()


def test_controls_have_what_the_claims_compare() -> None:
    table: Any = load_study(AUTOENCODER_CONTROLS).table
    redrawn = table.groupby("variant")["redrawn"].max()
    assert redrawn[["left dead", "ghost"]].tolist() == [0, 0]
    assert redrawn["resampled at 0.2"] > 0


def test_curves_are_whole() -> None:
    table: Any = load_study(AUTOENCODER_CURVES).table
    assert sorted(set(table["step"])) == list(range(200, 20_001, 200))
    assert (table["loss"] > 0).all()


def test_pairs_have_their_overlap() -> None:
    for overlap in overlap_study.OVERLAPS:
        directions = overlap_study.truth_of(overlap, 1).directions
        cosines = directions @ directions.T
        assert cosines[0, 1].item() == pytest.approx(overlap, abs=1e-5)
    assert overlap_study.truth_of(0.5, 0).active == pytest.approx(overlap_study.ACTIVE)
    assert pytest.approx(1.25 * overlap_study.ACTIVE) == overlap_study.LIMIT


def test_enough_pairs_are_sparse() -> None:
    table: Any = load_study(AUTOENCODER_OVERLAP).table
    sparse = table[table["l0"] <= overlap_study.LIMIT]
    for name in ("relu", "prolu_relu"):
        mine = sparse[sparse["architecture"] == name]
        assert len(mine.groupby(["overlap", "seed"])) == 15


# What `run` of a study gives, with training left out

LOSSES = torch.arange(400.0)[:, None]


def untrained(architecture: str, penalties: tuple[float, ...], n: int, d: int) -> Autoencoders:
    """Random directions for autoencoders, and losses 0, 1, 2 ..., each model's 1,000 above."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(n, d, generator=generator), dim=1)
    one = planted(rows, -0.2, architecture=architecture, penalties=penalties)
    losses = LOSSES + 1_000 * torch.arange(len(penalties))
    return Autoencoders(**{**one.__dict__, "losses": losses, "recipe": Recipe()})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is trained; what was asked for is kept."""
    calls: list[Any] = []

    def train_seed(name: str, penalties: Any, seed: int, recipe: Recipe, **how: Any) -> Any:
        calls.append((name, seed, recipe, how))
        return untrained(name, penalties, 24, 64)

    def train_autoencoders(stream: Any, name: str, **how: Any) -> Any:
        calls.append((name, how["seeds"][0], how["recipe"], how))
        return untrained(name, how["penalties"], 24, 32)

    for module in (tuning_study, frontier_study, control_study, curve_study):
        monkeypatch.setattr(module, "train_seed", train_seed)
    monkeypatch.setattr(overlap_study, "train_autoencoders", train_autoencoders)
    for module in (frontier_setting, overlap_study):
        monkeypatch.setattr(module, "N_INPUTS", 64)
    return calls


@every_study
def test_a_task_gives_its_rows_and_columns(study: Study, asked: list[Any]) -> None:
    task = study.checked_tasks()[-1]
    table = study.run(task)
    assert len(asked) == 1
    assert len(table) == ROWS[study.name](task)
    assert set(table.columns) == ITSELF.get(study.name, {"penalty"}) | set(study.tolerance)
    assert asked[0][1] == task.get("seed", frontier_setting.TUNING_SEED)


def test_points_of_curves_are_means(asked: list[Any]) -> None:
    table: Any = curve_study.run({"architecture": "prolu_ste", "seed": 2})
    first = table[table["penalty"] == curve_study.PENALTIES[0]]
    assert first["step"].tolist() == list(range(200, 20_001, 200))
    assert first["loss"].tolist() == [4 * k + 1.5 for k in range(100)]
    last = table[table["penalty"] == curve_study.PENALTIES[-1]]
    assert last["loss"].iloc[0] == 1_000 * (len(curve_study.PENALTIES) - 1) + 1.5
    ((name, seed, recipe, _),) = asked
    assert (name, seed) == ("prolu_ste", 2)
    assert (recipe.cool_down, recipe.dead) == (0.0, "none")
    assert recipe.learning_rate == TUNED["prolu_relu"][0]


def test_controls_change_what_they_say(asked: list[Any]) -> None:
    control_study.run({"variant": "little L1, shrunken target", "seed": 3})
    control_study.run({"variant": "stretched, std", "seed": 3})
    (name, _, first, how), (_, _, second, other) = asked
    assert name == "prolu_relu"
    assert (first.target_scale, first.steps, how["stretch"]) == (0.8, 10_000, 1.0)
    assert (second.target_scale, second.normalise, other["stretch"]) == (1.0, "std", 10.0)
    for variant in VARIANTS.values():
        Recipe(**variant.changes)


def spiked(*places: tuple[int, float]) -> Autoencoders:
    one = planted(torch.eye(2), recipe=Recipe())
    losses = torch.full((400, 1), 2.0)
    for place, loss in places:
        losses[place] = loss
    return Autoencoders(**{**one.__dict__, "losses": losses})


def test_spikes_are_rises_after_latents_are_drawn_anew() -> None:
    # 20,000 steps, drawn anew after 4,000, 8,000 and 12,000: records 80, 160 and 240 of 50 steps.
    assert spikes(spiked()) == [0]
    assert spikes(spiked((80, 3.0))) == [0.5]
    assert spikes(spiked((89, 3.0))) == [0.5]
    assert spikes(spiked((90, 3.0))) == [0]
    assert spikes(spiked((160, 3.0), (245, 4.0))) == [1]
    assert spikes(spiked((200, 9.0), (399, 9.0))) == [0]
    # Before, 3 in the mean of ten records.
    assert spikes(spiked((79, 12.0), (85, 6.0))) == [1]
    assert spikes(spiked((69, 12.0), (85, 6.0))) == [2]

"""The committed tables of steering are what their code computes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from steering_core.publishing import Study, load_study
from steering_core.steering.choice import MATCHED, allowed, best_row
from steering_core.steering.steering_claims import CLAIMS
from steering_core.steering.steering_study import NULLS, PER_PAIR
from steering_core.steering.studies import (
    EFFECTS,
    NULL_GAINS,
    SECOND_CENTRES,
    SECOND_OTHERS,
    SECOND_SWEEP,
    SWEEP,
)

MODELS = ("first", "second")


@pytest.mark.parametrize("model", MODELS)
def test_what_is_chosen_is_within_the_allowed_cost(model: str) -> None:
    table: Any = load_study(SWEEP).table
    for kind in MATCHED:
        best = best_row(table, model, kind)
        assert best["nats"] <= math.log(2)
        assert best["distinct"] >= 0.8
        rivals = table[(table.model == model) & (table.kind == kind) & allowed(table)]
        assert best["gain"] == rivals.gain.max()


def test_a_sweep_ends_where_text_is_four_times_as_strange() -> None:
    table: Any = load_study(SWEEP).table
    for _, rows in table.groupby(["model", "kind", "position", "layer"]):
        assert rows.coefficient.is_monotonic_increasing
        assert (rows.nats.iloc[:-1] <= math.log(4)).all()
        assert rows.nats.iloc[-1] > math.log(4) or rows.coefficient.iloc[-1] == 32


def test_runs_have_the_prompts_that_they_say() -> None:
    table: Any = load_study(EFFECTS).table
    assert (table.text % 2 == 1).all()  # the sweep has the even ones
    for (model, run), rows in table.groupby(["model", "run"]):
        per_pair = rows.groupby(["source", "target"]).size()
        assert len(per_pair) == 12, (model, run)
        assert set(per_pair) == {int(rows.per_pair.iloc[0])}
        assert int(rows.per_pair.iloc[0]) >= 50
    assert np.isfinite(table[["target_stems", "source_stems", "nats", "distinct"]]).all().all()


def test_settings_of_the_runs_are_those_that_the_sweep_chose() -> None:
    sweep, effects = load_study(SWEEP).table, load_study(EFFECTS).table
    for model in MODELS:
        best = best_row(sweep, model, "centred")
        rows = effects[(effects.model == model) & (effects.run == "centred")].iloc[0]
        assert all(rows[name] == best[name] for name in ("layer", "position", "coefficient"))


def test_every_null_is_there() -> None:
    table: Any = load_study(NULL_GAINS).table
    for _, rows in table.groupby("model"):
        assert rows.null.value_counts().to_dict() == {
            "random": NULLS,
            "shuffled": NULLS,
            "none": 1,
        }


def test_the_sweep_has_as_many_prompts_as_the_page_says() -> None:
    assert PER_PAIR * 12 == 120


@pytest.mark.parametrize("study", [SECOND_CENTRES, SECOND_OTHERS], ids=lambda study: study.name)
def test_what_the_second_model_lacked_is_on_the_prompts_of_its_other_runs(study: Study) -> None:
    known: Any = load_study(EFFECTS).table
    more: Any = load_study(study).table
    assert set(more.model) == {"second"}
    trials = ["source", "target", "text"]
    centred = known[(known.model == "second") & (known.run == "centred")]
    assert not set(more.run) & set(known.run[known.model == "second"])
    for _, rows in more.groupby("run"):
        assert rows[trials].values.tolist() == centred[trials].values.tolist()


def test_other_centres_are_added_as_the_centred_vector_is() -> None:
    best = best_row(load_study(SWEEP).table, "second", "centred")
    table: Any = load_study(SECOND_CENTRES).table
    for name in ("layer", "position", "coefficient"):
        assert set(table[name]) == {best[name]}


def test_other_ways_are_added_as_their_sweep_chose() -> None:
    sweep, table = load_study(SECOND_SWEEP).table, load_study(SECOND_OTHERS).table
    (claim,) = (one for one in CLAIMS if one.id == "I-17")
    assert set(table.run) == set(claim.rules)
    for run, rows in table.groupby("run"):
        best = best_row(sweep, "second", str(run))
        assert all(set(rows[name]) == {best[name]} for name in ("layer", "position", "coefficient"))

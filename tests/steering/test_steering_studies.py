"""The committed tables of steering are what their code computes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import Measured, Study, load_study
from steering_core.steering.choice import MATCHED, PERPLEXITY, allowed, best_row
from steering_core.steering.effects import Effects, difference, gain, perplexity_ratio
from steering_core.steering.steering_claims import CLAIMS
from steering_core.steering.steering_study import NARROW, NULLS, PER_PAIR, WIDE
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


@pytest.fixture(scope="module")
def ran() -> dict[str, Effects]:
    tables = [load_study(study).table for study in (EFFECTS, SECOND_OTHERS)]
    return {model: Effects.of(pd.concat(tables), model) for model in MODELS}


def low_of(measured: Measured) -> float:
    assert measured.interval is not None
    return measured.interval[0]


def high_of(measured: Measured) -> float:
    assert measured.interval is not None
    return measured.interval[1]


@pytest.mark.parametrize("model", MODELS)
def test_no_kind_gains_towards_fantasy_or_science_fiction(
    ran: dict[str, Effects], model: str
) -> None:
    """The chapter says so in fixed words, as what follows."""
    for kind in (kind for kind in (*WIDE, *NARROW) if kind in ran[model].runs):
        for genre in ("fantasy", "scifi"):
            assert low_of(gain(ran[model], kind, target=genre)) < -0.02


def test_what_centring_gains_is_shakespeare(ran: dict[str, Effects]) -> None:
    over = [
        difference(ran[model].without("shakespeare"), "centred", "uncentred") for model in MODELS
    ]
    assert low_of(over[0]) < -0.05 < 0.05 < high_of(over[0])
    assert low_of(over[1]) < 0.03
    for model in MODELS:
        assert low_of(gain(ran[model], "centred", target="shakespeare")) > 0.5
        assert low_of(difference(ran[model], "centred_matched", "uncentred_matched", "nats")) > 0.01
    assert difference(ran["second"], "centred", "uncentred_equal").value < 0


@pytest.mark.parametrize("model", MODELS)
def test_texts_that_the_chapter_calls_broken_are_beyond_the_allowed_cost(
    ran: dict[str, Effects], model: str
) -> None:
    for run in ("uncentred_equal", "along_mean"):
        assert low_of(perplexity_ratio(ran[model], run)) > PERPLEXITY


def test_the_first_model_gains_less_at_the_first_token(ran: dict[str, Effects]) -> None:
    first, second = (gain(ran[m], "centred_first", target="shakespeare") for m in MODELS)
    assert low_of(first) < 0 < high_of(first) < second.value
    assert low_of(second) > 0.05
    for model in MODELS:
        for kind in ("isolated", "introduced"):
            assert low_of(gain(ran[model], f"{kind}_first", target="shakespeare")) > 2


def test_gains_that_were_matched_came_apart(ran: dict[str, Effects]) -> None:
    gains = {kind: gain(ran["first"], f"{kind}_matched").value for kind in MATCHED}
    assert min(gains, key=lambda kind: gains[kind]) == "uncentred"
    assert max(gains.values()) > 2 * min(gains.values())


def test_isolated_vectors_gain_more_at_a_smaller_norm() -> None:
    centred, isolated = (
        best_row(load_study(SWEEP).table, "first", k) for k in ("centred", "isolated")
    )
    assert isolated["gain"] > 1.5 * centred["gain"]
    assert isolated["norm"] < 0.9 * centred["norm"]


def test_one_pair_of_texts_beats_the_centred_vectors(ran: dict[str, Effects]) -> None:
    first, second = (difference(ran[model], "one_pair", "centred") for model in MODELS)
    assert low_of(first) > 0.1
    assert 0.05 < low_of(second) < 0.1


@pytest.mark.parametrize("model", MODELS)
def test_whitening_gains_less_than_the_principal_direction(
    ran: dict[str, Effects], model: str
) -> None:
    assert high_of(difference(ran[model], "whitened", "principal")) < -0.1

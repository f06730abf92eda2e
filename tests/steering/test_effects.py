"""Effects of runs beside numpy on tables made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import Measured
from steering_core.publishing.statistics import over_units
from steering_core.steering import effects as module
from steering_core.steering.effects import TRIAL, Effects, rank, second
from steering_core.steering.experiment import trials

RUNS = ("unsteered", "again", "centred", "uncentred")


def run_of(n: int, seed: int, stems: float) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    chosen = trials("odd", n)
    return pd.DataFrame(
        {
            "source": [t.source for t in chosen],
            "target": [t.target for t in chosen],
            "text": [t.text for t in chosen],
            "target_stems": generator.poisson(stems, len(chosen)),
            "source_stems": generator.poisson(1.0, len(chosen)),
            "nats": generator.normal(3, 0.3, len(chosen)),
            "distinct": generator.uniform(0.7, 1.0, len(chosen)),
        }
    )


def table_of(n: int = 5) -> pd.DataFrame:
    """Four runs of two models; the rows of a run stand in an order of their own."""
    parts = []
    for m, model in enumerate(("first", "second")):
        for r, (run, stems) in enumerate(zip(RUNS, (1.0, 1.0, 3.0, 2.0), strict=True)):
            own = run_of(n, 10 * m + r, stems).sample(frac=1, random_state=r)
            parts.append(own.assign(model=model, run=run))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return table_of()


@pytest.fixture(scope="module")
def effects(table: pd.DataFrame) -> Effects:
    return Effects.of(table, "first")


def naive(
    table: pd.DataFrame, run: str, column: str, model: str = "first", **only: str
) -> np.ndarray:
    """A run's column in the order of the trials."""
    own: Any = table[(table.model == model) & (table.run == run)]
    for level, name in only.items():
        own = own[own[level] == name]
    by_trial = {tuple(row[key] for key in TRIAL): row[column] for row in own.to_dict("records")}
    return np.array([by_trial[key] for key in sorted(by_trial)])


def assert_measured(got: Measured, value: float, n: int) -> None:
    assert got.value == pytest.approx(value)
    assert got.n == n
    assert got.interval is not None
    assert got.interval[0] < value < got.interval[1]


@pytest.mark.parametrize(
    ("only", "n"), [({}, 20), ({"source": "sports"}, 5), ({"target": "scifi"}, 15)]
)
def test_gains_and_costs_are_of_pairs(
    table: pd.DataFrame, effects: Effects, only: dict[str, Any], n: int
) -> None:
    before, after = (
        {c: naive(table, run, c, **only) for c in ("target_stems", "source_stems", "nats")}
        for run in ("unsteered", "centred")
    )
    change = {column: after[column] - before[column] for column in before}
    assert_measured(module.gain(effects, "centred", **only), change["target_stems"].mean(), n)
    got = module.gain(effects, "centred", of="source", **only)
    assert_measured(got, change["source_stems"].mean(), n)
    ratios = np.exp(after["nats"]) / np.exp(before["nats"])
    assert_measured(
        module.perplexity_ratio(effects, "centred", **only), ratios.prod() ** (1 / len(ratios)), n
    )
    distinct = [naive(table, run, "distinct", **only).mean() for run in ("centred", "unsteered")]
    assert_measured(module.distinct_ratio(effects, "centred", **only), distinct[0] / distinct[1], n)


def test_both_genres_can_be_asked_for(table: pd.DataFrame, effects: Effects) -> None:
    only = {"source": "sports", "target": "scifi"}
    got = module.gain(effects, "centred", **only)
    before, after = (naive(table, run, "target_stems", **only) for run in ("unsteered", "centred"))
    assert got.n == 5
    assert got.value == pytest.approx((after - before).mean())


@pytest.mark.parametrize("column", ["target_stems", "nats", "distinct"])
def test_a_difference_of_runs(table: pd.DataFrame, effects: Effects, column: str) -> None:
    a, b = (naive(table, run, column) for run in ("centred", "uncentred"))
    got = module.difference(effects, "centred", "uncentred", column)
    assert got.value == pytest.approx((a - b).mean())
    opposite = module.difference(effects, "uncentred", "centred", column)
    assert opposite.value == pytest.approx(-got.value)
    assert got.interval is not None
    assert got.interval[0] < got.value < got.interval[1]


def test_a_difference_is_narrower_for_pairs_than_for_strangers() -> None:
    """What a prompt does to both runs falls out."""
    table = table_of(20)
    first: Any = table[(table.model == "first") & (table.run == "unsteered")]
    shifted = first.assign(run="centred", nats=first.nats + 0.1)
    effects = Effects.of(pd.concat([first, shifted]), "first")
    got = module.difference(effects, "centred", "unsteered", "nats")
    assert got.value == pytest.approx(0.1)
    assert got.interval == pytest.approx((0.1, 0.1))


def test_a_share_of_gains(table: pd.DataFrame, effects: Effects) -> None:
    a, b, none = (
        naive(table, run, "target_stems") for run in ("uncentred", "centred", "unsteered")
    )
    expected = (a - none).mean() / (b - none).mean()
    assert_measured(module.gain_share(effects, "uncentred", "centred"), expected, 20)
    less = module.gain_share(effects, "uncentred", "centred", less=1.0)
    assert_measured(less, expected - 1, 20)
    assert module.gain_share(effects, "centred", "centred").value == 1


def test_changes_of_each_prompt(table: pd.DataFrame, effects: Effects) -> None:
    a, b = (naive(table, run, "target_stems") for run in ("centred", "unsteered"))
    got = module.changes(effects, "centred")
    assert sorted(got) == sorted(a - b)
    assert not module.changes(effects, "unsteered").any()


def test_prompts_that_go_the_wrong_way(table: pd.DataFrame, effects: Effects) -> None:
    run, again, none = (
        naive(table, name, "target_stems") for name in ("centred", "again", "unsteered")
    )
    assert_measured(
        module.wrong_way_ratio(effects, "centred"), (run < none).mean() / (again < none).mean(), 20
    )
    assert module.wrong_way_ratio(effects, "again").value == 1
    assert module.wrong_way_ratio(effects, "unsteered").value == 0
    assert_measured(module.no_gain_share(effects, "centred"), (run <= none).mean(), 20)
    assert module.no_gain_share(effects, "unsteered").value == 1


def test_a_run_works_by_three_measures(effects: Effects) -> None:
    got = module.works(effects, "centred", target="scifi")
    assert got == {
        "gain": module.gain(effects, "centred", target="scifi"),
        "perplexity": module.perplexity_ratio(effects, "centred", target="scifi"),
        "distinct": module.distinct_ratio(effects, "centred", target="scifi"),
    }
    assert second(got) == {f"{part}_second": measured for part, measured in got.items()}


def test_models_are_kept_apart(table: pd.DataFrame) -> None:
    got = module.gain(Effects.of(table, "second"), "centred")
    a, b = (naive(table, run, "target_stems", model="second") for run in ("centred", "unsteered"))
    assert got.value == pytest.approx((a - b).mean())
    assert got.value != module.gain(Effects.of(table, "first"), "centred").value


def test_runs_of_different_trials_are_compared_on_common_ones() -> None:
    many, few = run_of(20, 0, 1.0), run_of(7, 1, 2.0)
    own = pd.concat([many.assign(run="unsteered"), few.assign(run="centred")])
    table = own.assign(model="first")
    common = many.set_index(TRIAL).loc[few.set_index(TRIAL).index]
    got = module.gain(Effects.of(table, "first"), "centred")
    assert got.n == 28 == len(few) / 3
    expected = few.target_stems.to_numpy() - common.target_stems.to_numpy()
    assert got.value == pytest.approx(expected.mean())


def test_columns_stand_side_by_side(table: pd.DataFrame, effects: Effects) -> None:
    got = effects.columns(("centred", "nats"), ("again", "nats"), ("centred", "distinct"))
    columns = [("centred", "nats"), ("again", "nats"), ("centred", "distinct")]
    expected = np.column_stack([naive(table, run, column) for run, column in columns])
    assert sorted(map(tuple, got)) == sorted(map(tuple, expected))


def test_a_prompt_is_drawn_with_all_its_targets(effects: Effects) -> None:
    got = module.gain(effects, "centred")
    trials = effects.trials(("centred", "target_stems"), ("unsteered", "target_stems"))
    gains = trials.iloc[:, 0] - trials.iloc[:, 1]
    of_prompts = over_units(gains.groupby(level=["source", "text"]).mean())
    assert (got.value, got.n) == (pytest.approx(of_prompts.value), of_prompts.n)
    assert got.interval == pytest.approx(of_prompts.interval)
    # As many targets that all say the same leave an interval as wide as one of them does.
    twice = pd.concat([gains, gains.rename({"scifi": "other", "sports": "another"}, level=1)])
    one, other = (module.over_prompts(v).interval for v in (gains, twice))
    assert one == pytest.approx(other)


def common_of_none() -> Effects:
    odd = run_of(2, 0, 1.0)
    even = odd.assign(text=odd.text - 1)
    own = pd.concat([odd.assign(run="unsteered"), even.assign(run="centred")])
    return Effects.of(own.assign(model="first"), "first")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: Effects.of(t, "third"), "model: got 'third'; first, second are allowed"),
        (lambda t: module.gain(Effects.of(t, "first"), "no"), "run: got 'no'; allowed are "),
        (lambda t: module.gain(Effects.of(t, "first"), "centred", source="no"), "wanted: got "),
        (lambda _: module.gain(common_of_none(), "centred"), "wanted: got .* no trial in common"),
    ],
)
def test_what_is_not_there_is_refused(
    table: pd.DataFrame, call: Callable[[pd.DataFrame], object], says: str
) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        call(table)


def nulls_of(true: float, drawn: list[float]) -> pd.DataFrame:
    rows = [{"model": "first", "null": "none", "gain": true}]
    rows += [{"model": "first", "null": "random", "gain": gain} for gain in drawn]
    rows += [{"model": "first", "null": "shuffled", "gain": 99.0}]
    rows += [{"model": "second", "null": name, "gain": 99.0} for name in ("none", "random")]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("true", "place"), [(5.0, 1), (3.0, 2), (2.5, 2), (1.0, 4), (0.0, 4), (2.0, 3)]
)
def test_a_tie_counts_against_the_rank(true: float, place: int) -> None:
    got = rank(nulls_of(true, [3.0, 2.0, 1.0]), "first", "random")
    assert got == Measured(float(place), 3)


@pytest.mark.parametrize("asked", [("first", "other"), ("third", "random"), ("second", "shuffled")])
def test_a_rank_needs_its_null(asked: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=rf"^null: got '{asked[1]}' of model '{asked[0]}'"):
        rank(nulls_of(1.0, [2.0]), *asked)


def test_an_interval_holds_what_prompts_drawn_again_give(
    table: pd.DataFrame, effects: Effects
) -> None:
    change = naive(table, "centred", "target_stems") - naive(table, "unsteered", "target_stems")
    got = module.gain(effects, "centred").interval
    assert got is not None
    error = change.std(ddof=1) / math.sqrt(len(change))
    assert got[1] - got[0] == pytest.approx(2 * 2.576 * error, rel=0.15)


def test_runs_without_a_target_have_all_other_trials(effects: Effects) -> None:
    rest = effects.without("shakespeare")
    assert set(rest.runs) == set(effects.runs)
    for name, rows in rest.runs.items():
        targets = effects.runs[name].index.get_level_values("target")
        expected: Any = effects.runs[name][targets != "shakespeare"]
        pd.testing.assert_frame_equal(rows, expected)
        assert 0 < len(rows) < len(targets)

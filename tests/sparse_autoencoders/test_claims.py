"""The rules of part IV: whole, with parts that the chapters' measures give.

Those on one latent are measured in `test_bias_measures`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing.claims import Claim, Measured
from steering_core.publishing.statistics import over_units
from steering_core.sparse_autoencoders import bias_claims, prolu_claims
from steering_core.sparse_autoencoders import prolu_measures as measures
from steering_core.sparse_autoencoders.control_study import VARIANTS
from steering_core.sparse_autoencoders.curve_study import EVERY, GRADIENTS
from steering_core.sparse_autoencoders.curve_study import PENALTIES as CURVED
from steering_core.sparse_autoencoders.frontier_setting import (
    ACTIVE,
    COLUMNS,
    LEVELS,
    SEEDS,
    STEPS,
)
from steering_core.sparse_autoencoders.frontier_study import COMPARED
from steering_core.sparse_autoencoders.overlap_study import LIMIT, OVERLAPS

from ..claims import thresholds_of

CLAIMS = (*bias_claims.CLAIMS, *prolu_claims.CLAIMS)
BY_ID = {claim.id: claim for claim in CLAIMS}
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=list(BY_ID))

PROLU, STE = "prolu_relu", "prolu_ste"
Tables = dict[str, Any]
Measure = Callable[[Tables], Measured]


def some(t: Tables, *names: str) -> Any:
    """The frontier's rows of some architectures, which is quicker."""
    return t["frontier"][t["frontier"]["architecture"].isin(names)]


def at(name: str, column: str) -> Measure:
    return lambda t: measures.at_true(some(t, name), name, column)


def more(column: str) -> Measure:
    return lambda t: measures.difference(some(t, PROLU, "relu"), PROLU, "relu", column)


def won(one: str, other: str) -> Measure:
    return lambda t: measures.levels_won(some(t, one, other), one, other)


def lost(t: Tables) -> Measured:
    return measures.levels_lost(t["frontier"], PROLU, ("relu", "relu_sqrt"))


def control(variant: str, column: str, penalty: float | None = None) -> Callable[[Tables], Any]:
    return lambda t: measures.control(t["controls"], variant, column, penalty)


def over(one: Callable[[Tables], Any], other: Callable[[Tables], Any]) -> Measure:
    return lambda t: measures.quotient(one(t), other(t))


def mean(one: Callable[[Tables], Any], less: Callable[[Tables], Any] | None = None) -> Measure:
    return lambda t: over_units(one(t) - (less(t) if less else 0))


def ratio(one: str, other: str) -> Measure:
    return lambda t: measures.control_ratio(t["controls"], one, other)


def at_equal(one: str, other: str) -> Measure:
    return lambda t: measures.at_equal_l0(t["controls"], one, other)


def best(variant: str) -> Callable[[Tables], Any]:
    return lambda t: measures.best(t["controls"], variant, "f1")


def rise(name: str) -> Measure:
    return lambda t: measures.overlap_rise(t["overlap"], name, 0.5, LIMIT)


def spike(variant: str, less: str) -> Measure:
    return mean(control(variant, "spike"), control(less, "spike"))


F1, AT_02, NONE = control("usual", "f1", 1.6), "resampled at 0.2", "little L1"
MEASURES: dict[str, dict[str, Measure]] = {
    "IV-5": {"explained": at("relu", "explained")},
    "IV-9": {
        "rank": at(PROLU, "spearman"),
        "ratio": at(PROLU, "ratio"),
        "ratio_p999": at(PROLU, "ratio_p999"),
        "ratio_ste": at(STE, "ratio"),
        "ratio_relu": at("relu", "ratio"),
    },
    "IV-10": {
        "faster": lambda t: measures.steps_to(t["curves"], "scsae_multiplied"),
        "faster_lowest": lambda t: measures.steps_to(t["curves"], "scsae_multiplied", loss="min"),
        "faster_ste": lambda t: measures.steps_to(t["curves"], STE),
        "degrades": lambda t: measures.share_degrading(t["curves"], "scsae_multiplied"),
        "degrades_ste": lambda t: measures.share_degrading(t["curves"], STE),
        "degrades_relu": lambda t: measures.share_degrading(t["curves"], "scsae"),
    },
    "IV-11": {
        "fails": over(control(NONE, "f1", 0.0), F1),
        "balance": mean(control(NONE, "up_right", 0.0)),
        "recovers": over(control("little L1, shrunken target", "f1", 0.0), F1),
        "recovers_l0": over(control("L0", "f1", 4.0), F1),
        "l0_at_zero": over(control(NONE, "l0", 0.0), control("usual", "l0", 1.6)),
        "pushes_with": mean(control("usual", "up_right", 1.6)),
        "negative_at_zero": mean(control(NONE, "negative", 0.0)),
    },
    "IV-12": {
        "same": at_equal("smaller betas", "usual"),
        "sparse": ratio("smaller betas", "usual"),
        "l0": over(control("smaller betas", "l0", 0.2), control("usual", "l0", 0.2)),
    },
    "IV-13": {
        "spikes": spike(AT_02, "left dead"),
        "small": spike("resampled at 0.02", "left dead"),
        "redrawn": mean(control(AT_02, "redrawn")),
        "spikes_cold": spike("not warmed again", "left dead"),
    },
    "IV-14": {
        "helps": ratio("not warmed again", AT_02),
        "spike": spike("not warmed again", AT_02),
        "l0": over(control("not warmed again", "l0", 0.4), control(AT_02, "l0", 0.4)),
    },
    "IV-15": {
        "std": over(best("stretched, l2"), best("stretched, std")),
        "ghost": ratio("ghost", "not warmed again"),
        "std_error": at_equal("stretched, std", "stretched, l2"),
        "left": ratio("left dead", AT_02),
        "alive_resampled": mean(control(AT_02, "alive")),
        "alive_ghost": mean(control("ghost", "alive")),
        "alive_left": mean(control("left dead", "alive")),
    },
    "IV-16": {
        "over_l1": won(PROLU, "relu"),
        "over_sqrt": won(PROLU, "relu_sqrt"),
        "never_worse": lost,
        **{f"over_{n}": won(PROLU, n) for n in ("gated", "jumprelu", "topk", "batch_topk")},
        "ste_over_l1": won(STE, "relu"),
        "f1": more("f1"),
        "mcc": more("mcc"),
    },
    "IV-17": {
        "most": mean(control("from zero", "negative")),
        "not_all": mean(control("from zero", "negative")),
        "most_relu": lambda t: measures.mean_over_penalties(t["frontier"], PROLU, "negative"),
        "most_ste": lambda t: measures.mean_over_penalties(t["frontier"], STE, "negative"),
    },
    "IV-18": {
        "relu": at("relu", "shrinkage"),
        "prolu": at(PROLU, "shrinkage"),
        **{
            name: at(name, "shrinkage")
            for name in ("gated", "jumprelu", "topk", "relu_sqrt", "batch_topk", "scsae", STE)
        },
    },
    "IV-21": {
        "worst": lambda t: measures.worst_overlap(t["overlap"], PROLU, "relu", LIMIT),
        "rise_prolu": rise(PROLU),
        "rise_relu": rise("relu"),
        "rise_topk": rise("topk"),
    },
}
"""What each part on many latents is measured by, on the tables of the studies."""

FIRST = {
    ("IV-1", "error"): (None, 1e-06),
    ("IV-2", "at_fitted"): (None, 1e-06),
    ("IV-2", "at_noise"): (None, 1e-06),
    ("IV-2", "example"): (None, 1e-06),
    ("IV-3", "example"): (None, 1e-06),
    ("IV-3", "slope"): (None, 1e-06),
    ("IV-4", "vector"): (None, 1e-06),
    ("IV-4", "unit"): (None, 1e-06),
    ("IV-5", "clean"): (None, 0.05),
    ("IV-5", "noisy"): (None, 0.05),
    ("IV-6", "relu_spread"): (1e-06, None),
    ("IV-6", "relu_binary"): (None, 1e-09),
    ("IV-6", "scsae"): (None, 1e-09),
    ("IV-6", "relu_trained"): (None, 1.05),
    ("IV-6", "scsae_trained"): (None, 0.05),
    ("IV-7", "slope"): (None, 1e-06),
    ("IV-7", "adds"): (None, 1e-06),
    ("IV-8", "flat"): (None, 0.001),
    ("IV-8", "pseudo"): (None, 1e-06),
    ("IV-9", "rank"): (0.5, None),
    ("IV-9", "ratio"): (0.8, 1.25),
    ("IV-10", "faster"): (None, 0.95),
    ("IV-10", "degrades"): (0.5, None),
    ("IV-11", "fails"): (None, 0.5),
    ("IV-11", "balance"): (0.4, 0.6),
    ("IV-11", "recovers"): (0.8, None),
    ("IV-12", "same"): (0.95, None),
    ("IV-13", "spikes"): (0.1, None),
    ("IV-13", "small"): (None, 0.05),
    ("IV-14", "helps"): (1.05, None),
    ("IV-15", "std"): (0.95, None),
    ("IV-15", "ghost"): (0.95, None),
    ("IV-16", "over_l1"): (3.0, None),
    ("IV-16", "over_sqrt"): (3.0, None),
    ("IV-16", "never_worse"): (None, 0.0),
    ("IV-17", "most"): (0.8, None),
    ("IV-17", "not_all"): (None, 0.99),
    ("IV-18", "relu"): (None, 0.95),
    ("IV-18", "gated"): (0.97, 1.03),
    ("IV-18", "jumprelu"): (0.97, 1.03),
    ("IV-18", "topk"): (0.97, 1.03),
    ("IV-21", "worst"): (None, 1.0),
}
"""Least and most of every rule that decides, as first committed."""


def rows(l0: tuple[float, ...], columns: tuple[str, ...], **ids: Any) -> list[dict[str, Any]]:
    """Rows like those of a study; every number is between 0.4 and 0.6."""
    rng = np.random.default_rng(len(ids))
    return [
        ids | {"l0": one} | {n: rng.uniform(0.4, 0.6) for n in columns if n != "l0"} for one in l0
    ]


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Tables of the form that the studies have, with all of their tasks."""
    extra = (*COLUMNS, "up_right", "down_wrong", "spike", "redrawn")
    controls = [
        row | {"penalty": penalty}
        for name, variant in VARIANTS.items()
        for seed in range(SEEDS)
        for k, penalty in enumerate(variant.penalties)
        for row in rows((4.0 / (k + 1),), extra, variant=name, seed=seed)
    ]
    fronts = [
        row
        for name in COMPARED
        for seed in range(SEEDS)
        for row in rows((1.0, 2.0, 4.0, 8.0), COLUMNS, architecture=name, seed=seed)
    ]
    overlaps = [
        row
        for name in COMPARED
        for seed in range(SEEDS)
        for o in OVERLAPS
        for row in rows((1.5, 3.0), COLUMNS, architecture=name, seed=seed, overlap=o)
    ]
    steps = range(EVERY, STEPS + 1, EVERY)
    curves = [
        {"architecture": n, "seed": s, "penalty": p, "step": step, "loss": 1 + 100 / step}
        for n in GRADIENTS
        for s in range(SEEDS)
        for p in CURVED
        for step in steps
    ]
    named = {"frontier": fronts, "controls": controls, "overlap": overlaps, "curves": curves}
    return {name: pd.DataFrame(each) for name, each in named.items()}


pytestmark = pytest.mark.usefixtures("few_resamples")


def test_every_claim_of_part_four_is_there_once() -> None:
    numbers = (*range(1, 19), 21)
    assert sorted(claim.id for claim in CLAIMS) == sorted(f"IV-{k}" for k in numbers)


@pytest.mark.parametrize("claim", prolu_claims.CLAIMS, ids=lambda claim: claim.id)
def test_every_part_on_many_latents_has_its_measure(claim: Claim) -> None:
    assert set(claim.parts) == set(MEASURES[claim.id])


PARTS = [(claim, part) for claim, parts in MEASURES.items() for part in parts]


@pytest.mark.parametrize(("claim", "part"), PARTS, ids=[f"{c}-{p}" for c, p in PARTS])
def test_every_measure_gives_a_number(claim: str, part: str, tables: Tables) -> None:
    got = MEASURES[claim][part](tables)
    assert got.n == SEEDS
    assert part in BY_ID[claim].parts


def test_the_thresholds_are_those_of_the_first_commit() -> None:
    assert thresholds_of(CLAIMS) == FIRST


@every_claim
def test_a_claim_says_whose_it_is_and_of_what(claim: Claim) -> None:
    assert claim.scope == "toy"
    assert claim.origin == ("ours" if claim.id == "IV-21" else "source")
    assert claim.source.startswith("ours") == (claim.origin == "ours")


@every_claim
def test_no_number_both_holds_and_refutes(claim: Claim) -> None:
    """Somewhere the two rules must part; a value at which all of both hold would be both."""
    for part, refuted in claim.refuted_by.items():
        if part not in claim.rules:
            continue
        rule = claim.rules[part]
        both = [
            max(-np.inf if r.at_least is None else r.at_least for r in (rule, refuted)),
            min(np.inf if r.at_most is None else r.at_most for r in (rule, refuted)),
        ]
        same = (rule.at_least, rule.at_most) == (refuted.at_least, refuted.at_most)
        assert same or both[0] >= both[1]


def test_settings_say_the_numbers_of_the_code() -> None:
    for name in ("IV-9", "IV-16", "IV-18"):
        assert "20,000 steps of 128 inputs; 5 seeds" in BY_ID[name].setting
    for name in ("IV-9", "IV-18"):
        assert f"read off at L0 {LEVELS[2]:g}" in BY_ID[name].setting
    levels = re.search(r"\(([\d., ]+)\)", BY_ID["IV-16"].rules["over_l1"].measure)
    assert levels is not None
    assert tuple(float(one) for one in levels[1].split(", ")) == LEVELS
    said = re.search(r"at most ([\d.]+), 1.25 times", BY_ID["IV-12"].setting)
    assert said is not None
    assert float(said[1]) == round(1.25 * ACTIVE, 2)
    assert measures.SPARSE == 1.25 * ACTIVE
    assert f"at most {LIMIT:g} latents on" in BY_ID["IV-21"].rules["worst"].measure


@pytest.mark.parametrize("id", [f"IV-{k}" for k in (9, 10, 11, 16, 17, 18)])
def test_what_was_changed_is_dated(id: str) -> None:
    assert all(change.startswith("2026-11-") for change in BY_ID[id].changes)
    assert BY_ID[id].changes

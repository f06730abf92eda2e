"""The rules of reading and steering stand as they were committed before the first run."""

from __future__ import annotations

from typing import Any

import pytest

from steering_core.publishing.claims import Claim, second_model
from steering_core.steering.claims import CLAIMS as FIRST
from steering_core.steering.reading_claims import CLAIMS as READING
from steering_core.steering.steering_claims import CLAIMS as STEERING

from ..claims import Bounds

CLAIMS = (*READING, *STEERING)
BY_ID = {claim.id: claim for claim in CLAIMS}
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=list(BY_ID))
ONE_MODEL = ("I-12",)
OF_OTHER_MODELS = ("I-18", "I-G3")

WORKS: dict[str, Bounds] = {
    "gain": (0.0, None),
    "perplexity": (None, 2.0),
    "distinct": (0.8, None),
}
RULES: dict[str, dict[str, Bounds]] = {
    "I-3": {"jaccard": (0.6, None)},
    "I-4": {"jaccard": (None, 0.1), "of_genre": (4.0, None)},
    "I-5": {"projection_falls": (0.8, None), "lexicon_kept": (0.0, None)},
    "I-6": WORKS,
    "I-7": WORKS,
    "I-8": WORKS | {"source_falls": (None, 0.0)},
    "I-9": {"mean_in_love": (0.5, None), "mean_in_pair": (-0.1, 0.1), "component": (-0.1, 0.1)},
    "I-11": {"own_best": (0.0, None)},
    "I-12": {"among_random": (None, 1.0), "among_shuffled": (None, 1.0)},
    "I-13": {"fifty_texts": (0.95, None), "all_texts": (-0.2, 0.2), "by_position": (-0.2, 0.2)},
    "I-14": {"ratio": (None, 0.5)},
    "I-15": {"over_first": (0.0, None)},
    "I-16": {"nats": (None, 0.0)},
    "I-17": dict.fromkeys(("one_pair", "principal", "logistic", "whitened"), (None, 0.1)),
    "I-18": {"gpt_j": (0.0, None), "llama": (None, 0.0)},
    "I-G3": {"found": (0.5, None)},
}
BESIDE: dict[str, dict[str, Bounds]] = {
    "I-3": {"with_mean": (0.6, None), "with_frequency": (0.6, None)},
    "I-4": {
        "of_genre_uncentred": (4.0, None),
        "of_genre_last": (4.0, None),
        "jaccard_matched": (None, 0.1),
        "of_genre_matched": (4.0, None),
    },
    "I-9": {"opposite": (None, -0.8)},
    "I-11": {
        "equal_coefficient": (0.0, None),
        "equal_norm": (0.0, None),
        "matched_by_position": (0.0, None),
        "cheaper": (None, 0.0),
    },
    "I-13": {"stories": (-0.2, 0.2)},
    "I-14": {"same_numbers": (None, 0.5), "no_gain": (None, 0.5)},
    "I-15": {"over_last_prompt": (0.0, None), "over_generated": (0.0, None)},
    "I-16": {
        "nats_centred": (None, 0.0),
        "nats_isolated": (None, 0.0),
        "distinct": (0.0, None),
        "matched": (-0.2, 0.2),
    },
    "I-17": {"prompting_line": (None, 0.1), "prompting_story": (None, 0.1)},
    "I-18": {"anisotropy": (0.0, None), "anisotropy_at_depth": (0.0, None)},
}
REFUTED: dict[str, dict[str, Bounds]] = {
    "I-3": {"jaccard": (None, 0.2)},
    "I-4": {"of_genre": (None, 1.0)},
    "I-5": {"lexicon_kept": (None, -0.5)},
    "I-6": {"gain": (None, 0.0)},
    "I-7": {"gain": (None, 0.0)},
    "I-8": {"gain": (None, 0.0)},
    "I-9": {"mean_in_love": (None, 0.1)},
    "I-11": {"own_best": (None, 0.0)},
    "I-16": {"nats": (0.0, None)},
}


def bounds(rules: Any) -> dict[str, Bounds]:
    return {part: (rule.at_least, rule.at_most) for part, rule in rules.items()}


def of_first(rules: Any) -> dict[str, Any]:
    return {part: rule for part, rule in rules.items() if not part.endswith("_second")}


def test_the_deciding_thresholds_are_those_of_the_first_commit() -> None:
    assert {claim.id: bounds(claim.rules) for claim in CLAIMS} == RULES


def test_so_are_those_beside() -> None:
    got = {claim.id: bounds(claim.beside) for claim in CLAIMS}
    assert {id: own for id, own in got.items() if own} == BESIDE


def test_so_are_those_of_the_refutations() -> None:
    got = {claim.id: bounds(of_first(claim.refuted_by)) for claim in CLAIMS}
    assert {id: own for id, own in got.items() if own} == REFUTED


def test_ids_are_of_part_one_and_differ() -> None:
    ids = [claim.id for claim in (*FIRST, *CLAIMS)]
    assert len(set(ids)) == len(ids)
    assert all(id.startswith("I-") for id in ids)
    assert {f"I-{n}" for n in range(1, 19)} <= set(ids)
    assert {"I-G1", "I-G2", "I-G3"} <= set(ids)


@every_claim
def test_every_deciding_rule_decides_on_the_second_model_too(claim: Claim) -> None:
    asked = claim.id not in (*ONE_MODEL, *OF_OTHER_MODELS)
    assert claim.again == (second_model(claim.rules) if asked else {})
    assert bool(claim.one_model) == (claim.id in ONE_MODEL)
    refuted = of_first(claim.refuted_by)
    assert claim.refuted_by == refuted | (second_model(refuted) if asked else {})


@every_claim
def test_that_a_second_model_decides_is_a_listed_change(claim: Claim) -> None:
    of_today = [change for change in claim.changes if change.startswith("2026-11-22")]
    assert len(of_today) == (claim.id not in OF_OTHER_MODELS)
    assert all("hresholds stayed" in change for change in of_today)


@every_claim
def test_bounds_are_floats(claim: Claim) -> None:
    for rule in map(claim.rule_of, claim.parts):
        for bound in (rule.at_least, rule.at_most):
            assert bound is None or type(bound) is float


@every_claim
def test_no_measurement_both_holds_and_is_refuted_but_at_the_bound(claim: Claim) -> None:
    for part, refuted in claim.refuted_by.items():
        rule = claim.rule_of(part)
        if refuted.at_most is not None:
            assert rule.at_least is not None
            assert refuted.at_most <= rule.at_least
        if refuted.at_least is not None:
            assert rule.at_most is not None
            assert refuted.at_least >= rule.at_most


@every_claim
def test_a_claim_speaks_of_the_model_that_was_measured(claim: Claim) -> None:
    says = {"I-18": "published data", "I-G3": "GPT-2 XL"}
    assert claim.scope == says.get(claim.id, "shipped LM")
    if claim.scope == "shipped LM":
        assert "the shipped model" in claim.setting


@every_claim
def test_a_change_has_its_date_and_its_reason(claim: Claim) -> None:
    for change in claim.changes:
        assert change[:10].replace("-", "").isdigit()
        assert change[10:12] == ": "
        assert len(change) > 60


def test_what_was_added_after_a_result_is_listed_and_does_not_decide() -> None:
    assert "matched by position" in BY_ID["I-4"].changes[0]
    assert "does not decide" in BY_ID["I-4"].changes[0].replace("It does not", "does not")
    assert not {"jaccard_matched", "of_genre_matched"} & set(BY_ID["I-4"].rules)

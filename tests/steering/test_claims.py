"""The rules stand as they were committed before anything was measured."""

from __future__ import annotations

import pytest

from steering_core.publishing.claims import Claim, second_model
from steering_core.steering.claims import CLAIMS

from ..claims import thresholds_of

BY_ID = {claim.id: claim for claim in CLAIMS}
ON_OURS = [claim for claim in CLAIMS if claim.scope == "shipped LM"]
every_claim = pytest.mark.parametrize("claim", ON_OURS, ids=[claim.id for claim in ON_OURS])


def test_the_thresholds_are_those_of_the_first_commit() -> None:
    expected = {
        ("I-1", "least_cosine"): (0.1, None),
        ("I-2", "rise"): (0.1, None),
        ("I-10", "rise_with_mean"): (0.2, None),
        ("I-10", "change_without_mean"): (None, 0.01),
    }
    assert thresholds_of(BY_ID[id] for id in ("I-1", "I-2", "I-10")) == expected


def test_ids_are_of_part_one_and_differ() -> None:
    assert len(BY_ID) == len(CLAIMS)
    assert all(id.startswith("I-") for id in BY_ID)
    assert {"I-1", "I-2", "I-10"} <= set(BY_ID)


@every_claim
def test_a_second_model_meets_the_same_rules(claim: Claim) -> None:
    assert claim.again == second_model(claim.rules)
    ours = {p: rule for p, rule in claim.refuted_by.items() if not p.endswith("_second")}
    assert claim.refuted_by == ours | second_model(ours)
    assert any("second pretrained model decides too" in change for change in claim.changes)


@every_claim
def test_a_claim_speaks_of_the_model_that_was_measured(claim: Claim) -> None:
    assert claim.scope == "shipped LM"
    assert "the shipped model" in claim.setting


@every_claim
def test_a_refutation_leaves_room_between_itself_and_the_claim(claim: Claim) -> None:
    assert claim.refuted_by
    for part, refuted in claim.refuted_by.items():
        if part in claim.rules:
            at_least = claim.rules[part].at_least
            assert at_least is not None
            assert refuted.at_most is not None
            assert refuted.at_most < at_least
            assert refuted.measure == claim.rules[part].measure


def test_what_is_said_of_gpt2_xl_waits_for_gpt2_xl() -> None:
    waiting = {claim.id: claim for claim in CLAIMS if claim.scope == "GPT-2 XL"}
    assert set(waiting) == {"I-G1", "I-G2"}
    assert all("GPT-2 XL" in claim.setting for claim in waiting.values())
    thresholds = thresholds_of(waiting.values())
    assert thresholds["I-G1", "largest_difference"] == (None, 0.05)
    assert thresholds["I-G2", "peak"] == (3.0, 5.0)
    assert thresholds["I-G2", "least"] == (33.0, 40.0)

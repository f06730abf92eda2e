"""The rules of part III: whole, with the parts that the chapters record."""

from __future__ import annotations

import pytest

from steering_core.absolute_value import density_claims, motif_claims
from steering_core.publishing.claims import Claim

from ..claims import thresholds_of

CLAIMS = (*density_claims.CLAIMS, *motif_claims.CLAIMS)
BY_ID = {claim.id: claim for claim in CLAIMS}
every_claim = pytest.mark.parametrize("claim", CLAIMS, ids=list(BY_ID))

SPARSE = ("at_0_03", "at_0_01", "at_0_003", "at_0_001")
RECORDED = {
    "III-1": ("second", "sides", "loss", "share"),
    "III-2": ("single", "pairs"),
    "III-3": ("single", "pairs"),
    "III-4": (
        *("few", "slightly", "small_number", "highly", "bimodal"),
        *("more", "more_so", "all", "all_highly"),
    ),
    "III-5": ("at_0_1", "at_0_03", "at_0_01", "at_0_003"),
    "III-6": ("at_0_03", "at_0_01"),
    "III-7": tuple(f"{kind}_{part}" for kind in ("top", "falls", "present") for part in SPARSE[:2]),
    "III-8": (*SPARSE, *(f"computed_{part}" for part in SPARSE)),
    "III-9": ("excess", "twice", "excess_over_all", "any"),
    "III-10": ("negative", "positive_when_cut", "costs", "causal", "causal_nearest_two"),
    "III-11": ("ratio",),
    "III-12": (
        *("plain_norm", "plain_loss", "plain_norm_at_most"),
        *("motif_over_rest_norm", "motif_over_rest_loss"),
    ),
    "III-13": ("kurtosis", "read_off", "linear"),
    "III-14": ("storage", "bottleneck", "mixed"),
    "III-15": ("lowers", "size"),
    "III-16": ("constant", "of_ceiling", "constant_at_most"),
    "III-17": ("coexist", "split", "split_of_own"),
}
"""What the two chapters hand over."""

FIRST = {
    ("III-1", "second"): (None, 0.05),
    ("III-1", "sides"): (6, None),
    ("III-1", "loss"): (None, 1e-4),
    ("III-2", "single"): (0.95, None),
    ("III-2", "pairs"): (19.5, 20.5),
    ("III-3", "single"): (0.95, None),
    ("III-3", "pairs"): (19.5, 20.5),
    ("III-4", "few"): (0.02, 0.3),
    ("III-4", "slightly"): (None, 3),
    ("III-4", "small_number"): (None, 0.5),
    ("III-4", "highly"): (4, None),
    ("III-4", "bimodal"): (None, 0.2),
    ("III-4", "more"): (-0.02, None),
    ("III-4", "more_so"): (0, None),
    ("III-4", "all"): (0.95, None),
    ("III-4", "all_highly"): (4, None),
    **{("III-5", part): (0, None) for part in ("at_0_1", *SPARSE[:3])},
    **{("III-6", part): (0.5, None) for part in SPARSE[:2]},
    **{("III-7", f"top_{part}"): (0.9, None) for part in SPARSE[:2]},
    **{("III-7", f"falls_{part}"): (0.2, None) for part in SPARSE[:2]},
    **{("III-8", part): (None, 0.01153) for part in SPARSE},
    ("III-9", "excess"): (0.02, None),
    ("III-9", "twice"): (1, None),
    **{("III-10", part): (0.8, None) for part in ("negative", "positive_when_cut", "costs")},
    ("III-11", "ratio"): (4, None),
    ("III-12", "plain_norm"): (0.5, None),
    ("III-12", "plain_loss"): (0.5, None),
    ("III-12", "motif_over_rest_norm"): (0, None),
    ("III-12", "motif_over_rest_loss"): (0, None),
    ("III-13", "kurtosis"): (0.95, None),
    ("III-13", "read_off"): (0.95, None),
    ("III-14", "storage"): (None, 0.5),
    ("III-14", "bottleneck"): (None, 0.5),
    ("III-15", "lowers"): (0.8, None),
    ("III-16", "constant"): (0.8, None),
    ("III-17", "coexist"): (0.1, None),
    ("III-17", "split"): (0.2, None),
}
"""Least and most of every rule that decides, as first committed."""


def test_every_claim_of_part_three_is_there_once() -> None:
    assert sorted(claim.id for claim in CLAIMS) == sorted(f"III-{k}" for k in range(1, 18))


@every_claim
def test_a_claim_has_the_parts_that_the_chapters_record(claim: Claim) -> None:
    assert sorted(claim.parts) == sorted(RECORDED[claim.id])


@every_claim
def test_every_part_has_a_rule_of_its_own_or_beside(claim: Claim) -> None:
    assert {*claim.rules, *claim.beside} == set(RECORDED[claim.id])
    assert set(claim.refuted_by) <= set(claim.rules)


def test_the_thresholds_are_those_of_the_first_commit() -> None:
    assert thresholds_of(CLAIMS) == FIRST


@every_claim
def test_a_claim_says_whose_it_is_and_of_what(claim: Claim) -> None:
    assert claim.scope == "toy"
    assert claim.origin == ("ours" if claim.id == "III-14" else "source")
    assert ("Elhage et al. 2022" in claim.source) == (claim.origin == "source")


@every_claim
def test_no_number_both_holds_and_refutes(claim: Claim) -> None:
    for part, refuted in claim.refuted_by.items():
        rule = claim.rules[part]
        if rule.at_least is not None:
            assert refuted.at_least is None
            assert refuted.at_most is not None
            assert refuted.at_most <= rule.at_least
        else:
            assert refuted.at_most is None
            assert refuted.at_least is not None
            assert rule.at_most is not None
            assert refuted.at_least >= rule.at_most


@pytest.mark.parametrize("id", [f"III-{k}" for k in (4, 5, 7, 8, 9, 10, 12, 13, 16, 17)])
def test_what_was_changed_is_dated(id: str) -> None:
    changes = BY_ID[id].changes
    assert changes
    assert all(change.startswith("2026-11-") for change in changes)


def test_pairs_are_what_twenty_pairs_cost() -> None:
    assert pytest.approx(0.8**20, rel=1e-3) == density_claims.PAIRS


def test_parts_name_their_density() -> None:
    names = {1.0: "at_1", 0.1: "at_0_1", 0.03: "at_0_03", 0.001: "at_0_001"}
    assert {density: density_claims.part_of(density) for density in names} == names


@pytest.mark.parametrize("id", ["III-12", "III-16"])
def test_claims_on_limited_superposition_say_where(id: str) -> None:
    assert "nearest to two" in BY_ID[id].setting
    assert "the one with the most instances" not in BY_ID[id].setting


def test_the_losses_are_of_all_nets() -> None:
    setting = BY_ID["III-8"].setting
    assert "all nets, also those that fail" in setting
    assert "only nets enter" not in setting

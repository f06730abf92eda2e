"""How measurements decide a claim."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from steering_core.publishing import Claim, Measured, Rule
from steering_core.publishing.claims import repeated, second_model

REFUSED = (ValueError, TypeCheckError)  # the types are checked too while the tests run

numbers = st.floats(-1e6, 1e6)
HIGH = Rule("share of cells", at_least=0.5)
BAND = Rule("gap", at_least=-0.1, at_most=0.1)
RULES = {"share": HIGH, "gap": BAND}


def make_claim(
    *,
    origin: str = "source",
    refuted_by: Mapping[str, Rule] | None = None,
    beside: Mapping[str, Rule] | None = None,
    again: Mapping[str, Rule] | None = None,
    one_model: str = "",
    scope: str = "toy",
) -> Claim:
    return Claim(
        id="T-1",
        origin=origin,  # pyright: ignore[reportArgumentType]
        source="A work, section 1",
        statement="Something is so.",
        rules=RULES,
        scope=scope,  # pyright: ignore[reportArgumentType]
        setting="seeds 0 to 9",
        refuted_by=refuted_by or {},
        beside=beside or {},
        again=again or {},
        one_model=one_model,
    )


def exactly(value: float) -> Measured:
    return Measured(value, n=1)


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [
        ((0.5, 0.7), "holds"),  # a bound belongs to the rule
        ((0.3, 0.4), "fails"),
        ((0.4, 0.6), "inconclusive"),
        ((0.4, 0.5), "inconclusive"),
        (None, "holds"),
    ],
)
def test_an_interval_across_a_threshold_decides_nothing(
    interval: tuple[float, float] | None, outcome: str
) -> None:
    assert HIGH.outcome(Measured(0.5, n=10, interval=interval)) == outcome


@pytest.mark.parametrize(
    ("interval", "outcome"),
    [
        ((-0.1, 0.1), "holds"),
        ((0.2, 0.3), "fails"),
        ((-0.3, -0.2), "fails"),
        ((0.0, 0.2), "inconclusive"),
        ((-0.2, 0.2), "inconclusive"),  # crosses both: as far from known as can be
    ],
)
def test_equivalence_needs_the_whole_interval_inside_the_band(
    interval: tuple[float, float], outcome: str
) -> None:
    assert BAND.outcome(Measured(0.0, n=10, interval=interval)) == outcome


@given(value=numbers, threshold=numbers)
def test_the_margin_is_the_distance_and_its_sign_the_outcome(
    value: float, threshold: float
) -> None:
    for rule in (Rule("m", at_least=threshold), Rule("m", at_most=threshold)):
        assert abs(rule.margin(value)) == abs(value - threshold)
        assert (rule.margin(value) >= 0) == (rule.outcome(exactly(value)) == "holds")


@given(value=numbers, bounds=st.tuples(numbers, numbers).map(sorted))
def test_the_margin_of_a_band_is_that_of_its_nearest_side(
    value: float, bounds: list[float]
) -> None:
    low, high = bounds
    band = Rule("m", at_least=low, at_most=high)
    assert band.margin(value) == min(value - low, high - value)


@given(low=numbers, high=numbers, threshold=numbers)
def test_opposite_rules_never_both_hold_by_an_interval(
    low: float, high: float, threshold: float
) -> None:
    measured = Measured(low, n=2, interval=(min(low, high), max(low, high)))
    outcomes = {
        Rule("m", at_least=threshold).outcome(measured),
        Rule("m", at_most=math.nextafter(threshold, -math.inf)).outcome(measured),
    }
    assert outcomes in ({"holds", "fails"}, {"inconclusive"}, {"inconclusive", "fails"})


def test_a_rule_reads_as_words() -> None:
    assert BAND.in_words == "gap: at least -0.1 and at most 0.1"


CROSSING = Measured(0.5, n=9, interval=(0.4, 0.6))


@pytest.mark.parametrize(
    ("measured", "outcome", "verdict"),
    [
        ({}, "not run", "not run"),
        ({"share": exactly(0.9)}, "not run", "not run"),
        ({"share": exactly(0.1)}, "fails", "not reproduced"),  # one part is enough
        ({"share": exactly(0.9), "gap": exactly(0.0)}, "holds", "reproduced"),
        ({"share": CROSSING, "gap": exactly(0.0)}, "inconclusive", "inconclusive"),
        ({"share": CROSSING, "gap": exactly(0.5)}, "fails", "not reproduced"),
        ({"share": CROSSING}, "not run", "not run"),
    ],
)
def test_the_weakest_part_decides(
    measured: dict[str, Measured], outcome: str, verdict: str
) -> None:
    assert make_claim().outcome(measured) == outcome
    assert make_claim().verdict(measured) == verdict
    assert make_claim(origin="ours").verdict(measured) == outcome


def test_refuted_needs_a_rule_of_its_own_to_hold() -> None:
    claim = make_claim(refuted_by={"share": Rule("share", at_most=0.2), "other": HIGH})
    failing = {"share": exactly(0.1), "gap": exactly(0.0)}
    assert claim.verdict(failing) == "not reproduced"
    assert claim.verdict({**failing, "other": CROSSING}) == "not reproduced"
    assert claim.verdict({**failing, "other": exactly(0.9)}) == "refuted"
    holding = {"share": exactly(0.9), "gap": exactly(0.0), "other": exactly(0.9)}
    assert claim.verdict(holding) == "reproduced"


def test_what_stands_beside_a_claim_decides_nothing() -> None:
    claim = make_claim(beside={"exact": HIGH})
    holding = {"share": exactly(0.9), "gap": exactly(0.0)}
    assert claim.verdict(holding) == "reproduced"
    assert claim.verdict({**holding, "exact": exactly(0.0)}) == "reproduced"
    assert claim.margin({**holding, "exact": exactly(0.0)}) == pytest.approx(0.1)


HOLDS = {"share": exactly(0.9), "gap": exactly(0.0)}
FAILS = {"share": exactly(0.9), "gap": exactly(0.5)}
OPEN = {"share": CROSSING, "gap": exactly(0.0)}


def second(measured: Mapping[str, Measured]) -> dict[str, Measured]:
    return {f"{part}_second": one for part, one in measured.items()}


@pytest.mark.parametrize(
    ("first", "other", "verdict", "why"),
    [
        (HOLDS, HOLDS, "reproduced", ""),
        (FAILS, FAILS, "not reproduced", ""),
        (FAILS, {**HOLDS, "share": exactly(0.1)}, "not reproduced", ""),  # another rule fails
        (OPEN, OPEN, "inconclusive", ""),
        (HOLDS, FAILS, "inconclusive", "the second pretrained model: fails; the first: holds"),
        (FAILS, HOLDS, "inconclusive", "the second pretrained model: holds; the first: fails"),
        (
            HOLDS,
            OPEN,
            "inconclusive",
            "the second pretrained model: inconclusive; the first: holds",
        ),
        (HOLDS, {}, "inconclusive", "the second pretrained model: not run; the first: holds"),
        ({}, HOLDS, "not run", ""),
    ],
)
def test_two_pretrained_models_agree_or_nothing_is_decided(
    first: dict[str, Measured], other: dict[str, Measured], verdict: str, why: str
) -> None:
    claim = make_claim(again=second_model(RULES), scope="shipped LM")
    measured = {**first, **second(other)}
    assert claim.verdict(measured) == verdict
    assert claim.why_inconclusive(measured) == why


def test_refuted_needs_both_models_where_both_are_asked() -> None:
    low = {"share": Rule("share", at_most=0.2)}
    claim = make_claim(again=second_model(RULES), refuted_by=low | second_model(low))
    failing = {"share": exactly(0.1), "gap": exactly(0.0)}
    less = {"share": exactly(0.3), "gap": exactly(0.0)}
    assert claim.verdict({**failing, **second(failing)}) == "refuted"
    assert claim.verdict({**failing, **second(less)}) == "not reproduced"
    assert claim.verdict({**less, **second(failing)}) == "not reproduced"


@pytest.mark.parametrize("measured", [HOLDS, FAILS, OPEN])
def test_one_pretrained_model_alone_decides_nothing_and_says_why(
    measured: dict[str, Measured],
) -> None:
    claim = make_claim(one_model="there was no time", scope="shipped LM")
    assert claim.verdict(measured) == "inconclusive"
    found = make_claim().outcome(measured)
    assert claim.why_inconclusive(measured) == (
        f"one pretrained model alone: {found}; there was no time"
    )
    assert claim.verdict({}) == "not run"


def test_a_claim_on_a_language_model_says_what_a_second_one_does() -> None:
    with pytest.raises(ValueError, match="again and one_model of claim T-1 are both empty"):
        make_claim(scope="shipped LM")
    with pytest.raises(ValueError, match="one_model of claim T-1"):
        make_claim(again=second_model(RULES), one_model="there was no time")
    with pytest.raises(ValueError, match=r"again of claim T-1 has \['gap', 'share'\]"):
        make_claim(again=RULES)
    with pytest.raises(ValueError, match="again of claim T-1 has the thresholds"):
        make_claim(again={"share_second": HIGH, "gap_second": HIGH})
    with pytest.raises(ValueError, match="beside of claim"):
        make_claim(again=second_model(RULES), beside=second_model(RULES))


def test_rules_are_repeated_over_another_subject() -> None:
    rules = {"a": Rule("share", at_least=0.5), "b": Rule("gap", at_least=-1.0, at_most=1.0)}
    assert repeated(rules, suffix="third", subject="a third model") == {
        "a_third": Rule("a third model: share", at_least=0.5),
        "b_third": Rule("a third model: gap", at_least=-1.0, at_most=1.0),
    }
    assert rules["a"] == Rule("share", at_least=0.5)  # left as it was
    assert repeated({}, suffix="third", subject="a third model") == {}


def test_the_margin_of_a_claim_is_the_smallest_measured() -> None:
    both = make_claim(again=second_model(RULES))
    assert both.margin({**HOLDS, **second(FAILS)}) == pytest.approx(-0.4)
    assert make_claim().margin({}) is None
    assert make_claim().margin({"share": exactly(0.9)}) == pytest.approx(0.4)
    assert make_claim().margin({"share": exactly(0.9), "gap": exactly(0.3)}) == pytest.approx(-0.2)


def test_exact_is_said_where_nothing_was_sampled() -> None:
    assert exactly(1.0).exact
    assert not CROSSING.exact


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="value is"):
        Measured(value, n=1)
    with pytest.raises(ValueError, match="interval is"):
        Measured(0.0, n=1, interval=(0.0, value))
    with pytest.raises(ValueError, match="at_least is"):
        Rule("m", at_least=value)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="n is 0"):
        Measured(1.0, n=0)
    with pytest.raises(ValueError, match="interval is"):
        Measured(1.0, n=3, interval=(2.0, 1.0))
    with pytest.raises(ValueError, match="both None"):
        Rule("m")
    with pytest.raises(ValueError, match="measure is"):
        Rule(" ", at_least=1.0)
    with pytest.raises(ValueError, match="at_least is"):
        Rule("m", at_least=1.0, at_most=0.0)
    with pytest.raises(REFUSED, match="origin"):
        make_claim(origin="theirs")
    with pytest.raises(ValueError, match="the part 'figure'"):
        make_claim(refuted_by={"figure": HIGH})
    with pytest.raises(ValueError, match="beside of claim"):
        make_claim(beside={"share": HIGH})

"""One latent gives back what the closed form says, and the drafted formulas only at s = 1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from steering_core.sparse_autoencoders.response import (
    Fitted,
    Kind,
    drafted_gate,
    drafted_response,
    family,
    fit,
    response,
)

from ..bad_input import bad_input_tests

KINDS: list[Kind] = ["relu", "scsae"]
SITUATIONS = [(s, share * s) for s in (0.5, 1.0, 2.0, 4.0) for share in (0.0, 0.1, 0.25, 0.5, 0.9)]


def out(magnitude: float, s: float, n: float, kind: Kind = "relu") -> float:
    return response(np.array([magnitude]), fitted_magnitude=s, noise=n, kind=kind).item()


def drafted(multiple: float, s: float, n: float) -> tuple[float, float]:
    """What the two drafted formulas say."""
    m = np.array([multiple])
    vector = drafted_response(m, fitted_magnitude=s, noise=n, form="vector").item()
    return vector, drafted_response(m, fitted_magnitude=s, noise=n, form="unit").item()


@pytest.mark.parametrize(
    ("s", "n", "magnitude", "expected"),
    [
        (1.0, 0.5, 2.0, 3.0),
        (2.0, 0.5, 4.0, 14 / 3),
        (1.0, 0.5, 0.75, 0.5),
        (4.0, 1.0, 2.0, 4 / 3),
        (0.5, 0.25, 2.0, 3.5),
        (1.0, 0.9, 0.95, 0.5),
        (1.0, 0.0, 7.0, 7.0),
        (1.0, 0.5, 0.5, 0.0),
        (1.0, 0.5, 0.2, 0.0),
        (1.0, 0.5, 0.0, 0.0),
        (1.0, 0.5, -3.0, 0.0),
    ],
)
def test_relu_is_the_closed_form(s: float, n: float, magnitude: float, expected: float) -> None:
    assert out(magnitude, s, n) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("s", "n", "magnitude", "expected"),
    [
        (1.0, 0.5, 2.0, 2.0),
        (2.0, 0.5, 4.0, 4.0),
        (1.0, 0.5, 0.6, 0.6),
        (1.0, 0.5, 0.5, 0.0),
        (1.0, 0.5, 0.4, 0.0),
        (1.0, 0.0, 0.001, 0.001),
        (1.0, 0.0, 0.0, 0.0),
        (1.0, 0.5, -2.0, 0.0),
    ],
)
def test_the_gate_passes_what_is_above_the_threshold(
    s: float, n: float, magnitude: float, expected: float
) -> None:
    assert out(magnitude, s, n, "scsae") == expected


def test_the_drafts_example_has_norm_two_and_bias_minus_one() -> None:
    assert fit(1.0, 0.5) == Fitted(2.0, -1.0, "relu")
    assert fit(4.0, 1.0).weight == pytest.approx(4 / 3, rel=1e-15)
    assert fit(4.0, 1.0).bias == pytest.approx(-4 / 3, rel=1e-15)
    assert fit(4.0, 1.0, "scsae") == Fitted(1.0, -1.0, "scsae")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_the_fitted_magnitude_comes_back_and_noise_does_not(s: float, n: float, kind: Kind) -> None:
    assert out(s, s, n, kind) == pytest.approx(s, rel=1e-12)
    noise = np.linspace(-n, n, 101)
    assert (response(noise, fitted_magnitude=s, noise=n, kind=kind) == 0).all()


@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_relu_is_right_at_the_fitted_magnitude_alone(s: float, n: float) -> None:
    """Above it, too much; between it and the noise, too little; without noise, right."""
    above, between = 1.5 * s, n + 0.5 * (s - n)
    if n == 0:
        assert out(above, s, n) == above
        assert out(between, s, n) == between
        return
    assert out(above, s, n) > above * (1 + 1e-3)
    assert out(between, s, n) < between * (1 - 1e-3)


@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_the_slopes_are_those_of_differences(s: float, n: float) -> None:
    h = 1e-4 * s
    for magnitude in (n + 0.01 * s, s, 3 * s):
        rise = out(magnitude + h, s, n) - out(magnitude - h, s, n)
        assert rise / (2 * h) == pytest.approx(s / (s - n), rel=1e-8)
        rise = out(magnitude + h, s, n, "scsae") - out(magnitude - h, s, n, "scsae")
        assert rise / (2 * h) == pytest.approx(1.0, rel=1e-8)
    for magnitude in (n - 0.01 * s, -s):
        for kind in KINDS:
            assert out(magnitude + h, s, n, kind) == out(magnitude - h, s, n, kind) == 0


@settings(deadline=None)
@given(
    st.floats(0.01, 100),
    st.floats(0, 0.99),
    st.floats(-300, 300),
    st.sampled_from([0.001, 0.25, 3.0, 1000.0]),
    st.sampled_from(KINDS),
)
def test_units_do_not_matter(
    s: float, share: float, magnitude: float, factor: float, kind: Kind
) -> None:
    n = share * s
    assume(abs(magnitude - n) > 1e-6 * s)  # the gate jumps there
    scaled = out(factor * magnitude, factor * s, factor * n, kind)
    expected = factor * out(magnitude, s, n, kind)
    assert scaled == pytest.approx(expected, rel=1e-6, abs=1e-9 * factor * s)


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(0, 0.99), st.floats(0, 300), st.sampled_from(KINDS))
def test_a_response_is_that_of_the_fitted_latent_and_never_negative(
    s: float, share: float, magnitude: float, kind: Kind
) -> None:
    latent, at = fit(s, share * s, kind), np.array([magnitude, -magnitude])
    got = response(at, fitted_magnitude=s, noise=share * s, kind=kind)
    assert (got == latent(at)).all()
    assert got[0] >= 0
    assert got[1] == 0
    assert latent.kind == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [-2.0, -0.5, 0.0, 0.5])
@pytest.mark.parametrize("weight", [0.25, 1.0, 4.0])
def test_a_latent_is_on_above_its_threshold(weight: float, bias: float, kind: Kind) -> None:
    latent = Fitted(weight, bias, kind)
    magnitudes = np.linspace(-10, 10, 4_002)  # none of them a threshold
    np.testing.assert_array_equal(latent(magnitudes) > 0, magnitudes > latent.threshold)


@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_the_fit_has_the_least_norm_of_all_that_fit(s: float, n: float) -> None:
    """Of 2,001 encoders that give s back, those that silence noise begin where the fit is."""
    weights = np.linspace(0, 3 * s / (s - n), 2_001)
    biases = s - weights * s
    silent = weights * n + biases <= 1e-9
    assert weights[silent].min() == pytest.approx(fit(s, n).weight, abs=weights[1] + 1e-8)
    assert silent[weights > fit(s, n).weight + 1e-6].all()


@pytest.mark.parametrize("times", [1.0, 1.0001, 2.0, 10.0])
@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_the_family_fits_too(s: float, n: float, times: float) -> None:
    weight = times * s / (s - n)
    member = family(weight, fitted_magnitude=s, noise=n)
    assert (member.weight, member.kind) == (weight, "relu")
    assert member(np.array([s])).item() == pytest.approx(s, rel=1e-12)
    assert np.abs(member(np.linspace(-n, n, 101))).max() <= 1e-12 * weight
    if times == 1:
        assert member.bias == pytest.approx(fit(s, n).bias, rel=1e-12, abs=1e-12)
    elif n > 0:
        assert member.bias < fit(s, n).bias


@pytest.mark.parametrize(("s", "n"), SITUATIONS)
def test_below_the_least_norm_nothing_fits(s: float, n: float) -> None:
    least = s / (s - n)
    for weight in (0.99 * least, least - 1e-6, 0.0, -least, float("nan")):
        with pytest.raises(
            ValueError, match=r"^weight: got .*; allowed are numbers from"
        ) as refused:
            family(weight, fitted_magnitude=s, noise=n)
        assert f"got {weight}" in str(refused.value)
        assert f"{least:g}" in str(refused.value)


@pytest.mark.parametrize("n", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("multiple", [1.0, 1.5, 2.0, 4.0])
def test_the_drafted_formulas_are_right_at_one(n: float, multiple: float) -> None:
    right = out(multiple, 1.0, n)
    assert drafted(multiple, 1.0, n) == pytest.approx((right, right), rel=1e-12)


@pytest.mark.parametrize(("s", "n"), [one for one in SITUATIONS if one[0] != 1])
def test_the_drafted_formulas_are_wrong_elsewhere(s: float, n: float) -> None:
    assert drafted(1.0, s, n) == (s, s)
    for multiple in (1.5, 2.0, 4.0):
        right = s * (multiple * s - n) / (s - n)
        assert out(multiple * s, s, n) == pytest.approx(right, rel=1e-12)
        vector, unit = drafted(multiple, s, n)
        assert vector != pytest.approx(right, rel=1e-3)
        assert unit != pytest.approx(right, rel=1e-3)
        assert vector != pytest.approx(unit, rel=1e-3)


def test_the_drafted_formulas_are_those_of_the_draft() -> None:
    assert drafted(2.0, 2.0, 0.5) == pytest.approx((10 / 3, 8 / 3), rel=1e-12)
    assert drafted(3.0, 0.5, 0.25) == pytest.approx((4.5, 8.5), rel=1e-12)


def test_the_drafted_gate_puts_out_negative_amounts() -> None:
    x = np.array([-3.0, -1.0, -0.5, -0.125, 0.0, 2.0])
    expected = [0.0, 0.0, -0.5, -0.125, 0.0, 2.0]
    np.testing.assert_array_equal(drafted_gate(x, weight=1.0, bias=1.0), expected)
    expected = [0.0, 0.0, 0.0, -0.25, 0.0, 4.0]
    np.testing.assert_array_equal(drafted_gate(x, weight=2.0, bias=1.0), expected)
    assert (Fitted(1.0, 1.0, "scsae")(x) >= 0).all()


@settings(deadline=None)
@given(st.floats(0.1, 10), st.floats(-5, 0), st.floats(-20, 20))
def test_the_drafted_gate_is_the_gate_where_the_bias_is_not_positive(
    weight: float, bias: float, magnitude: float
) -> None:
    x = np.array([magnitude])
    assert drafted_gate(x, weight=weight, bias=bias) == Fitted(weight, bias, "scsae")(x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (2, 3), (2, 1, 4)])
def test_shapes_are_kept(shape: tuple[int, ...], kind: Kind) -> None:
    magnitudes = np.random.default_rng(0).uniform(-1, 3, size=shape)
    magnitudes = np.asarray(magnitudes)
    got = response(magnitudes, fitted_magnitude=1.0, noise=0.5, kind=kind)
    assert np.shape(got) == shape
    one_by_one = [out(float(m), 1.0, 0.5, kind) for m in magnitudes.flat]
    assert np.asarray(got).flatten().tolist() == one_by_one
    unit = drafted_response(magnitudes, fitted_magnitude=1.0, noise=0.5, form="unit")
    assert np.shape(unit) == np.shape(drafted_gate(magnitudes, weight=1.0, bias=1.0)) == shape


def test_arguments_are_not_changed() -> None:
    magnitudes = np.array([-1.0, 0.2, 2.0])
    before = magnitudes.copy()
    for kind in KINDS:
        response(magnitudes, fitted_magnitude=1.0, noise=0.5, kind=kind)
    drafted_gate(magnitudes, weight=2.0, bias=1.0)
    drafted_response(magnitudes, fitted_magnitude=2.0, noise=0.5, form="unit")
    np.testing.assert_array_equal(magnitudes, before)


PREAMBLE = """
import numpy as np
from steering_core.sparse_autoencoders.response import *
from steering_core.sparse_autoencoders.response import Fitted, drafted_gate, drafted_response

nan, inf = float("nan"), float("inf")

def respond(magnitude=1.0, s=1.0, n=0.5, kind="relu"):
    return response(magnitude, fitted_magnitude=s, noise=n, kind=kind)

def member(weight=3.0, s=1.0, n=0.5):
    return family(weight, fitted_magnitude=s, noise=n)

def drafted(multiple=2.0, s=1.0, n=0.5, form="unit"):
    return drafted_response(multiple, fitted_magnitude=s, noise=n, form=form)

def gate(magnitude=1.0, weight=1.0, bias=1.0):
    return drafted_gate(magnitude, weight=weight, bias=bias)
"""

MAGNITUDE, KIND = "allowed are finite numbers above 0", "allowed are relu, scsae, drafted"
NOISE = "allowed is from 0 and below fitted_magnitude, 1.0"
FINITE = "allowed are finite numbers"
REFUSED = [
    ("fit(1.0, 0.5, 'tanh')", "kind: got 'tanh'", KIND),
    ("fit(1.0, 0.5, 'ReLU')", "kind: got 'ReLU'", KIND),
    ("respond(kind='')", "kind: got ''", KIND),
    *[
        case
        for call in ("fit({}, 0.0)", "respond(s={}, n=0.)", "member(s={}, n=0.)", "drafted(s={})")
        for case in [
            (call.format("0.0"), "fitted_magnitude: got 0.0", MAGNITUDE),
            (call.format("-1.0"), "fitted_magnitude: got -1.0", MAGNITUDE),
            (call.format("inf"), "fitted_magnitude: got inf", MAGNITUDE),
            (call.format("nan"), "fitted_magnitude: got nan", MAGNITUDE),
        ]
    ],
    *[
        case
        for call in ("fit(1.0, {})", "respond(n={})", "member(n={})", "drafted(n={})")
        for case in [
            (call.format("1.0"), "noise: got 1.0", NOISE),
            (call.format("2.0"), "noise: got 2.0", NOISE),
            (call.format("-0.1"), "noise: got -0.1", NOISE),
            (call.format("nan"), "noise: got nan", NOISE),
            (call.format("inf"), "noise: got inf", NOISE),
        ]
    ],
    ("fit(1.0, 1.0, 'scsae')", "noise: got 1.0", NOISE),
    ("respond(nan)", "magnitude: got nan", FINITE),
    ("respond(-inf, kind='scsae')", "magnitude: got -inf", FINITE),
    ("respond([1.0, inf])", "magnitude: got [1.0, inf]", FINITE),
    ("respond(np.array([[nan, 1.0]]))", "magnitude: got [[nan  1.]]", FINITE),
    ("member(1.9)", "weight: got 1.9", "allowed are numbers from s/(s - n) = 2"),
    ("member(inf)", "weight: got inf", ""),
    ("drafted(form='both')", "form: got 'both'", "allowed are vector, unit"),
    ("drafted(nan)", "multiple: got nan", FINITE),
    ("drafted([1.0, inf])", "multiple: got [1.0, inf]", FINITE),
    ("gate(weight=nan)", "weight: got nan", FINITE),
    ("gate(weight=inf)", "weight: got inf", FINITE),
    ("gate(bias=-inf)", "bias: got -inf", FINITE),
    ("gate(bias=nan)", "bias: got nan", FINITE),
    ("gate(nan)", "magnitude: got nan", FINITE),
]
ACCEPTED = [
    "respond(2.0) == 3",
    "respond(2, 1, .5) == 3",
    "respond(2, kind='scsae') == 2",
    "respond([2, 3]).tolist() == [3, 5]",
    "fit(1, 0) == Fitted(1.0, 0.0)",
    "member(3) == Fitted(3.0, -2.0)",
    "drafted(2) == 3",
    "gate(-.5) == -.5",
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)

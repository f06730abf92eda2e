"""Errors are the integrals they say they are, and no weight and bias do better than the least."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from steering_core.sparse_autoencoders.least_error import Situation, flat, least_error
from steering_core.sparse_autoencoders.response import Fitted, Kind, fit

from ..bad_input import bad_input_tests

KINDS: list[Kind] = ["relu", "scsae"]


def falling(m: np.ndarray) -> np.ndarray:
    return np.exp(-3 * m)


def rising(m: np.ndarray) -> np.ndarray:
    return 5 * m**2


LIKELIHOODS = [flat, falling, rising]
SITUATIONS = [
    Situation(0.5, 1.5, 0.25),
    Situation(0.5, 1.5, 0.45, 0.3),
    Situation(0.9, 1.1, 0.45, 0.02),
    Situation(0.5, 1.5, 1.0, 0.2),  # noise reaches into the magnitudes
    Situation(1.0, 2.0, 3.0, 0.5),  # and beyond
    Situation(0.5, 1.5, 0.45, 0.3, falling),
    Situation(0.5, 1.5, 1.0, 0.2, rising),
]
LATENTS = [
    Fitted(weight, bias, kind)
    for kind in KINDS
    for weight, bias in [
        (1.0, 0.0),
        (2.0, -1.0),
        (1.3, -0.13),
        (0.7, -0.91),  # on within the magnitudes
        (0.7, -7.0),  # off
    ]
] + [
    Fitted(0.8, 0.1, "relu"),
    Fitted(0.8, 9.0, "relu"),  # on for all noise
    Fitted(0.8, 9.0, "scsae"),
]
POSITIVE = [Fitted(1.0, 0.1, "scsae"), Fitted(0.8, 0.3, "scsae")]  # on above 0, not above -b / w


def output(latent: Fitted, x: float) -> float:
    pre = latent.weight * x
    if pre + latent.bias <= 0 or (latent.kind == "scsae" and pre <= 0):
        return 0.0
    return pre + latent.bias if latent.kind == "relu" else pre


def integral(function: Callable[[float], float], low: float, high: float, *kinks: float) -> float:
    edges = [low, *sorted(kink for kink in kinks if low < kink < high), high]
    parts = (
        quad(function, a, b, epsabs=1e-14, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges)
    )
    return sum(parts)


def by_quadrature(situation: Situation, latent: Fitted) -> float:
    """Adaptive, split at each place where the latent may bend or jump."""

    def likelihood(m: float) -> float:
        return situation.likelihood(np.array([m])).item()

    kink, ends = -latent.bias / latent.weight, (situation.low, situation.high)
    total = integral(likelihood, *ends)
    active = integral(lambda m: likelihood(m) * (output(latent, m) - m) ** 2, *ends, kink)
    n = situation.noise
    noise = integral(lambda x: output(latent, x) ** 2, -n, n, kink, 0.0)
    return situation.density * active / total + (1 - situation.density) * noise / (2 * n)


def by_brute_force(situation: Situation, kind: Kind) -> float:
    """The least error over 3,001 thresholds, each with the weight that is best there.

    With the threshold t given, the output is w times something, and the error a parabola in w.
    """
    count = 4_000
    middles = (np.arange(count) + 0.5) / count
    m = situation.low + situation.spread * middles
    chance = situation.density * situation.likelihood(m) / situation.likelihood(m).sum()
    x = situation.noise * (2 * middles - 1)
    ends = max(situation.high, situation.noise)
    least = np.inf
    for t in np.linspace(-ends, ends, 3_001):
        if kind == "relu":
            of_m, of_x = np.maximum(m - t, 0), np.maximum(x - t, 0)
        else:
            of_m, of_x = np.where(m > max(t, 0), m, 0), np.where(x > max(t, 0), x, 0)
        square = chance @ of_m**2 + (1 - situation.density) * (of_x**2).mean()
        product = chance @ (of_m * m)
        gained = product**2 / square if square > 0 else 0.0
        least = min(least, chance @ m**2 - gained)
    return float(least)


@cache
def cached_least(situation: Situation, kind: Kind) -> tuple[float, Fitted]:
    return least_error(situation, kind)


@pytest.mark.parametrize("latent", LATENTS + POSITIVE)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_errors_agree_with_adaptive_quadrature(situation: Situation, latent: Fitted) -> None:
    expected = by_quadrature(situation, latent)
    assert situation.error(latent) == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("latent", LATENTS)
def test_errors_agree_with_plain_sampling(latent: Fitted) -> None:
    situation, rng = Situation(0.5, 1.5, 1.0, 0.3), np.random.default_rng(0)
    active = rng.random(1_000_000) < 0.3
    target = np.where(active, rng.uniform(0.5, 1.5, size=active.shape), 0.0)
    x = np.where(active, target, rng.uniform(-1, 1, size=active.shape))
    out = latent.weight * x + (latent.bias if latent.kind == "relu" else 0.0)
    on = (latent.weight * x + latent.bias > 0) & ((latent.kind == "relu") | (x > 0))
    errors = (on * out - target) ** 2
    assert abs(situation.error(latent) - errors.mean()) < 5 * errors.std() / 1_000


def test_errors_worked_out_by_hand() -> None:
    # Magnitudes 1 to 2, on from 1.5: m^2 below, 1.5^2 above.
    active = (1.5**3 - 1) / 3 + 1.5**2 / 2
    half = Situation(1.0, 2.0, 1.0, 0.5)
    assert half.error(Fitted(1.0, -1.5)) == pytest.approx(active / 2, rel=1e-13)
    # Noise to 2, on from 1.5: (x - 1.5)^2 / 4 there.
    half = Situation(1.0, 2.0, 2.0, 0.5)
    noise = 0.5**3 / 3 / 4
    assert half.error(Fitted(1.0, -1.5)) == pytest.approx((active + noise) / 2, rel=1e-13)
    # The gate passes x^2 / 4 there, and all of the magnitudes above.
    active, noise = (1.5**3 - 1) / 3, (2**3 - 1.5**3) / 3 / 4
    assert half.error(Fitted(1.0, -1.5, "scsae")) == pytest.approx((active + noise) / 2, rel=1e-13)
    # One magnitude, and the draft's latent at twice the one it was fitted to.
    twice = Situation(2.0, 2.0, 0.5, 0.1)
    assert twice.error(fit(1.0, 0.5)) == pytest.approx(0.1 * (3 - 2) ** 2, rel=1e-13)


def test_density_weighs_what_is_active_against_noise() -> None:
    latent = Fitted(0.8, 0.1)
    always, never = (Situation(0.5, 1.5, 0.4, density).error(latent) for density in (1.0, 0.0))
    assert always > 0.01
    assert never > 0.01
    mixed = Situation(0.5, 1.5, 0.4, 0.3).error(latent)
    assert mixed == pytest.approx(0.3 * always + 0.7 * never, rel=1e-13)
    assert Situation(0.5, 1.5, 0.4) == Situation(0.5, 1.5, 0.4, 0.1, flat)


def test_power_is_the_mean_square_of_what_is_to_come_back() -> None:
    assert Situation(1.0, 2.0, 0.3, 0.5).power() == pytest.approx(0.5 * 7 / 3, rel=1e-13)
    assert Situation(3.0, 3.0, 0.3, 0.2).power() == pytest.approx(1.8, rel=1e-13)
    # Likelihood 5 m^2: the fifths over the thirds.
    skewed = Situation(1.0, 2.0, 0.3, 0.5, rising).power()
    assert skewed == pytest.approx(0.5 * (31 / 5) / (7 / 3), rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("situation", [*SITUATIONS, Situation(1.0, 1.0, 0.5)])
def test_power_is_the_error_of_a_latent_that_is_off(situation: Situation, kind: Kind) -> None:
    assert situation.error(Fitted(1.0, -99.0, kind)) == pytest.approx(situation.power(), rel=1e-13)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_factor_on_the_likelihood_changes_nothing(
    likelihood: Callable[[np.ndarray], np.ndarray],
) -> None:
    one = Situation(0.5, 1.5, 0.4, 0.3, likelihood)
    other = Situation(0.5, 1.5, 0.4, 0.3, lambda m: 1e6 * likelihood(m))
    assert other.power() == pytest.approx(one.power(), rel=1e-12)
    latent = Fitted(1.3, -0.9)
    assert other.error(latent) == pytest.approx(one.error(latent), rel=1e-12)


def test_spread_is_the_width_of_the_magnitudes() -> None:
    assert Situation(0.5, 1.75, 0.1).spread == 1.25
    assert Situation(2.0, 2.0, 0.1).spread == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_least_error_is_that_of_brute_force(situation: Situation, kind: Kind) -> None:
    error, latent = cached_least(situation, kind)
    expected = by_brute_force(situation, kind)
    assert error == pytest.approx(expected, rel=2e-3, abs=1e-9 * situation.power())
    assert latent.kind == kind
    assert error == situation.error(latent)
    assert error <= situation.power()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(SITUATIONS),
    st.sampled_from(KINDS),
    st.floats(0.05, 5),
    st.floats(-3, 3),
    st.floats(0.8, 1.25),
    st.floats(-0.1, 0.1),
)
def test_no_latent_does_better(
    situation: Situation, kind: Kind, weight: float, bias: float, stretch: float, shift: float
) -> None:
    """Neither any other nor one nearby."""
    error, best = cached_least(situation, kind)
    slack = 1e-9 * situation.power()
    assert situation.error(Fitted(weight, bias, kind)) >= error - slack
    nearby = Fitted(best.weight * stretch, best.bias + shift, kind)
    assert situation.error(nearby) >= error - slack


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("magnitude", "noise"), [(0.01, 0.5), (1.0, 0.01), (1.0, 0.9), (1.0, 0.999), (40.0, 0.5)]
)
def test_one_magnitude_can_be_given_back(magnitude: float, noise: float, kind: Kind) -> None:
    situation = Situation(magnitude, magnitude, noise * magnitude)
    error, latent = least_error(situation, kind)
    assert 0 <= error < 1e-12 * situation.power()
    assert latent(np.array([magnitude])).item() == pytest.approx(magnitude, rel=1e-5)
    assert np.abs(latent(np.linspace(-1, 1, 101) * situation.noise)).max() < 1e-4 * magnitude


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (1.0, 1.0)])
def test_without_noise_all_can_be_given_back(low: float, high: float, kind: Kind) -> None:
    situation = Situation(low, high, 0.0)
    assert situation.error(Fitted(1.0, 0.0, kind)) == 0
    assert situation.error(Fitted(1.0, 0.2)) == pytest.approx(0.04, rel=1e-12)  # on at rest too
    assert 0 <= least_error(situation, kind)[0] < 1e-15


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
@pytest.mark.parametrize(("noise", "density"), [(0.05, 0.01), (0.45, 0.1), (0.499, 0.9)])
def test_noise_below_the_magnitudes_is_gated_away_but_not_shifted(
    noise: float, density: float, likelihood: Callable[[np.ndarray], np.ndarray]
) -> None:
    situation = Situation(0.5, 1.5, noise, density, likelihood)
    assert least_error(situation, "scsae")[0] == pytest.approx(0, abs=1e-15)
    assert least_error(situation, "relu")[0] > 1e-6 * situation.power()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [0.51, 0.75, 1.5, 4.0])
def test_noise_that_reaches_into_the_magnitudes_costs(noise: float, kind: Kind) -> None:
    situation = Situation(0.5, 1.5, noise, 0.3)
    assert least_error(situation, kind)[0] > 1e-5 * situation.power()


def test_relus_least_error_grows_with_spread_and_noise() -> None:
    def relu(reach: float, noise: float) -> float:
        situation = Situation(1 - reach, 1 + reach, noise)
        return cached_least(situation, "relu")[0] / situation.power()

    by_spread = [relu(reach, 0.3) for reach in (0.0, 0.1, 0.25, 0.5)]
    assert (np.diff(by_spread) > 0).all()
    by_noise = [relu(0.5, noise) for noise in (0.1, 0.3, 0.8)]
    assert (np.diff(by_noise) > 0).all()


@pytest.mark.parametrize(("kind", "factor"), [("relu", 1e-3), ("scsae", 1e-3), ("relu", 1e3)])
def test_units_do_not_matter(kind: Kind, factor: float) -> None:
    one, (low, high, noise) = Situation(0.5, 1.5, 1.0, 0.2), (0.5, 1.5, 1.0)
    scaled = Situation(factor * low, factor * high, factor * noise, 0.2)
    latent = Fitted(1.3, -0.9, kind)
    error = scaled.error(Fitted(1.3, -0.9 * factor, kind))
    assert error == pytest.approx(factor**2 * one.error(latent), rel=1e-12)
    assert scaled.power() == pytest.approx(factor**2 * one.power(), rel=1e-12)
    least = least_error(scaled, kind)[0]
    assert least == pytest.approx(factor**2 * cached_least(one, kind)[0], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_is_active_the_best_latent_is_off(kind: Kind) -> None:
    assert least_error(Situation(0.5, 1.5, 0.4, 0.0), kind)[0] == pytest.approx(0, abs=1e-15)
    assert least_error(Situation(0.5, 1.5, 0.4, 1.0), kind)[0] == pytest.approx(0, abs=1e-15)


PREAMBLE = """
from steering_core.sparse_autoencoders import Situation, least_error

nan, inf = float("nan"), float("inf")"""

ORDER = "allowed is 0 < low <= high, finite"
REFUSED = [
    ("Situation(0., 1., .1)", "low, high: got 0.0, 1.0", ORDER),
    ("Situation(-1., 1., .1)", "low, high: got -1.0, 1.0", ORDER),
    ("Situation(2., 1., .1)", "low, high: got 2.0, 1.0", ORDER),
    ("Situation(nan, 1., .1)", "low, high: got nan, 1.0", ORDER),
    ("Situation(1., nan, .1)", "low, high: got 1.0, nan", ORDER),
    ("Situation(1., inf, .1)", "low, high: got 1.0, inf", ORDER),
    ("Situation(inf, inf, .1)", "low, high: got inf, inf", ORDER),
    ("Situation(1., 2., -.1)", "noise: got -0.1", "allowed are finite numbers from 0"),
    ("Situation(1., 2., nan)", "noise: got nan", "allowed are finite numbers from 0"),
    ("Situation(1., 2., inf)", "noise: got inf", "allowed are finite numbers from 0"),
    ("Situation(1., 2., .1, -.1)", "density: got -0.1", "allowed is [0, 1]"),
    ("Situation(1., 2., .1, 1.1)", "density: got 1.1", "allowed is [0, 1]"),
    ("Situation(1., 2., .1, nan)", "density: got nan", "allowed is [0, 1]"),
    (
        "least_error(Situation(1., 2., .1), 'tanh')",
        "kind: got 'tanh'",
        "allowed are relu, scsae, drafted",
    ),
    ("least_error(Situation(1., 2., .1), '')", "kind: got ''", "allowed are relu, scsae, drafted"),
]
ACCEPTED = [
    "Situation(1, 2, 0).spread == 1",
    "Situation(1, 1, 3, 0).power() == 0",
    "Situation(1, 2, 0, 1).density == 1",
    "least_error(Situation(1, 2, 0))[0] < 1e-15",
    "least_error(Situation(1, 1, 0.5), 'scsae')[0] < 1e-15",
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)

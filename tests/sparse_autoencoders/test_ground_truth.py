"""What is drawn is what was said: directions, densities, magnitudes, noise, pairs, parents."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from steering_core.sparse_autoencoders import GroundTruth, Sample, ground_truth

N = 20_000


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def truth(n_features: int = 8, width: int = 6, **how: Any) -> GroundTruth:
    """Features that are often active, unless told otherwise."""
    return ground_truth(n_features, width, **{"densities": (0.1, 0.5), **how})


def drawn(it: GroundTruth, n: int = N) -> Sample:
    return it.sample(n, chance())


def activity(it: GroundTruth, n: int = N) -> np.ndarray:
    """(n, F) whether each is active."""
    return (drawn(it, n).features > 0).numpy()


def within(share: float, n: int = N) -> float:
    """Five standard errors of a share."""
    return 5 * (share * (1 - share) / n) ** 0.5 + 1e-9


@pytest.mark.parametrize(
    "how", [{}, {"overlap": 0.4, "n_features": 6}, {"stretch": 10.0}, {"width": 1}]
)
def test_directions_have_norm_one(how: dict[str, Any]) -> None:
    it = truth(**how)
    assert it.directions.shape == (it.n_features, it.width)
    np.testing.assert_allclose(it.directions.norm(dim=1), 1, rtol=1e-5)
    assert it.directions.dtype == torch.float32


def test_random_directions_lie_on_all_sides() -> None:
    it = truth(4_000, 5)
    np.testing.assert_allclose(it.directions.mean(0), 0, atol=0.04)
    second = it.directions.T @ it.directions / it.n_features
    np.testing.assert_allclose(second, np.eye(5) / 5, atol=0.025)
    # cos² of isotropic directions has the mean 1 / d and the fourth moment 3 / (d (d + 2))
    assert it.directions.pow(4).mean().item() == pytest.approx(3 / 35, rel=0.05)


def test_densities_are_evenly_spaced_in_their_logarithm() -> None:
    it = ground_truth(7, 4, densities=(0.01, 0.4))
    np.testing.assert_allclose(it.densities, np.geomspace(0.01, 0.4, 7), rtol=1e-5)
    parents = np.geomspace(0.01, 0.4, 3)
    family = ground_truth(9, 4, densities=(0.01, 0.4), children=2)
    np.testing.assert_allclose(family.densities, np.tile(parents, 3), rtol=1e-5)
    np.testing.assert_allclose(truth(densities=(0.2, 0.2)).densities, 0.2, rtol=1e-6)
    one = ground_truth(1, 4, densities=(0.2, 0.4))
    assert 0.2 - 1e-6 <= one.densities.item() <= 0.4 + 1e-6


def test_what_is_not_said_is_that_of_the_signature() -> None:
    it = ground_truth(10, 4)
    assert it.densities.tolist()[::9] == pytest.approx([0.003, 0.03])
    assert (it.magnitudes, it.noise, it.correlation, it.children) == ((0.5, 1.5), 0.05, 0, 0)
    assert it.stretch.tolist() == [1, 1, 1, 1]
    assert (it.n_features, it.width, it.parents) == (10, 4, 10)


def test_features_are_active_as_often_as_said_and_apart_from_each_other() -> None:
    it = truth()
    on = activity(it)
    for i, density in enumerate(it.densities.tolist()):
        assert on[:, i].mean() == pytest.approx(density, abs=within(density))
    np.testing.assert_allclose(np.corrcoef(on.T), np.eye(8), atol=5 / N**0.5)
    assert it.active == pytest.approx(it.densities.sum().item())
    assert on.sum(1).mean() == pytest.approx(it.active, abs=5 * on.sum(1).std() / N**0.5)


def test_magnitudes_are_uniform_between_the_two() -> None:
    sample = drawn(truth(magnitudes=(0.5, 2.0)))
    active = sample.features[sample.features != 0].numpy()
    assert active.min() >= 0.5
    assert active.max() <= 2.0
    fit = stats.kstest(active, stats.uniform(0.5, 1.5).cdf)
    assert fit.statistic < 2 / len(active) ** 0.5
    equal = drawn(truth(magnitudes=(0.7, 0.7)), 100).features
    np.testing.assert_allclose(equal[equal > 0], 0.7, rtol=1e-6)


def test_inputs_are_features_times_directions_plus_bounded_noise() -> None:
    it = truth(noise=0.1)
    sample = drawn(it)
    exact = sample.features.double() @ it.directions.double()
    noise = (sample.activations - exact).numpy()
    assert noise.shape == (N, 6)
    assert abs(noise).max() <= 0.1 + 1e-6
    for j in range(6):
        assert stats.kstest(noise[:, j], stats.uniform(-0.1, 0.2).cdf).statistic < 2 / N**0.5
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(6), atol=5 / N**0.5)
    both = np.corrcoef(np.hstack([noise, sample.features.numpy()]).T)[:6, 6:]
    assert abs(both).max() < 5 / N**0.5


def test_without_noise_nothing_is_added() -> None:
    it = truth(noise=0.0)
    sample = drawn(it, 50)
    np.testing.assert_allclose(
        sample.activations, sample.features @ it.directions, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.9])
@pytest.mark.parametrize(("n", "width"), [(6, 6), (6, 9)])
def test_pairs_have_just_that_cosine_and_all_else_is_orthogonal(
    overlap: float, n: int, width: int
) -> None:
    it = truth(n, width, overlap=overlap)
    expected = np.kron(np.eye(n // 2), [[1, overlap], [overlap, 1]])
    np.testing.assert_allclose(it.directions @ it.directions.T, expected, atol=1e-6)


@pytest.mark.parametrize("correlation", [0.4, 0.9])
def test_pairs_come_together_and_no_others(correlation: float) -> None:
    it = truth(6, 4, correlation=correlation)
    on, densities = activity(it), it.densities.double().numpy()
    cuts = stats.norm.ppf(densities)
    for i in range(6):
        assert on[:, i].mean() == pytest.approx(densities[i], abs=within(densities[i]))
        for j in range(i):
            both = densities[i] * densities[j]
            if i // 2 == j // 2:
                shape: Any = [[1, correlation], [correlation, 1]]
                together = stats.multivariate_normal([0, 0], shape).cdf([cuts[i], cuts[j]])
                assert together > both + 2 * within(both)
                both = float(together)
            got = (on[:, i] & on[:, j]).mean()
            assert got == pytest.approx(both, abs=within(both) + 1e-4)


def test_with_a_correlation_of_one_the_rarer_comes_only_with_the_other() -> None:
    it = truth(6, 4, correlation=1.0)
    on = activity(it, 4_000)
    assert (on[:, 1::2] | ~on[:, ::2]).all()
    assert not (on[:, 2] | ~on[:, 1]).all()
    always = truth(4, 3, correlation=0.5, densities=(1.0, 1.0))
    assert activity(always, 100).all()


def test_magnitudes_of_a_pair_are_drawn_apart() -> None:
    features = drawn(truth(2, 4, correlation=1.0)).features
    both = features[(features > 0).all(1)].numpy()
    assert abs(np.corrcoef(both.T)[0, 1]) < 5 / len(both) ** 0.5


def test_a_child_comes_only_with_its_parent() -> None:
    it = truth(12, 5, children=3)
    assert it.parents == 3
    on, densities = activity(it), it.densities.tolist()
    for i in range(3, 12):
        parent = i % 3
        assert not (on[:, i] & ~on[:, parent]).any()
        expected = densities[i] * densities[parent]
        assert on[:, i].mean() == pytest.approx(expected, abs=within(expected))
        # no other feature has to be there
        for other in set(range(12)) - {i, parent}:
            assert (on[:, i] & ~on[:, other]).any()
    for i in range(3):
        assert on[:, i].mean() == pytest.approx(densities[i], abs=within(densities[i]))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"children": 1},
        {"children": 3},
        {"correlation": 0.8},
        {"children": 1, "correlation": 0.8},
    ],
    ids=str,
)
def test_active_is_the_mean_number_of_active_features(how: dict[str, Any]) -> None:
    it = truth(densities=(0.2, 0.4), **how)
    counts = activity(it).sum(1)
    assert it.active == pytest.approx(counts.mean(), abs=5 * counts.std() / N**0.5)


def test_stretch_is_the_widest_over_the_narrowest() -> None:
    it = truth(3_000, 5, stretch=16.0, densities=(0.001, 0.001), noise=0.1)
    np.testing.assert_allclose(it.stretch / it.stretch[0], [1, 2, 4, 8, 16], rtol=1e-5)
    plain = torch.nn.functional.normalize(
        torch.randn(3_000, 5, generator=chance()) * it.stretch, dim=1
    )
    np.testing.assert_allclose(
        it.directions.abs().mean(0), plain.abs().mean(0), rtol=0.1, atol=0.002
    )
    sample = drawn(it, 1_000)
    noise = (sample.activations - sample.features @ it.directions).abs().amax(0)
    bound = 0.1 * it.stretch
    assert (noise <= bound + 1e-5).all()
    assert (noise > 0.95 * bound).all()
    assert truth(stretch=1.0).stretch.tolist() == [1] * 6


def test_a_stream_is_the_same_each_time_and_another_with_another_seed() -> None:
    it = truth()
    stream = it.stream(16, seed=3)
    first, again = (torch.stack(list(islice(stream, 4))) for _ in range(2))
    assert first.shape == (4, 16, 6)
    assert torch.equal(first, again)
    assert torch.equal(first, torch.stack(list(islice(it.stream(16, seed=3), 4))))
    for i in range(3):
        assert not torch.isclose(first[i], first[3]).any(1).all()
    other = next(iter(it.stream(16, seed=4)))
    assert not torch.isclose(first[0], other).all(1).any()


def test_two_passes_of_a_stream_do_not_disturb_each_other() -> None:
    stream = truth().stream(4)
    one, other = iter(stream), iter(stream)
    for _ in range(3):
        assert torch.equal(next(one), next(other))
    next(one)
    assert not torch.equal(next(one), next(other))


def test_the_generator_is_the_only_source_of_randomness() -> None:
    before = torch.get_rng_state()
    it = truth(correlation=0.5, children=1)
    one = it.sample(32, chance(5))
    next(iter(it.stream(8)))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(11)
    other = truth(correlation=0.5, children=1).sample(32, chance(5))
    torch.set_rng_state(before)
    assert torch.equal(one.activations, other.activations)
    assert torch.equal(one.features, other.features)
    assert not torch.equal(one.features, it.sample(32, chance(6)).features)


def test_seeds_make_other_directions() -> None:
    for how in ({}, {"overlap": 0.3, "n_features": 6}):
        one, same, other = (truth(**how, seed=seed) for seed in (0, 0, 1))
        assert torch.equal(one.directions, same.directions)
        assert (one.directions - other.directions).abs().max() > 0.1


INF, NAN = float("inf"), float("nan")
WHOLE, SHARE = "allowed are whole numbers from 1", "allowed is [0, 1]"
DENSITIES = "allowed is 0 < first <= second <= 1"
MAGNITUDES = "allowed is 0 < first <= second, finite"


@pytest.mark.parametrize(
    ("change", "begins", "ends"),
    [
        ({"n_features": 0}, "n_features: got 0", WHOLE),
        ({"n_features": -2}, "n_features: got -2", WHOLE),
        ({"width": 0}, "width: got 0", WHOLE),
        *[
            ({"densities": bad}, f"densities: got {bad}", DENSITIES)
            for bad in [(0.0, 0.5), (0.5, 0.1), (0.1, 1.1), (-0.1, 0.5), (NAN, 0.5), (0.1, NAN)]
        ],
        *[
            ({"magnitudes": bad}, f"magnitudes: got {bad}", MAGNITUDES)
            for bad in [(0.0, 1.0), (2.0, 1.0), (1.0, INF), (-1.0, 1.0), (NAN, 1.0), (1.0, NAN)]
        ],
        ({"noise": -0.1}, "noise: got -0.1", "allowed are finite numbers from 0"),
        ({"noise": NAN}, "noise: got nan", "allowed are finite numbers from 0"),
        ({"noise": INF}, "noise: got inf", "allowed are finite numbers from 0"),
        ({"overlap": 1.0}, "overlap: got 1.0", "allowed is [0, 1)"),
        ({"overlap": -0.1}, "overlap: got -0.1", "allowed is [0, 1)"),
        ({"overlap": NAN}, "overlap: got nan", "allowed is [0, 1)"),
        ({"overlap": 0.5}, "n_features: got 8", "even numbers up to width, 6"),
        ({"overlap": 0.5, "n_features": 5}, "n_features: got 5", "even numbers up to width, 6"),
        ({"stretch": 0.5}, "stretch: got 0.5", "allowed are finite numbers from 1"),
        ({"stretch": NAN}, "stretch: got nan", "allowed are finite numbers from 1"),
        ({"stretch": INF}, "stretch: got inf", "allowed are finite numbers from 1"),
        (
            {"stretch": 2.0, "overlap": 0.5, "n_features": 6},
            "stretch: got 2.0 with an overlap",
            "allowed is 1 there",
        ),
        ({"correlation": 1.5}, "correlation: got 1.5", SHARE),
        ({"correlation": -0.5}, "correlation: got -0.5", SHARE),
        ({"correlation": NAN}, "correlation: got nan", SHARE),
        (
            {"correlation": 0.5, "n_features": 5},
            "n_features: got 5",
            "even numbers: pairs correlate",
        ),
        ({"children": -1}, "children: got -1", "allowed are whole numbers from 0"),
        ({"children": 2}, "n_features: got 8", "allowed are multiples of 3"),
        ({"children": 20}, "n_features: got 8", "allowed are multiples of 21"),
        ({"seed": -1}, "seed: got -1", "allowed are whole numbers from 0"),
    ],
    ids=str,
)
def test_what_is_out_of_range_is_named(change: dict[str, Any], begins: str, ends: str) -> None:
    with pytest.raises(ValueError, match=": got ") as refused:
        truth(**change)
    assert str(refused.value).startswith(begins + "; " if "with" not in begins else begins)
    assert str(refused.value).endswith(ends)


def test_no_inputs_can_not_be_drawn() -> None:
    with pytest.raises(ValueError, match=rf"^n: got 0; {WHOLE}"):
        truth().sample(0, chance())
    with pytest.raises(ValueError, match=rf"^batch_size: got -1; {WHOLE}"):
        truth().stream(-1)
    with pytest.raises(ValueError, match=r"^seed: got -1; allowed are whole numbers from 0"):
        next(iter(truth().stream(4, seed=-1)))


def test_an_only_parent_does_not_correlate_with_its_own_child() -> None:
    with pytest.raises(ValueError, match="children: got 7 of a single parent"):
        ground_truth(8, 6, children=7, correlation=0.8)

"""The numbers that decide the claims, beside direct computations over a cloud of eight sets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from steering_core.publishing import Measured
from steering_core.steering import measures
from steering_core.steering.anisotropy import ResidualSums, interval, resample
from steering_core.steering.claims import CLAIMS
from steering_core.steering.layer_norm import STRENGTHS, layer_norm

from .clouds import norm_share, pairwise_cosine, random_texts, sums_of

LENGTHS = [2 + i % 5 for i in range(24)]
SETS = {"a": slice(0, 8), "b": slice(8, 14)}  # the other ten are of no set
ONCE = [1] * len(LENGTHS)


@pytest.fixture(scope="module")
def texts() -> list[Tensor]:
    return random_texts(LENGTHS, layers=4, d_model=8)


@pytest.fixture(scope="module")
def sums(texts: list[Tensor]) -> ResidualSums:
    return sums_of(texts)


def assert_measured(got: Measured, expected: float, n: int = len(LENGTHS)) -> None:
    assert got.value == pytest.approx(expected)
    assert got.n == n
    assert got.interval is not None
    low, high = got.interval
    assert low < got.value < high


def test_cosines_that_decide_are_over_the_outputs_of_the_blocks(
    texts: list[Tensor], sums: ResidualSums
) -> None:
    cosines = pairwise_cosine(texts, ONCE)
    assert_measured(measures.least_over_blocks(sums), cosines[1:].min().item())
    assert_measured(measures.largest_over_blocks(sums), cosines[1:].max().item())
    assert_measured(measures.rise_over_embeddings(sums), (cosines[1:].max() - cosines[0]).item())
    shares = norm_share(texts, ONCE)
    got = measures.least_over_blocks(sums, ResidualSums.norm_shares)
    assert_measured(got, shares[1:].min().item())


def test_what_decides_on_a_model_counts_paired_texts_as_one(sums: ResidualSums) -> None:
    groups = torch.tensor([*range(12), *range(12)])
    got = measures.decide(sums, SETS, groups)
    merged = sums.merged(groups)
    assert got["I-1"]["least_cosine"] == measures.least_over_blocks(merged)
    assert got["I-1"]["largest_cosine"] == measures.largest_over_blocks(merged)
    assert got["I-2"] == {"rise": measures.rise_over_embeddings(merged)}
    assert tuple(got["I-10"].values()) == measures.rise_with_mean(sums, SETS)
    assert {id: set(parts) for id, parts in got.items()} == {
        claim.id: {*claim.rules, *(p for p in claim.refuted_by if not p.endswith("_second"))}
        for claim in CLAIMS
        if claim.scope == "shipped LM"
    }


def test_embeddings_alone_do_not_decide() -> None:
    texts = random_texts(LENGTHS, layers=4, d_model=8)
    for text in texts:
        text[0] = 1.0
    sums = sums_of(texts)
    assert sums.cosine[0] == pytest.approx(1)
    assert measures.largest_over_blocks(sums).value < 0.99
    assert measures.rise_over_embeddings(sums).value < 0


@pytest.mark.parametrize("per_layer", [ResidualSums.cosines, ResidualSums.norm_shares])
def test_a_band_is_each_layer_with_its_interval(
    sums: ResidualSums, per_layer: measures.PerLayer
) -> None:
    value, low, high = measures.band(sums, per_layer)
    assert value.shape == low.shape == high.shape == (4,)
    assert (low < value).all()
    assert (value < high).all()
    expected = interval(per_layer(sums, resample(sums.n_texts)))
    assert torch.equal(low, expected[0])
    assert torch.equal(high, expected[1])
    torch.testing.assert_close(measures.band(sums)[0], sums.cosine)


def direct(texts: list[Tensor], copies: list[int]) -> tuple[Tensor, Tensor]:
    """m and each set's mean minus m, over all tokens of all copies."""

    def mean(own: slice) -> Tensor:
        tokens = [t for t, n in zip(texts[own], copies[own], strict=True) for _ in range(n)]
        return torch.cat(tokens, 1).mean(1)

    m = mean(slice(None))
    return m, torch.stack([mean(own) - m for own in SETS.values()])


@pytest.mark.parametrize("copies", [ONCE, [i % 3 for i in range(len(LENGTHS))]])
def test_features_are_the_means_of_sets_minus_the_mean_of_all(
    texts: list[Tensor], sums: ResidualSums, copies: list[int]
) -> None:
    weights = torch.tensor(copies, dtype=torch.float64)
    mean, features = measures.mean_and_features(sums, SETS, weights)
    expected = direct(texts, copies)
    torch.testing.assert_close(mean, expected[0])
    torch.testing.assert_close(features, expected[1])


def normed_dots(base: Tensor, features: Tensor) -> np.ndarray:
    """(features, layers - 1, strengths), one at a time."""
    return np.array(
        [
            [
                [float(layer_norm(b + a * v) @ v / v.norm()) for a in STRENGTHS]
                for b, v in zip(base[1:], feature[1:], strict=True)
            ]
            for feature in features
        ]
    )


def test_strengths_are_those_at_the_outputs_of_the_blocks(
    texts: list[Tensor], sums: ResidualSums
) -> None:
    mean, features = direct(texts, ONCE)
    with_mean = normed_dots(mean, features)
    without = normed_dots(torch.zeros_like(mean), features)
    np.testing.assert_allclose(measures.strengths_with_mean(mean, features), with_mean)
    np.testing.assert_allclose(measures.strengths_without_mean(features), without)

    rises = (with_mean[..., -1] - with_mean[..., 0]) / np.abs(with_mean[..., 0])
    changes = np.abs(without - without[..., :1]) / np.abs(without[..., :1])
    got = measures.rise_with_mean(sums, SETS, resamples=200)
    assert got[0].value == pytest.approx(np.median(rises))
    assert got[1].value == pytest.approx(changes.max())
    for measured in got:
        assert measured.n == len(LENGTHS)
        assert measured.interval is not None
        assert measured.interval[0] <= measured.value <= measured.interval[1]
    assert got == measures.rise_with_mean(sums, SETS, resamples=200)


def test_a_resample_within_sets_keeps_the_size_of_each() -> None:
    weights = measures._resample_within(24, SETS, 50)
    assert weights.shape == (50, 24)
    for own in (*SETS.values(), slice(14, 24)):
        drawn = weights[:, own]
        assert (drawn.sum(1) == drawn.shape[1]).all()
        assert (drawn != 1).any(1).sum() > 40  # those of no set are drawn too
    of_equal_size = measures._resample_within(16, {"a": slice(0, 8), "b": slice(8, 16)}, 50)
    assert not torch.equal(of_equal_size[:, :8], of_equal_size[:, 8:])
    assert torch.equal(weights, measures._resample_within(24, SETS, 50))


def test_the_rise_at_tokens_is_of_the_mean_over_texts() -> None:
    generator = torch.Generator().manual_seed(0)
    dots = 1 + torch.rand(30, 2, 4, len(STRENGTHS), generator=generator, dtype=torch.float64)
    dots[:, :, 0] = 100.0  # the embeddings do not count
    dots[..., -1] += 1
    means = dots.numpy()[:, :, 1:].mean(0)
    expected = np.median((means[..., -1] - means[..., 0]) / means[..., 0])
    assert_measured(measures.rise_at_tokens(dots), float(expected), n=30)


def test_measures_are_the_same_each_time(sums: ResidualSums) -> None:
    before = torch.get_rng_state()
    for measure in (measures.least_over_blocks, measures.rise_over_embeddings):
        assert measure(sums) == measure(sums)
    assert torch.equal(torch.get_rng_state(), before)


def test_texts_that_agree_less_have_wider_intervals() -> None:
    """Four times the texts halve the interval."""

    def width(n: int) -> float:
        measured = measures.least_over_blocks(sums_of(random_texts([4] * n, layers=2, d_model=8)))
        assert measured.interval is not None
        return measured.interval[1] - measured.interval[0]

    assert 1.5 < width(40) / width(160) < 2.7

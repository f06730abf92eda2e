"""How many dimensions a feature gets, and who shares them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.superposition import dimensions_per_feature, feature_dimensionality
from steering_core.superposition.geometry import (
    carried,
    has_partner,
    off_diagonal,
    off_diagonal_mass,
    overlap,
)

few = settings(max_examples=60, deadline=None)


@st.composite
def matrices(draw: st.DrawFn) -> Tensor:
    """Weights (m, n) with some features left out."""
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    kept = rng.random(n) < draw(st.sampled_from([0.5, 1.0]))
    return torch.tensor(rng.normal(size=(m, n)) * kept * 10 ** rng.uniform(-2, 2))


@few
@given(matrices())
def test_features_share_at_most_the_dimensions_there_are(weights: Tensor) -> None:
    share = feature_dimensionality(weights)
    assert ((share >= 0) & (share <= 1 + 1e-12)).all()
    assert share.sum() <= weights.shape[0] + 1e-9


@few
@given(matrices(), st.randoms(use_true_random=False))
def test_permuting_the_features_permutes_their_shares(weights: Tensor, random) -> None:
    order = list(range(weights.shape[1]))
    random.shuffle(order)
    torch.testing.assert_close(
        feature_dimensionality(weights[:, order]), feature_dimensionality(weights)[order]
    )


@few
@given(matrices(), st.floats(0.1, 10))
def test_scale_and_rotation_leave_the_shares(weights: Tensor, scale: float) -> None:
    turned = torch.linalg.qr(torch.tensor(np.random.default_rng(0).normal(size=(4, 4)))).Q
    padded = torch.cat([weights, weights.new_zeros(4 - len(weights), weights.shape[1])])
    torch.testing.assert_close(
        feature_dimensionality(scale * turned @ padded), feature_dimensionality(weights)
    )


@few
@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 10**6))
def test_orthonormal_rows_give_each_feature_one_dimension(m: int, more: int, seed: int) -> None:
    drawn = torch.tensor(np.random.default_rng(seed).normal(size=(m + more, m)))
    rows = torch.linalg.qr(drawn).Q.mT
    assert dimensions_per_feature(rows).item() == pytest.approx(1)


def test_known_arrangements() -> None:
    alone = torch.tensor([[1.0, 0.0]])
    pair = torch.tensor([[1.0, -1.0]])
    angles = torch.arange(5) * 2 * torch.pi / 5
    pentagon = torch.stack([angles.cos(), angles.sin()])
    torch.testing.assert_close(feature_dimensionality(alone), torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(feature_dimensionality(pair), torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(feature_dimensionality(pentagon), torch.full((5,), 0.4))
    assert dimensions_per_feature(pair).item() == pytest.approx(0.5)
    assert dimensions_per_feature(pentagon).item() == pytest.approx(0.4)


def test_batches_are_measured_one_by_one() -> None:
    weights = torch.tensor(np.random.default_rng(1).normal(size=(3, 2, 2, 5)))
    shares, dimensions = feature_dimensionality(weights), dimensions_per_feature(weights)
    assert shares.shape == (3, 2, 5)
    assert dimensions.shape == (3, 2)
    torch.testing.assert_close(shares[2, 1], feature_dimensionality(weights[2, 1]))
    torch.testing.assert_close(dimensions[2, 1], dimensions_per_feature(weights[2, 1]))


def ring(n: int) -> Tensor:
    """n unit vectors at even angles in the plane."""
    angles = torch.arange(n, dtype=torch.float64) * 2 * torch.pi / n
    return torch.stack([angles.cos(), angles.sin()])


def cosines_of_ring(n: int) -> list[float]:
    """Sizes of the cosines of one of them with the others."""
    return [abs(math.cos(2 * math.pi * k / n)) for k in range(1, n)]


ORTHOGONAL = torch.tensor([[2.0, 0.0], [0.0, 1.0]]).double()
PAIRS = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]).double()
EMPTY = torch.zeros(2, 3).double()
MIXED = torch.tensor([[3.0, -1.0, 0.0, 0.0], [4.0, 0.0, 0.0, 2.0]]).double()
MEASURES = (
    dimensions_per_feature,
    feature_dimensionality,
    off_diagonal,
    off_diagonal_mass,
    overlap,
    has_partner,
    carried,
)
BY_FEATURE = (feature_dimensionality, off_diagonal, overlap, has_partner)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (ORTHOGONAL, [0.0, 0.0]),
        (PAIRS, [1.0] * 4),
        (2 * PAIRS, [4.0] * 4),
        (ring(3), [1.0] * 3),
        (ring(5), [sum(cosines_of_ring(5))] * 5),
        (EMPTY, [0.0] * 3),
        (MIXED, [3.0 + 8.0, 3.0, 0.0, 8.0]),
    ],
)
def test_what_others_write_on_an_output(weights: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(off_diagonal(weights), torch.tensor(expected).double())


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (ORTHOGONAL, 0.0),
        (PAIRS, 1.0),
        (torch.cat([PAIRS, EMPTY], 1), 1.0),
        (ring(3), 1.0),
        (ring(5), sum(cosines_of_ring(5))),
        (MIXED, 22 / 30),
    ],
)
def test_the_mass_off_the_diagonal(weights: Tensor, expected: float) -> None:
    assert off_diagonal_mass(weights).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (ORTHOGONAL, [0.0, 0.0]),
        (PAIRS, [1.0] * 4),
        (ring(3), [0.5] * 3),
        (ring(5), [1.5] * 5),
        (EMPTY, [0.0] * 3),
        (MIXED, [0.36 + 0.64, 0.36, 0.0, 0.64]),
    ],
)
def test_how_crowded_a_direction_is(weights: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(overlap(weights), torch.tensor(expected).double())


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (ORTHOGONAL, [False, False]),
        (PAIRS, [True] * 4),
        (torch.cat([PAIRS, EMPTY], 1), [True] * 4 + [False] * 3),
        (PAIRS * torch.tensor([5.0, 0.1, 1.0, 0.0]), [True, True, False, False]),
        (torch.tensor([[1.0, 1.0, 2.0]]).double(), [False] * 3),
        (ring(3), [False] * 3),
        (ring(4), [True] * 4),
        (ring(5), [False] * 5),
        (ring(7), [True] * 7),  # at a cosine of -0.901
    ],
)
def test_who_has_a_partner(weights: Tensor, expected: list[bool]) -> None:
    assert has_partner(weights).tolist() == expected


def test_from_which_cosine_on_one_is_a_partner() -> None:
    assert has_partner(ring(5), cosine=-0.8).all()
    assert not has_partner(ring(5), cosine=-0.82).any()
    assert has_partner(ring(3), cosine=-0.49).all()


def test_what_a_direction_carries() -> None:
    expected = [[5.0, 0.6, 0, 1.6], [3.0, 1.0, 0, 0.0], [0.0] * 4, [4.0, 0.0, 0, 2.0]]
    torch.testing.assert_close(carried(MIXED), torch.tensor(expected).double())
    torch.testing.assert_close(carried(MIXED, torch.eye(2).double()), MIXED.abs())
    along = torch.tensor([[0.6], [0.8]]).double()
    torch.testing.assert_close(carried(MIXED, along), torch.tensor([[5.0, 0.6, 0, 1.6]]).double())


@few
@given(matrices(), st.integers(0, 10**6))
def test_rotating_h_leaves_all_but_its_coordinates(weights: Tensor, seed: int) -> None:
    m = len(weights)
    turned = torch.linalg.qr(torch.tensor(np.random.default_rng(seed).normal(size=(m, m)))).Q
    size = max(weights.square().sum().item(), 1e-12)
    torch.testing.assert_close(
        off_diagonal(turned @ weights), off_diagonal(weights), rtol=1e-9, atol=1e-12 * size
    )
    torch.testing.assert_close(overlap(turned @ weights), overlap(weights), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(
        carried(turned @ weights), carried(weights), rtol=1e-9, atol=1e-12 * size**0.5
    )
    torch.testing.assert_close(
        carried(turned @ weights, turned),
        weights.abs(),
        rtol=1e-9,
        atol=1e-12 * size**0.5,
    )
    if weights.any():
        mass = off_diagonal_mass(weights).item()
        assert off_diagonal_mass(turned @ weights).item() == pytest.approx(mass, abs=1e-9)


@few
@given(matrices(), st.randoms(use_true_random=False))
def test_permuting_the_features_permutes_what_is_measured(weights: Tensor, random) -> None:
    order = list(range(weights.shape[1]))
    random.shuffle(order)
    for measure in (off_diagonal, overlap, has_partner):
        torch.testing.assert_close(measure(weights[:, order]), measure(weights)[order])
    torch.testing.assert_close(carried(weights[:, order]), carried(weights)[order][:, order])
    if weights.any():
        torch.testing.assert_close(off_diagonal_mass(weights[:, order]), off_diagonal_mass(weights))


@few
@given(matrices(), st.floats(0.1, 10))
def test_scale_is_squared_off_the_diagonal_and_leaves_the_mass(
    weights: Tensor, scale: float
) -> None:
    torch.testing.assert_close(off_diagonal(scale * weights), scale**2 * off_diagonal(weights))
    torch.testing.assert_close(carried(scale * weights), scale * carried(weights))
    if weights.any():
        torch.testing.assert_close(off_diagonal_mass(scale * weights), off_diagonal_mass(weights))


@few
@given(matrices(), st.lists(st.floats(0.1, 10), min_size=6, max_size=6))
def test_the_length_of_a_feature_is_nothing_to_its_direction(
    weights: Tensor, lengths: list[float]
) -> None:
    scales = torch.tensor(lengths).double()[: weights.shape[1]]
    longer = weights * scales
    torch.testing.assert_close(overlap(longer), overlap(weights))
    torch.testing.assert_close(has_partner(longer), has_partner(weights))
    torch.testing.assert_close(carried(longer), carried(weights) * scales)


@few
@given(matrices())
def test_overlap_is_what_keeps_features_of_one_length_from_a_dimension(weights: Tensor) -> None:
    norms = weights.norm(dim=0)
    unit = weights / norms.where(norms > 0, 1.0)
    there = norms > 0
    torch.testing.assert_close(
        feature_dimensionality(unit)[there], 1 / (1 + overlap(weights)[there])
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_takes_batches(measure: Callable[[Tensor], Tensor]) -> None:
    weights = torch.tensor(np.random.default_rng(1).normal(size=(3, 2, 2, 5)))
    each = measure(weights)
    assert each.shape[:2] == (3, 2)
    torch.testing.assert_close(each[2, 1], measure(weights[2, 1]))


@pytest.mark.parametrize("measure", BY_FEATURE)
def test_single_precision_is_kept_and_close(measure: Callable[[Tensor], Tensor]) -> None:
    weights = torch.tensor(np.random.default_rng(2).normal(size=(3, 6)))
    single = measure(weights.float())
    torch.testing.assert_close(single.to(measure(weights)), measure(weights), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("measure", MEASURES)
def test_weights_that_are_no_matrix_or_not_finite_are_refused(
    measure: Callable[[Tensor], Tensor],
) -> None:
    with pytest.raises(ValueError, match=r"weights: got shape \(3,\); allowed is \(..., m, n\)"):
        measure(torch.ones(3))
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="weights: got a value that is not finite; allowed"):
            measure(torch.tensor([[1.0, value]]))


@pytest.mark.parametrize("measure", [dimensions_per_feature, off_diagonal_mass])
def test_what_is_over_the_norm_needs_one(measure: Callable[[Tensor], Tensor]) -> None:
    weights = torch.ones(2, 2, 3)
    weights[1] = 0
    with pytest.raises(ValueError, match="weights: got a model that is zero; allowed are models"):
        measure(weights)

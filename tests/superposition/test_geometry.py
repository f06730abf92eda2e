"""How many dimensions a feature gets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.superposition import dimensions_per_feature, feature_dimensionality

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

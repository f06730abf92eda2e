"""What LayerNorm leaves of a strength, where it can be worked out by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.steering.layer_norm import (
    STRENGTHS,
    largest_change,
    layer_norm,
    rise,
    strength_after_norm,
    strength_at_tokens,
)

from ..language_model import naive
from ..language_model.conftest import LAYERS, TEXTS, WIDTH

REFUSED = (ValueError, TypeCheckError)  # shapes are checked too while the tests run
LONGER = [text for text in TEXTS if len(text) > 8]  # of two tokens or more

vectors = st.lists(st.floats(-10, 10), min_size=4, max_size=12).filter(
    lambda x: torch.tensor(x).std().item() > 0.1
)


def vector(*entries: float) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64)


@settings(deadline=None)
@given(vectors, st.floats(0.1, 100), st.floats(-10, 10))
def test_scale_and_shift_do_not_matter(entries: list[float], scale: float, shift: float) -> None:
    x = vector(*entries)
    plain = layer_norm(x, eps=0.0)
    torch.testing.assert_close(layer_norm(scale * x + shift, eps=0.0), plain)
    assert plain.mean().item() == pytest.approx(0, abs=1e-9)
    assert plain.square().mean().item() == pytest.approx(1)
    torch.testing.assert_close(layer_norm(x), plain, rtol=2e-3, atol=1e-5)


@settings(deadline=None)
@given(vectors)
def test_alone_a_feature_has_no_strength(entries: list[float]) -> None:
    v = vector(*entries)
    dots = strength_after_norm(torch.zeros_like(v), v)
    assert largest_change(dots).item() < 0.005
    assert abs(rise(dots).item()) <= largest_change(dots).item()


def test_on_a_mean_at_right_angles_the_strength_is_the_sine() -> None:
    """m and v at right angles, both with entries of mean zero: LN keeps the direction of m + a v
    and makes its length the square root of the dimension."""
    m, v = 3 * vector(1, -1, 0, 0), 2 * vector(0, 0, 1, -1)
    strengths = (0.1, 0.5, 1.0, 4.0, 50.0)
    dots = strength_after_norm(m, v, strengths)
    for dot, a in zip(dots.tolist(), strengths, strict=True):
        expected = math.sqrt(4) * 2 * a / math.hypot(3, 2 * a)
        assert dot == pytest.approx(expected, rel=1e-5)


def test_the_part_of_a_vector_that_all_entries_share_is_lost() -> None:
    """LN takes the mean 1/2 away and leaves (1, -1, 1, -1), of which half is along v."""
    v = vector(1, 0, 1, 0)
    assert strength_after_norm(vector(0, 0, 0, 0), v, [1.0]).item() == pytest.approx(
        math.sqrt(2), rel=1e-4
    )


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 20))
def test_strength_rises_on_a_mean_that_does_not_oppose_it(seed: int, size: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    m, v = torch.randn(2, 16, generator=generator, dtype=torch.float64)
    m, v = m - m.mean(), v - v.mean()
    m = size * (m - (m @ v) / (v @ v) * v)
    dots = strength_after_norm(m, v)
    assert (dots.diff() > 0).all()
    assert rise(dots).item() > 0


def test_a_batch_is_its_rows() -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(3, 1, 8, generator=generator)
    feature = torch.randn(5, 8, generator=generator)
    dots = strength_after_norm(base, feature, (1.0, 3.0))
    assert dots.shape == (3, 5, 2)
    for i in range(3):
        for j in range(5):
            own = strength_after_norm(base[i, 0], feature[j], (1.0, 3.0))
            torch.testing.assert_close(dots[i, j], own)


def test_rise_and_change_are_shares_of_the_first() -> None:
    dots = torch.tensor([[2.0, 5.0, 1.0], [-2.0, -3.0, 1.0], [4.0, 4.0, 4.0]])
    assert rise(dots).tolist() == [-0.5, 1.5, 0.0]
    assert largest_change(dots).tolist() == [1.5, 1.5, 0.0]


@pytest.mark.parametrize("centred", [True, False])
def test_strength_at_tokens_is_the_mean_over_those_of_a_text(
    model: TransformerBridge, centred: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(LAYERS + 1, WIDTH, generator=generator, dtype=torch.float64)
    features = torch.randn(2, LAYERS + 1, WIDTH, generator=generator, dtype=torch.float64)
    got = strength_at_tokens(model, LONGER, mean, features, centred=centred)
    assert got.shape == (len(LONGER), 2, LAYERS + 1, len(STRENGTHS))
    for text, of_text in zip(naive.all_residuals(model, LONGER), got, strict=True):
        x = text[:, 1:] - mean[:, None] * centred
        for v, of_feature in zip(features, of_text, strict=True):
            for index, a in enumerate(STRENGTHS):
                added = x + a * v[:, None]
                away = added - added.mean(-1, keepdim=True)
                normed = away / (away.square().mean(-1, keepdim=True) + 1e-5).sqrt()
                dots = (normed * v[:, None]).sum(-1) / v.norm(dim=-1)[:, None]
                torch.testing.assert_close(of_feature[:, index], dots.mean(1), rtol=1e-4, atol=1e-4)


def test_one_text_may_come_without_a_list(gpt2: TransformerBridge) -> None:
    mean = torch.zeros(LAYERS + 1, WIDTH, dtype=torch.float64)
    both = [
        strength_at_tokens(gpt2, texts, mean, mean[None] + 1 / (1 + mean[None]), centred=True)
        for texts in (TEXTS[0], [TEXTS[0]])
    ]
    assert torch.equal(*both)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: strength_after_norm(torch.ones(4), torch.ones(4), []), "strengths: got none"),
        (lambda: strength_after_norm(torch.ones(4), torch.zeros(4)), "feature: got a vector of"),
        (
            lambda: strength_after_norm(torch.ones(4), torch.eye(4) - torch.eye(4)[0].diag()),
            "feature: got a vector of zero",
        ),
        (lambda: strength_after_norm(torch.ones(4), torch.ones(3)), "feature"),
    ],
)
def test_no_strengths_and_no_direction_are_refused(call: Callable[[], Tensor], says: str) -> None:
    with pytest.raises(REFUSED, match=re.escape(says)):
        call()


def at_tokens(
    model: TransformerBridge, texts: list[str], *, layers: int = LAYERS + 1, scale: float = 1.0
) -> Tensor:
    mean = torch.zeros(layers, WIDTH, dtype=torch.float64)
    features = scale * torch.ones(1, layers, WIDTH, dtype=torch.float64)
    return strength_at_tokens(model, texts, mean, features, centred=False)


def test_texts_and_vectors_that_do_not_fit_are_refused(gpt2: TransformerBridge) -> None:
    with pytest.raises(ValueError, match=r"texts\[1\]: one token only"):
        at_tokens(gpt2, [TEXTS[0], "q"])
    with pytest.raises(ValueError, match="texts: got none"):
        at_tokens(gpt2, [])
    with pytest.raises(ValueError, match=r"mean: got shape \(3, 32\); \(4, 32\) is allowed"):
        at_tokens(gpt2, TEXTS[:1], layers=LAYERS)
    with pytest.raises(ValueError, match="feature: got a vector of zero"):
        at_tokens(gpt2, TEXTS[:1], scale=0.0)

"""What was published of GPT-2 XL, measured on curves and words known beforehand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import SHIPPED
from steering_core.publishing import Measured
from steering_core.steering import gpt2_xl, top_tokens
from steering_core.steering.claims import CLAIMS
from steering_core.steering.gpt2_xl import (
    PUBLISHED_WORDS,
    curve_of,
    is_gpt2_xl,
    share_found,
    words_of,
)
from steering_core.steering.published import gpt2_xl_mean_cosine
from steering_core.steering.reading_claims import CLAIMS as READING

from ..language_model.conftest import LAYERS, WIDTH
from .handmade import drawn, material_of, random_sets, token_mean

BLOCKS = 48


def published() -> torch.Tensor:
    """With some number for the embeddings, which were not published."""
    values = gpt2_xl_mean_cosine().mean_cosine.tolist()
    return torch.tensor([0.99, *values], dtype=torch.float64)


def test_the_published_curve_is_its_own() -> None:
    got = curve_of(published())
    values = gpt2_xl_mean_cosine().mean_cosine.tolist()
    assert len(values) == BLOCKS
    peak, least = values.index(max(values)), values.index(min(values))
    assert least > peak
    assert got == {
        "I-G1": {"largest_difference": Measured(0.0, BLOCKS)},
        "I-G2": {"peak": Measured(float(peak), BLOCKS), "least": Measured(float(least), BLOCKS)},
    }
    rules = {claim.id: claim for claim in CLAIMS}
    for claim, parts in got.items():
        assert set(parts) == set(rules[claim].rules)
        assert rules[claim].outcome(parts) == "holds"


def test_the_largest_difference_is_of_either_sign() -> None:
    for block, off in ((0, 0.2), (47, -0.3), (20, 0.01)):
        curve = published()
        curve[1 + block] += off
        got = curve_of(curve)["I-G1"]["largest_difference"]
        assert got.value == pytest.approx(abs(off))


def test_the_least_is_after_the_peak() -> None:
    curve = published()
    curve[1] = 0.01  # lower than all, before the peak
    curve[1 + 7] = 0.9
    curve[1 + 30] = 0.02
    got = curve_of(curve)["I-G2"]
    assert (got["peak"].value, got["least"].value) == (7, 30)


def test_a_curve_of_another_model_does_not_fit() -> None:
    with pytest.raises(ValueError, match="zip"):
        curve_of(published()[:-1])


def words(**changed: list[str]) -> dict[str, list[str]]:
    return {genre: ["zebra"] * 8 for genre in PUBLISHED_WORDS} | changed


def test_the_share_of_published_words_that_are_found() -> None:
    everything = {genre: list(own) for genre, own in PUBLISHED_WORDS.items()}
    assert share_found(everything) == 1
    assert share_found(words()) == 0
    assert share_found(words(fantasy=["enchanted"])) == pytest.approx(1 / 15)
    assert share_found(words(fantasy=["enchant", "sorcerer"])) == pytest.approx(2 / 15)
    assert share_found(words(fantasy=["magic"])) == pytest.approx(1 / 15)  # begins magical
    assert share_found(words(sports=["triumph"])) == pytest.approx(2 / 15)  # and triumphant
    assert share_found(words(scifi=["enchanted"])) == 0  # of another genre
    assert share_found(words(scifi=["", "kind", "anity"])) == 0  # in the middle, or nothing


def test_five_words_of_each_genre_were_published() -> None:
    assert {genre: len(set(own)) for genre, own in PUBLISHED_WORDS.items()} == {
        "fantasy": 5,
        "scifi": 5,
        "sports": 5,
    }
    assert all(word == word.strip().lower() for own in PUBLISHED_WORDS.values() for word in own)


def model_of(n_layers: int, d_model: int, d_vocab: int) -> Any:
    model = Mock(spec=TransformerBridge)
    model.cfg = SimpleNamespace(n_layers=n_layers, d_model=d_model, d_vocab=d_vocab)
    return model


def test_the_model_is_known_by_its_shape() -> None:
    assert is_gpt2_xl(model_of(48, 1600, 50257))
    for other in ((36, 1280, 50257), (48, 1600, 50258), (12, 768, 50257)):
        assert not is_gpt2_xl(model_of(*other))
    assert Path("gpt2-xl") != SHIPPED


def test_another_model_has_no_published_words(gpt2: TransformerBridge) -> None:
    material = material_of(random_sets(layers=LAYERS + 1, d_model=WIDTH))
    assert words_of(gpt2, material) == {}


def test_words_are_those_of_the_published_layer_centred_on_all_texts(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of the words that each genre decodes to there are published, and as many others."""
    layer = 2
    texts = random_sets(layers=LAYERS + 1, d_model=WIDTH)
    material = material_of(texts, drawn(LAYERS + 1, WIDTH))  # whose centre is not that of all
    centre = token_mean([text for own in texts.values() for text in own])
    decoded = {
        genre: top_tokens(gpt2, torch.from_numpy(token_mean(texts[genre]) - centre)[layer].float())
        for genre in PUBLISHED_WORDS
    }
    read = {
        genre: [word.strip().lower() for word in own if word.strip()]
        for genre, own in decoded.items()
    }
    made_up = {genre: (own[0], own[1], "qqq", "qqqq", "qqqqq") for genre, own in read.items()}
    monkeypatch.setattr(gpt2_xl, "is_gpt2_xl", lambda _: True)
    monkeypatch.setattr(gpt2_xl, "PUBLISHED_LAYER", layer)
    monkeypatch.setattr(gpt2_xl, "PUBLISHED_WORDS", made_up)
    got = words_of(gpt2, material)
    hits = sum(
        any(token.startswith(word) or word.startswith(token) for token in read[genre])
        for genre, own in made_up.items()
        for word in own
    )
    assert 6 <= hits < 15
    assert got == {"I-G3": {"found": Measured(hits / 15, 15)}}
    assert set(got["I-G3"]) == set({claim.id: claim for claim in READING}["I-G3"].rules)

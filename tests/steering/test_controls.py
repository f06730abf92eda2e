"""Controls: words in disorder, fresh weights, who writes the mean, and what one token shows."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import residual_mean
from steering_core.steering import controls, layer_norm, readability, writers

TEXTS = [
    "the cat sat on the mat by the door",
    "a dog ran home",
    "rain fell on the old town all day",
]


def test_shuffled_words_are_the_same_words() -> None:
    shuffled = controls.shuffled_words(TEXTS, seed=1)
    assert shuffled != TEXTS
    assert [Counter(t.split()) for t in shuffled] == [Counter(t.split()) for t in TEXTS]
    assert shuffled == controls.shuffled_words(TEXTS, seed=1)
    assert shuffled != controls.shuffled_words(TEXTS, seed=2)


def test_random_words_are_drawn_evenly_from_the_different_words() -> None:
    texts = ["the " * 900 + "cat dog"] * 3
    counts = Counter(" ".join(controls.random_words(texts)).split())
    assert set(counts) == {"the", "cat", "dog"}
    assert max(counts.values()) < 1.2 * min(counts.values())
    assert [len(t.split()) for t in controls.random_words(TEXTS)] == [len(t.split()) for t in TEXTS]


@pytest.mark.parametrize("control", [controls.shuffled_words, controls.random_words])
def test_no_texts_are_refused(control) -> None:
    with pytest.raises(ValueError, match="texts: got none"):
        control([])


def test_an_untrained_model_is_fresh_seeded_and_leaves_the_generator(
    model: TransformerBridge,
) -> None:
    before = torch.random.get_rng_state()
    fresh, again, other = (controls.untrained(model, seed=s) for s in (5, 5, 6))
    assert torch.equal(before, torch.random.get_rng_state())
    means = [residual_mean(m, TEXTS) for m in (model, fresh, again, other)]
    assert torch.equal(means[1], means[2])
    assert not torch.allclose(means[0], means[1])
    assert not torch.allclose(means[1], means[3])


def test_what_the_parts_write_adds_up_to_the_mean_of_every_layer(model: TransformerBridge) -> None:
    written = writers.mean_writers(model, TEXTS)
    means = residual_mean(model, TEXTS)
    for layer in range(model.cfg.n_layers + 1):
        parts = list(written.values())[: 1 + 2 * layer]
        torch.testing.assert_close(torch.stack(parts).sum(0), means[layer], atol=1e-5, rtol=0)
        shares = writers.shares_of_mean(written, layer)
        assert sum(shares.values()) == pytest.approx(1)
        assert len(shares) == 1 + 2 * layer


def test_a_share_out_of_range_and_texts_too_short_are_refused(model: TransformerBridge) -> None:
    written = writers.mean_writers(model, TEXTS)
    with pytest.raises(ValueError, match="layer: got 9; 0 to 3 are allowed"):
        writers.shares_of_mean(written, 9)
    with pytest.raises(ValueError, match="layer: got -1"):
        writers.bias_share(model, written, -1)
    token = model.tokenizer.decode([5])
    with pytest.raises(ValueError, match="none holds a token after the first"):
        writers.mean_writers(model, [token])


def test_biases_are_the_whole_mean_where_nothing_else_is_written(model: TransformerBridge) -> None:
    written = writers.mean_writers(model, TEXTS)
    assert writers.bias_share(model, written, 0) == 0.0
    bare = dict(written)
    names = [n for n in ("b_O", "b_out") if _has(model, n)]
    constants = {n: getattr(model, n).detach().double() for n in names}
    bare["embeddings"] = torch.zeros_like(bare["embeddings"])
    for k in range(model.cfg.n_layers):
        zero = torch.zeros_like(bare["embeddings"])
        bare[f"attention {k}"] = constants["b_O"][k] if names else zero
        bare[f"MLP {k}"] = constants["b_out"][k] if names else zero
    if any(float(c.abs().max()) > 0 for c in constants.values()):
        assert writers.bias_share(model, bare, model.cfg.n_layers) == pytest.approx(1)


def _has(model: TransformerBridge, name: str) -> bool:
    try:
        return getattr(model, name) is not None
    except AttributeError:
        return False


def test_moments_agree_with_tokens_one_by_one(model: TransformerBridge) -> None:
    generator = torch.Generator().manual_seed(3)
    mean = residual_mean(model, TEXTS)
    features = torch.randn(2, *mean.shape, generator=generator, dtype=torch.float64)
    for centred in (False, True):
        moments = readability.strength_moments(model, TEXTS, mean, features, centred=centred)
        counts = moments[:, 0, 0, 0]
        tokens = [len(model.tokenizer(t, add_special_tokens=False)["input_ids"]) - 1 for t in TEXTS]
        assert counts.tolist() == tokens
        sums = moments[..., 1] / moments[..., 0]
        assert bool(((sums > readability.WEAKEST) & (sums < readability.STRONGEST)).all())
        assert torch.equal(sums[:, :1, :1].expand_as(sums), sums)  # the same strengths everywhere
        again = readability.strength_moments(model, TEXTS, mean, features, centred=centred)
        assert torch.equal(moments, again)


def test_explained_variance_is_the_squared_correlation() -> None:
    generator = torch.Generator().manual_seed(4)
    a = torch.rand(500, generator=generator, dtype=torch.float64)
    d = 3 * a + torch.randn(500, generator=generator, dtype=torch.float64)
    moments = torch.stack([torch.ones_like(a), a, d, a * a, d * d, a * d], dim=-1).sum(0)
    expected = torch.corrcoef(torch.stack([a, d]))[0, 1] ** 2
    assert float(readability.explained_variance(moments)) == pytest.approx(float(expected))


def test_a_strength_alone_cannot_be_read_and_beside_a_large_vector_it_can() -> None:
    generator = torch.Generator().manual_seed(5)
    feature = torch.randn(64, generator=generator, dtype=torch.float64)
    mean = 5 * torch.randn(64, generator=generator, dtype=torch.float64)
    alone, beside = (
        layer_norm.strength_after_norm(base, feature, [0.5, 4.0])
        for base in (torch.zeros(64, dtype=torch.float64), mean)
    )
    assert float(layer_norm.absolute_rise(alone, 64)) == pytest.approx(0, abs=1e-4)
    assert float(layer_norm.absolute_rise(beside, 64)) > 0.1

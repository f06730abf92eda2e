"""Completions that are looked at."""

from __future__ import annotations

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from steering_core.steering import examples, generate, steer
from steering_core.steering.experiment import Setting, Trial, vectors_of

from .handmade import material_of, random_sets


def test_a_layer_is_as_deep_in_another_model(gpt2: TransformerBridge) -> None:
    assert gpt2.cfg.n_layers == 3
    assert [examples.as_deep(layer, gpt2) for layer in range(7)] == [0, 0, 1, 2, 2, 2, 3]


def test_a_genre_is_not_steered_towards_itself(gpt2: TransformerBridge) -> None:
    setting = Setting(1, "every", 1.0)
    with pytest.raises(ValueError, match=r"^source, target: got 'sports', 'sports'"):
        examples.first_examples(
            gpt2, material_of(random_sets()), "centred", "sports", "sports", setting
        )


def test_the_first_prompts_are_steered_as_by_hand(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = ["The old", "A ship", "Rain"]
    monkeypatch.setattr(examples, "prompts_of", lambda chosen: prompts[: len(chosen)])
    monkeypatch.setattr(examples, "NEW_TOKENS", 5)
    material = material_of(random_sets(layers=4, d_model=32))
    setting = Setting(4, "every", 30.0)
    got = examples.first_examples(gpt2, material, "centred", "sports", "scifi", setting, n=2)
    chosen = [Trial("sports", "scifi", 1), Trial("sports", "scifi", 3)]
    vectors = vectors_of(material, "centred", chosen, 2)
    unsteered = generate(gpt2, prompts[:2], max_new_tokens=5, seed=0, temperature=0.8)
    with steer(gpt2, vectors, layer=2, coefficient=30.0, position="every"):
        steered = generate(gpt2, prompts[:2], max_new_tokens=5, seed=0, temperature=0.8)
    assert got == list(zip(prompts[:2], unsteered, steered, strict=True))
    assert torch.equal(vectors[0], vectors[1])
    assert unsteered != steered

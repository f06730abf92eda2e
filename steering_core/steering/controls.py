"""Controls for the mean of the activations: the same words without order or frequency, a model
without training.

If the mean comes from English, words in disorder lose part of it; if from the model, they keep it.
If from the architecture, a model that has never been trained has it too.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM

from steering_core.language_model.load import as_bridge


def shuffled_words(texts: Sequence[str], *, seed: int = 0) -> list[str]:
    """Each text with its own words in random order: no grammar, the same frequencies.

    Raises:
        ValueError: no texts.
    """
    _check(texts)
    generator = np.random.default_rng(seed)
    return [" ".join(generator.permutation(text.split()).tolist()) for text in texts]


def random_words(texts: Sequence[str], *, seed: int = 0) -> list[str]:
    """Texts as long as these, each word drawn evenly from all different words: no frequencies
    either.

    Raises:
        ValueError: no texts.
    """
    _check(texts)
    generator = np.random.default_rng(seed)
    vocabulary = sorted({word for text in texts for word in text.split()})
    return [" ".join(generator.choice(vocabulary, len(text.split())).tolist()) for text in texts]


def untrained(model: TransformerBridge, *, seed: int = 0) -> TransformerBridge:
    """A model of the same configuration with fresh weights, and the same tokenizer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = AutoModelForCausalLM.from_config(
            copy.deepcopy(model.original_model.config), attn_implementation="sdpa"
        )
    return as_bridge(fresh, model.tokenizer, device=next(model.parameters()).device)


def _check(texts: Sequence[str]) -> None:
    if not texts:
        raise ValueError("texts: got none; at least one text is needed")

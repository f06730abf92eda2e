"""Tiny models with random weights, in folders as `save_pretrained` writes them, and no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from transformer_lens.model_bridge import TransformerBridge
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

from steering_core.language_model import load_model
from steering_core.language_model.tokenizer import train_tokenizer

from ..threads import one_thread

__all__ = ["folder", "folders", "gpt2", "model", "offline", "one_thread", "tokenizer"]

N_TOKENS, CONTEXT = 300, 64
LAYERS, WIDTH, HEADS = 3, 32, 4
SPREAD = (
    0.2  # of the weights: with the usual 0.02 the blocks of so small a model add next to nothing
)
FAMILIES = ("gpt2", "llama", "gpt_neox")

TEXTS = [
    "The old wizard lifted his staff, and the door of the tower opened.",
    "q",
    "A ship drifted between the stars.",
    "Rain.",
    "She said that nobody aboard had spoken of home again until the morning came.",
    "Ten\nlines,\n\nand then: 'none' — über 3,141 of them!",
    "The wizard, the ship and the tower: the old door of the stars opened.",
    "He ran.",
]
"""Ragged: of 1 to 50 tokens, the longest neither first nor last."""


@pytest.fixture(autouse=True, scope="package")
def offline() -> Iterator[None]:
    """As HF_HUB_OFFLINE=1 does, which is read when huggingface_hub is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """Trained on the texts: words are one token or many."""
    return train_tokenizer(TEXTS * 2, N_TOKENS, context=CONTEXT)


@pytest.fixture(scope="session")
def folders(
    tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast
) -> dict[str, Path]:
    """A folder for each family."""
    made = {}
    for family in FAMILIES:
        made[family] = tmp_path_factory.mktemp(family)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = AutoModelForCausalLM.from_config(_config(family, tokenizer))
        model.save_pretrained(made[family])
        tokenizer.save_pretrained(made[family])
    return made


@pytest.fixture(scope="session", params=FAMILIES)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Path:
    """Each of the folders."""
    return folders[request.param]


@pytest.fixture(scope="session")
def model(folder: Path) -> TransformerBridge:
    """Each of the models. Who changes one loads it anew."""
    return load_model(folder)


@pytest.fixture(scope="session")
def gpt2(folders: dict[str, Path]) -> TransformerBridge:
    """One, where the family makes no difference."""
    return load_model(folders["gpt2"])


def _config(family: str, tokenizer: PreTrainedTokenizerFast) -> PreTrainedConfig:
    ends: dict[str, Any] = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if family == "gpt2":
        return GPT2Config(
            vocab_size=N_TOKENS,
            n_layer=LAYERS,
            n_embd=WIDTH,
            n_head=HEADS,
            n_positions=CONTEXT,
            initializer_range=SPREAD,
            **ends,
        )
    shape: dict[str, Any] = {
        "vocab_size": N_TOKENS,
        "num_hidden_layers": LAYERS,
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_attention_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "initializer_range": SPREAD,
    }
    if family == "llama":
        return LlamaConfig(num_key_value_heads=HEADS // 2, **shape, **ends)
    return GPTNeoXConfig(**shape, **ends)

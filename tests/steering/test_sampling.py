"""Sampled continuations beside those drawn one prompt at a time, without cache and padding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model
from steering_core.language_model.load import plain_model
from steering_core.steering import generate

from ..language_model import naive
from ..language_model.conftest import CONTEXT

PROMPTS = ["The old wizard", "q", "A ship drifted between the stars, and", "Rain."]


def naive_tokens(
    model: TransformerBridge,
    prompt: str,
    *,
    row: int,
    max_new_tokens: int,
    seed: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    prepend_bos: bool = True,
) -> list[int]:
    """The tokens of one continuation, the whole text read anew for each; the end is not cut off."""
    plain = plain_model(model)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + row)
    uniforms = torch.rand(max_new_tokens, generator=generator, dtype=torch.float64).tolist()
    tokens = naive.tokens(model, prompt, prepend_bos=prepend_bos)
    drawn: list[int] = []
    for uniform in uniforms:
        with torch.no_grad():
            logits = plain(tokens).logits[0, -1]
        drawn.append(naive_draw((logits / temperature).softmax(-1).tolist(), top_p, uniform))
        tokens = torch.cat([tokens, torch.tensor([[drawn[-1]]])], 1)
    return drawn


def naive_draw(probability: Sequence[float], top_p: float, uniform: float) -> int:
    """Walk along the likely tokens in the vocabulary's order, up to the share drawn."""
    order = sorted(range(len(probability)), key=lambda token: -probability[token])
    held, kept = 0.0, 0
    while kept < len(order) and held < top_p:
        held += probability[order[kept]]
        kept += 1
    order = sorted(order[:kept])
    left = uniform * sum(probability[token] for token in order)
    for token in order:
        left -= probability[token]
        if left < 0:
            return token
    return order[-1]


def naive_text(model: TransformerBridge, tokens: Sequence[int]) -> str:
    """Up to the token that ends a text."""
    end = model.tokenizer.eos_token_id
    kept = list(tokens)[: list(tokens).index(end)] if end in tokens else list(tokens)
    return model.tokenizer.decode(kept)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.5, "top_p": 0.8},
        {"temperature": 2.0, "prepend_bos": False},
        {"top_p": 0.3},
    ],
)
def test_it_draws_what_each_prompt_alone_would_without_a_cache(
    model: TransformerBridge, settings: dict[str, Any]
) -> None:
    got = generate(model, PROMPTS, max_new_tokens=12, seed=7, **settings)
    expected = [
        naive_text(
            model, naive_tokens(model, prompt, row=row, max_new_tokens=12, seed=7, **settings)
        )
        for row, prompt in enumerate(PROMPTS)
    ]
    assert got == expected


def test_a_seed_draws_the_same_texts(gpt2: TransformerBridge) -> None:
    one, again, other = (
        generate(gpt2, PROMPTS, max_new_tokens=10, seed=seed) for seed in (0, 0, 1)
    )
    assert one == again
    assert all(a != b for a, b in zip(one, other, strict=True))
    assert one[0] != generate(gpt2, PROMPTS[:1] * 2, max_new_tokens=10, seed=0)[1]


def test_a_row_does_not_depend_on_its_neighbours(model: TransformerBridge) -> None:
    together = generate(model, PROMPTS, max_new_tokens=10, seed=0)
    assert generate(model, PROMPTS[:1], max_new_tokens=10, seed=0) == together[:1]
    others = ["He", PROMPTS[1], "She said that nobody aboard had spoken of home again."]
    assert generate(model, others, max_new_tokens=10, seed=0)[1] == together[1]


def test_more_tokens_go_on_from_fewer(gpt2: TransformerBridge) -> None:
    fewer, more = (generate(gpt2, PROMPTS[:2], max_new_tokens=n, seed=0) for n in (4, 9))
    assert all(b.startswith(a.rstrip("\ufffd")) for a, b in zip(fewer, more, strict=True))
    assert more != fewer


def test_the_likeliest_token_is_all_that_a_small_share_holds(gpt2: TransformerBridge) -> None:
    narrow: list[dict[str, Any]] = [{"top_p": 1e-6}, {"temperature": 1e-4}]
    greedy = [
        generate(gpt2, PROMPTS, max_new_tokens=8, seed=seed, **settings)
        for seed in (0, 1)
        for settings in narrow
    ]
    assert greedy[1:] == greedy[:-1]
    tokens = naive.tokens(gpt2, PROMPTS[0], prepend_bos=True)
    with torch.no_grad():
        for _ in range(8):
            best = plain_model(gpt2)(tokens).logits[0, -1].argmax()
            tokens = torch.cat([tokens, best[None, None]], 1)
    assert greedy[0][0] == naive_text(gpt2, tokens[0, -8:].tolist())


def test_a_text_is_cut_where_the_model_ends_it(gpt2: TransformerBridge) -> None:
    """At so high a temperature every token is as likely as any other, the last one too."""
    settings: dict[str, Any] = {"max_new_tokens": CONTEXT - 2, "seed": 1, "temperature": 1e3}
    got = generate(gpt2, ["q"] * 12, **settings)
    drawn = [naive_tokens(gpt2, "q", row=row, **settings) for row in range(12)]
    assert got == [naive_text(gpt2, tokens) for tokens in drawn]
    ended = [gpt2.tokenizer.eos_token_id in tokens for tokens in drawn]
    assert any(ended)
    assert not all(ended)
    assert not any(gpt2.tokenizer.eos_token in text for text in got)


def test_the_global_generator_is_left_alone(gpt2: TransformerBridge) -> None:
    before = torch.get_rng_state()
    first = generate(gpt2, PROMPTS, max_new_tokens=4, seed=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert generate(gpt2, PROMPTS, max_new_tokens=4, seed=0) == first


def test_hooks_act_on_every_token(gpt2: TransformerBridge) -> None:
    """As steering needs: a hook sees the prompt, then each new token, and what it writes counts."""
    seen: list[int] = []

    def shift(activations: Tensor, hook: object) -> Tensor:
        seen.append(activations.shape[1])
        return activations + 3.0 * torch.arange(activations.shape[-1]).cos()

    plain = generate(gpt2, PROMPTS[:1], max_new_tokens=5, seed=0)
    with gpt2.hooks(fwd_hooks=[("blocks.1.hook_out", shift)]):
        steered = generate(gpt2, PROMPTS[:1], max_new_tokens=5, seed=0)
    assert seen == [naive.tokens(gpt2, PROMPTS[0], prepend_bos=True).shape[1], 1, 1, 1, 1]
    assert steered != plain
    assert generate(gpt2, PROMPTS[:1], max_new_tokens=5, seed=0) == plain


def test_a_model_saved_without_a_cache_is_given_one(folders: dict[str, Path]) -> None:
    model = load_model(folders["llama"])
    expected = generate(model, PROMPTS, max_new_tokens=6, seed=0)
    config: Any = model.original_model.config
    config.use_cache = False
    assert generate(model, PROMPTS, max_new_tokens=6, seed=0) == expected


def test_the_context_may_be_full_and_not_fuller(gpt2: TransformerBridge) -> None:
    length = naive.tokens(gpt2, PROMPTS[2], prepend_bos=True).shape[1]
    room = CONTEXT - length
    settings: dict[str, Any] = {"seed": 0, "top_p": 0.5}
    assert len(generate(gpt2, PROMPTS, max_new_tokens=room, **settings)) == len(PROMPTS)
    with pytest.raises(ValueError, match=f"prompts: the longest has {length} .* {room + 1} new"):
        generate(gpt2, PROMPTS, max_new_tokens=room + 1, **settings)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"prompts": []}, r"prompts: got \[\]; a list of at least one text"),
        ({"prompts": "The"}, "prompts: got 'The'; a list"),
        ({"prompts": ["The", ""], "prepend_bos": False}, r"prompts\[1\]: got an empty text"),
        ({"max_new_tokens": 0}, "max_new_tokens: got 0"),
        ({"max_new_tokens": -3}, "max_new_tokens: got -3"),
        ({"max_new_tokens": CONTEXT}, "prompts: the longest has"),
        ({"temperature": 0.0}, "temperature: got 0.0; above 0"),
        ({"temperature": -1.0}, "temperature: got -1.0"),
        ({"temperature": float("nan")}, "temperature: got nan"),
        ({"top_p": 0.0}, r"top_p: got 0.0; \(0, 1\] is allowed"),
        ({"top_p": 1.1}, "top_p: got 1.1"),
        ({"top_p": float("nan")}, "top_p: got nan"),
    ],
)
def test_what_makes_no_sense_is_refused(
    gpt2: TransformerBridge, changed: dict[str, Any], says: str
) -> None:
    settings: dict[str, Any] = {"prompts": ["The"], "max_new_tokens": 2, "seed": 0} | changed
    with pytest.raises(ValueError, match=f"^{says}"):
        generate(gpt2, **settings)


def test_an_empty_prompt_begins_a_text(gpt2: TransformerBridge) -> None:
    got = generate(gpt2, ["", "The"], max_new_tokens=6, seed=0)
    assert got[0] == naive_text(gpt2, naive_tokens(gpt2, "", row=0, max_new_tokens=6, seed=0))

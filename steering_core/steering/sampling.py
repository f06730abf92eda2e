"""Sampled continuations, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge


@torch.no_grad()
def generate(
    model: TransformerBridge,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    seed: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    prepend_bos: bool = True,
) -> list[str]:
    """Continue each prompt by sampled tokens; gives the continuations without the prompts.

    Prompts run as one batch, padded on the left with positions to match, and with a cache of keys
    and values. Row i draws from its own stream of random numbers, so a prompt's continuation does
    not depend on its neighbours.

    Args:
        model: from `load_model`.
        prompts: at least one.
        max_new_tokens: tokens to add; a continuation is cut where the model ends the text.
        seed: of the draws; the global generator is left alone.
        temperature: divides the logits; above 0.
        top_p: draw from the fewest tokens that hold this share of the probability (Holtzman et al.
            2020); in (0, 1].
        prepend_bos: put the token that begins a text in front of each prompt.

    Raises:
        ValueError: no prompts, an empty prompt without `prepend_bos`, a number out of its range,
            or a prompt that leaves no room for the new tokens in the model's context.
    """
    rows = _prompt_tokens(model, prompts, prepend_bos)
    _check(model, rows, max_new_tokens, temperature, top_p)
    device = model.cfg.device
    generators = [torch.Generator().manual_seed(seed * 1_000_003 + i) for i in range(len(rows))]
    tokens, mask = (part.to(device) for part in _pad_left(rows))
    drawn: list[Tensor] = []
    step, cache = tokens, None
    for _ in range(max_new_tokens):
        logits, cache = model(
            step,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            return_type="logits_and_cache",
        )
        chosen = _draw(logits[:, -1].float().cpu() / temperature, top_p, generators)
        drawn.append(chosen)
        step = chosen[:, None].to(device)
        mask = torch.cat([mask, torch.ones_like(step)], dim=1)
    return [_text(model, row) for row in torch.stack(drawn, dim=1)]


def _prompt_tokens(
    model: TransformerBridge, prompts: Sequence[str], prepend_bos: bool
) -> list[list[int]]:
    if isinstance(prompts, str) or len(prompts) == 0:
        raise ValueError(f"prompts: got {prompts!r}; a list of at least one text is allowed")
    begin = [model.tokenizer.bos_token_id] if prepend_bos else []
    rows = [
        begin + row for row in model.tokenizer(list(prompts), add_special_tokens=False)["input_ids"]
    ]
    for index, row in enumerate(rows):
        if not row:
            raise ValueError(
                f"prompts[{index}]: got an empty text; set prepend_bos or leave it out"
            )
    return rows


def _check(
    model: TransformerBridge,
    rows: list[list[int]],
    max_new_tokens: int,
    temperature: float,
    top_p: float,
) -> None:
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens: got {max_new_tokens}; 1 or more is allowed")
    if not temperature > 0:
        raise ValueError(f"temperature: got {temperature}; above 0 is allowed")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p: got {top_p}; (0, 1] is allowed")
    longest = max(map(len, rows))
    if longest + max_new_tokens > model.cfg.n_ctx:
        raise ValueError(
            f"prompts: the longest has {longest} tokens, with {max_new_tokens} new ones more than "
            f"the context of {model.cfg.n_ctx}; shorten one or the other"
        )


def _pad_left(rows: list[list[int]]) -> tuple[Int64[Tensor, "n t"], Int64[Tensor, "n t"]]:
    longest = max(map(len, rows))
    tokens, mask = (torch.zeros(len(rows), longest, dtype=torch.int64) for _ in range(2))
    for index, row in enumerate(rows):
        tokens[index, longest - len(row) :] = torch.tensor(row)
        mask[index, longest - len(row) :] = 1
    return tokens, mask


def _draw(
    logits: Float[Tensor, "n vocabulary"], top_p: float, generators: Sequence[torch.Generator]
) -> Int64[Tensor, " n"]:
    probability, order = logits.softmax(-1).sort(dim=-1, descending=True)
    before = probability.cumsum(-1) - probability
    kept = probability.masked_fill(before >= top_p, 0.0)
    places = [torch.multinomial(p, 1, generator=g) for p, g in zip(kept, generators, strict=True)]
    return order.gather(1, torch.stack(places))[:, 0]


def _text(model: TransformerBridge, tokens: Int64[Tensor, " n"]) -> str:
    ends = (tokens == model.tokenizer.eos_token_id).nonzero()
    return model.tokenizer.decode(tokens[: int(ends[0])] if len(ends) else tokens)

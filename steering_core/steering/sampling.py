"""Sampled continuations, the same for the same seed.

Each prompt has random numbers of its own, drawn before the model runs, one for each new token; the
token is where that number falls among the cumulated probabilities. So neither a prompt's neighbours
nor the cache nor a steering vector changes the numbers that its continuation is drawn with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import plain_model
from steering_core.language_model.residual import device_of
from steering_core.steering.steer import prompt_of, steered_like


@dataclass(frozen=True)
class Continuations:
    """Prompts and what was drawn after each, as tokens.

    prompts: padded on the left. real: False at that padding. drawn: as many for each, those after
    the model ended the text too. kept: True up to that end.
    """

    prompts: Int64[Tensor, "texts columns"]
    real: Bool[Tensor, "texts columns"]
    drawn: Int64[Tensor, "texts new"]
    kept: Bool[Tensor, "texts new"]


@torch.no_grad()
def sample_tokens(
    model: TransformerBridge,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    seed: int | Sequence[int],
    temperature: float = 1.0,
    top_p: float = 1.0,
    prepend_bos: bool = True,
    use_cache: bool = True,
) -> Continuations:
    """What `generate` draws, as tokens; its arguments and errors are those of `generate`."""
    rows = prompt_tokens(model, prompts, prepend_bos)
    _check(model, rows, max_new_tokens, temperature, top_p)
    uniforms = _uniforms(seed, len(rows), max_new_tokens)
    tokens, real = (part.to(device_of(model)) for part in pad_left(rows))
    width = tokens.shape[1]
    cache = None
    with prompt_of(width), _runner(model) as runner:
        for n in range(max_new_tokens):
            mask = torch.cat([real, real.new_ones(len(rows), n)], dim=1)
            step = tokens if cache is None else tokens[:, -1:]
            output = call(runner, step, mask, last=1, cache=cache, use_cache=use_cache)
            cache = output.past_key_values if use_cache else None
            chosen = _draw(output.logits[:, -1].float() / temperature, top_p, uniforms[:, n])
            tokens = torch.cat([tokens, chosen[:, None]], dim=1)
    drawn = tokens[:, width:]
    ended = (drawn == model.tokenizer.eos_token_id).cumsum(1) > 0
    return Continuations(tokens[:, :width], real, drawn, ~ended)


def generate(
    model: TransformerBridge,
    prompts: Sequence[str],
    *,
    max_new_tokens: int,
    seed: int | Sequence[int],
    temperature: float = 1.0,
    top_p: float = 1.0,
    prepend_bos: bool = True,
    use_cache: bool = True,
) -> list[str]:
    """Continue each prompt by sampled tokens; gives the continuations without the prompts.

    Prompts run as one batch, padded on the left with positions to match. Where the bridge has hooks
    they act, at the price of the bridge's slower attention; `steer` costs nothing.

    Args:
        model: from `load_model`.
        prompts: at least one.
        max_new_tokens: tokens to add; a continuation is cut where the model ends the text.
        seed: of the draws; the global generator is left alone. Row i of a seed draws the same
            numbers whatever stands in the other rows; a list gives each prompt a seed of its own,
            and then the row does not matter.
        temperature: divides the logits; above 0.
        top_p: draw from the fewest tokens that hold this share of the probability (Holtzman et al.
            2020); in (0, 1].
        prepend_bos: put the token that begins a text in front of each prompt.
        use_cache: keep keys and values; without, each new token reads the whole text anew.

    Raises:
        ValueError: no prompts, an empty prompt without `prepend_bos`, a number out of its range,
            or a prompt that leaves no room for the new tokens in the model's context.
    """
    found = sample_tokens(
        model,
        prompts,
        max_new_tokens=max_new_tokens,
        seed=seed,
        temperature=temperature,
        top_p=top_p,
        prepend_bos=prepend_bos,
        use_cache=use_cache,
    )
    return texts_of(model, found)


def texts_of(model: TransformerBridge, found: Continuations) -> list[str]:
    """The continuations as texts, each cut where the model ends it."""
    return [
        model.tokenizer.decode(row[kept]) for row, kept in zip(found.drawn, found.kept, strict=True)
    ]


def prompt_tokens(
    model: TransformerBridge, prompts: Sequence[str], prepend_bos: bool
) -> list[list[int]]:
    """The tokens of each prompt; `ValueError` for none, or an empty one."""
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


def pad_left(rows: list[list[int]]) -> tuple[Int64[Tensor, "n t"], Bool[Tensor, "n t"]]:
    """Rows of different lengths as one batch, and where it is no padding."""
    longest = max(map(len, rows))
    tokens = torch.zeros(len(rows), longest, dtype=torch.int64)
    real = torch.zeros(len(rows), longest, dtype=torch.bool)
    for index, row in enumerate(rows):
        tokens[index, longest - len(row) :] = torch.tensor(row)
        real[index, longest - len(row) :] = True
    return tokens, real


@contextmanager
def _runner(model: TransformerBridge) -> Iterator[nn.Module]:
    """The model as transformers runs it, steered; or the bridge's, where hooks want every step."""
    if any(point.fwd_hooks for point in model.hook_dict.values()):
        yield model.original_model
        return
    plain = plain_model(model)
    with steered_like(model, plain):
        yield plain


def call(
    runner: nn.Module,
    tokens: Int64[Tensor, "texts step"],
    mask: Bool[Tensor, "texts columns"],
    *,
    last: int,
    cache: Any = None,
    use_cache: bool = False,
) -> Any:
    """One call of a Hugging Face model, for the logits of the last so many tokens, at positions
    that count no padding; a model that works its positions out itself is not told them.
    """
    positions = (mask.long().cumsum(1) - 1).clamp_min(0)[:, -tokens.shape[1] :]
    told = {"position_ids": positions, "logits_to_keep": last}
    accepted = signature(runner.forward).parameters
    return runner(
        input_ids=tokens,
        attention_mask=mask.long(),
        past_key_values=cache,
        use_cache=use_cache,
        **{name: value for name, value in told.items() if name in accepted},
    )


def _uniforms(seed: int | Sequence[int], n_rows: int, n_new: int) -> Float[Tensor, "texts new"]:
    """A number in [0, 1) for each new token, each row from a generator of its own."""
    if isinstance(seed, int):
        seeds = [seed * 1_000_003 + row for row in range(n_rows)]
    elif len(seed) == n_rows:
        seeds = [each * 1_000_003 for each in seed]
    else:
        raise ValueError(f"seed: got {len(seed)} of them; one, or {n_rows} for as many prompts")
    return torch.stack(
        [
            torch.rand(n_new, generator=torch.Generator().manual_seed(each), dtype=torch.float64)
            for each in seeds
        ]
    )


def _draw(
    logits: Float[Tensor, "texts vocabulary"], top_p: float, uniform: Float[Tensor, " texts"]
) -> Int64[Tensor, " texts"]:
    """The token of each row, in the vocabulary's order, where the cumulated probability passes
    `uniform`.
    """
    probability = logits.softmax(-1)
    return _first_above(probability if top_p == 1.0 else _nucleus(probability, top_p), uniform)


def _nucleus(
    probability: Float[Tensor, "texts vocabulary"], top_p: float
) -> Float[Tensor, "texts vocabulary"]:
    """The likeliest tokens that hold `top_p`, and those as likely as the last of them; else 0."""
    # numpy sorts values without their places, ten times faster than torch sorts both.
    descending = torch.from_numpy(np.sort(probability.cpu().numpy(), axis=-1)[:, ::-1].copy())
    before = descending.double().cumsum(-1) - descending
    last = (before < top_p).sum(-1, keepdim=True) - 1
    least = descending.gather(1, last).to(probability.device)
    return probability.masked_fill(probability < least, 0.0)


def _first_above(
    weights: Float[Tensor, "texts choices"], uniform: Float[Tensor, " texts"]
) -> Int64[Tensor, " texts"]:
    """The first choice at which the cumulated weight passes `uniform` of the whole."""
    cumulated = weights.double().cumsum(-1)
    sought = uniform.to(weights.device) * cumulated[:, -1]
    return torch.searchsorted(cumulated, sought[:, None], right=True)[:, 0].clamp_max(
        weights.shape[1] - 1
    )

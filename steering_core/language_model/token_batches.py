"""Texts as batches of tokens: windows of the context's length, sorted by length, padded on the
right.

A causal model never looks ahead, so padding on the right changes nothing at the tokens before it
and needs no attention mask; on the left it would shift GPT-2's positions. The padding is left out
of every statistic.
"""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

CHUNK = 512  # texts that are sorted by length together


@dataclass(frozen=True)
class TokenBatch:
    """Windows of about the same length.

    tokens: padded on the right. real: False at padding. text: which text a window is of, from 0.
    """

    tokens: Int64[Tensor, "windows position"]
    real: Bool[Tensor, "windows position"]
    text: Int64[Tensor, " windows"]

    def to(self, device: str | torch.device) -> TokenBatch:
        """The batch on another device."""
        return TokenBatch(self.tokens.to(device), self.real.to(device), self.text.to(device))


def token_batches(
    model: TransformerBridge,
    texts: Iterable[str],
    *,
    prepend_bos: bool = False,
    batch_tokens: int = 8192,
) -> Iterator[TokenBatch]:
    """Stream texts as batches of at most `batch_tokens` tokens, padding included (or of one
    window).

    A text longer than the model's context is split into windows; each begins at position 0, and
    with the token that begins a text if `prepend_bos`. A warning at the end says how many were
    split.

    Args:
        model: its tokenizer and context are used.
        texts: any number of them, or one; no more than 512 are held at a time.
        prepend_bos: put the token that begins a text in front of each window.
        batch_tokens: memory for speed.

    Raises:
        ValueError: no texts at all; an empty text, named by its place; something that is no text.
    """
    context = model.cfg.n_ctx
    n_texts = n_split = n_windows = 0
    source = iter([texts] if isinstance(texts, str) else texts)
    while chunk := list(itertools.islice(source, CHUNK)):
        _check_texts(chunk, n_texts)
        windows = _windows(model, chunk, context, prepend_bos)
        split = [n for n in Counter(text for text, _ in windows).values() if n > 1]
        n_split += len(split)
        n_windows += sum(split)
        yield from _batched([(n_texts + text, tokens) for text, tokens in windows], batch_tokens)
        n_texts += len(chunk)
    if n_texts == 0:
        raise ValueError("texts: got none; at least one text is needed")
    if n_split:
        warnings.warn(
            f"{n_split} of {n_texts} texts are longer than the context of {context} tokens; they "
            f"were split into {n_windows} windows, each read from position 0",
            stacklevel=2,
        )


def _check_texts(chunk: Sequence[object], first: int) -> None:
    for index, text in enumerate(chunk, first):
        if not isinstance(text, str):
            raise ValueError(f"texts[{index}]: got {type(text).__name__}; a str is allowed")
        if not text.strip():
            raise ValueError(f"texts[{index}]: got an empty text; leave it out")


def _windows(
    model: TransformerBridge, chunk: Sequence[str], context: int, prepend_bos: bool
) -> list[tuple[int, list[int]]]:
    """(index in the chunk, tokens) of each window."""
    tokenizer = model.tokenizer
    rows = tokenizer(list(chunk), add_special_tokens=False, verbose=False)["input_ids"]
    begin = [tokenizer.bos_token_id] if prepend_bos else []
    room = context - len(begin)
    return [
        (index, begin + row[start : start + room])
        for index, row in enumerate(rows)
        for start in range(0, len(row), room)
    ]


def _batched(windows: list[tuple[int, list[int]]], batch_tokens: int) -> Iterator[TokenBatch]:
    windows = sorted(windows, key=lambda window: len(window[1]))
    while windows:
        longest = len(windows[-1][1])
        n = max(1, batch_tokens // longest)
        windows, taken = windows[:-n], windows[-n:]
        tokens = torch.zeros(len(taken), longest, dtype=torch.int64)
        real = torch.zeros(len(taken), longest, dtype=torch.bool)
        for row, (_, window) in enumerate(taken):
            tokens[row, : len(window)] = torch.tensor(window)
            real[row, : len(window)] = True
        yield TokenBatch(tokens, real, torch.tensor([text for text, _ in taken]))

"""How well a model predicts books that it has not read, in bits a byte, set by set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from steering_core.language_model.corpus import Book

_BATCH = 16  # windows


@dataclass(frozen=True)
class BookScore:
    """Bits a byte over passages of one book; `n_bytes` were scored."""

    set: str
    name: str
    bits_per_byte: float
    n_bytes: int


@torch.no_grad()
def score_books(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    books: Sequence[Book],
    *,
    windows_per_book: int = 64,
    progress: bool = False,
) -> list[BookScore]:
    """Score passages spread evenly over each book.

    Each window is as long as the model's context; its first half is only read, its second half
    scored, so that every scored token has at least half a context before it.

    Args:
        model: a causal Hugging Face model.
        tokenizer: its byte-level tokenizer.
        books: those no longer than a context are left out.
        windows_per_book: at most so many windows of a book are read.
        progress: show a bar.

    Raises:
        ValueError: no book is longer than a context; `windows_per_book` below 1.
    """
    if windows_per_book < 1:
        raise ValueError(f"windows_per_book: got {windows_per_book}; 1 or more is allowed")
    context = model.config.max_position_embeddings
    scores = []
    for book in tqdm(books, disable=not progress, desc="scoring"):
        row = tokenizer(book.text, add_special_tokens=False, verbose=False)["input_ids"]
        tokens = torch.tensor(row, dtype=torch.int64)
        if len(tokens) <= context:
            continue
        windows = _spread(tokens, context, windows_per_book)
        nats = sum(float(_nats(model, rows)) for rows in windows.split(_BATCH))
        n_bytes = _count_bytes(tokenizer, windows[:, context // 2 + 1 :])
        scores.append(BookScore(book.set, book.name, nats / math.log(2) / n_bytes, n_bytes))
    if not scores:
        raise ValueError(f"books: none is longer than the context of {context} tokens")
    return scores


def bits_by_set(scores: Sequence[BookScore]) -> dict[str, float]:
    """Bits a byte of each set: all its scored bytes together."""
    return {
        of_set: sum(s.bits_per_byte * s.n_bytes for s in scores if s.set == of_set)
        / sum(s.n_bytes for s in scores if s.set == of_set)
        for of_set in sorted({s.set for s in scores})
    }


def _spread(tokens: Int64[Tensor, " n"], context: int, n: int) -> Int64[Tensor, "w {context+1}"]:
    """At most `n` windows whose second halves do not overlap, with the token after each."""
    last = len(tokens) - context - 1
    n = min(n, 1 + last // (context - context // 2))
    starts = [i * last // max(1, n - 1) for i in range(n)]
    return torch.stack([tokens[s : s + context + 1] for s in starts])


def _nats(model: PreTrainedModel, windows: Int64[Tensor, "w n"]) -> Float[Tensor, ""]:
    """Summed cross-entropy of the tokens after the first half of each window."""
    windows = windows.to(model.device)
    half = (windows.shape[1] - 1) // 2
    logits = model(windows[:, :-1], use_cache=False).logits[:, half:]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), windows[:, half + 1 :].flatten(), reduction="sum"
    )


def _count_bytes(tokenizer: PreTrainedTokenizerBase, tokens: Tensor) -> int:
    """Bytes that the tokens stand for: a byte-level token is written with one character a byte."""
    return sum(map(len, tokenizer.convert_ids_to_tokens(tokens.flatten().tolist())))

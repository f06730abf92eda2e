"""Bits a byte: as taken one token at a time, over the tokens that count and no others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from steering_core.language_model import evaluate as module
from steering_core.language_model.corpus import Book
from steering_core.language_model.evaluate import BookScore, bits_by_set, score_books

from .conftest import N_TOKENS, TEXTS

CONTEXT = 16
SCORED = 8  # of a window
BOOKS = [
    Book("tales", "plain", "\n\n".join(text for text in TEXTS if text.isascii()) + "\n"),
    Book("tales", "shuffled", "\n\n".join(sorted(TEXTS[2:5], reverse=True)) + "\n"),
    Book("logs", "long", "\n\n".join(f"Day {day}: {TEXTS[day % 4]}" for day in range(25)) + "\n"),
]


def new(kind: type[GPT2LMHeadModel] = GPT2LMHeadModel, context: int = CONTEXT) -> Any:
    config = GPT2Config(
        vocab_size=N_TOKENS,
        n_layer=2,
        n_embd=16,
        n_head=2,
        n_positions=context,
        initializer_range=0.5,
        bos_token_id=0,
        eos_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(config).eval()


class Marked(GPT2LMHeadModel):
    """Predicts every token alike, but where it says no number at all."""

    mark = 0

    def forward(self, input_ids: Tensor, **_: Any) -> Any:
        logits = torch.zeros(*input_ids.shape, N_TOKENS)
        logits[:, self.mark] = math.nan
        return SimpleNamespace(logits=logits)


class Watched(GPT2LMHeadModel):
    """Keeps what it was given to read."""

    seen: list[list[int]]

    def forward(self, input_ids: Tensor, **_: Any) -> Any:
        self.seen = [*getattr(self, "seen", []), *input_ids.tolist()]
        return SimpleNamespace(logits=torch.zeros(*input_ids.shape, N_TOKENS))


def begins(n_tokens: int, at_most: int) -> list[int]:
    """Of as many windows as fit side by side in their second halves: the first at the beginning,
    the last such that the token after it is the book's last."""
    last = n_tokens - CONTEXT - 1
    fit = len(range(0, last + 1, SCORED))
    n = min(fit, at_most)
    return [math.floor(last * i / (n - 1)) for i in range(n)] if n > 1 else [0]


@torch.no_grad()
def naive(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, text: str, at_most: int
) -> tuple[float, int]:
    """Bits a byte and bytes of the scored tokens."""
    ids: list[int] = tokenizer(text)["input_ids"]  # pyright: ignore[reportAssignmentType]
    bits, n_bytes = 0.0, 0
    for begin in begins(len(ids), at_most):
        targets = range(begin + CONTEXT - SCORED + 1, begin + CONTEXT + 1)
        for target in targets:
            logits = model(torch.tensor([ids[begin:target]])).logits[0, -1].double()
            bits -= math.log2(float(logits.softmax(-1)[ids[target]]))
        n_bytes += len(str(tokenizer.decode([ids[t] for t in targets])).encode())
    return bits / n_bytes, n_bytes


def text_of(tokenizer: PreTrainedTokenizerFast, n_tokens: int) -> str:
    """So many tokens."""
    text = BOOKS[2].text
    return next(
        text[:end] for end in range(len(text)) if len(tokenizer.tokenize(text[:end])) == n_tokens
    )


@pytest.mark.parametrize("at_most", [64, 3, 1])
def test_bits_are_those_of_one_token_at_a_time(
    tokenizer: PreTrainedTokenizerFast, at_most: int
) -> None:
    model = new()
    scores = score_books(model, tokenizer, BOOKS, windows_per_book=at_most)
    assert [(s.set, s.name) for s in scores] == [(b.set, b.name) for b in BOOKS]
    for score, book in zip(scores, BOOKS, strict=True):
        bits, n_bytes = naive(model, tokenizer, book.text, at_most)
        assert score.bits_per_byte == pytest.approx(bits, rel=1e-5)
        assert score.n_bytes == n_bytes
    if at_most == 64:  # more windows than go through the model at once, and a last batch cut short
        assert [len(begins(len(tokenizer.tokenize(b.text)), at_most)) for b in BOOKS][2] > 20


def test_every_byte_counts_whatever_the_alphabet(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "Ten lines – „über“ 3,141 of them …\n\tÆgir, δ, 龍, 🐉. <|endoftext|>"
    tokens = torch.tensor([tokenizer(text)["input_ids"]])
    assert module._count_bytes(tokenizer, tokens) == len(text.encode())
    assert module._count_bytes(tokenizer, tokens.repeat(3, 1)) == 3 * len(text.encode())


def test_a_model_that_knows_nothing_needs_all_bits(tokenizer: PreTrainedTokenizerFast) -> None:
    model = new()
    for weight in model.parameters():
        torch.nn.init.zeros_(weight)
    for score, book in zip(score_books(model, tokenizer, BOOKS), BOOKS, strict=True):
        windows = len(begins(len(tokenizer.tokenize(book.text)), 64))
        bits_a_token = score.bits_per_byte * score.n_bytes / (windows * SCORED)
        assert bits_a_token == pytest.approx(math.log2(N_TOKENS), rel=1e-6)


@pytest.mark.parametrize("context", [CONTEXT, CONTEXT + 1])
def test_scored_tokens_have_half_a_context_before_them(
    tokenizer: PreTrainedTokenizerFast, context: int
) -> None:
    """Position p predicts the token behind it, before which there are p + 1."""
    model, scored = new(Marked, context), []
    for model.mark in range(context):
        (score,) = score_books(model, tokenizer, BOOKS[2:], windows_per_book=2)
        if math.isnan(score.bits_per_byte):
            scored.append(model.mark + 1)
    assert scored == list(range(context // 2 + 1, context + 1))


@pytest.mark.parametrize("context", [2, 15, 16, 17, 256])
def test_no_token_is_scored_twice(context: int) -> None:
    scored = context - context // 2
    for n_tokens in [*range(context + 1, 4 * context), 20 * context + 1, 50 * context + 7]:
        for at_most in (1, 2, 5, 64, 10_000):
            windows = module._spread(torch.arange(n_tokens), context, at_most)
            behind = windows[:, context // 2 + 1 :].flatten().tolist()
            assert len(behind) == scored * len(windows)
            assert behind == sorted(set(behind))
            assert windows[0, 0] == 0
            assert len(windows) <= at_most
            if len(windows) < at_most:  # as many as there is room for
                assert n_tokens - context - 1 < len(windows) * scored
            if len(windows) > 1:
                assert windows[-1, -1] == n_tokens - 1
                gaps = windows[1:, 0] - windows[:-1, 0]
                assert gaps.max() - gaps.min() <= 1


def test_the_model_reads_the_windows_and_no_more(tokenizer: PreTrainedTokenizerFast) -> None:
    model = new(Watched)
    score_books(model, tokenizer, BOOKS[2:], windows_per_book=20)
    ids = tokenizer(BOOKS[2].text)["input_ids"]
    assert model.seen == [ids[at : at + CONTEXT] for at in begins(len(ids), 20)]


def test_books_that_are_too_short_are_left_out(tokenizer: PreTrainedTokenizerFast) -> None:
    books = [
        Book("some", str(n), text_of(tokenizer, n)) for n in (5, CONTEXT, CONTEXT + 1, CONTEXT + 9)
    ]
    scores = score_books(new(), tokenizer, books)
    assert [score.name for score in scores] == [str(CONTEXT + 1), str(CONTEXT + 9)]


@pytest.mark.parametrize("lengths", [(), (0,), (5, CONTEXT)])
def test_no_book_that_is_long_enough_is_an_error(
    tokenizer: PreTrainedTokenizerFast, lengths: Sequence[int]
) -> None:
    books = [Book("some", str(n), text_of(tokenizer, n)) for n in lengths]
    with pytest.raises(ValueError, match=r"^books: none is longer than the context of 16 tokens"):
        score_books(new(), tokenizer, books)


def test_no_windows_are_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match=r"^windows_per_book: got 0; 1 or more is allowed"):
        score_books(new(), tokenizer, BOOKS, windows_per_book=0)


def test_sets_pool_their_bytes() -> None:
    scores = [
        BookScore("tales", "one", 1.0, 900),
        BookScore("logs", "two", 3.0, 50),
        BookScore("tales", "three", 2.0, 100),
    ]
    assert bits_by_set(scores) == pytest.approx({"logs": 3.0, "tales": 1.1})
    assert list(bits_by_set(scores)) == ["logs", "tales"]
    assert bits_by_set([]) == {}

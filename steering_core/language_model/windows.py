"""What a model in training reads: windows of tokens drawn from books, by seed and step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64, UInt16
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from steering_core.language_model.corpus import Book


@dataclass(frozen=True)
class EncodedBook:
    """A book as tokens, and where its paragraphs begin."""

    book: Book
    tokens: UInt16[np.ndarray, " n"]
    paragraphs: Int64[np.ndarray, " p"]


def encode_books(
    books: Sequence[Book], tokenizer: PreTrainedTokenizerBase, *, context: int
) -> list[EncodedBook]:
    """Tokens of each book that is longer than a window of `context` tokens and its target."""
    # Ċ is how a byte-level vocabulary writes a line break.
    line_breaks = [token for text, token in tokenizer.get_vocab().items() if set(text) == {"Ċ"}]
    encoded = []
    for book in books:  # one at a time: the tokenizer needs a hundred bytes for each token
        tokens = np.asarray(tokenizer(book.text, verbose=False)["input_ids"], dtype=np.uint16)
        begins = np.flatnonzero(np.isin(tokens, line_breaks)) + 1
        begins = np.concatenate([[0], begins[begins < len(tokens) - context]]).astype(np.int64)
        if len(tokens) > context + 1:
            encoded.append(EncodedBook(book, tokens, begins))
    return encoded


class Windows:
    """Draws batches of windows: first a set, by its share; then a book of it, by its weight; then
    a place in the book.

    Half of the windows begin at a paragraph, behind the token that begins a text; the others begin
    anywhere. So the model knows both a text with that token and one without.
    """

    def __init__(
        self, books: Sequence[EncodedBook], shares: Mapping[str, float], *, begin: int, context: int
    ) -> None:
        """Work out how often each book is drawn.

        Args:
            books: to draw from, in an order that the draws depend on.
            shares: of the windows, for each set; the sets without one are drawn by length, from
                what the others leave.
            begin: the token that begins a text.
            context: length of a window.

        Raises:
            ValueError: no book, or no set with a share above zero.
        """
        if not books:
            raise ValueError(
                "books: none is longer than the context; give longer texts or a shorter context"
            )
        self._books = books
        self._chances = chances([b.book for b in books], [len(b.tokens) for b in books], shares)
        self._begin, self._context = begin, context

    def batch(self, n: int, *, seed: Sequence[int]) -> Int64[Tensor, "n window"]:
        """`n` windows and for each the token after it; the same for the same seed."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self._books), size=n, p=self._chances)
        rows = [self._window(self._books[i], generator) for i in chosen]
        return torch.from_numpy(np.stack(rows).astype(np.int64))

    def _window(self, book: EncodedBook, generator: np.random.Generator) -> np.ndarray:
        start = int(generator.integers(len(book.tokens) - self._context))
        if generator.random() < 0.5:
            return book.tokens[start : start + self._context + 1]
        at = int(book.paragraphs[np.searchsorted(book.paragraphs, start, side="right") - 1])
        text = book.tokens[at : at + self._context]
        return np.concatenate([np.array([self._begin], dtype=text.dtype), text])


def chances(
    books: Sequence[Book], lengths: Sequence[int], shares: Mapping[str, float]
) -> Float64[np.ndarray, " books"]:
    """How likely each book is drawn: its set by share, or by length from what the shares leave;
    within the set by its weight.

    Raises:
        ValueError: no set with a share above zero.
    """
    of_set = {s: [i for i, b in enumerate(books) if b.set == s] for s in _sets(books)}
    length = {s: sum(lengths[i] for i in own) for s, own in of_set.items()}
    shared = sum(shares.get(s, 0.0) for s in of_set)
    free = sum(n for s, n in length.items() if s not in shares)
    share = {
        s: shares[s] if s in shares else max(0.0, 1 - shared) * n / free for s, n in length.items()
    }
    if not sum(share.values()) > 0:
        raise ValueError(f"shares: all of {list(share)} have 0; one or more must be above")
    weights = [book.draw_weight for book in books]
    totals = {s: sum(weights[i] for i in own) for s, own in of_set.items()}
    drawn = np.array([share[b.set] * w for b, w in zip(books, weights, strict=True)])
    drawn /= [totals[b.set] for b in books]
    return drawn / drawn.sum()


def _sets(books: Sequence[Book]) -> list[str]:
    return sorted({book.set for book in books})

"""Windows are drawn by the shares of the sets, lie within a book, and are the same for a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from steering_core.language_model.corpus import Book
from steering_core.language_model.tokenizer import train_tokenizer
from steering_core.language_model.windows import EncodedBook, Windows, encode_books

BEGIN, CONTEXT = 0, 8
PARAGRAPHS = [0, 5, 17, 40]


def planted(index: int, of_set: str, length: int = 60, words: int = 1) -> EncodedBook:
    """A book whose tokens say which book and which place they are; its weight is `words`."""
    tokens = np.arange(1000 * index, 1000 * index + length, dtype=np.uint16)
    begins = np.array([p for p in PARAGRAPHS if p < length - CONTEXT], dtype=np.int64)
    return EncodedBook(Book(of_set, f"b{index}", "x" * words), tokens, begins)


def drawn(
    books: Sequence[EncodedBook], shares: dict[str, float], n: int = 4000, seed: int = 0
) -> np.ndarray:
    windows = Windows(books, shares, begin=BEGIN, context=CONTEXT)
    return windows.batch(n, seed=(seed, 0)).numpy()


def book_of(rows: np.ndarray) -> np.ndarray:
    """Which book each window is from."""
    return rows[:, -1] // 1000


def assert_share(hits: int, n: int, share: float) -> None:
    """Within four standard deviations of a binomial."""
    assert abs(hits - n * share) <= 4 * np.sqrt(n * share * (1 - share)) + 1e-9


BOOKS = [
    planted(1, "a"),
    planted(2, "a", words=3),
    planted(3, "b", length=500),
    planted(4, "c", length=100),
    planted(5, "c", length=20),
]


def test_a_seed_and_a_step_are_a_batch() -> None:
    windows = [Windows(BOOKS, {"a": 0.5}, begin=BEGIN, context=CONTEXT) for _ in range(2)]
    batches = [windows[step % 2].batch(16, seed=(7, step)) for step in range(50)]
    for step in (0, 20, 49):  # whatever was drawn before
        assert torch.equal(windows[0].batch(16, seed=(7, step)), batches[step])
    assert len({batch.numpy().tobytes() for batch in batches}) == 50
    assert not torch.equal(windows[0].batch(16, seed=(8, 0)), batches[0])


def test_the_global_generators_stay_as_they_are() -> None:
    before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    drawn(BOOKS, {})
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before[1])  # noqa: NPY002


def test_windows_are_whole_and_of_one_book() -> None:
    rows = drawn(BOOKS, {})
    assert rows.dtype == np.int64
    assert rows.shape == (4000, CONTEXT + 1)
    marked = rows[:, 0] == BEGIN
    assert (np.diff(rows[~marked]) == 1).all()
    assert (np.diff(rows[marked, 1:]) == 1).all()
    for book in BOOKS:
        own = rows[book_of(rows) == book.tokens[0] // 1000]
        assert np.isin(own[own != BEGIN], book.tokens).all()


def test_every_place_of_a_book_is_reached() -> None:
    book = planted(1, "a")
    rows = drawn([book], {})
    assert set(rows[rows[:, 0] != BEGIN, 0]) == set(book.tokens[:-CONTEXT])
    assert rows.max() == book.tokens[-1]


def test_half_begin_a_text_and_then_with_a_paragraph() -> None:
    rows = drawn(BOOKS, {})
    marked = rows[rows[:, 0] == BEGIN]
    assert_share(len(marked), len(rows), 0.5)
    assert set(marked[:, 1] % 1000) == set(PARAGRAPHS)
    assert not (marked[:, 1:] == BEGIN).any()


def test_a_paragraph_is_drawn_by_its_length() -> None:
    rows = drawn([planted(1, "a")], {})
    marked = rows[rows[:, 0] == BEGIN, 1] - 1000
    starts = 60 - CONTEXT  # paragraphs begin at 0, 5, 17, 40 and the last starts before this
    for begin, end in zip(PARAGRAPHS, [*PARAGRAPHS[1:], starts], strict=True):
        assert_share(int((marked == begin).sum()), len(marked), (end - begin) / starts)


def test_the_shares_of_the_sets_are_kept() -> None:
    n = 20_000
    books = book_of(drawn(BOOKS, {"a": 0.6, "b": 0.1, "c": 0.3, "absent": 0.5}, n))
    assert_share(int(np.isin(books, [1, 2]).sum()), n, 0.6)
    assert_share(int((books == 3).sum()), n, 0.1)
    assert_share(int(np.isin(books, [4, 5]).sum()), n, 0.3)
    assert_share(int((books == 2).sum()), n, 0.6 * 3 / 4)  # within a set by the weight of the book
    assert_share(int((books == 5).sum()), n, 0.3 / 2)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({}, {"a": 120 / 740, "b": 500 / 740, "c": 120 / 740}),
        ({"absent": 0.9}, {"a": 120 / 740, "b": 500 / 740, "c": 120 / 740}),
        ({"b": 0.4}, {"a": 0.3, "b": 0.4, "c": 0.3}),
        ({"b": 0.4, "c": 0.2}, {"a": 0.4, "b": 0.4, "c": 0.2}),
        ({"a": 0.0}, {"a": 0.0, "b": 500 / 620, "c": 120 / 620}),
        ({"a": 0.75, "b": 0.75}, {"a": 0.5, "b": 0.5, "c": 0.0}),
        ({"a": 0.2, "b": 0.1, "c": 0.1}, {"a": 0.5, "b": 0.25, "c": 0.25}),
    ],
)
def test_sets_without_a_share_are_drawn_by_length_from_the_rest(
    shares: dict[str, float], expected: dict[str, float]
) -> None:
    books = book_of(drawn(BOOKS, shares))
    for of_set, share in expected.items():
        own = [i for i, book in enumerate(BOOKS, 1) if book.book.set == of_set]
        assert_share(int(np.isin(books, own).sum()), len(books), share)


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^books: none is longer than the context; give longer"):
        Windows([], {}, begin=BEGIN, context=CONTEXT)
    with pytest.raises(ValueError, match=r"^shares: all of \['a', 'b', 'c'\] have 0; one or more"):
        Windows(BOOKS, {"a": 0.0, "b": 0.0, "c": 0.0}, begin=BEGIN, context=CONTEXT)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(["One word.\n\nTwo words, and three.\n"] * 20, 290, context=CONTEXT)


def test_books_are_encoded_with_the_places_of_their_paragraphs(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    paragraphs = ["One word.", "Two words,\nand three.", "\u2603 0123456789 0123456789", "End."]
    book = Book("s", "b", "\n\n".join(paragraphs) + "\n")
    (encoded,) = encode_books([book], tokenizer, context=CONTEXT)
    assert encoded.book is book
    assert encoded.tokens.dtype == np.uint16
    assert tokenizer.decode(encoded.tokens.tolist()) == book.text
    for place, begin in zip(encoded.paragraphs, ("On", "Tw", "an", "☃"), strict=True):
        text = tokenizer.decode(encoded.tokens[place:].tolist())
        assert isinstance(text, str)
        assert text.startswith(begin)
    assert (encoded.paragraphs < len(encoded.tokens) - CONTEXT).all()  # a window fits behind each


def test_a_book_is_used_from_two_tokens_more_than_the_context(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    books = [Book("s", f"b{n}", "0" * n) for n in range(CONTEXT + 4)]  # a digit is a token
    encoded = encode_books(books, tokenizer, context=CONTEXT)
    assert [len(e.tokens) for e in encoded] == [CONTEXT + 2, CONTEXT + 3]
    windows = Windows(encoded[:1], {}, begin=tokenizer.get_vocab()["!"], context=CONTEXT)
    assert windows.batch(20, seed=(0,)).shape == (20, CONTEXT + 1)
    assert encode_books([], tokenizer, context=CONTEXT) == []

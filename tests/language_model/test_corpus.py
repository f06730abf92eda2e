"""Books are cleaned alike, held out whole by their checksums, and named where one is wrong."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from steering_core.language_model.corpus import Book, clean, read_corpus

PROSE = """It was a bright cold day in the little harbour town, and the
gulls had been complaining since the morning about the want of
fish; nobody listened to them.
"""
VERSE = """The river runs beneath the ancient wall and does not tire,
And all the willows bend to it as though they bent to fire,
While over them the evening spreads its long and quiet choir.
"""


def folder_of(root: Path, sets: dict[str, dict[str, str]]) -> Path:
    """A folder of folders of texts, made in the order given."""
    for of_set, books in sets.items():
        (root / of_set).mkdir(parents=True)
        for name, text in books.items():
            (root / of_set / f"{name}.txt").write_text(text, "utf-8")
    return root


def many(n: int, of_set: str = "s") -> dict[str, str]:
    """Books of about the same size."""
    return {f"{of_set}{i}": f"Book {i} of {of_set}. " + "It is short. " * 40 for i in range(n)}


def manifest_of(folder: Path, **changed: str) -> Path:
    """A manifest of all books in `folder`; `changed`: checksums."""
    rows = [
        (
            path.parent.name,
            path.stem,
            str(path.stat().st_size),
            changed.get(path.stem, hashlib.sha256(path.read_bytes()).hexdigest()),
        )
        for path in sorted(folder.rglob("*.txt"))
    ]
    path = folder / "manifest.tsv"
    lines = ["\t".join(row) for row in [("set", "name", "bytes", "sha256"), *rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


def held_out(books: list[Book]) -> set[str]:
    return {book.name for book in books if book.held_out}


def test_the_header_and_marks_of_layout_go() -> None:
    header = "# Title: A Day\n\n## Author: A. Nobody\n\n## Year: 1914\n\n-------\n\n"
    text = header + "### THE *FIRST* CHAPTER\n\nShe _ran_ home.\n"
    assert clean(text) == "THE FIRST CHAPTER\n\nShe ran home.\n"
    assert clean("No header here.\n\n-------\n\nMore.") == "No header here.\n\n-------\n\nMore.\n"


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("“Yes,” she said.", '"Yes," she said.'),
        ("It’s ‘so’.", "It's 'so'."),
        ("He came—late.", "He came--late."),
        ("1914–1918", "1914-1918"),
        ("Well…", "Well..."),
        ("a\xa0b c\xadd\u200be", "a b cde"),
        ("naïve café", "naïve café"),
    ],
)
def test_typographic_characters_become_those_of_a_typewriter(given: str, plain: str) -> None:
    assert clean(given) == plain + "\n"


def test_wrapped_prose_is_joined_and_verse_kept() -> None:
    cleaned = clean(PROSE + "\n\n \n" + VERSE + "\n\nShort\nlines\n")
    prose, verse, short = cleaned.rstrip("\n").split("\n\n")
    assert prose == " ".join(PROSE.split())
    assert verse == VERSE.strip()
    assert short == "Short\nlines"


def test_cleaning_twice_is_cleaning_once() -> None:
    once = clean("# Title: A\n\n-----\n\n## B\n\n“" + PROSE + "”\n\n\n" + VERSE)
    assert clean(once) == once
    assert not re.search(r"\n{3,}|  | \n|\n ", once)


def test_an_empty_text_is_an_empty_paragraph() -> None:
    assert clean("") == clean(" \n\n \n") == "\n"
    assert Book("s", "b", "").draw_weight == 0


def test_plain_books_are_drawn_by_length_and_long_winded_ones_less() -> None:
    plain = "He ran home to her. " * 100
    assert Book("s", "plain", plain).draw_weight == len(plain)
    assert Book("s", "no words", "...").draw_weight == 3
    long = ("word " * 36 + ". ") * 10  # with the full stops: 37 words a sentence
    assert Book("s", "long", long).draw_weight == pytest.approx(len(long) * 18 / 37)


def test_folders_are_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, {"b": many(2, "b"), "a": {"x": "Lone."}, "a/deep": many(3, "d")})
    (tmp_path / "b" / "notes.md").write_text("Not a book.")
    books = read_corpus(tmp_path)
    named = [("a", "x"), ("b", "b0"), ("b", "b1"), ("deep", "d0"), ("deep", "d1"), ("deep", "d2")]
    assert [(b.set, b.name) for b in books] == named
    monkeypatch.chdir(tmp_path / "b")
    assert {b.set for b in read_corpus(".")} == {"b"}


def test_whole_books_are_held_out_by_about_three_percent_of_the_bytes(tmp_path: Path) -> None:
    books = read_corpus(
        folder_of(tmp_path, {"many": many(200), "two": many(2, "t"), "one": many(1, "o")})
    )
    for of_set, allowed in {"many": {6, 7}, "two": {1}, "one": {0}}.items():
        assert sum(b.held_out for b in books if b.set == of_set) in allowed
    out = sum(len(b.text) for b in books if b.held_out and b.set == "many")
    assert 0.03 <= out / sum(len(b.text) for b in books if b.set == "many") < 0.036


def test_the_sizes_of_books_count(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    texts = {f"b{i}": f"{i} " + "word " * int(generator.integers(20, 900)) for i in range(300)}
    books = read_corpus(folder_of(tmp_path, {"s": texts}))
    sizes = {name: len(text) for name, text in texts.items()}
    in_order = sorted(texts, key=lambda name: hashlib.sha256(texts[name].encode()).hexdigest())
    out = held_out(books)
    assert out == set(in_order[: len(out)])
    held = sum(sizes[name] for name in out)
    last = sizes[in_order[len(out) - 1]]
    assert held - last < 0.03 * sum(sizes.values()) <= held


def test_the_choice_does_not_depend_on_names_or_on_the_order_of_files(tmp_path: Path) -> None:
    texts = many(60)
    forth = read_corpus(folder_of(tmp_path / "forth", {"s": texts}))
    back = read_corpus(folder_of(tmp_path / "back", {"s": dict(reversed(texts.items()))}))
    assert forth == back == read_corpus(tmp_path / "forth")
    renamed = {f"{name[::-1]}x": text for name, text in texts.items()}
    others = read_corpus(folder_of(tmp_path / "renamed", {"s": renamed}))
    assert {b.text for b in others if b.held_out} == {b.text for b in forth if b.held_out}


def test_a_book_is_on_one_side_only(tmp_path: Path) -> None:
    texts = many(40)
    books = read_corpus(folder_of(tmp_path, {"s": texts, "t": many(40, "t")}))
    sides = [{b.text for b in books if b.held_out is side} for side in (False, True)]
    assert not sides[0] & sides[1]
    assert len(sides[0] | sides[1]) == 80
    (tmp_path / "t" / "copy.txt").write_text(texts["s7"])
    with pytest.raises(ValueError, match=r"^folder: copy\.txt and s7\.txt are the same text; keep"):
        read_corpus(tmp_path)


def test_two_files_of_a_name_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a": {"book": "One."}, "b": {"book": "Another."}})
    with pytest.raises(ValueError, match=r"^folder: .*a.book\.txt and .*b.book\.txt have the same"):
        read_corpus(tmp_path)


def test_the_manifest_names_books_and_sets(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a": many(3, "a"), "b": many(3, "b")})
    manifest = manifest_of(folder)
    assert read_corpus(folder, manifest) == read_corpus(folder)
    rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([rows[0], rows[1].replace("a\t", "mine\t", 1), *rows[2:4]]))
    folder_of(folder, {"more/a": {"b0": "Not in the manifest, so its name may be there twice."}})
    assert {(b.set, b.name) for b in read_corpus(folder, manifest)} == {
        ("mine", "a0"),
        ("a", "a1"),
        ("a", "a2"),
    }


def test_the_manifest_refuses_a_missing_and_an_altered_book(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a": many(3, "a")})
    manifest = manifest_of(folder)
    text = (folder / "a" / "a1.txt").read_text()
    (folder / "a" / "a1.txt").write_text(text + " ")
    with pytest.raises(ValueError, match=r"^a1\.txt: SHA-256 is \w{64}; manifest\.tsv says \w{64}"):
        read_corpus(folder, manifest)
    (folder / "a" / "a1.txt").unlink()
    with pytest.raises(ValueError, match=r"^folder: a1\.txt, named by manifest\.tsv, is not there"):
        read_corpus(folder, manifest)


def test_a_manifest_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a": many(2, "a")})
    manifest = manifest_of(folder)
    rows = manifest.read_text()
    manifest.write_text(rows + rows.splitlines()[1].replace("a\t", "b\t", 1) + "\n")
    with pytest.raises(ValueError, match=r"^manifest: manifest\.tsv names a book twice"):
        read_corpus(folder, manifest)
    manifest.write_text(rows.replace("\t", ","))
    with pytest.raises(
        ValueError, match=r"^manifest: manifest\.tsv lacks .*'name', 'set', 'sha256'"
    ):
        read_corpus(folder, manifest)


def test_a_folder_without_books_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^folder: '.*nowhere' is no folder"):
        read_corpus(tmp_path / "nowhere")
    (tmp_path / "a.md").write_text("Not a book.")
    with pytest.raises(ValueError, match=r"^folder: .* is no folder"):
        read_corpus(tmp_path / "a.md")
    with pytest.raises(ValueError, match=r"^folder: .* holds no \.txt file"):
        read_corpus(tmp_path)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a": many(2, "a")})
    (tmp_path / "a" / "old.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(ValueError, match=r"^old\.txt: it is not in UTF-8"):
        read_corpus(tmp_path)

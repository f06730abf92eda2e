"""A folder of books, made ready for pretraining: which set each belongs to, which are held out,
plain text.

A corpus is a folder of `.txt` files and, where there is one, a manifest: a table with tabs between
its columns `set`, `name`, `bytes` and `sha256`, which names every book and the set that it is
drawn with. Without a manifest the name of the folder that a book lies in is its set.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HELD_OUT_SHARE = 0.03  # of the bytes of each set, in whole books
PLAIN_SENTENCE = 18.0  # words; books of longer sentences are drawn less often
_TYPOGRAPHY = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "…": "...", "\xa0": " "}
    | dict.fromkeys("\ufeff\u200a\u200b\xad\r*_", "")
)
_HEADER = re.compile(r"\A# Title:.*?^-+$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Book:
    """One book: its set, its name, its cleaned text, and whether it is kept from training."""

    set: str
    name: str
    text: str
    held_out: bool = False

    @property
    def draw_weight(self) -> float:
        """How often the book is drawn within its set: by length, less for long-winded prose."""
        words_a_sentence = len(self.text.split()) / max(1, len(re.findall(r"[.!?]", self.text)))
        return len(self.text) * (PLAIN_SENTENCE / max(PLAIN_SENTENCE, words_a_sentence))


def read_corpus(folder: str | Path, manifest: str | Path | None = None) -> list[Book]:
    """All books below `folder`, cleaned, some of each set held out whole.

    Within a set the books are put in the order of the SHA-256 of their files, and the first are
    held out until they hold 3% of its bytes: a choice that nobody makes. A set of a single book is
    not held out.

    Args:
        folder: searched with all its sub-folders for `.txt` files in UTF-8.
        manifest: names the books to use and their sets; every file must then have the checksum
            that it gives.

    Raises:
        ValueError: no such folder, no text in it, a book of the manifest missing or altered, two
            books of one name or of one text, or a file that is not in UTF-8.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"folder: {str(folder)!r} is no folder; a folder of .txt files is needed")
    paths = sorted(folder.resolve().rglob("*.txt"))
    if not paths:
        raise ValueError(f"folder: {str(folder)!r} holds no .txt file; it needs one or more")
    files = {path.stem: path for path in paths}
    listed = _sets(files) if manifest is None else _read_manifest(Path(manifest), files)
    _refuse_two_of_a_name([path for path in paths if path.stem in listed])
    digests = {name: _sha256(files[name]) for name in sorted(listed)}
    _refuse_copies(digests)
    held_out = {
        name
        for of_set in set(listed.values())
        for name in _held_out([n for n, s in listed.items() if s == of_set], files, digests)
    }
    return [
        Book(of_set, name, clean(_read(files[name])), name in held_out)
        for name, of_set in sorted(listed.items(), key=lambda item: (item[1], item[0]))
    ]


def clean(text: str) -> str:
    """Plain paragraphs: no header or marks of layout, typewriter punctuation, prose unwrapped."""
    text = _HEADER.sub("", text).translate(_TYPOGRAPHY)
    text = re.sub(r"(?m)^#+ *", "", text)
    paragraphs = (_unwrap(block) for block in re.split(r"\n\s*\n", text))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _unwrap(block: str) -> str:
    """Join the lines of wrapped prose; verse, whose lines begin with capitals, stays as it is."""
    lines = [" ".join(line.split()) for line in block.splitlines() if line.strip()]
    wrapped = max(map(len, lines), default=0) >= 50 and any(line[0].islower() for line in lines[1:])
    return (" " if wrapped else "\n").join(lines)


def _sets(files: dict[str, Path]) -> dict[str, str]:
    return {name: path.parent.name for name, path in files.items()}


def _read_manifest(manifest: Path, files: dict[str, Path]) -> dict[str, str]:
    with manifest.open(encoding="utf-8", newline="") as table:
        reader = csv.DictReader(table, delimiter="\t")
        rows = list(reader)
    if missing := {"set", "name", "sha256"} - set(reader.fieldnames or []):
        raise ValueError(f"manifest: {manifest.name} lacks columns {sorted(missing)}")
    if len({row["name"] for row in rows}) < len(rows):
        raise ValueError(f"manifest: {manifest.name} names a book twice; once is allowed")
    for row in rows:
        path = files.get(row["name"])
        if path is None:
            raise ValueError(f"folder: {row['name']}.txt, named by {manifest.name}, is not there")
        found = _sha256(path)
        if found != row["sha256"]:
            raise ValueError(
                f"{path.name}: SHA-256 is {found}; {manifest.name} says {row['sha256']}"
            )
    return {row["name"]: row["set"] for row in rows}


def _refuse_two_of_a_name(paths: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        if path.stem in seen:
            raise ValueError(
                f"folder: {seen[path.stem]} and {path} have the same name; rename one of them"
            )
        seen[path.stem] = path


def _refuse_copies(digests: dict[str, str]) -> None:
    """A copy could be trained on while the other is held out."""
    seen: dict[str, str] = {}
    for name, digest in digests.items():
        if digest in seen:
            raise ValueError(
                f"folder: {seen[digest]}.txt and {name}.txt are the same text; keep one of them"
            )
        seen[digest] = name


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name}: it is not in UTF-8 ({error})") from error


def _held_out(names: Sequence[str], files: dict[str, Path], digests: dict[str, str]) -> list[str]:
    sizes = {name: files[name].stat().st_size for name in names}
    chosen: list[str] = []
    for name in sorted(names, key=digests.__getitem__)[: len(names) - 1]:
        if sum(sizes[n] for n in chosen) >= HELD_OUT_SHARE * sum(sizes.values()):
            break
        chosen.append(name)
    return chosen

"""The texts that ship with the book: short ones of known kinds, to steer with and to measure on.

Each set is a file of JSON lines in `text_sets/`; the data sheet there says how they came to be.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path

TEXT_SETS = {
    "fantasy": "stories with magic: wizards, dragons, spells, kingdoms",
    "scifi": "stories of science and its machines: ships, robots, planets, laboratories",
    "sports": "stories of games, races and those who play, train or watch",
    "shakespeare": "scenes, speeches and songs in the manner of the Elizabethan stage",
    "stories": "stories of ten other genres, 20 of each, none of the four above",
    "neutral": "plain writing that tells no story: recipes, minutes, labels, weather reports",
    "loving": "somebody speaks or writes with love",
    "hateful": "somebody speaks or writes with hatred or contempt, never of a people",
    "fantasy_lexicon": "further fantasy, kept apart: to take words from, not to measure on",
    "scifi_lexicon": "further science fiction, kept apart likewise",
    "sports_lexicon": "further sports, kept apart likewise",
    "shakespeare_lexicon": "further Shakespearean texts, kept apart likewise",
}
"""What each set holds."""

FOLDER = Path(__file__).parent / "text_sets"


@dataclass(frozen=True)
class Text:
    """A text, its place in its set (`fantasy-001`), and its kind where the set has several."""

    id: str
    set: str
    title: str
    kind: str
    text: str


def load_texts(set: str) -> list[str]:
    """The texts alone of one of `TEXT_SETS`, in order.

    Args:
        set: the name of a set, a key of `TEXT_SETS`, such as "fantasy".

    Raises:
        ValueError: an unknown set.
    """
    return [text.text for text in read_texts(set)]


def read_texts(set: str) -> list[Text]:
    """One of `TEXT_SETS`, in order; `ValueError` for an unknown set."""
    if set not in TEXT_SETS:
        raise ValueError(f"set: got {set!r}; allowed are {', '.join(TEXT_SETS)}")
    return read_text_file(FOLDER / f"{set}.jsonl")


def read_text_file(path: Path) -> list[Text]:
    """The texts of a file of JSON lines with the fields of `Text`; `ValueError` if damaged."""
    lines = path.read_text(encoding="utf8").removesuffix("\n").split("\n")
    return [_parse(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1)]


def _parse(line: str, place: str) -> Text:
    """The text on one line; `place` is where to look if there is none."""
    keys = [field.name for field in fields(Text)]
    try:
        entry = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: got {line[:40]!r}, which is not JSON: {error}") from None
    if not isinstance(entry, dict) or sorted(entry) != sorted(keys):
        got = ", ".join(entry) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(f"{place}: got {got}; allowed is an object of {', '.join(keys)}")
    for key, value in entry.items():
        if not isinstance(value, str):
            raise ValueError(f"{place}: {key}: got {value!r}; allowed is a string")
    return Text(**entry)


def split_words(text: str) -> list[str]:
    """Runs of letters and apostrophes, in lower case: what the data sheet counts as words."""
    return re.findall(r"[a-z']*[a-z][a-z']*", text.lower())


def composition_table() -> str:
    """Sizes and mean lengths of all sets, as the Markdown table that stands in the data sheet."""
    rows = ["| set | texts | mean words | what it is |", "| --- | ---: | ---: | --- |"]
    for name, what in TEXT_SETS.items():
        lengths = [len(split_words(text)) for text in load_texts(name)]
        mean = sum(lengths) / len(lengths)
        rows.append(f"| `{name}` | {len(lengths)} | {mean:.1f} | {what} |")
    return "\n".join(rows) + "\n"

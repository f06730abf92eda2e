"""Which words tell a genre, and how many of them a text holds.

Words are counted by their stems (Porter's English stemmer in its second version, through
snowballstemmer), so that "wizard" and "wizards" are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import snowballstemmer
from jaxtyping import Int

from steering_core.language_model.telling import log_odds, words
from steering_core.language_model.texts import load_texts

GENRES = ("fantasy", "scifi", "sports", "shakespeare")


def genre_lexicons(
    sets: Mapping[str, Sequence[str]],
    background: Sequence[str] = (),
    *,
    at_least_texts: int = 3,
    at_least_log_odds: float = 1.2,
) -> dict[str, frozenset[str]]:
    """For each genre the stems that tell it from the other genres, and from the background too.

    A stem tells a genre if it stands in enough of its texts and is likelier there than in the other
    genres, and than in the background, by the log-odds ratio with an informative prior in standard
    errors (Monroe et al. 2008). A stem counts once a text.

    Args:
        sets: genre -> texts; at least two.
        background: texts of no genre.
        at_least_texts: in how many of a genre's texts a stem must stand.
        at_least_log_odds: standard errors, against the other genres and against the background.

    Raises:
        ValueError: fewer than two genres, or one without texts.
    """
    if len(sets) < 2 or not all(sets.values()):
        sizes = {name: len(texts) for name, texts in sets.items()}
        raise ValueError(f"sets: got {sizes} texts; at least two genres with texts are needed")
    counts = {name: _texts_with(texts) for name, texts in sets.items()}
    plain = _texts_with(background)
    lexicons = {}
    for name, here in counts.items():
        others = sum((own for other, own in counts.items() if other != name), start=Counter())
        contrasts = [log_odds(here, there) for there in (others, plain) if there]
        lexicons[name] = frozenset(
            stem
            for stem in here
            if here[stem] >= at_least_texts and all(z[stem] >= at_least_log_odds for z in contrasts)
        )
    return lexicons


@cache
def shipped_lexicons(*, wide: bool = False) -> Mapping[str, frozenset[str]]:
    """Those of the four genres of the shipped texts, from the 40 of each that are kept apart for
    this and averaged into no vector, with the neutral texts as background.

    Args:
        wide: take rarer stems in, too: for single tokens, where 30 stems a genre are few.
    """
    sets = {genre: load_texts(f"{genre}_lexicon") for genre in GENRES}
    least = {"at_least_texts": 2, "at_least_log_odds": 0.8} if wide else {}
    return MappingProxyType(genre_lexicons(sets, load_texts("neutral"), **least))


def genre_frequency(texts: Sequence[str], lexicon: Collection[str]) -> Int[np.ndarray, " texts"]:
    """How many different stems of the lexicon each text holds; a stem counts once a text.

    Args:
        texts: any number of them.
        lexicon: stems, as `genre_lexicons` gives them.

    Raises:
        ValueError: an empty lexicon.
    """
    if isinstance(texts, str) or isinstance(lexicon, str):
        raise ValueError("texts, lexicon: got a str; lists of texts and of stems are allowed")
    if not lexicon:
        raise ValueError("lexicon: got no stems; at least one is needed")
    wanted = frozenset(lexicon)
    return np.array([len(stems(text) & wanted) for text in texts], dtype=np.int64)


def stems(text: str) -> frozenset[str]:
    """The different stems of a text's words."""
    return frozenset(_stem(word) for word in words(text))


@cache
def _stem(word: str) -> str:
    return _stemmer().stemWord(word)


@cache
def _stemmer() -> Any:
    return snowballstemmer.stemmer("english")


def _texts_with(texts: Sequence[str]) -> Counter[str]:
    """In how many of the texts each stem stands."""
    return Counter(stem for text in texts for stem in stems(text))

"""Lexicons: planted words are found, and the shipped ones are those of a slower count."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pytest
import snowballstemmer
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.language_model import load_texts
from steering_core.language_model.telling import log_odds
from steering_core.steering import genre_frequency, genre_lexicons, lexicon, shipped_lexicons
from steering_core.steering.lexicon import GENRES, stems

COMMON = "the old man went to the house and said that he would come again in the morning"
MEASURED = ("fantasy", "scifi", "sports", "shakespeare", "stories")


def texts(n: int, *planted: str, seed: int = 0) -> list[str]:
    """Texts of common words in a random order; each planted word in all of them."""
    generator = np.random.default_rng(seed)
    return [
        " ".join(generator.permutation([*generator.choice(COMMON.split(), 10), *planted]))
        for _ in range(n)
    ]


@cache
def naive_stem(word: str) -> str:
    return snowballstemmer.stemmer("english").stemWord(word)


@cache
def naive_stems(text: str) -> frozenset[str]:
    words = {word.strip("'") for word in re.split(r"[^a-z']+", text.lower())} - {""}
    return frozenset(naive_stem(word) for word in words)


def naive_odds(here: Sequence[str], there: Sequence[str]) -> dict[str, float]:
    """Monroe et al. (2008), eqs. 15, 16 and 22, over texts that hold a stem."""
    sets = [[naive_stems(text) for text in side] for side in (here, there)]
    vocabulary = sorted(set().union(*sets[0], *sets[1]))
    y = np.array([[sum(w in t for t in side) for w in vocabulary] for side in sets], dtype=float)
    prior = y.sum(0)
    share = (y + prior) / (y.sum(1, keepdims=True) + prior.sum())
    odds = np.log(share) - np.log1p(-share)
    z = (odds[0] - odds[1]) / np.sqrt((1 / (y + prior)).sum(0))
    return dict(zip(vocabulary, z.tolist(), strict=True))


def naive_lexicon(
    genre: str,
    sets: dict[str, list[str]],
    background: Sequence[str],
    at_least_texts: int,
    at_least_log_odds: float,
) -> set[str]:
    others = [text for other, own in sets.items() if other != genre for text in own]
    contrasts = [naive_odds(sets[genre], there) for there in (others, background) if there]
    found = set()
    for stem in set().union(*map(naive_stems, sets[genre])):
        held = sum(stem in naive_stems(text) for text in sets[genre])
        likely = all(z[stem] >= at_least_log_odds for z in contrasts)
        if held >= at_least_texts and likely:
            found.add(stem)
    return found


@pytest.fixture
def anew() -> Iterator[None]:
    """Without what is remembered of earlier calls, and nothing of these is remembered."""
    shipped_lexicons.cache_clear()
    yield
    shipped_lexicons.cache_clear()


def test_log_odds_by_hand() -> None:
    """Prior: 4 a, 1 b, 2 c, 7 in all; 4 words here, 3 there."""
    here, there = Counter(a=3, b=1), Counter(a=1, c=2)
    got = log_odds(here, there)
    a = math.log((3 + 4) / (4 + 7 - 3 - 4)) - math.log((1 + 4) / (3 + 7 - 1 - 4))
    b = math.log((1 + 1) / (4 + 7 - 1 - 1)) - math.log((0 + 1) / (3 + 7 - 0 - 1))
    assert got == pytest.approx(
        {"a": a / math.sqrt(1 / 7 + 1 / 5), "b": b / math.sqrt(1 / 2 + 1 / 1)}
    )
    assert got["a"] == pytest.approx(math.log(1.75) / math.sqrt(12 / 35))
    assert (here, there) == (Counter(a=3, b=1), Counter(a=1, c=2))


counted = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=2)


@settings(deadline=None)
@given(counted, counted)
def test_log_odds_are_those_of_the_shares(one: dict[str, int], two: dict[str, int]) -> None:
    """With the prior's counts added, a share p on each side; its odds are p / (1 - p)."""
    forth, back = log_odds(Counter(one), Counter(two)), log_odds(Counter(two), Counter(one))
    assert list(forth) == list(one)
    prior = {word: one.get(word, 0) + two.get(word, 0) for word in one | two}
    n = sum(prior.values())
    for word, z in forth.items():
        counts = [side.get(word, 0) + prior[word] for side in (one, two)]
        totals = [sum(side.values()) + n for side in (one, two)]
        p, q = (count / total for count, total in zip(counts, totals, strict=True))
        ratio = (p / (1 - p)) / (q / (1 - q))
        error = (1 / counts[0] + 1 / counts[1]) ** 0.5
        assert z == pytest.approx(math.log(ratio) / error, abs=1e-9)
        if word in back:
            assert back[word] == pytest.approx(-z, abs=1e-9)


def test_planted_words_are_told_and_common_ones_are_not() -> None:
    sets = {
        "fantasy": texts(12, "dragon", "spell"),
        "scifi": texts(12, "planet", "rocket", seed=1),
        "sports": texts(12, "goal", seed=2),
    }
    assert genre_lexicons(sets, at_least_log_odds=2.5) == {
        "fantasy": {"dragon", "spell"},
        "scifi": {"planet", "rocket"},
        "sports": {"goal"},
    }
    shared = {name: [f"{text} king" for text in own] for name, own in sets.items()}
    assert not any("king" in found for found in genre_lexicons(shared).values())


def test_a_stem_is_in_the_lexicon_of_two_genres_that_share_it() -> None:
    """Told from what is common to the others, not from each of them."""
    sets = {name: texts(20, "king", seed=n) for n, name in enumerate("ab")}
    sets |= {name: texts(40, seed=n) for n, name in enumerate("cd", 2)}
    found = genre_lexicons(sets)
    assert [name for name in sets if "king" in found[name]] == ["a", "b"]


def test_plurals_are_one_with_their_singular() -> None:
    here = [*texts(1, "dragon"), *texts(1, "dragons", seed=1), *texts(1, "DRAGON's", seed=2)]
    apart = [*texts(2, "wizard", seed=3), *texts(1, "planet", seed=4)]
    sets = {"fantasy": [*here, *apart], "plain": texts(6, seed=5)}
    found = genre_lexicons(sets, at_least_texts=3, at_least_log_odds=0.5)
    assert "dragon" in found["fantasy"]
    assert not {"dragons", "dragon's", "wizard"} & found["fantasy"]
    assert stems("Dragons! A dragon; the DRAGON's.") == {"dragon", "a", "the"}
    assert stems("running runs run") == {"run"}
    assert stems("... 12") == frozenset()


@pytest.mark.parametrize("least", [1, 2, 3, 5])
def test_a_stem_must_stand_in_enough_texts(least: int) -> None:
    """A text counts once, however often it says the word."""
    here = [f"{text} {'griselda ' * 40 * (n < 3)}" for n, text in enumerate(texts(12, "dragon"))]
    sets = {"fantasy": here, "plain": texts(12, seed=1)}
    found = genre_lexicons(sets, at_least_texts=least, at_least_log_odds=0.5)["fantasy"]
    assert "dragon" in found
    assert ("griselda" in found) == (least <= 3)


def test_the_odds_must_be_high_enough() -> None:
    here, there = texts(12, "dragon"), texts(12, seed=1)
    z = naive_odds(here, there)["dragon"]
    for margin, is_in in ((-1e-6, True), (1e-6, False)):
        sets = {"fantasy": here, "plain": there}
        found = genre_lexicons(sets, at_least_log_odds=z + margin)["fantasy"]
        assert ("dragon" in found) == is_in


def test_a_word_of_the_background_is_left_out() -> None:
    sets = {"fantasy": texts(12, "dragon", "bread"), "scifi": texts(12, "planet", seed=1)}
    assert {"dragon", "bread"} <= genre_lexicons(sets)["fantasy"]
    found = genre_lexicons(sets, texts(12, "bread", seed=2))
    assert "dragon" in found["fantasy"]
    assert "bread" not in found["fantasy"]
    assert "planet" in found["scifi"]


@pytest.mark.parametrize("wide", [False, True])
def test_the_shipped_lexicons_are_those_of_a_slower_count(wide: bool) -> None:
    sets = {genre: load_texts(f"{genre}_lexicon") for genre in GENRES}
    least, odds = (2, 0.8) if wide else (3, 1.2)
    got = shipped_lexicons(wide=wide)
    assert list(got) == list(GENRES)
    for genre in GENRES:
        assert got[genre] == naive_lexicon(genre, sets, load_texts("neutral"), least, odds)


def test_no_text_that_is_measured_on_is_read(anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def load(set: str) -> list[str]:
        read.append(set)
        return load_texts(set)

    monkeypatch.setattr(lexicon, "load_texts", load)
    for wide in (False, True):
        shipped_lexicons(wide=wide)
        assert sorted(read) == sorted([*(f"{genre}_lexicon" for genre in GENRES), "neutral"])
        assert not set(read) & set(MEASURED)
        read.clear()
    kept = {text for genre in GENRES for text in load_texts(f"{genre}_lexicon")}
    assert not kept & {text for name in MEASURED for text in load_texts(name)}


def test_the_shipped_lexicons_are_the_same_each_time(anew: None) -> None:
    for wide in (False, True):
        one = shipped_lexicons(wide=wide)
        shipped_lexicons.cache_clear()
        assert shipped_lexicons(wide=wide) == one
        assert all(len(found) >= 20 for found in one.values())
    backwards = {genre: load_texts(f"{genre}_lexicon")[::-1] for genre in GENRES[::-1]}
    assert genre_lexicons(backwards, load_texts("neutral")[::-1]) == shipped_lexicons()


def test_the_wide_lexicons_hold_the_narrow_ones() -> None:
    for genre in GENRES:
        narrow, wide = (shipped_lexicons(wide=wide)[genre] for wide in (False, True))
        assert narrow < wide
        assert all(stem == stem.strip().lower() != "" for stem in wide)
    assert {"dragon", "magic"} <= shipped_lexicons()["fantasy"]
    assert {"planet", "orbit"} <= shipped_lexicons()["scifi"]
    assert {"goal", "coach"} <= shipped_lexicons()["sports"]
    assert {"doth", "hath"} <= shipped_lexicons()["shakespeare"]


@pytest.mark.parametrize("genre", GENRES)
def test_a_genres_own_texts_hold_most_of_its_stems(genre: str) -> None:
    """Of texts that took no part in making the lexicon."""
    found = shipped_lexicons()[genre]
    means = {other: genre_frequency(load_texts(other), found).mean() for other in MEASURED}
    assert max(means, key=lambda other: means[other]) == genre


def test_frequency_counts_a_stem_once_a_text() -> None:
    given_texts = [
        "A dragon, two dragons and the Dragon's DRAGON.",
        "A dragon casts spells.",
        "Nothing of the kind.",
        "",
        "dragonfly spelling",
    ]
    got = genre_frequency(given_texts, {"dragon", "spell"})
    assert got.tolist() == [1, 2, 0, 0, 1]  # spelling is of the stem spell
    assert got.dtype == np.int64
    assert genre_frequency(given_texts, ["spell", "dragon", "dragon"]).tolist() == got.tolist()
    assert genre_frequency([], {"dragon"}).shape == (0,)


def test_frequency_is_a_plain_count_of_the_shipped_texts() -> None:
    for genre, found in shipped_lexicons().items():
        some = load_texts(genre)[:20]
        expected = [sum(stem in naive_stems(text) for stem in found) for text in some]
        assert genre_frequency(some, found).tolist() == expected
        assert max(expected) > 0


def test_what_makes_no_sense_is_refused() -> None:
    for empty in ([], (), set(), frozenset()):
        with pytest.raises(ValueError, match=r"^lexicon: got no stems; at least one is needed$"):
            genre_frequency(["A dragon."], empty)
    some = texts(3)
    for sets, sizes in (
        ({}, {}),
        ({"fantasy": some}, {"fantasy": 3}),
        ({"fantasy": some, "scifi": []}, {"fantasy": 3, "scifi": 0}),
    ):
        with pytest.raises(ValueError, match=rf"^sets: got {re.escape(str(sizes))} texts; "):
            genre_lexicons(sets)


def test_genres_of_one_word_have_nothing_to_tell_them_by() -> None:
    sets = {"one": ["rain", "Rain!", "rain"], "two": ["rain."] * 3}
    assert genre_lexicons(sets) == {"one": frozenset(), "two": frozenset()}


def test_a_genre_without_words_has_no_stems() -> None:
    sets = {"one": ["rain wind", "Rain!", "rain"], "two": ["...", "12"]}
    assert genre_lexicons(sets) == {"one": {"rain"}, "two": frozenset()}

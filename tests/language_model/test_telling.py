"""Telling words: planted ones are found, and the formula is Monroe et al.'s."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from steering_core.language_model import load_texts, single_tokens, telling_words
from steering_core.language_model.load import SHIPPED
from steering_core.language_model.telling import words
from steering_core.language_model.tokenizer import train_tokenizer

GENRES = ("fantasy", "scifi", "sports", "shakespeare")
COMMON = "the old man went to the house and said that he would come again in the morning"


def texts(n: int, *planted: str, seed: int = 0) -> list[str]:
    """Texts of common words in a random order; each planted word in all of them."""
    generator = np.random.default_rng(seed)
    return [
        " ".join(generator.permutation([*generator.choice(COMMON.split(), 10), *planted]))
        for _ in range(n)
    ]


def plain_words(text: str) -> set[str]:
    return {word.strip("'") for word in re.split(r"[^a-z']+", text.lower())} - {""}


def scores(here: Sequence[str], there: Sequence[str]) -> dict[str, float]:
    """Monroe et al. (2008), eqs. 15, 16 and 22: with y the counts in the two sets, n their sums,
    alpha the prior's counts and alpha_0 its sum."""
    sets = [[plain_words(text) for text in s] for s in (here, there)]
    vocabulary = sorted(set().union(*sets[0], *sets[1]))
    y = np.array([[sum(w in found for found in s) for w in vocabulary] for s in sets], dtype=float)
    n = y.sum(1, keepdims=True)
    alpha = y[0] + y[1]
    alpha_0 = alpha.sum()
    omega = (y + alpha) / (n + alpha_0)  # the estimated share of the word
    delta = np.diff(np.log(omega) - np.log1p(-omega), axis=0)[0] * -1
    variance = (1 / (y + alpha)).sum(0)
    z = delta / np.sqrt(variance)
    return {w: float(z[i]) for i, w in enumerate(vocabulary) if y[0, i] > 0}


def test_planted_words_come_first() -> None:
    found = telling_words(texts(12, "dragon", "spell"), texts(12, "planet", "engine", seed=1), k=2)
    assert found == ["dragon", "spell"]


def test_what_stands_everywhere_comes_behind_what_stands_here_alone() -> None:
    here = [*texts(6, "dragon", "king"), *texts(6, "dragon", seed=1)]
    there = texts(12, "king", seed=2)
    found = telling_words(here, there, k=100)
    assert found[0] == "dragon"
    assert found[-1] == "king"


def test_a_word_of_a_single_text_is_not_telling() -> None:
    here = [*texts(11, "dragon"), "griselda " * 500]
    assert "griselda" not in telling_words(here, texts(12, seed=1), k=100)
    twice = [*here, "griselda " * 500]
    assert "griselda" not in telling_words(twice, texts(12, seed=1), k=100)
    assert "griselda" in telling_words([*twice, "griselda"], texts(12, seed=1), k=100)
    assert "griselda" in telling_words(here, texts(12, seed=1), k=100, at_least_texts=1)


def test_a_word_counts_once_a_text() -> None:
    here, there = texts(8, "dragon"), texts(8, seed=1)
    again = [f"{text} {text} dragon Dragon DRAGON" for text in here]
    assert telling_words(again, there, k=50) == telling_words(here, there, k=50)


@pytest.mark.parametrize("genre", GENRES)
def test_the_formula_is_that_of_monroe_et_al(genre: str) -> None:
    here = load_texts(f"{genre}_lexicon")
    there = [text for other in GENRES if other != genre for text in load_texts(f"{other}_lexicon")]
    expected = scores(here, there)
    found = telling_words(here, there, k=10**6, at_least_texts=1)
    assert sorted(found) == sorted(expected)
    z = np.array([expected[word] for word in found])
    assert (np.diff(z) <= 1e-9).all()
    assert z[0] > 2 > 0 > z[-1]
    assert (
        telling_words(here, there)
        == [word for word in found if sum(word in plain_words(text) for text in here) >= 3][:40]
    )


def test_ties_are_in_the_order_of_the_alphabet() -> None:
    planted = ["wand", "elf", "rune", "orc"]
    there = texts(6, seed=1)
    for order in (planted, planted[::-1]):
        assert telling_words(texts(6, *order), there, k=4) == sorted(planted)
        assert telling_words(texts(6, *order)[::-1], there[::-1], k=4) == sorted(planted)


def test_k_is_how_many() -> None:
    here, there = texts(9, "dragon"), texts(9, seed=1)
    every = telling_words(here, there, k=1000)
    assert len(every) == len(set(every)) < 30
    for k in (1, 2, 7):
        assert telling_words(here, there, k=k) == every[:k]
    assert len(telling_words(load_texts("fantasy_lexicon"), there)) == 40


def test_a_single_word_has_no_odds_and_is_given_as_it_is() -> None:
    assert telling_words(["rain", "Rain!", "rain"], ["rain"]) == ["rain"]
    assert telling_words(["rain"], ["..."]) == []
    assert telling_words(["1, 2", "?"], ["3"]) == []


def test_what_makes_no_sense_is_refused() -> None:
    some = texts(3)
    with pytest.raises(ValueError, match=r"^texts: got none; at least one text is needed$"):
        telling_words([], some)
    with pytest.raises(ValueError, match=r"^others: got none; at least one text is needed$"):
        telling_words(some, [])
    for k in (0, -3):
        with pytest.raises(ValueError, match=rf"^k: got {k}; 1 or more is allowed$"):
            telling_words(some, some, k=k)


def test_words_are_runs_of_letters_with_what_an_apostrophe_joins() -> None:
    text = "The KING'S men -- 'tis said -- don't; 40 o'clock, rock-'n'-roll's"
    assert words(text) == [
        *("the", "king's", "men", "tis", "said", "don't", "o'clock", "rock", "n", "roll's")
    ]


def test_single_tokens_are_those_behind_a_space(tokenizer: PreTrainedTokenizerFast) -> None:
    whole = [t[1:] for t in tokenizer.get_vocab() if re.fullmatch("Ġ[a-z][a-z]+", t)]
    assert {"the", "and"} <= set(whole)
    assert single_tokens(tokenizer, ["unicorn", *whole, "wizardry"]) == whole
    assert single_tokens(tokenizer, whole[::-1]) == whole[::-1]
    assert single_tokens(tokenizer, []) == []


def test_a_capital_will_do() -> None:
    names = train_tokenizer([" Juliet, Juliet and Romeo"] * 5, 275, context=8)
    assert [len(names.tokenize(word)) > 1 for word in ("Juliet", " juliet")] == [True, True]
    assert single_tokens(names, ["tybalt", "juliet", "verona"]) == ["juliet"]


@pytest.mark.parametrize("genre", GENRES)
def test_half_of_each_genres_words_are_single_tokens_of_the_shipped_model(genre: str) -> None:
    there = [text for other in GENRES if other != genre for text in load_texts(f"{other}_lexicon")]
    found = telling_words(load_texts(f"{genre}_lexicon"), there)
    assert len(found) == 40
    assert len(single_tokens(AutoTokenizer.from_pretrained(SHIPPED), found)) >= 20

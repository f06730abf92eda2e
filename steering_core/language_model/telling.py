"""Which words tell one set of texts from others, and which of them a tokenizer keeps whole."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


def telling_words(
    texts: Sequence[str], others: Sequence[str], *, k: int = 40, at_least_texts: int = 3
) -> list[str]:
    """The k words most telling of `texts` beside `others`, the most telling first.

    By `log_odds`. A word counts once a text, so that no single text makes a word telling.

    Args:
        texts: of the kind whose words are wanted.
        others: texts of other kinds, in which those words are rarer.
        k: how many; fewer if there are fewer.
        at_least_texts: a word must stand in so many of `texts`: no names of a story's people.

    Raises:
        ValueError: an empty set, or k below 1.
    """
    for name, given in (("texts", texts), ("others", others)):
        if not given:
            raise ValueError(f"{name}: got none; at least one text is needed")
    if k < 1:
        raise ValueError(f"k: got {k}; 1 or more is allowed")
    here, there = (Counter(w for t in s for w in set(words(t))) for s in (texts, others))
    candidates = [word for word, count in here.items() if count >= at_least_texts]
    z = log_odds(here, there)
    return sorted(candidates, key=lambda word: (-z[word], word))[:k]


def log_odds(here: Counter[str], there: Counter[str]) -> dict[str, float]:
    """How much likelier each word of `here` is there than in `there`, in standard errors.

    The log-odds ratio with an informative Dirichlet prior over its standard error (Monroe et al.
    2008, eqs. 15, 16, 22); the prior is the counts of both together.

    Args:
        here: how often each word stands in the one set; all are 0 where there is one word in all.
        there: the same in the other set.
    """
    prior = here + there
    if len(prior) < 2:  # odds of a word beside no other
        return dict.fromkeys(here, 0.0)
    n_here, n_there, n_prior = here.total(), there.total(), prior.total()

    def odds(count: int, n: int, alpha: int) -> float:
        return math.log((count + alpha) / (n + n_prior - count - alpha))

    def z(word: str) -> float:
        alpha = prior[word]
        difference = odds(here[word], n_here, alpha) - odds(there[word], n_there, alpha)
        return difference / math.sqrt(1 / (here[word] + alpha) + 1 / (there[word] + alpha))

    return {word: z(word) for word in here}


def telling_words_of_each(
    sets: Mapping[str, Sequence[str]], *, k: int = 40, at_least_texts: int = 3
) -> dict[str, list[str]]:
    """For each set, its k words most telling beside all the others; see `telling_words`.

    Args:
        sets: name -> texts, at least two.
        k: how many words a set; fewer if there are fewer.
        at_least_texts: a word must stand in so many texts of its set.

    Raises:
        ValueError: fewer than two sets, an empty one, or k below 1.
    """
    if len(sets) < 2:
        raise ValueError(f"sets: got {len(sets)}; two or more are needed")
    return {
        name: telling_words(
            texts,
            [text for other, own in sets.items() if other != name for text in own],
            k=k,
            at_least_texts=at_least_texts,
        )
        for name, texts in sets.items()
    }


def single_tokens(tokenizer: PreTrainedTokenizerBase, candidates: Sequence[str]) -> list[str]:
    """Those of the words that are one token behind a space, in lower case or with a capital.

    Args:
        tokenizer: of the model, `model.tokenizer`.
        candidates: words without the space.
    """
    return [
        word
        for word in candidates
        if any(
            len(tokenizer(" " + form, add_special_tokens=False)["input_ids"]) == 1
            for form in (word, word.capitalize())
        )
    ]

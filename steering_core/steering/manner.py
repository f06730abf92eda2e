"""A second measure of genre, independent of lexicons: how far all words of a text lean to it.

Lexicons hold the words of the texts that vectors are made of, which the model may never write: its
science fiction has no robots. Here every word counts, by how much likelier it is in one genre.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import numpy as np
from jaxtyping import Float
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.telling import log_odds
from steering_core.language_model.texts import load_texts
from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units
from steering_core.steering.experiment import (
    AT_ONCE,
    NEW_TOKENS,
    TEMPERATURE,
    Setting,
    Trial,
    prompts_of,
    vectors_of,
)
from steering_core.steering.lexicon import GENRES, genre_frequency, stems
from steering_core.steering.material import Material
from steering_core.steering.sampling import generate
from steering_core.steering.steer import steer


@cache
def word_odds() -> Mapping[str, Mapping[str, float]]:
    """For each genre the log-odds of every stem in its 200 texts beside the other three genres."""
    counts = {
        genre: Counter(stem for text in load_texts(genre) for stem in stems(text))
        for genre in GENRES
    }
    odds = {}
    for genre, here in counts.items():
        there = sum((own for other, own in counts.items() if other != genre), start=Counter())
        odds[genre] = log_odds(here, there)
    return MappingProxyType(odds)


def leaning(texts: Sequence[str], genres: Sequence[str]) -> Float[np.ndarray, " texts"]:
    """How far each text leans to its genre: the mean log-odds of its different stems, in standard
    errors; stems that the genre's texts do not hold count 0, and so does a text without words.

    Args:
        texts: any number of them.
        genres: one a text.

    Raises:
        ValueError: not as many genres as texts, or an unknown one.
    """
    if len(texts) != len(genres):
        raise ValueError(f"genres: got {len(genres)} for {len(texts)} texts; one each is allowed")
    odds = word_odds()
    if unknown := sorted(set(genres) - set(odds)):
        raise ValueError(f"genres: got {unknown[0]!r}; allowed are {', '.join(odds)}")
    means = []
    for text, genre in zip(texts, genres, strict=True):
        own = stems(text)
        means.append(sum(odds[genre].get(stem, 0.0) for stem in own) / max(1, len(own)))
    return np.array(means)


def completions(
    model: TransformerBridge,
    chosen: Sequence[Trial],
    *,
    material: Material | None = None,
    kind: str = "",
    setting: Setting | None = None,
) -> list[str]:
    """The completion of each trial, unsteered, or with a kind of vector at a setting; with the same
    random numbers for the same place among the trials.

    Raises:
        ValueError: a setting without material; what `steer` refuses.
    """
    if setting is not None and material is None:
        raise ValueError("material: got none for a setting; that of the model is needed")
    prompts = prompts_of(chosen)
    found: list[str] = []
    for start in range(0, len(chosen), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        seeds = list(range(len(chosen))[part])
        drawing = {"max_new_tokens": NEW_TOKENS, "temperature": TEMPERATURE}
        if setting is None or material is None:
            found += generate(model, prompts[part], seed=seeds, **drawing)
            continue
        vectors = vectors_of(material, kind, chosen[part], setting.layer)
        with steer(
            model,
            vectors,
            layer=setting.layer,
            coefficient=setting.coefficient,
            position=setting.position,
        ):
            found += generate(model, prompts[part], seed=seeds, **drawing)
    return found


def leaning_gain(
    steered: Sequence[str], unsteered: Sequence[str], chosen: Sequence[Trial], target: str
) -> Measured:
    """By how much steered completions lean more to a target than unsteered ones, over its trials.

    Args:
        steered: one a trial.
        unsteered: one a trial.
        chosen: the trials.
        target: whose trials are counted.
    """
    after, before = (_towards(texts, chosen, target) for texts in (steered, unsteered))
    genres = [target] * len(after)
    return over_units(leaning(after, genres) - leaning(before, genres))


def stem_gain(
    steered: Sequence[str],
    unsteered: Sequence[str],
    chosen: Sequence[Trial],
    target: str,
    lexicon: Collection[str],
) -> Measured:
    """How many more stems of a lexicon steered completions hold than unsteered ones, over the
    trials of a target.

    Args:
        steered: one a trial.
        unsteered: one a trial.
        chosen: the trials.
        target: whose trials are counted.
        lexicon: stems.
    """
    after, before = (
        genre_frequency(_towards(texts, chosen, target), lexicon) for texts in (steered, unsteered)
    )
    return over_units(after - before)


def uncommon(
    lexicon: Collection[str], texts: Sequence[str], *, at_most: float = 0.1
) -> frozenset[str]:
    """The stems of a lexicon that no more than a share of texts hold."""
    counts = Counter(stem for text in texts for stem in stems(text))
    return frozenset(stem for stem in lexicon if counts[stem] <= at_most * len(texts))


def _towards(texts: Sequence[str], chosen: Sequence[Trial], target: str) -> list[str]:
    return [text for text, trial in zip(texts, chosen, strict=True) if trial.target == target]

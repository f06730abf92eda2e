"""How far texts lean to a genre."""

from __future__ import annotations

import numpy as np
import pytest
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_texts
from steering_core.steering import manner
from steering_core.steering.experiment import Setting, Trial
from steering_core.steering.lexicon import GENRES

from .handmade import material_of, random_sets


def test_texts_lean_to_their_own_genre() -> None:
    """The texts of the lexicons, which no odds are made of."""
    for genre in GENRES:
        texts = load_texts(f"{genre}_lexicon")
        scores = {other: manner.leaning(texts, [other] * len(texts)).mean() for other in GENRES}
        assert max(scores, key=lambda name: scores[name]) == genre


def test_a_leaning_is_the_mean_over_different_stems() -> None:
    odds = manner.word_odds()["scifi"]
    expected = (odds["robot"] + odds["ship"]) / 2
    (got,) = manner.leaning(["Robots, robot: ships!"], ["scifi"])
    assert got == pytest.approx(expected)
    assert expected > 0
    assert manner.leaning(["...", "qqzz"], ["scifi"] * 2).tolist() == [0.0, 0.0]


def test_a_gain_is_of_the_trials_of_its_target_alone() -> None:
    chosen = [Trial("sports", "scifi", 1), Trial("scifi", "sports", 1), Trial("sports", "scifi", 3)]
    unsteered, steered = ["a", "b", "c"], ["robot", "b", "planet"]
    got = manner.leaning_gain(steered, unsteered, chosen, "scifi")
    both = manner.leaning(["robot", "planet"], ["scifi"] * 2)
    none = manner.leaning(["a", "c"], ["scifi"] * 2)
    assert got.n == 2
    assert got.value == pytest.approx(np.mean(both - none))
    assert got.interval is not None


def test_a_gain_of_stems_counts_those_of_a_lexicon() -> None:
    chosen = [Trial("sports", "scifi", 1), Trial("scifi", "sports", 1), Trial("sports", "scifi", 3)]
    unsteered, steered = ["a ship", "b", "c"], ["robots, robot", "robot", "a ship, a planet"]
    got = manner.stem_gain(steered, unsteered, chosen, "scifi", {"robot", "ship", "planet"})
    assert (got.n, got.value) == (2, 1.0)
    assert got.interval is not None


def test_uncommon_stems_stand_in_few_texts() -> None:
    texts = ["thou and I", "I", "I, thou", "we"]
    assert manner.uncommon({"thou", "i", "thee"}, texts, at_most=0.5) == {"thou", "thee"}
    assert manner.uncommon({"thou", "i", "thee"}, texts, at_most=0.25) == {"thee"}


def test_bad_input_is_refused(gpt2: TransformerBridge) -> None:
    with pytest.raises(ValueError, match=r"^genres: got 1 for 2 texts"):
        manner.leaning(["a", "b"], ["scifi"])
    with pytest.raises(ValueError, match=r"^genres: got 'opera'; allowed are fantasy"):
        manner.leaning(["a"], ["opera"])
    with pytest.raises(ValueError, match=r"^material: got none for a setting"):
        manner.completions(gpt2, [Trial("sports", "scifi", 1)], setting=Setting(1, "every", 1.0))


def test_a_coefficient_of_zero_changes_no_completion(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [Trial("sports", "scifi", 1), Trial("scifi", "sports", 1), Trial("sports", "scifi", 3)]
    monkeypatch.setattr(manner, "prompts_of", lambda part: ["The old", "A ship", "Rain"])
    monkeypatch.setattr(manner, "NEW_TOKENS", 5)
    material = material_of(random_sets(layers=4, d_model=32))
    unsteered = manner.completions(gpt2, chosen)
    for coefficient, same in ((0.0, True), (50.0, False)):
        setting = Setting(1, "every", coefficient)
        steered = manner.completions(
            gpt2, chosen, material=material, kind="centred", setting=setting
        )
        assert (steered == unsteered) == same

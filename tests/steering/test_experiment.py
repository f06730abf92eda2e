"""Trials and what is measured of them, beside one prompt at a time without a cache."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_texts
from steering_core.language_model.load import plain_model
from steering_core.steering import experiment
from steering_core.steering.effects import TRIAL
from steering_core.steering.experiment import (
    Setting,
    Trial,
    complete,
    measure,
    opening,
    prompts_of,
    trials,
    vectors_of,
)
from steering_core.steering.kinds import KINDS
from steering_core.steering.lexicon import GENRES
from steering_core.steering.material import Half
from steering_core.steering.sampling import Continuations, pad_left, sample_tokens
from steering_core.steering.steer import is_steered

from ..language_model.conftest import WIDTH
from .handmade import drawn, material_of, random_sets

HALVES: tuple[Half, Half] = ("even", "odd")
MEASURED = ["target_stems", "source_stems", "nats", "distinct"]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("per_pair", [1, 9, 100])
def test_trials_are_of_every_pair_and_one_half(half: Half, per_pair: int) -> None:
    got = trials(half, per_pair)
    pairs = Counter((trial.source, trial.target) for trial in got)
    assert pairs == dict.fromkeys(permutations(GENRES, 2), per_pair)
    assert len(set(got)) == len(got)
    assert {trial.half for trial in got} == {half}
    for trial in got:
        assert 0 <= trial.text < 200
        assert (trial.text % 2 == 1) == (half == "odd")


def test_halves_share_no_prompt_and_more_trials_begin_with_the_fewer() -> None:
    even, odd = ({(t.source, t.text) for t in trials(half, 100)} for half in HALVES)
    assert not even & odd
    assert even | odd == {(genre, text) for genre in GENRES for text in range(200)}
    assert set(trials("odd", 9)) < set(trials("odd", 50)) < set(trials("odd", 100))


@pytest.mark.parametrize("per_pair", [0, 101, -1])
def test_more_than_a_half_has_is_refused(per_pair: int) -> None:
    with pytest.raises(ValueError, match=rf"^per_pair: got {per_pair}; 1 to 100 are allowed"):
        trials("even", per_pair)


def test_an_opening_keeps_its_line_breaks() -> None:
    text = "One two,\nthree  four\n\nfive six seven eight nine ten eleven twelve"
    assert opening(text) == "One two,\nthree  four\n\nfive six seven eight nine ten"
    assert opening(text, 3) == "One two,\nthree"
    assert opening(text, 1) == "One"
    assert opening("Only three words.") == "Only three words."
    assert opening("Word") == "Word"
    assert opening("trailing \n") == "trailing"


def test_prompts_are_the_first_ten_words_of_their_texts() -> None:
    chosen = trials("odd", 2)
    got = prompts_of(chosen)
    for trial, prompt in zip(chosen, got, strict=True):
        text = load_texts(trial.source)[trial.text]
        assert text.startswith(prompt)
        assert prompt.split() == text.split()[:10]
        assert not prompt[-1].isspace()


def test_every_shipped_text_is_longer_than_its_prompt() -> None:
    for genre in GENRES:
        for text in load_texts(genre):
            assert len(opening(text).split()) == 10
            assert len(opening(text)) < len(text)


def test_seeds_differ_between_trials_and_runs() -> None:
    everything = [*trials("even", 100), *trials("odd", 100)]
    seeds = {experiment._seed_of(trial, seed) for trial in everything for seed in range(3)}
    assert len(seeds) == 3 * len(everything)


@pytest.mark.parametrize("kind", ["introduced", "centred", "one_pair"])
def test_vectors_come_in_the_order_of_the_trials(kind: str) -> None:
    material = material_of(random_sets(), drawn(3, 6))
    chosen = [*trials("odd", 2), *trials("even", 1)]
    order = np.random.default_rng(0).permutation(len(chosen)).tolist()
    shuffled = [chosen[i] for i in order]
    got = vectors_of(material, kind, shuffled, 2)
    other: dict[Half, Half] = {"even": "odd", "odd": "even"}
    for trial, vector in zip(shuffled, got, strict=True):
        half = other["odd" if trial.text % 2 else "even"]
        own = KINDS[kind](material, trial.source, trial.target, half)[2]
        assert torch.equal(vector, own)


@pytest.mark.parametrize("kind", ["introduced", "one_pair"])
def test_a_vector_is_not_made_of_its_own_prompt(kind: str) -> None:
    texts = random_sets()
    trial = Trial("sports", "scifi", 4)
    before = vectors_of(material_of(texts, drawn(3, 6)), kind, [trial], 1)
    changed = texts | {"sports": [t + 9 * (i == 4) for i, t in enumerate(texts["sports"])]}
    after = vectors_of(material_of(changed, drawn(3, 6)), kind, [trial], 1)
    assert torch.allclose(before, after)


# The whole of it on a tiny model, whose context holds short texts only.
SHORT = ["The old", "A ship drifted", "The wizard", "He ran", "The stars", "Rain"]
CHOSEN = [
    Trial("fantasy", "sports", 0),
    Trial("sports", "fantasy", 1),
    Trial("scifi", "sports", 2),
    Trial("shakespeare", "scifi", 3),
    Trial("fantasy", "scifi", 0),
]
NEW = 8
LEXICONS = {
    "fantasy": frozenset({"wizard", "door"}),
    "scifi": frozenset({"star", "ship"}),
    "sports": frozenset({"old"}),
    "shakespeare": frozenset({"the", "and", "a"}),
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short texts that differ between genres, few new tokens, batches of two."""
    texts = {g: SHORT[i:] + SHORT[:i] for i, g in enumerate(GENRES)}
    monkeypatch.setattr(experiment, "load_texts", texts.__getitem__)
    monkeypatch.setattr(experiment, "shipped_lexicons", lambda: LEXICONS)
    monkeypatch.setattr(experiment, "NEW_TOKENS", NEW)
    monkeypatch.setattr(experiment, "AT_ONCE", 2)


def vectors(scale: float = 30.0) -> Tensor:
    return scale * drawn(len(CHOSEN), WIDTH, seed=4)


def same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        a.reset_index(drop=True), b.reset_index(drop=True), rtol=1e-5, atol=1e-5
    )


def naive_nats(model: TransformerBridge, prompt: str, tokens: list[int]) -> float:
    """Mean -log p of a continuation behind a prompt, one text alone."""
    tokenizer = model.tokenizer
    begin = [tokenizer.bos_token_id, *tokenizer(prompt, add_special_tokens=False)["input_ids"]]
    end = tokenizer.eos_token_id
    kept = tokens[: tokens.index(end)] if end in tokens else tokens
    with torch.no_grad():
        logits = plain_model(model)(torch.tensor([begin + kept])).logits[0].double()
    log_p = logits.log_softmax(-1)
    each = [-log_p[len(begin) - 1 + i, token].item() for i, token in enumerate(kept)]
    return sum(each) / max(len(each), 1)


@pytest.mark.usefixtures("small")
def test_a_row_for_each_trial_with_its_measures(gpt2: TransformerBridge) -> None:
    got = complete(gpt2, CHOSEN)
    assert list(got) == [*TRIAL, *MEASURED]
    assert got.index.tolist() == list(range(len(CHOSEN)))
    rows = got.to_dict("records")
    for trial, prompt, row in zip(CHOSEN, prompts_of(CHOSEN), rows, strict=True):
        assert [row[key] for key in TRIAL] == [trial.source, trial.target, trial.text]
        drawn_tokens = sample_tokens(
            gpt2,
            [prompt],
            max_new_tokens=NEW,
            seed=[experiment._seed_of(trial, 0)],
            temperature=0.8,
        ).drawn[0]
        assert row["nats"] == pytest.approx(
            naive_nats(gpt2, prompt, drawn_tokens.tolist()), abs=1e-4
        )


@pytest.mark.usefixtures("small")
def test_coefficient_zero_is_unsteered(gpt2: TransformerBridge) -> None:
    setting = Setting(1, "every", 0.0)
    same(complete(gpt2, CHOSEN, vectors=vectors(), setting=setting), complete(gpt2, CHOSEN))


@pytest.mark.usefixtures("small")
def test_each_trial_is_steered_by_its_own_vector(gpt2: TransformerBridge) -> None:
    plain = complete(gpt2, CHOSEN)
    setting = Setting(1, "every", 1.0)
    for steered in range(len(CHOSEN)):
        one = torch.zeros_like(vectors())
        one[steered] = vectors()[steered]
        got = complete(gpt2, CHOSEN, vectors=one, setting=setting)
        changed = (got.nats - plain.nats).abs() > 1e-4
        assert changed.tolist() == [i == steered for i in range(len(CHOSEN))]
        assert not is_steered(gpt2)


@pytest.mark.usefixtures("small")
def test_the_same_trial_has_the_same_completion_in_any_company(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = Setting(1, "generated", 1.0)
    plain = complete(gpt2, CHOSEN)
    steered = complete(gpt2, CHOSEN, vectors=vectors(), setting=setting)
    for own in ([2], [4, 0, 3]):
        chosen = [CHOSEN[i] for i in own]
        same(complete(gpt2, chosen), plain.loc[own])
        same(complete(gpt2, chosen, vectors=vectors()[own], setting=setting), steered.loc[own])
    monkeypatch.setattr(experiment, "AT_ONCE", 120)
    same(complete(gpt2, CHOSEN, vectors=vectors(), setting=setting), steered)


@pytest.mark.usefixtures("small")
def test_another_seed_draws_others(gpt2: TransformerBridge) -> None:
    one, again, other = (complete(gpt2, CHOSEN, seed=seed) for seed in (0, 0, 1))
    same(one, again)
    assert ((one.nats - other.nats).abs() > 1e-4).all()


@pytest.mark.usefixtures("small")
def test_a_prompt_to_two_genres_draws_twice(gpt2: TransformerBridge) -> None:
    got = complete(gpt2, CHOSEN)
    assert CHOSEN[0].source == CHOSEN[4].source
    assert CHOSEN[0].text == CHOSEN[4].text
    assert abs(got.nats[0] - got.nats[4]) > 1e-4


@pytest.mark.usefixtures("small")
def test_a_text_before_the_prompt_is_read_but_not_judged(gpt2: TransformerBridge) -> None:
    before = ["The tower", "Home again", "She said", "Stars and", "of the"]
    got = complete(gpt2, CHOSEN, before=before)
    plain = complete(gpt2, CHOSEN)
    assert ((got.nats - plain.nats).abs() > 1e-4).sum() >= 3
    for trial, first, prompt, nats in zip(
        CHOSEN, before, prompts_of(CHOSEN), got.nats, strict=True
    ):
        found = sample_tokens(
            gpt2,
            [f"{first}\n\n{prompt}"],
            max_new_tokens=NEW,
            seed=[experiment._seed_of(trial, 0)],
            temperature=0.8,
        )
        tokens = found.drawn[0].tolist()
        assert nats == pytest.approx(naive_nats(gpt2, prompt, tokens), abs=1e-4)
        assert nats != pytest.approx(naive_nats(gpt2, f"{first}\n\n{prompt}", tokens), abs=1e-4)


@pytest.mark.usefixtures("small")
def test_not_a_text_before_each_prompt_is_refused(gpt2: TransformerBridge) -> None:
    with pytest.raises(ValueError, match="zip"):
        complete(gpt2, CHOSEN, before=["one"] * (len(CHOSEN) - 1))


@pytest.mark.usefixtures("small")
def test_vectors_without_a_setting_are_not_passed_over(gpt2: TransformerBridge) -> None:
    with pytest.raises(ValueError, match="setting"):
        complete(gpt2, CHOSEN[:1], vectors=vectors()[:1])


@pytest.mark.usefixtures("small")
def test_different_stems_are_counted_by_hand(gpt2: TransformerBridge) -> None:
    """Of the completion alone, up to where the model ended it, and a stem once."""
    end = gpt2.tokenizer.eos_token_id
    completions = [
        " old old and olds, a wizard",
        " the wizards' door. A wizard",
        " nothing",
        " star ships and the old",
        " ship",
    ]
    rows = [gpt2.tokenizer(text, add_special_tokens=False)["input_ids"] for text in completions]
    rows[4] = [*rows[4], end, *rows[0]]
    width = max(map(len, rows))
    tokens = torch.tensor([row + [end] * (width - len(row)) for row in rows])
    kept = (tokens == end).cumsum(1) == 0
    prompts, real = pad_left([[end, 1, 2]] * len(rows))
    got = measure(gpt2, CHOSEN, Continuations(prompts, real, tokens, kept))
    assert got.target_stems.tolist() == [1, 2, 0, 2, 1]
    assert got.source_stems.tolist() == [1, 0, 0, 2, 0]
    assert got.distinct[2] == 1.0

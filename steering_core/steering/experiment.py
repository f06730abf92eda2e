"""Steering measured: many prompts of one genre, steered towards another, beside the unsteered.

A trial is a prompt and the genre it is steered towards. Steered and unsteered completions of a
trial are drawn with the same random numbers, so that their difference is that of the steering.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

import pandas as pd
import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.texts import load_texts
from steering_core.steering.kinds import KINDS
from steering_core.steering.lexicon import GENRES, genre_frequency, shipped_lexicons
from steering_core.steering.material import OTHER, Half, Material
from steering_core.steering.quality import distinct_2, surprise
from steering_core.steering.sampling import (
    Continuations,
    pad_left,
    prompt_tokens,
    sample_tokens,
    texts_of,
)
from steering_core.steering.steer import Position, steer

WORDS, NEW_TOKENS, TEMPERATURE, AT_ONCE = 10, 40, 0.8, 120
PAIRS = tuple(permutations(GENRES, 2))


@dataclass(frozen=True)
class Setting:
    """How a vector is added."""

    layer: int
    position: Position
    coefficient: float


@dataclass(frozen=True)
class Trial:
    """A prompt (the opening of text number `text` of `source`) and where it is steered to."""

    source: str
    target: str
    text: int

    @property
    def half(self) -> Half:
        """Of the source's texts that the prompt is from."""
        return "odd" if self.text % 2 else "even"


def trials(half: Half, per_pair: int) -> list[Trial]:
    """The first `per_pair` openings of every ordered pair of genres, out of one half of the texts.

    Raises:
        ValueError: more than the half has.
    """
    if not 1 <= per_pair <= 100:
        raise ValueError(f"per_pair: got {per_pair}; 1 to 100 are allowed")
    first = int(half == "odd")
    return [
        Trial(source, target, first + 2 * n) for source, target in PAIRS for n in range(per_pair)
    ]


def opening(text: str, words: int = WORDS) -> str:
    """The first words of a text, with the line breaks between them."""
    found = re.match(rf"(?:\S+\s+){{0,{words - 1}}}\S+", text)
    return found[0] if found else text


def prompts_of(chosen: Sequence[Trial]) -> list[str]:
    """The prompt of each trial."""
    texts = {genre: load_texts(genre) for genre in GENRES}
    return [opening(texts[trial.source][trial.text]) for trial in chosen]


def vectors_of(
    material: Material, kind: str, chosen: Sequence[Trial], layer: int
) -> Float64[Tensor, "trials d_model"]:
    """The vector of each trial, from texts that its prompt is not one of where its kind can be."""
    made = {
        key: KINDS[kind](material, t.source, t.target, OTHER[t.half])[layer]
        for key, t in {(t.source, t.target, t.half): t for t in chosen}.items()
    }
    return torch.stack([made[t.source, t.target, t.half] for t in chosen])


def complete(
    model: TransformerBridge,
    chosen: Sequence[Trial],
    *,
    vectors: Float64[Tensor, "trials d_model"] | None = None,
    setting: Setting | None = None,
    before: Sequence[str] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw a completion of every trial and measure it.

    Args:
        model: from `load_model`.
        chosen: the trials.
        vectors: one a trial; None to leave the model unsteered.
        setting: where and how strongly; with vectors.
        before: a text to put in front of each prompt, which the judge of surprise does not see.
        seed: of the draws.

    Raises:
        ValueError: vectors without a setting, or a setting without vectors; bad settings.

    Returns:
        A row a trial: source, target, text; `target_stems` and `source_stems`, different stems of
        their lexicons in the completion; `nats`, its surprise a token under the unsteered model;
        `distinct`, its distinct-2.
    """
    if (vectors is None) != (setting is None):
        raise ValueError("setting: got one without vectors, or none for them; both or neither")
    prompts = prompts_of(chosen)
    parts = []
    for start in range(0, len(chosen), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        asked = prompts[part] if before is None else _joined(before[part], prompts[part])
        seeds = [_seed_of(trial, seed) for trial in chosen[part]]
        if vectors is None or setting is None:
            found = _draw(model, asked, seeds)
        else:
            with steer(
                model,
                vectors[part],
                layer=setting.layer,
                coefficient=setting.coefficient,
                position=setting.position,
            ):
                found = _draw(model, asked, seeds)
        if before is not None:
            tokens, real = pad_left(prompt_tokens(model, prompts[part], True))
            found = replace(found, prompts=tokens.to(found.drawn), real=real.to(found.kept))
        parts.append(measure(model, chosen[part], found))
    return pd.concat(parts, ignore_index=True)


def measure(
    model: TransformerBridge, chosen: Sequence[Trial], found: Continuations
) -> pd.DataFrame:
    """A row for each trial's completion; see `complete`."""
    texts = texts_of(model, found)
    stems = {name: genre_frequency(texts, own) for name, own in shipped_lexicons().items()}
    return pd.DataFrame(
        {
            "source": [trial.source for trial in chosen],
            "target": [trial.target for trial in chosen],
            "text": [trial.text for trial in chosen],
            "target_stems": [stems[trial.target][i] for i, trial in enumerate(chosen)],
            "source_stems": [stems[trial.source][i] for i, trial in enumerate(chosen)],
            "nats": surprise(model, found).tolist(),
            "distinct": distinct_2(found).tolist(),
        }
    )


def _draw(model: TransformerBridge, prompts: Sequence[str], seeds: Sequence[int]) -> Continuations:
    return sample_tokens(
        model, prompts, max_new_tokens=NEW_TOKENS, seed=seeds, temperature=TEMPERATURE
    )


def _seed_of(trial: Trial, seed: int) -> int:
    """The same for the same trial, whatever else is drawn."""
    return seed * 100_000 + PAIRS.index((trial.source, trial.target)) * 1_000 + trial.text


def _joined(before: Sequence[str], prompts: Sequence[str]) -> list[str]:
    return [f"{first}\n\n{prompt}" for first, prompt in zip(before, prompts, strict=True)]

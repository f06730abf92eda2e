"""Steered generation beside unsteered, and ours beside Hugging Face's, in the same process.

Each ratio is the median over rounds in which both run in turn, so that a slow spell of the machine
meets both.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch

from steering_core.language_model import load_model, load_texts, training_mean
from steering_core.language_model.load import plain_model
from steering_core.steering import generate, steer
from steering_core.steering.experiment import opening
from steering_core.steering.steer import Position

ROUNDS, PROMPTS, NEW_TOKENS = 9, 64, 40
pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.mark.parametrize("position", get_args(Position))
def test_steering_costs_a_twentieth_at_most(measured: dict[str, float], position: str) -> None:
    print(f"steered ({position}) over unsteered: {measured[position]:.3f}")
    assert measured[position] <= 1.05


def test_ours_is_as_fast_as_hugging_faces(measured: dict[str, float]) -> None:
    print(f"ours over Hugging Face's: {measured['hugging face']:.2f}")
    assert measured["hugging face"] <= 1.0


def measure() -> dict[str, float]:
    """Median ratios of seconds: steered over unsteered, and ours over Hugging Face's."""
    model: Any = load_model()
    vector = training_mean()[3]
    prompts = [opening(text) for text in load_texts("stories")[:PROMPTS]]
    drawing: dict[str, Any] = {"max_new_tokens": NEW_TOKENS, "seed": 0, "temperature": 0.8}
    plain: Any = plain_model(model)
    tokenizer = model.tokenizer
    tokenizer.padding_side = "left"
    asked = tokenizer([tokenizer.bos_token + p for p in prompts], return_tensors="pt", padding=True)

    def ours() -> None:
        generate(model, prompts, **drawing)

    def theirs() -> None:
        plain.generate(
            input_ids=asked.input_ids,
            attention_mask=asked.attention_mask,
            max_new_tokens=NEW_TOKENS,
            min_new_tokens=NEW_TOKENS,
            do_sample=True,
            temperature=0.8,
            top_k=0,
            pad_token_id=tokenizer.eos_token_id,
        )

    def steered(position: Position) -> Callable[[], None]:
        def run() -> None:
            with steer(model, vector, layer=3, coefficient=1.0, position=position):
                ours()

        return run

    others = {position: steered(position) for position in get_args(Position)}
    rounds = [
        {name: seconds(run) / seconds(ours) for name, run in others.items()}
        | {"hugging face": seconds(ours) / seconds(theirs)}
        for _ in range(ROUNDS)
    ]
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def seconds(run: Callable[[], None]) -> float:
    """How long one run takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    torch.manual_seed(0)  # of Hugging Face's draws
    print(json.dumps(measure()))

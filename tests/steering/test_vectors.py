"""Subtractions of means: what they are, what they refuse, and that a planted direction is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model, residual_mean
from steering_core.language_model.load import plain_model
from steering_core.steering import (
    introduce,
    isolate,
    matched_centre,
    mean_centre,
    steer,
    steering_vector,
)

from ..language_model import naive
from ..language_model.conftest import CONTEXT, LAYERS, TEXTS, WIDTH

REFUSED = (ValueError, TypeCheckError)  # shapes are checked too while the tests run
LONGER = [text for text in TEXTS if len(text) > 8]  # of two tokens or more
SUBTRACTIONS = {"centre": mean_centre, "family": isolate, "other": introduce}

close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5)
numbers = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=1, max_size=12)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> float:
    return float((a.double() @ b.double()) / (a.norm() * b.norm()))


@settings(deadline=None)
@given(numbers)
def test_each_takes_the_second_from_the_first(pairs: list[tuple[float, float]]) -> None:
    target, other = (torch.tensor(side, dtype=torch.float64) for side in zip(*pairs, strict=True))
    for subtract in SUBTRACTIONS.values():
        assert subtract(target, other).tolist() == [a - b for a, b in pairs]
        assert subtract(target[None, None], other[None, None]).shape == (1, 1, len(pairs))
        assert torch.equal(subtract(other, target), -subtract(target, other))
        assert not subtract(target, target).any()


def test_what_is_given_is_left_as_it_was() -> None:
    for subtract in SUBTRACTIONS.values():
        target, other = drawn(LAYERS + 1, WIDTH), drawn(LAYERS + 1, WIDTH, seed=1)
        subtract(target, other).zero_()
        assert torch.equal(target, drawn(LAYERS + 1, WIDTH))
        assert torch.equal(other, drawn(LAYERS + 1, WIDTH, seed=1))


@pytest.mark.parametrize("name", SUBTRACTIONS)
def test_what_does_not_fit_is_refused(name: str) -> None:
    subtract = SUBTRACTIONS[name]
    good = drawn(3, 4)
    for bad in (drawn(2, 4), drawn(3, 5), drawn(4), drawn(1, 3, 4)):  # nothing is broadcast
        with pytest.raises(REFUSED, match=re.compile(f"{name}", re.DOTALL)):
            subtract(good, bad)
    for number in (torch.nan, torch.inf, -torch.inf):
        bad = good.clone()
        bad[1, 2] = number
        with pytest.raises(ValueError, match=r"^target: got numbers that are not finite"):
            subtract(bad, good)
        with pytest.raises(ValueError, match=f"^{name}: got numbers that are not finite"):
            subtract(good, bad)


def test_from_texts_to_a_vector_in_one_step(model: TransformerBridge) -> None:
    target, training = TEXTS[:3], TEXTS[3:]
    got = steering_vector(model, target, training)
    each = [
        naive.mean(naive.all_residuals(model, texts), skip_first=True)
        for texts in (target, training)
    ]
    assert got.shape == (LAYERS + 1, WIDTH)
    close(got, each[0] - each[1])


def test_texts_that_stand_on_both_sides_are_told(gpt2: TransformerBridge) -> None:
    with pytest.warns(UserWarning, match=r"^2 of 3 target texts are among the training texts"):
        got = steering_vector(gpt2, TEXTS[:3], [*TEXTS[1:], *TEXTS[1:]])
    close(got, residual_mean(gpt2, TEXTS[:3]) - residual_mean(gpt2, TEXTS[1:]))
    with pytest.warns(UserWarning, match=r"^1 of 1 target texts"):
        nothing = steering_vector(gpt2, TEXTS[:1], TEXTS[:1])
    assert not nothing.any()


def test_a_vector_needs_texts(gpt2: TransformerBridge) -> None:
    for target, training in (([], TEXTS), (TEXTS, [])):
        with pytest.raises(ValueError, match=r"^texts: got none"):
            steering_vector(gpt2, target, training)
    with pytest.raises(ValueError, match=r"^texts\[1\]: got an empty text"):
        steering_vector(gpt2, [TEXTS[0], " "], TEXTS[1:])
    with pytest.raises(ValueError, match=r"^texts: too few tokens"):
        steering_vector(gpt2, ["q"], TEXTS[2:])
    with (
        steer(gpt2, torch.ones(WIDTH), layer=1, coefficient=1.0),
        pytest.raises(ValueError, match=r"^model: "),
    ):
        steering_vector(gpt2, TEXTS[:1], TEXTS[1:])


# A direction that is planted in the embedding of one word, beside an offset that every token has.
PLANTED, TWIN = " the", " and"
COMMON = "old door tower stars opened spoken home again until morning came she said"
FEATURE = drawn(WIDTH, seed=8)
OFFSET = 5 * drawn(WIDTH, seed=9)


def planted_model(folder: Path, *, strength: float) -> TransformerBridge:
    """One word is its twin plus a direction; all tokens have the offset too."""
    model = load_model(folder)
    (planted,), (twin,) = (
        model.tokenizer(word, add_special_tokens=False)["input_ids"] for word in (PLANTED, TWIN)
    )
    weight = naive.embedding(plain_model(model))
    with torch.no_grad():
        weight += OFFSET
        weight[planted] = weight[twin] + strength * FEATURE
    return model


def sentences(n: int, *, word: str, seed: int) -> list[str]:
    """Common words in a random order, the given one three times, never at the beginning."""
    generator = np.random.default_rng(seed)
    common = COMMON.split()
    return [
        "The "
        + " ".join(
            generator.permutation([*generator.choice(common, 9), *[word.strip()] * 3]).tolist()
        )
        for _ in range(n)
    ]


def test_a_planted_direction_is_all_that_sets_texts_from_their_twins(
    folders: dict[str, Path],
) -> None:
    """The same texts with and without the word differ at layer 0 by its share of the tokens."""
    for family in ("gpt2", "llama", "gpt_neox"):
        model = planted_model(folders[family], strength=2.0)
        target = sentences(8, word=PLANTED, seed=0)
        twins = [text.replace(PLANTED, TWIN) for text in target]
        means = residual_mean(model, target), residual_mean(model, twins)
        tokens = sum(naive.tokens(model, text).shape[1] - 1 for text in target)
        share = sum(text.count(PLANTED) for text in target) / tokens
        for subtract in SUBTRACTIONS.values():
            torch.testing.assert_close(
                subtract(*means)[0], 2.0 * share * FEATURE, rtol=1e-4, atol=1e-4
            )
        assert cosine(steering_vector(model, target, twins)[0], FEATURE) > 0.9999


def test_a_planted_direction_is_found_behind_an_offset(folders: dict[str, Path]) -> None:
    """Other texts than the target's, and blocks that add to it: centred, the mean points along the
    direction at every layer; as it is, along the offset."""
    model = planted_model(folders["gpt2"], strength=30.0)
    target = sentences(60, word=PLANTED, seed=0)
    training = sentences(60, word=TWIN, seed=1)
    assert not set(target) & set(training)
    raw = residual_mean(model, target)
    centred = steering_vector(model, target, training)
    assert cosine(raw[0], FEATURE) < cosine(raw[0], OFFSET)
    assert abs(cosine(FEATURE, OFFSET)) < 0.5
    for layer in range(LAYERS + 1):
        assert cosine(centred[layer], FEATURE) > 0.99, layer
        assert cosine(raw[layer], FEATURE) < 0.9, layer
    opposite = mean_centre(residual_mean(model, training), raw)
    assert cosine(opposite[0], FEATURE) < -0.99


def positions(seed: int = 0, *, upto: int = CONTEXT) -> Tensor:
    """Means as `training_mean("positions")` gives them, nan from a position on."""
    means = drawn(LAYERS + 1, CONTEXT, WIDTH, seed=seed)
    means[:, upto:] = torch.nan
    return means


def naive_matched(lengths: Sequence[int], by_position: Tensor) -> Tensor:
    """A double loop over texts and their places, the first left out."""
    total, n = torch.zeros(LAYERS + 1, WIDTH, dtype=torch.float64), 0
    for length in lengths:
        for place in range(1, length):
            total += by_position[:, place]
            n += 1
    return total / n


def lengths_of(model: TransformerBridge, texts: Sequence[str]) -> list[int]:
    return [naive.tokens(model, text).shape[1] for text in texts]


def test_a_matched_centre_has_as_many_tokens_at_each_place(model: TransformerBridge) -> None:
    lengths = lengths_of(model, TEXTS)
    assert min(lengths) == 1 < max(lengths)
    for by_position in (positions(), positions().float()):
        for first in (by_position[:, :1], torch.nan):
            by_position[:, :1] = first
            got = matched_centre(model, TEXTS, by_position)
            assert got.dtype == torch.float64
            close(got, naive_matched(lengths, by_position.double()))


def test_matched_to_its_own_texts_a_centre_is_their_mean(model: TransformerBridge) -> None:
    by_position = residual_mean(model, TEXTS, centre="positions")
    assert by_position.isnan().any()
    close(matched_centre(model, TEXTS, by_position), residual_mean(model, TEXTS))
    short = [TEXTS[1], TEXTS[2]]
    by_position[:, 0] = 1e9  # the first place is left out, whatever stands there
    close(
        matched_centre(model, short, by_position),
        naive_matched(lengths_of(model, short), by_position),
    )


def test_a_long_text_counts_by_its_windows(gpt2: TransformerBridge) -> None:
    long = " ".join(TEXTS)
    n = naive.tokens(gpt2, long).shape[1]
    assert n > CONTEXT
    windows = [min(CONTEXT, n - start) for start in range(0, n, CONTEXT)]
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than the context"):
        got = matched_centre(gpt2, [long, TEXTS[0]], positions())
    close(got, naive_matched([*windows, *lengths_of(gpt2, TEXTS[:1])], positions()))


def test_places_without_a_mean_are_refused_where_texts_have_tokens(
    gpt2: TransformerBridge,
) -> None:
    longest = max(lengths_of(gpt2, TEXTS))
    assert matched_centre(gpt2, TEXTS, positions(upto=longest)).isfinite().all()
    with pytest.raises(ValueError, match=rf"^by_position: no mean at position {longest - 1}, "):
        matched_centre(gpt2, TEXTS, positions(upto=longest - 1))
    with pytest.raises(ValueError, match=r"^by_position: no mean at position 1, "):
        matched_centre(gpt2, TEXTS, positions(upto=0))
    hole = positions()
    hole[:, 3] = torch.nan
    with pytest.raises(ValueError, match=r"^by_position: no mean at position 3, "):
        matched_centre(gpt2, TEXTS, hole)


def test_a_hole_in_one_layer_alone_is_refused(gpt2: TransformerBridge) -> None:
    hole = positions()
    hole[2, 3, 5] = torch.nan
    with pytest.raises(ValueError, match=r"^by_position: no mean at position 3, "):
        matched_centre(gpt2, TEXTS, hole)


def test_fewer_places_than_texts_reach_are_refused(gpt2: TransformerBridge) -> None:
    longest = max(lengths_of(gpt2, TEXTS))
    enough = positions()[:, :longest]
    close(matched_centre(gpt2, TEXTS, enough), naive_matched(lengths_of(gpt2, TEXTS), enough))
    with pytest.raises(ValueError, match=r"^by_position: "):
        matched_centre(gpt2, TEXTS, positions()[:, : longest - 1])


def one_token(model: TransformerBridge) -> Tensor:
    return matched_centre(model, ["q"], positions())


def no_texts(model: TransformerBridge) -> Tensor:
    return matched_centre(model, [], positions())


def an_empty_text(model: TransformerBridge) -> Tensor:
    return matched_centre(model, [TEXTS[0], ""], positions())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (no_texts, "texts: got none"),
        (an_empty_text, r"texts\[1\]: got an empty text"),
        (one_token, "texts: "),
    ],
)
def test_a_matched_centre_needs_texts(
    gpt2: TransformerBridge, call: Callable[[TransformerBridge], Tensor], says: str
) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        call(gpt2)

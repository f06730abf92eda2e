"""Centres from few texts, and cosines of a pair, beside numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from steering_core.steering.centres import (
    any_centre,
    centre_from_few,
    love_and_mean,
    love_by_layer,
    measured_cosine,
    shared_and_own,
)
from steering_core.steering.effects import Effects
from steering_core.steering.material import Material
from steering_core.steering.reading_claims import CLAIMS

from .handmade import N_TEXTS, drawn, material_of, random_sets, token_mean

ALL = sum(N_TEXTS.values())
CENTRE = drawn(3, 6, seed=5)


@pytest.fixture(scope="module")
def texts() -> dict[str, list[Tensor]]:
    return random_sets()


@pytest.fixture(scope="module")
def material(texts: dict[str, list[Tensor]]) -> Material:
    return material_of(texts, CENTRE)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_all_texts_give_the_centre_itself(material: Material) -> None:
    got = centre_from_few(material, [ALL], draws=5)
    assert got.shape == (1, 5, 3)
    torch.testing.assert_close(got, torch.ones_like(got))


def test_one_text_at_a_time_gives_one_of_their_cosines(
    texts: dict[str, list[Tensor]], material: Material
) -> None:
    whole = token_mean([text for own in texts.values() for text in own])
    each = [cosines(token_mean([text]), whole) for own in texts.values() for text in own]
    got = centre_from_few(material, [1], draws=60)[0]
    seen = set()
    for row in got.numpy():
        near = [i for i, one in enumerate(each) if np.allclose(one, row)]
        assert len(near) == 1
        seen.update(near)
    assert len(seen) > ALL / 2  # different ones are drawn


def test_all_but_one_text_are_drawn_without_return(
    texts: dict[str, list[Tensor]], material: Material
) -> None:
    everything = [text for own in texts.values() for text in own]
    whole = token_mean(everything)
    without = [cosines(token_mean(everything[:i] + everything[i + 1 :]), whole) for i in range(ALL)]
    for row in centre_from_few(material, [ALL - 1], draws=20)[0].numpy():
        assert any(np.allclose(row, one) for one in without)


def test_more_texts_come_closer_on_average(material: Material) -> None:
    means = centre_from_few(material, [1, 3, 10, 30, ALL], draws=200).mean(1)
    assert (means[1:] > means[:-1]).all()


def test_draws_are_the_same_each_time_and_leave_the_generator(material: Material) -> None:
    before = torch.get_rng_state()
    one, again, other = (centre_from_few(material, [3, 5], draws=4, seed=s) for s in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("size", [0, -1, ALL + 1])
def test_a_size_out_of_range_is_refused(material: Material, size: int) -> None:
    with pytest.raises(ValueError, match=rf"^sizes: got {size}; 1 to {ALL} are allowed"):
        centre_from_few(material, [2, size])


def test_a_measured_cosine_is_the_mean_of_its_draws() -> None:
    values = torch.linspace(0, 1, 1001, dtype=torch.float64)[torch.randperm(1001)]
    got = measured_cosine(values)
    assert got.value == pytest.approx(0.5)
    assert got.n == 1001
    assert got.interval == pytest.approx((0.005, 0.995))


def naive_pair(love: np.ndarray, hate: np.ndarray) -> dict[str, np.ndarray]:
    m = CENTRE.numpy()
    return {
        "mean_in_love": cosines(love, m),
        "mean_in_pair": cosines(love - hate, m),
        "opposite": cosines(love - m, hate - m),
    }


def test_the_cosines_of_a_pair(texts: dict[str, list[Tensor]], material: Material) -> None:
    expected = naive_pair(token_mean(texts["loving"]), token_mean(texts["hateful"]))
    got = love_and_mean(material)
    assert set(got) == set(expected)
    for part, measured in got.items():
        assert measured.value == pytest.approx(expected[part][1:].mean())  # not the embeddings
        assert measured.n == len(texts["loving"])
        assert measured.interval is not None
        assert measured.interval[0] < measured.value < measured.interval[1]
    assert got == love_and_mean(material)
    by_layer = love_by_layer(material)
    for (name, layers), part in zip(by_layer.items(), expected, strict=True):
        np.testing.assert_allclose(layers, expected[part])
        assert name.count("m") >= 1


def test_texts_on_one_subject_are_drawn_together() -> None:
    """What a subject brings to both of its texts is taken away in every draw."""
    texts = random_sets()
    feature = drawn(3, 1, 6, seed=8)
    texts["hateful"] = [text - feature for text in texts["loving"]]
    got = love_and_mean(material_of(texts, CENTRE))["mean_in_pair"]
    assert got.interval == pytest.approx((got.value, got.value))


def test_a_pair_takes_away_what_both_share() -> None:
    """Love and hate are the mean and a feature each, at right angles."""
    texts = random_sets()
    m = torch.zeros(3, 6, dtype=torch.float64)
    m[:, 0] = 5.0
    for name, axis in (("loving", 1), ("hateful", 2)):
        feature = torch.zeros(3, 1, 6, dtype=torch.float64)
        feature[..., axis] = 1.0
        texts[name] = [m[:, None] + feature.expand(3, 4, 6) for _ in range(6)]
    got = love_and_mean(material_of(texts, m))
    assert got["mean_in_love"].value == pytest.approx(5 / 26**0.5)
    assert got["mean_in_pair"].value == pytest.approx(0, abs=1e-12)
    assert got["opposite"].value == pytest.approx(0, abs=1e-12)


def test_what_vectors_share_is_their_mean_and_their_own_is_the_rest() -> None:
    shared, apart = torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, -3.0]])
    vectors = {"one": shared + apart, "other": shared - apart}
    together, own = shared_and_own({n: v.double() for n, v in vectors.items()})
    assert together.tolist() == pytest.approx([5.0])
    assert own.tolist() == pytest.approx([5.0])


def test_one_vector_shares_nothing() -> None:
    with pytest.raises(ValueError, match=r"^vectors: got 1; two or more"):
        shared_and_own({"one": torch.zeros(2, 3, dtype=torch.float64)})


def test_other_centres_are_beside_the_centred_at_its_norm() -> None:
    stems = {
        "unsteered": [1, 1, 1, 1],
        "centred": [2, 2, 2, 2],
        "of_all_texts_at_norm": [3, 3, 4, 2],
        "position_matched_at_norm": [2, 3, 1, 2],
    }
    trials = {"source": list("abab"), "target": list("cccc"), "text": [1, 1, 3, 3]}
    runs = [
        pd.DataFrame(trials | {"target_stems": own}).assign(model="first", run=name)
        for name, own in stems.items()
    ]
    fifty = torch.tensor([0.9, 0.97, 0.98], dtype=torch.float64)
    got = any_centre(Effects.of(pd.concat(runs), "first"), fifty)
    assert got["all_texts"].value == pytest.approx(2 - 1)
    assert got["by_position"].value == pytest.approx(1 - 1)
    assert got["fifty_texts"] == measured_cosine(fifty)
    (claim,) = (one for one in CLAIMS if one.id == "I-13")
    assert set(got) == set(claim.rules)

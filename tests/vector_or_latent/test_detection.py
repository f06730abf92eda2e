"""Telling a genre, where it is known how well each method does."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.steering import material as material_module
from steering_core.steering.lexicon import GENRES
from steering_core.steering.material import SETS, read_material
from steering_core.vector_or_latent import METHODS, Labelled, auroc, detection, read_latents
from steering_core.vector_or_latent.detection import (
    is_genre,
    ranked_latents,
    scores_of,
    vector,
)

from ..language_model.conftest import TEXTS
from ..language_model.conftest import WIDTH as MODEL_WIDTH
from .conftest import LAYER, N_LATENTS


def _keep(kept: dict[int, torch.Tensor], layer: int, x: torch.Tensor, _batch: object) -> None:
    kept[layer] = x.clone()


def by_pairs(scores: np.ndarray, target: np.ndarray) -> float:
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[target] for b in scores[~target]]
    return float(np.mean(pairs))


def test_the_area_is_the_share_of_ordered_pairs() -> None:
    chance = np.random.default_rng(0)
    scores = chance.integers(0, 5, (30, 4)).astype(float)
    target = chance.random(30) < 0.3
    expected = [by_pairs(column, target) for column in scores.T]
    np.testing.assert_allclose(auroc(scores, target), expected)
    assert auroc(np.array([1.0, 2.0, 3.0]), np.array([False, False, True])) == 1.0
    assert auroc(np.array([1.0, 1.0]), np.array([False, True])) == 0.5


@pytest.mark.parametrize("all_or_none", [True, False])
def test_an_area_needs_both_kinds(all_or_none: bool) -> None:
    with pytest.raises(ValueError, match="target: got"):
        auroc(np.zeros(3), np.full(3, all_or_none))


def test_the_latent_that_fires_on_a_genre_is_found(labelled: Labelled) -> None:
    for g, genre in enumerate(GENRES):
        assert ranked_latents(labelled, 0, genre)[0] == 3 + g
        scores = scores_of(labelled, "latent", 0, genre)
        odd = labelled.half("odd")
        assert auroc(scores[odd], is_genre(labelled, genre)[odd]) == 1.0


def test_the_vector_is_of_even_texts_and_tells_its_genre(labelled: Labelled) -> None:
    material = labelled.material
    for g, genre in enumerate(GENRES):
        expected = material.mean(genre, "even")[LAYER] - material.centre[LAYER]
        torch.testing.assert_close(vector(labelled, genre, "centred"), expected)
        less = material.mean(genre, "even")[LAYER] - material.mean("stories", "even")[LAYER]
        torch.testing.assert_close(vector(labelled, genre, "isolated"), less)
        assert int(expected.argmax()) == g
        scores = scores_of(labelled, "centred", 0, genre)
        assert auroc(scores, is_genre(labelled, genre)) > 0.9
    with pytest.raises(ValueError, match="kind: got 'whitened'"):
        vector(labelled, "fantasy", "whitened")


def test_what_is_chosen_does_not_look_at_odd_texts(labelled: Labelled) -> None:
    odd = torch.from_numpy(labelled.half("odd"))
    latents = labelled.latents.clone()
    latents[:, odd] = torch.rand(latents[:, odd].shape, dtype=torch.float64)
    other = Labelled(labelled.material, LAYER, latents)
    for genre in GENRES:
        for seed in range(len(latents)):
            ours, theirs = (ranked_latents(one, seed, genre) for one in (labelled, other))
            np.testing.assert_array_equal(ours, theirs)


def test_halves_are_by_number_within_a_set(labelled: Labelled) -> None:
    even, names = labelled.half("even"), np.array(labelled.set_of)
    for name in SETS:
        mine = even[names == name]
        np.testing.assert_array_equal(mine, np.arange(len(mine)) % 2 == 0)
    np.testing.assert_array_equal(labelled.half("odd"), ~even)


def test_the_best_random_direction_is_the_best_of_as_many_as_latents(labelled: Labelled) -> None:
    genre = "sports"
    scores = scores_of(labelled, "random direction", 0, genre)
    even, target = labelled.half("even"), is_genre(labelled, genre)
    x = labelled.activations().numpy()
    chance = np.random.default_rng([0, GENRES.index(genre)])
    directions = chance.standard_normal((x.shape[1], N_LATENTS))
    each = [by_pairs((x @ d)[even], target[even]) for d in directions.T]
    assert auroc(scores[even], target[even]) == pytest.approx(max(each))
    again = scores_of(labelled, "random direction", 0, genre)
    np.testing.assert_array_equal(scores, again)
    assert not np.array_equal(scores, scores_of(labelled, "random direction", 1, genre))


def test_every_method_gives_every_text_a_score(labelled: Labelled) -> None:
    for method in METHODS:
        scores = scores_of(labelled, method, 1, "scifi")
        assert scores.shape == (len(labelled.set_of),)
        assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="method: got 'luck'"):
        scores_of(labelled, "luck", 0, "scifi")
    with pytest.raises(ValueError, match="genre: got 'stories'"):
        is_genre(labelled, "stories")


def test_latents_are_means_over_tokens_but_the_first(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def texts_of(name: str) -> list[str]:
        turned = SETS.index(name) % 3
        return [TEXTS[0], TEXTS[2 + turned], TEXTS[4]]

    for module in (detection, material_module):
        monkeypatch.setattr(module, "load_texts", texts_of)
    x = torch.randn(64, MODEL_WIDTH, generator=torch.Generator().manual_seed(0))
    trained = train_autoencoders(
        x, "relu", n_latents=5, penalties=(0.1,), seeds=(0, 1), recipe=Recipe(steps=2)
    )
    material = read_material(gpt2)
    found = read_latents(gpt2, trained, material, LAYER)
    everything = [text for name in SETS for text in texts_of(name)]
    for place, text in enumerate(everything):
        kept = {}
        see = partial(_keep, kept)
        visit_residuals(gpt2, [text], see, layers=[LAYER])
        expected = trained.encode(kept[LAYER][0, 1:]).double().mean(1)
        torch.testing.assert_close(found.latents[:, place], expected, rtol=1e-4, atol=1e-6)
        mean = kept[LAYER][0, 1:].double().mean(0)
        torch.testing.assert_close(found.activations()[place], mean, rtol=1e-4, atol=1e-6)

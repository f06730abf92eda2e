"""Random directions are chosen and judged as latents are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent import Labelled, auroc, scores_of
from steering_core.vector_or_latent.by_chance import (
    best_and_eight,
    latent_aurocs,
    random_aurocs,
    spread_table,
)
from steering_core.vector_or_latent.detection import is_genre


@pytest.mark.parametrize("genre", GENRES)
def test_latents_are_chosen_as_by_the_method_of_their_name(labelled: Labelled, genre: str) -> None:
    for seed, latents in enumerate(labelled.latents):
        one, eight = best_and_eight(labelled, latents.numpy(), genre)
        np.testing.assert_allclose(one, scores_of(labelled, "latent", seed, genre))
        np.testing.assert_allclose(eight, scores_of(labelled, "eight latents", seed, genre))


def test_areas_are_means_over_genres_on_odd_texts(labelled: Labelled) -> None:
    odd = labelled.half("odd")
    found: Any = latent_aurocs(labelled)
    for seed in range(len(labelled.latents)):
        areas = [
            auroc(scores_of(labelled, "latent", seed, g)[odd], is_genre(labelled, g)[odd])
            for g in GENRES
        ]
        assert found["one"][seed] == pytest.approx(np.mean(areas))


def test_draws_differ_and_can_be_repeated(labelled: Labelled) -> None:
    found: Any = random_aurocs(labelled, draws=3, seed=1)
    assert found.shape == (3, 2)
    assert found["one"].nunique() == 3
    pd.testing.assert_frame_equal(found, random_aurocs(labelled, draws=3, seed=1))
    assert found.to_numpy().min() > 0.5, "a genre is five away in a coordinate of its own"


def test_the_spread_is_over_draws() -> None:
    latents = pd.DataFrame({"one": [0.8, 0.9], "eight": [0.9, 1.0]})
    chance = pd.DataFrame({"one": [0.5, 0.6, 0.7], "eight": [0.6, 0.6, 0.6]})
    table = spread_table(latents, chance)
    assert table.loc["best random direction"].tolist() == pytest.approx([0.6, 0.5, 0.7, 3])
    assert table.loc["eight latents"].tolist() == pytest.approx([0.95, 0.9, 1.0, 2])

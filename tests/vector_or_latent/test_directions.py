"""Steering vectors out of decoders."""

from __future__ import annotations

import pytest
import torch

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent import KINDS, Labelled, direction
from steering_core.vector_or_latent.detection import is_genre, ranked_latents

from .conftest import LAYER


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(a, b, dim=0))


def test_every_kind_is_as_long_as_the_centred_vector(
    labelled: Labelled, autoencoders: Autoencoders
) -> None:
    for genre in GENRES:
        centred = direction(labelled, autoencoders, "centred", 0, genre)
        mean = labelled.material.mean(genre) - labelled.material.centre
        torch.testing.assert_close(centred, mean[LAYER])
        for kind in KINDS:
            found = direction(labelled, autoencoders, kind, 1, genre)
            assert float(found.norm()) == pytest.approx(float(centred.norm()))


def test_a_latents_direction_is_its_decoder_row(
    labelled: Labelled, autoencoders: Autoencoders
) -> None:
    for seed in range(2):
        best = ranked_latents(labelled, seed, "scifi")
        for rank in (1, 2, 4):
            found = direction(labelled, autoencoders, f"latent {rank}", seed, "scifi")
            row = autoencoders.parameters["w_dec"][seed, best[rank - 1]].double()
            assert cosine(found, row / autoencoders.scale) == pytest.approx(1, abs=1e-5)


def test_eight_latents_are_weighed_by_how_much_more_they_fire(
    labelled: Labelled, autoencoders: Autoencoders
) -> None:
    target = torch.from_numpy(is_genre(labelled, "fantasy"))
    even = torch.from_numpy(labelled.half("even"))
    expected = torch.zeros(autoencoders.width, dtype=torch.float64)
    for latent in ranked_latents(labelled, 0, "fantasy")[:8].tolist():
        fires = labelled.latents[0, :, latent]
        more = fires[even & target].mean() - fires[even & ~target].mean()
        expected += more * autoencoders.parameters["w_dec"][0, latent] / autoencoders.scale
    found = direction(labelled, autoencoders, "eight latents", 0, "fantasy")
    assert cosine(found, expected) == pytest.approx(1, abs=1e-5)


def test_another_kind_is_refused(labelled: Labelled, autoencoders: Autoencoders) -> None:
    with pytest.raises(ValueError, match="kind: got 'latent 5'"):
        direction(labelled, autoencoders, "latent 5", 0, "fantasy")

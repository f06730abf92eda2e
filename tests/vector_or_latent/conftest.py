"""Texts of eight sets whose activations are known, and autoencoders that are made by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent import Labelled

from ..language_model.conftest import folder, folders, gpt2, model, offline, one_thread, tokenizer
from ..steering.handmade import material_of, random_sets

__all__ = ["folder", "folders", "gpt2", "model", "offline", "one_thread", "tokenizer"]

LAYER, WIDTH, N_LATENTS, SEEDS = 1, 6, 12, 2


@pytest.fixture(scope="package")
def autoencoders() -> Autoencoders:
    x = torch.randn(64, WIDTH, generator=torch.Generator().manual_seed(0))
    return train_autoencoders(
        x,
        "topk",
        n_latents=N_LATENTS,
        penalties=(2.0,),
        seeds=range(SEEDS),
        recipe=Recipe(steps=3),
        batch_size=16,
    )


@pytest.fixture(scope="package")
def labelled() -> Labelled:
    """Latent 3 + g of seed 0 fires on genre g alone; nothing else says anything of a genre.

    The activations of genre g have 5 more in coordinate g at the layer.
    """
    texts = random_sets(d_model=WIDTH)
    for g, genre in enumerate(GENRES):
        for text in texts[genre]:
            text[LAYER, :, g] += 5.0
    material = material_of(texts)
    n = sum(len(own) for own in texts.values())
    latents: Tensor = torch.rand(
        SEEDS, n, N_LATENTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    for g, genre in enumerate(GENRES):
        latents[0, :, 3 + g] = 0.0
        latents[0, material.spans[genre], 3 + g] = 1.0
    return Labelled(material, LAYER, latents)

"""One pass that stops at the layer reads what two passes over all layers read."""

from __future__ import annotations

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_texts
from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.steering import material
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent import detection, one_pass, read_latents

from ..language_model.conftest import WIDTH

LAYER = 1


def test_it_reads_what_two_passes_do(
    model: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (material, detection, one_pass):
        monkeypatch.setattr(
            module, "load_texts", lambda name: [t[:60] for t in load_texts(name)[:4]]
        )
    x = torch.randn(64, WIDTH, generator=torch.Generator().manual_seed(0))
    autoencoders = train_autoencoders(
        x, "topk", n_latents=8, penalties=(2.0,), recipe=Recipe(steps=3), batch_size=16
    )
    wanted = read_latents(model, autoencoders, material.read_material(model), LAYER)
    found = one_pass.read_labelled(model, autoencoders, LAYER)
    torch.testing.assert_close(found.latents, wanted.latents, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.activations(), wanted.activations(), rtol=1e-4, atol=1e-5)
    assert found.set_of == wanted.set_of
    for kind in ("centred", "isolated"):
        vectors = [detection.vector(one, GENRES[0], kind) for one in (found, wanted)]
        torch.testing.assert_close(*vectors, rtol=1e-4, atol=1e-5)

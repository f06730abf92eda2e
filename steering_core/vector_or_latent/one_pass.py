"""Labelled texts in one pass that stops at the layer: all that telling needs, in half the time.

`detection.read_latents` takes material of all layers, which has been read before.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.record import centre_of
from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.texts import load_texts
from steering_core.language_model.token_batches import TokenBatch
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.steering.anisotropy import ResidualSums, spans
from steering_core.steering.material import SETS, Material
from steering_core.vector_or_latent.detection import Labelled


def read_labelled(model: TransformerBridge, autoencoders: Autoencoders, layer: int) -> Labelled:
    """What `read_latents` gives, with material of the layers up to this one.

    Of the sums, those of lengths and squares stay empty.

    Args:
        model: from `load_model`.
        autoencoders: of the input of block `layer`.
        layer: from 0.
    """
    sets = {name: load_texts(name) for name in SETS}
    texts = [text for own in sets.values() for text in own]
    n, layers = len(texts), layer + 1
    latents = torch.zeros(len(autoencoders), n, autoencoders.n_latents, dtype=torch.float64)
    total = torch.zeros(layers, n, model.cfg.d_model, dtype=torch.float64)
    tokens = torch.zeros(n, dtype=torch.float64)

    def add(k: int, x: Tensor, batch: TokenBatch) -> None:
        real = batch.real[:, 1:]
        rows = x[:, 1:][real].cpu()
        owner = batch.text[:, None].expand_as(real)[real].cpu()
        total[k].index_add_(0, owner, rows.double())
        if k == layer:
            tokens.index_add_(0, owner, torch.ones(len(owner), dtype=torch.float64))
            latents.index_add_(1, owner, autoencoders.encode(rows).double())

    visit_residuals(model, texts, add, layers=range(layers))
    empty = torch.zeros_like(total)
    sums = ResidualSums(tokens, total, empty, empty[..., 0], empty[:, 0])
    centre = centre_of(model, sums.mean)[:layers].double()
    return Labelled(Material(sums, spans(sets), centre), layer, latents / tokens[:, None])

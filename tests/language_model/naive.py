"""What the streamed statistics must equal: one text at a time, through the hooks of the bridge."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedModel


def tokens(model: TransformerBridge, text: str, *, prepend_bos: bool = False) -> Tensor:
    """(1, positions)"""
    ids = model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return torch.tensor([[model.tokenizer.bos_token_id, *ids] if prepend_bos else ids])


def embedding(plain: PreTrainedModel) -> Tensor:
    """The weights of the token embedding, to be changed in place."""
    weight = plain.get_input_embeddings().weight
    assert isinstance(weight, Tensor)
    return weight


def residuals(model: TransformerBridge, row: Tensor) -> Tensor:
    """(layers, positions, d_model) of one row of tokens, in float64."""
    blocks = range(model.cfg.n_layers)
    names = ["blocks.0.hook_in", *(f"blocks.{block}.hook_out" for block in blocks)]
    with torch.no_grad():
        _, cache = model.run_with_cache(row, names_filter=names)
    return torch.stack([cache[name][0] for name in names]).double()


def all_residuals(
    model: TransformerBridge, texts: Sequence[str], *, prepend_bos: bool = False
) -> list[Tensor]:
    """(layers, positions, d_model) of each text."""
    return [residuals(model, tokens(model, text, prepend_bos=prepend_bos)) for text in texts]


def mean(each: Sequence[Tensor], *, skip_first: bool) -> Tensor:
    """Over all tokens."""
    return torch.cat([one[:, int(skip_first) :] for one in each], 1).mean(1)


def mean_by_position(each: Sequence[Tensor], context: int, *, skip_first: bool) -> Tensor:
    """Over the texts that reach a position; nan where none does."""
    layers, _, width = each[0].shape
    means = torch.full((layers, context, width), torch.nan, dtype=torch.float64)
    for position in range(int(skip_first), context):
        there = [one[:, position] for one in each if one.shape[1] > position]
        if there:
            means[:, position] = torch.stack(there).mean(0)
    return means


def mean_cosine(each: Sequence[Tensor], *, skip_first: bool) -> Tensor:
    """Over all pairs of two different tokens, each visited."""
    rows = torch.cat([one[:, int(skip_first) :] for one in each], 1)
    unit = rows / rows.norm(dim=-1, keepdim=True)
    cosines = unit @ unit.mT
    off_diagonal = ~torch.eye(rows.shape[1], dtype=torch.bool)
    return cosines[:, off_diagonal].mean(1)

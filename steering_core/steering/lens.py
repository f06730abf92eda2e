"""The logit lens: which tokens a vector in the residual stream makes likely.

A vector is read as if it were the last output of the model (nostalgebraist 2020). What the final
norm does to it has to be said, since the lens is used on vectors that the norm never sees.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

Norm = Literal["own", "gain", "none"]


@torch.no_grad()
def token_logits(
    model: TransformerBridge, vector: Float[Tensor, "*batch d_model"], *, norm: Norm = "gain"
) -> Float[Tensor, "*batch vocabulary"]:
    """The logit that each token gets from a vector; the unembedding's bias is left out.

    Args:
        model: from `load_model`.
        vector: any number of them.
        norm: "own": through the model's final norm, which scales each vector by its own size, and
            adds its bias; "gain": the same without the bias, which is no part of the vector, so
            that v and -v give opposite logits (the order of tokens that weights with the norm
            folded in give); "none": straight to the unembedding, as if there were no norm.

    Raises:
        ValueError: another width than the model's, numbers that are not finite, an unknown norm.
    """
    if vector.shape[-1:] != (model.cfg.d_model,):
        raise ValueError(
            f"vector: got shape {tuple(vector.shape)}; a last axis of {model.cfg.d_model}, the "
            f"width of this model's residual stream, is allowed"
        )
    if not vector.isfinite().all():
        raise ValueError("vector: got numbers that are not finite; finite ones are allowed")
    if norm not in get_args(Norm):
        raise ValueError(f"norm: got {norm!r}; allowed are {', '.join(get_args(Norm))}")
    weights = unembedding(model)
    x = vector.to(weights)
    if norm != "none":
        final: Any = model.ln_final
        x = final(x)
        bias = getattr(final, "bias", None)
        if norm == "gain" and bias is not None:
            x = x - bias
    return x @ weights.T


def unembedding(model: TransformerBridge) -> Float[Tensor, "vocabulary d_model"]:
    """The row of each token in the model's last matrix."""
    inner: Any = model.original_model
    return inner.get_output_embeddings().weight


def top_tokens(
    model: TransformerBridge,
    vector: Float[Tensor, " d_model"],
    k: int = 8,
    *,
    norm: Norm = "gain",
) -> list[str]:
    """The k tokens that a vector makes likeliest, the likeliest first, spaces and all.

    Args:
        model: from `load_model`.
        vector: one vector, such as a row of what `isolate` gives.
        k: how many tokens, from 1.
        norm: what becomes of the final norm; see `token_logits`.

    Raises:
        ValueError: more than one vector; k out of range; what `token_logits` refuses.
    """
    if vector.ndim != 1:
        raise ValueError(f"vector: got shape {tuple(vector.shape)}; one vector is allowed")
    logits = token_logits(model, vector, norm=norm)
    if not 1 <= k <= len(logits):
        raise ValueError(f"k: got {k}; 1 to {len(logits)}, the vocabulary, are allowed")
    return [model.tokenizer.decode([token]) for token in logits.topk(k).indices.tolist()]

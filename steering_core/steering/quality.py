"""What steering costs: how strange the unsteered model finds a continuation, and how it repeats."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import plain_model
from steering_core.steering.sampling import Continuations, call
from steering_core.steering.steer import is_steered

AT_ONCE = 64  # texts whose logits are held together


@torch.no_grad()
def surprise(model: TransformerBridge, found: Continuations) -> Float64[Tensor, " texts"]:
    """The mean of -log p over the tokens of each continuation, in nats; 0 for one without tokens.

    Args:
        model: from `load_model`, unsteered: who wrote the continuation must not judge it.
        found: from `sample_tokens`; a batch may be scored by another model with its tokenizer.

    Raises:
        ValueError: the model is being steered.
    """
    if is_steered(model):
        raise ValueError(
            "model: it is being steered; a model outside of every steer block is allowed"
        )
    plain = plain_model(model)
    tokens = torch.cat([found.prompts, found.drawn], dim=1)
    mask = torch.cat([found.real, torch.ones_like(found.kept)], dim=1)
    nats = []
    for part in torch.arange(len(tokens)).split(AT_ONCE):
        logits = call(plain, tokens[part], mask[part], last=found.drawn.shape[1] + 1).logits
        log_p = logits[:, -1 - found.drawn.shape[1] : -1].float().log_softmax(-1)
        nats.append(-log_p.gather(2, found.drawn[part][..., None])[..., 0])
    kept = found.kept
    total = (torch.cat(nats).double() * kept).sum(1)
    return total / kept.sum(1).clamp_min(1)


def perplexity(model: TransformerBridge, found: Continuations) -> float:
    """exp of the mean surprise over all tokens of all continuations, under the unsteered model.

    Args:
        model: from `load_model`, unsteered.
        found: from `sampling.sample_tokens`.

    Raises:
        ValueError: the model is being steered; no continuation has a token.
    """
    n = found.kept.sum(1)
    if not n.sum():
        raise ValueError("found: no continuation has a token; at least one is needed")
    return math.exp(float((surprise(model, found) * n).sum() / n.sum()))


def distinct_2(found: Continuations) -> Float[Tensor, " texts"]:
    """The share of a continuation's pairs of neighbouring tokens that are different pairs (Li et
    al. 2016); 1 where there are none.

    Args:
        found: from `sampling.sample_tokens`.

    Returns:
        (texts,) in [0, 1].
    """
    shares = []
    for row, kept in zip(found.drawn.tolist(), found.kept.sum(1).tolist(), strict=True):
        pairs = list(pairwise(row[:kept]))
        shares.append(len(set(pairs)) / len(pairs) if pairs else 1.0)
    return torch.tensor(shares)

"""Who writes the mean: the embeddings, or the attention and the MLP of which block?

The residual stream at layer k is the embeddings plus everything that the blocks before k have
written (Elhage et al. 2021), so its mean is the sum of the means of what each of them writes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.token_batches import token_batches


@torch.no_grad()
def mean_writers(
    model: TransformerBridge, texts: Iterable[str]
) -> dict[str, Float64[Tensor, " d_model"]]:
    """The mean of what each part writes into the residual stream, over every token but the first.

    Args:
        model: from `load_model`.
        texts: at least one with a second token.

    Returns:
        "embeddings", then "attention k" and "MLP k" of each block k, in the order of writing.

    Raises:
        ValueError: no text holds a second token; bad texts.
    """
    hooks = {"embeddings": "blocks.0.hook_in"}
    for k in range(model.cfg.n_layers):
        hooks[f"attention {k}"] = f"blocks.{k}.attn.hook_out"
        hooks[f"MLP {k}"] = f"blocks.{k}.mlp.hook_out"
    sums = {part: torch.zeros(model.cfg.d_model, dtype=torch.float64) for part in hooks}
    tokens = 0
    for batch in token_batches(model, texts):
        counted = batch.real.clone()
        counted[:, 0] = False
        tokens += int(counted.sum())
        _, cache = model.run_with_cache(
            batch.tokens.to(model.cfg.device), names_filter=list(hooks.values())
        )
        for part, hook in hooks.items():
            sums[part] += cache[hook].cpu()[counted].sum(0, dtype=torch.float64)
    if tokens == 0:
        raise ValueError("texts: none holds a token after the first; give longer texts")
    return {part: total / tokens for part, total in sums.items()}


def shares_of_mean(writers: dict[str, Float64[Tensor, " d_model"]], layer: int) -> dict[str, float]:
    """Each part's share of the mean at a layer: its projection on that mean, over the mean's norm.

    The shares add to 1. A part that writes against the mean has a negative one.

    Args:
        writers: from `mean_writers`.
        layer: from 0 to n_layers; the parts before it have written.

    Raises:
        ValueError: a layer out of range.
    """
    n_layers = (len(writers) - 1) // 2
    if not 0 <= layer <= n_layers:
        raise ValueError(f"layer: got {layer}; 0 to {n_layers} are allowed")
    written = dict(list(writers.items())[: 1 + 2 * layer])
    mean = torch.stack(list(written.values())).sum(0)
    return {part: float(vector @ mean / (mean @ mean)) for part, vector in written.items()}


def bias_share(
    model: TransformerBridge, writers: dict[str, Float64[Tensor, " d_model"]], layer: int
) -> float:
    """The share of the mean at a layer that is written by output biases, the same for every token.

    A model without biases has 0.

    Raises:
        ValueError: a layer out of range.
    """
    parts = list(shares_of_mean(writers, layer))
    mean = torch.stack([writers[part] for part in parts]).sum(0)
    constant = torch.zeros_like(mean)
    for name in ("b_O", "b_out"):
        try:
            biases = getattr(model, name)
        except AttributeError:  # the bridge's way to say that a model has none
            continue
        constant += biases[:layer].detach().sum(0).double().cpu()
    return float(constant @ mean / (mean @ mean))

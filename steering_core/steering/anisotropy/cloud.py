"""The cloud of single activations: a sample of it, the plane of its mean, its cosines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch


def sample_activations(
    model: TransformerBridge, texts: Sequence[str], *, per_text: int = 1, seed: int = 0
) -> Float[Tensor, "layers n d_model"]:
    """Activations at random tokens after the first, `per_text` of each text, every layer at the
    same.

    Of a text longer than the context one window is used.

    Raises:
        ValueError: a text with too few tokens; `per_text` below 1; bad texts.
    """
    if per_text < 1:
        raise ValueError(f"per_text: got {per_text}; 1 or more is allowed")
    texts = [texts] if isinstance(texts, str) else texts
    n_layers = model.cfg.n_layers + 1
    drawn = torch.zeros(n_layers, len(texts), per_text, model.cfg.d_model)
    places: dict[int, tuple[TokenBatch, int, Tensor]] = {}

    def choose(text: int, length: int) -> Tensor:
        if length - 1 < per_text:
            raise ValueError(
                f"texts[{text}]: {length - 1} tokens after the first; {per_text} are needed"
            )
        generator = torch.Generator().manual_seed(seed * 1_000_003 + text)
        return 1 + torch.randperm(length - 1, generator=generator)[:per_text]

    def take(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        for row, text in enumerate(batch.text.tolist()):
            if text not in places:
                places[text] = batch, row, choose(text, int(batch.real[row].sum()))
            in_batch, in_row, at = places[text]
            if in_batch is batch and in_row == row:
                drawn[layer, text] = activations[row, at.to(activations.device)].float().cpu()

    visit_residuals(model, texts, take)
    return drawn.flatten(1, 2)


def plane_of_mean(
    activations: Float[Tensor, "n d"], mean: Float[Tensor, " d"]
) -> tuple[Float64[Tensor, " n"], Float64[Tensor, " n"]]:
    """Coordinates along the mean, and along the direction of most variation at right angles to it.

    Both are counted from zero, not from the mean. The second direction points to where its largest
    entry is positive, so that a figure is the same everywhere.

    Raises:
        ValueError: a mean of zero.
    """
    if not mean.norm() > 0:
        raise ValueError("mean: got a vector of zero; it has no direction")
    x, towards = activations.double(), torch.nn.functional.normalize(mean.double(), dim=0)
    along = x @ towards
    rest = x - along[:, None] * towards
    most = torch.linalg.svd(rest - rest.mean(0), full_matrices=False).Vh[0]
    return along, rest @ most * most[most.abs().argmax()].sign()


def cosine_shares(
    activations: Float[Tensor, "layers n d"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "layers edges-1"]:
    """The share of all pairs whose cosine falls into each bin, at every layer.

    Raises:
        ValueError: fewer than two activations.
    """
    n = activations.shape[1]
    if n < 2:
        raise ValueError(f"activations: got {n} a layer; a pair needs two")
    above = torch.ones(n, n, dtype=torch.bool).triu(1)
    shares = []
    for unit in torch.nn.functional.normalize(activations, dim=-1):
        counts, _ = np.histogram((unit @ unit.T)[above].clamp(-1, 1).numpy(), bins=edges)
        shares.append(counts / (n * (n - 1) / 2))
    return np.stack(shares)

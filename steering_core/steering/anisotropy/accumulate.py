"""One pass of a model over texts, which adds up the sums of each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch
from steering_core.steering.anisotropy.sums import ResidualSums


def residual_sums(
    model: TransformerBridge,
    texts: Sequence[str],
    *,
    without: Bool[Tensor, "layers d_model"] | None = None,
    progress: bool = False,
) -> tuple[ResidualSums, ResidualSums]:
    """Read the texts once; the sums over all tokens but the first, and those over the first.

    The two can be added. Memory grows with texts x layers x d_model, not with tokens.

    Args:
        model: from `load_model`.
        texts: at least two with two tokens or more. The windows of a text longer than the context
            count as one text, and the first position of each as a first position.
        without: dimensions of each layer to set to zero first.
        progress: show a bar.

    Raises:
        ValueError: fewer than two texts hold a second token; `without` of another shape; bad
            texts.
    """
    texts = [texts] if isinstance(texts, str) else texts
    layers = model.cfg.n_layers + 1
    if without is not None and without.shape != (layers, model.cfg.d_model):
        raise ValueError(
            f"without: got shape {tuple(without.shape)}; ({layers}, {model.cfg.d_model}) is allowed"
        )
    rest, first = (_no_sums(layers, len(texts), model.cfg.d_model) for _ in range(2))

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        x = activations
        if without is not None:
            x = x.masked_fill(without[layer].to(x.device), 0.0)
        _add(first, layer, x[:, :1], batch.real[:, :1], batch.text)
        _add(rest, layer, x[:, 1:], batch.real[:, 1:], batch.text)

    visit_residuals(model, texts, add, progress=progress)
    if (rest.tokens > 0).sum() < 2:
        raise ValueError(
            f"texts: {int((rest.tokens > 0).sum())} of {len(texts)} hold a token after the first; "
            f"two are needed"
        )
    return rest, first


def _no_sums(layers: int, texts: int, d_model: int) -> ResidualSums:
    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64)

    return ResidualSums(
        tokens=zeros(texts),
        total=zeros(layers, texts, d_model),
        unit=zeros(layers, texts, d_model),
        norm=zeros(layers, texts),
        square=zeros(layers, d_model),
    )


def _add(
    sums: ResidualSums,
    layer: int,
    x: Float[Tensor, "windows position d_model"],
    counted: Bool[Tensor, "windows position"],
    text: Int64[Tensor, " windows"],
) -> None:
    """Add the counted activations of a layer to the sums of their texts."""
    text, weight = text.cpu(), counted.to(x.dtype)
    norms = torch.linalg.vector_norm(x, dim=-1)
    inverse = weight / norms.clamp_min(1e-12)

    def of_windows(weights: Tensor) -> Tensor:
        return torch.einsum("wp,wpd->wd", weights, x).double().cpu()

    sums.total[layer].index_add_(0, text, of_windows(weight))
    sums.unit[layer].index_add_(0, text, of_windows(inverse))
    sums.norm[layer].index_add_(0, text, (norms * weight).sum(1).double().cpu())
    sums.square[layer] += torch.einsum("wp,wpd->d", weight, x.square()).double().cpu()
    if layer == 0:
        sums.tokens.index_add_(0, text, counted.sum(1).double().cpu())

"""Footnote 2 of the source: does the mean let a feature have a strength, in spite of LayerNorm?

LayerNorm moves a vector's entries to mean zero and scales them to variance one (Ba et al. 2016),
so a v and 2 a v come out alike. Added to a fixed vector m they do not: LN(m + a v) turns from m
towards v as a grows. The same can be asked at real tokens x, with and without the mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch

STRENGTHS = (0.5, 1.0, 2.0, 4.0)


def layer_norm(x: Float[Tensor, "... d"], *, eps: float = 1e-5) -> Float[Tensor, "... d"]:
    """LayerNorm without gain and bias."""
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=eps)


def strength_after_norm(
    base: Float[Tensor, "*#batch d"],
    feature: Float[Tensor, "*#batch d"],
    strengths: Sequence[float] = STRENGTHS,
    *,
    eps: float = 1e-5,
) -> Float[Tensor, "*batch strengths"]:
    """Dot product of LN(base + a v) with the unit vector of v, for each strength a.

    Args:
        base: what the feature is added to: the mean, a token, or zero.
        feature: v, in its own size; it and `base` broadcast against each other.
        strengths: a, at least one.
        eps: what LayerNorm adds to the variance.

    Raises:
        ValueError: no strengths; a feature of zero; another last axis than the base's.
    """
    if len(strengths) == 0:
        raise ValueError("strengths: got none; at least one is needed")
    if base.shape[-1] != feature.shape[-1]:
        raise ValueError(
            f"feature: got {feature.shape[-1]} dimensions; allowed are base's {base.shape[-1]}"
        )
    if bool((feature.norm(dim=-1) == 0).any()):
        raise ValueError("feature: got a vector of zero; it has no direction")
    direction = torch.nn.functional.normalize(feature, dim=-1)
    dots = [(layer_norm(base + a * feature, eps=eps) * direction).sum(-1) for a in strengths]
    return torch.stack(dots, dim=-1)


def rise(dots: Float[Tensor, "*batch strengths"]) -> Float[Tensor, "*batch"]:
    """Last minus first, as a share of the size of the first."""
    return (dots[..., -1] - dots[..., 0]) / dots[..., 0].abs()


def absolute_rise(dots: Float[Tensor, "*batch strengths"], d_model: int) -> Float[Tensor, "*batch"]:
    """Last minus first, as a share of the largest value that `strength_after_norm` can have.

    That is the root of `d_model`. Unlike `rise` it stays small where the first value is near zero.
    """
    return (dots[..., -1] - dots[..., 0]) / d_model**0.5


def largest_change(dots: Float[Tensor, "*batch strengths"]) -> Float[Tensor, "*batch"]:
    """Largest distance from the first, as a share of its size."""
    first = dots[..., :1]
    return ((dots - first).abs() / first.abs()).amax(-1)


def strength_at_tokens(
    model: TransformerBridge,
    texts: Sequence[str],
    mean: Float64[Tensor, "layers d_model"],
    features: Float64[Tensor, "features layers d_model"],
    *,
    centred: bool,
    strengths: Sequence[float] = STRENGTHS,
) -> Float64[Tensor, "texts features layers strengths"]:
    """Mean over the tokens x of each text of LN(x + a v) . v, or with the mean taken away first.

    Args:
        model: from `load_model`.
        texts: each with two tokens or more; first positions are left out.
        mean: the mean residual at every layer of this model.
        features: v of each feature at every layer.
        centred: take the mean away from every token.
        strengths: a.

    Raises:
        ValueError: a text without a second token; a mean of another shape; no strengths; a feature
            of zero; bad texts.
    """
    texts = [texts] if isinstance(texts, str) else texts
    n_layers = model.cfg.n_layers + 1
    if mean.shape != (n_layers, model.cfg.d_model):
        raise ValueError(
            f"mean: got shape {tuple(mean.shape)}; ({n_layers}, {model.cfg.d_model}) is allowed"
        )
    shape = (len(texts), len(features), n_layers, len(strengths))
    sums = torch.zeros(shape, dtype=torch.float64)
    tokens = torch.zeros(len(texts), dtype=torch.float64)

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        counted = batch.real.clone()
        counted[:, 0] = False
        x = activations[counted].double().cpu() - (mean[layer] if centred else 0.0)
        text = batch.text[:, None].expand_as(counted)[counted].cpu()
        for index, feature in enumerate(features[:, layer]):
            sums[:, index, layer].index_add_(0, text, strength_after_norm(x, feature, strengths))
        if layer == 0:
            tokens.index_add_(0, text, torch.ones(len(text), dtype=torch.float64))

    visit_residuals(model, texts, add)
    if bool((tokens == 0).any()):
        raise ValueError(
            f"texts[{int((tokens == 0).nonzero()[0])}]: one token only; two or more are needed"
        )
    return sums / tokens[:, None, None, None]

"""Can a feature's strength be read off a normalised activation, token by token?

That a mean over tokens rises with the strength does not say that one token shows it. Here every
token x gets the feature v in a random strength a, and the question is how much of the variance of
a a straight line in LN(x + a v) . v explains.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch
from steering_core.steering.layer_norm import strength_after_norm

WEAKEST, STRONGEST = 0.5, 4.0


def strength_moments(
    model: TransformerBridge,
    texts: Sequence[str],
    mean: Float64[Tensor, "layers d_model"],
    features: Float64[Tensor, "features layers d_model"],
    *,
    centred: bool,
    seed: int = 0,
) -> Float64[Tensor, "texts features layers 6"]:
    """Sums over the tokens of each text of 1, a, d, a^2, d^2 and a d, where d = LN(x + a v) . v.

    Args:
        model: from `load_model`.
        texts: each with two tokens or more; first positions are left out.
        mean: the mean residual at every layer.
        features: v of each feature at every layer.
        centred: take the mean away from every token first.
        seed: of the strengths, uniform on [0.5, 4] and the same for every feature and layer.

    Raises:
        ValueError: bad texts.
    """
    sums = torch.zeros(len(texts), len(features), len(mean), 6, dtype=torch.float64)

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        counted = batch.real.clone()
        counted[:, 0] = False
        x = activations[counted].double().cpu() - (mean[layer] if centred else 0.0)
        text = batch.text[:, None].expand_as(counted)[counted].cpu()
        generator = torch.Generator().manual_seed(seed)
        a = torch.rand(len(x), generator=generator, dtype=torch.float64)
        a = WEAKEST + (STRONGEST - WEAKEST) * a
        for index, feature in enumerate(features[:, layer]):
            dot = strength_after_norm(x, a[:, None] * feature, [1.0])[:, 0]
            moments = torch.stack([torch.ones_like(a), a, dot, a * a, dot * dot, a * dot], dim=-1)
            sums[:, index, layer].index_add_(0, text, moments)

    visit_residuals(model, texts, add)
    return sums


def explained_variance(
    moments: Float64[Tensor, "*batch 6"],
) -> Float64[Tensor, "*batch"]:
    """The share of the variance of a that a line in d explains: the squared correlation."""
    n, a, d, aa, dd, ad = moments.unbind(-1)
    covariance = ad / n - a / n * d / n
    variances = (aa / n - (a / n) ** 2) * (dd / n - (d / n) ** 2)
    return covariance.square() / variances

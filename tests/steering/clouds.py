"""Clouds of activations known token by token, and what the measures over them must equal."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steering_core.steering.anisotropy import ResidualSums


def sums_of(texts: Sequence[Tensor]) -> ResidualSums:
    """The sums over texts, each (layers, tokens, d_model), one text at a time."""
    return ResidualSums(
        tokens=torch.tensor([text.shape[1] for text in texts], dtype=torch.float64),
        total=torch.stack([text.sum(1) for text in texts], 1),
        unit=torch.stack([units(text).sum(1) for text in texts], 1),
        norm=torch.stack([text.norm(dim=-1).sum(1) for text in texts], 1),
        square=torch.stack([text.square().sum(1) for text in texts]).sum(0),
    )


def units(x: Tensor) -> Tensor:
    """At length 1."""
    return x / x.norm(dim=-1, keepdim=True)


def random_texts(
    lengths: Sequence[int], *, layers: int = 3, d_model: int = 6, shift: float = 1.0, seed: int = 0
) -> list[Tensor]:
    """Texts with a direction of their own, around a common shift."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    common = shift * draw(layers, 1, d_model)
    return [common + draw(layers, 1, d_model) + draw(layers, n, d_model) for n in lengths]


def pairwise_cosine(texts: Sequence[Tensor], copies: Sequence[int]) -> Tensor:
    """Mean cosine over all pairs of tokens of different texts, each pair visited; copies of a text
    are one text."""
    drawn = [index for index, times in enumerate(copies) for _ in range(times)]
    tokens = units(torch.cat([texts[index] for index in drawn], 1))
    text = torch.cat([torch.full((texts[index].shape[1],), index) for index in drawn])
    cosines = tokens @ tokens.mT
    return cosines[:, text[:, None] != text].mean(1)


def norm_share(texts: Sequence[Tensor], copies: Sequence[int]) -> Tensor:
    """Norm of the mean over mean of the norms, over all tokens of all copies."""
    tokens = torch.cat([text for text, n in zip(texts, copies, strict=True) for _ in range(n)], 1)
    return tokens.mean(1).norm(dim=-1) / tokens.norm(dim=-1).mean(1)

"""Materials of eight small sets whose every activation is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from steering_core.steering.anisotropy import spans
from steering_core.steering.material import SETS, Half, Material

from .clouds import random_texts, sums_of

N_TEXTS = dict.fromkeys(SETS, 8) | {"stories": 10, "loving": 6, "hateful": 6}
Texts = Mapping[str, Sequence[Tensor]]
"""For each set the activations of its texts, each (layers, tokens, d_model)."""


def random_sets(*, layers: int = 3, d_model: int = 6, seed: int = 0) -> dict[str, list[Tensor]]:
    """Texts of 2 to 6 tokens."""
    lengths = [2 + i % 5 for i in range(sum(N_TEXTS.values()))]
    texts = iter(random_texts(lengths, layers=layers, d_model=d_model, seed=seed))
    return {name: [next(texts) for _ in range(n)] for name, n in N_TEXTS.items()}


def material_of(
    texts: Texts, centre: Tensor | None = None, matched: Mapping[str, Tensor] | None = None
) -> Material:
    """With the mean over all tokens as centre, if none is given."""
    sums = sums_of([text for own in texts.values() for text in own])
    named = {name: [""] * len(own) for name, own in texts.items()}
    return Material(sums, spans(named), sums.mean if centre is None else centre, matched or {})


def token_mean(texts: Sequence[Tensor]) -> np.ndarray:
    """(layers, d_model), every token visited once."""
    return np.concatenate([text.numpy() for text in texts], axis=1).mean(1)


def half_of(texts: Sequence[Tensor], half: Half) -> list[Tensor]:
    """Every other text."""
    return [text for place, text in enumerate(texts) if place % 2 == (half == "odd")]


def sized(vectors: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Layer by layer in the norm of others."""
    norms = [
        np.linalg.norm(other) / np.linalg.norm(v) for v, other in zip(vectors, like, strict=True)
    ]
    return vectors * np.array(norms)[:, None]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)

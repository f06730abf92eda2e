"""Sets of texts: where they lie in a row, their mean activations, and how far these agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from steering_core.steering.anisotropy.sums import ResidualSums


def spans(sets: Mapping[str, Sequence[str]]) -> dict[str, slice]:
    """Where each set's texts lie when all sets are put in a row."""
    ends = np.cumsum([len(texts) for texts in sets.values()]).tolist()
    return {
        name: slice(end - len(texts), end)
        for (name, texts), end in zip(sets.items(), ends, strict=True)
    }


def pairs(sets: Mapping[str, Sequence[str]], first: str, second: str) -> Int64[Tensor, " texts"]:
    """Groups for `ResidualSums.merged`: text n of the one set with text n of the other, the rest
    alone.

    Raises:
        ValueError: a name that is no set; two sets of different size.
    """
    for name, which in (("first", first), ("second", second)):
        if which not in sets:
            raise ValueError(f"{name}: got {which!r}; {', '.join(sets)} are allowed")
    if len(sets[first]) != len(sets[second]):
        raise ValueError(
            f"second: {second} has {len(sets[second])} texts; as many as {first}, "
            f"{len(sets[first])}, are allowed"
        )
    spanned = spans(sets)
    group = torch.arange(sum(map(len, sets.values())))
    group[spanned[second]] = group[spanned[first]]
    return group.unique(return_inverse=True)[1]


def mean_of(sums: ResidualSums, texts: slice) -> Float64[Tensor, "layers d_model"]:
    """The mean activation over some of the texts."""
    return sums.total[:, texts].sum(1) / sums.tokens[texts].sum()


def mean_agreement(means: Mapping[str, Tensor]) -> Float64[Tensor, "layers sets sets"]:
    """Cosine between the mean activations of each two sets of texts, at every layer.

    Args:
        means: name -> (layers, d_model).
    """
    stacked = torch.stack([m.double() for m in means.values()], dim=1)
    unit = torch.nn.functional.normalize(stacked, dim=-1)
    return unit @ unit.transpose(1, 2)


def off_diagonal(matrix: Float64[Tensor, "layers n n"]) -> Float64[Tensor, "layers pairs"]:
    """The entries above the diagonal."""
    row, column = torch.triu_indices(matrix.shape[1], matrix.shape[2], 1)
    return matrix[:, row, column]

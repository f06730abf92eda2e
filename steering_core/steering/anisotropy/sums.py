"""What the sums of activations over each text say: means, cosines, shares of norms.

Every measure is linear or quadratic in these sums, so it costs little to take it again with each
text counted some other number of times.

Not here: the pass over the texts (`accumulate`), and which texts are drawn (`bootstrap`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor


@dataclass(frozen=True)
class ResidualSums:
    """Sums over the tokens of each text, at every layer.

    tokens: how many tokens of each text were counted.
    total: sums of the activations. unit: sums of the activations at length 1. norm: sums of their
        norms. square: sums of squares, over all texts.
    """

    tokens: Float64[Tensor, " texts"]
    total: Float64[Tensor, "layers texts d_model"]
    unit: Float64[Tensor, "layers texts d_model"]
    norm: Float64[Tensor, "layers texts"]
    square: Float64[Tensor, "layers d_model"]

    def __add__(self, other: ResidualSums) -> ResidualSums:
        """The sums over both kinds of tokens of the same texts."""
        return ResidualSums(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(ResidualSums))
        )

    def merged(self, groups: Int64[Tensor, " texts"]) -> ResidualSums:
        """The sums with the texts of a group counted as one text: for texts that were written
        together.

        Args:
            groups: the group of each text, numbered from 0 without gaps.

        Raises:
            ValueError: not one group for each text, or a gap in the numbers.
        """
        n_groups = len(groups.unique())
        if len(groups) != self.n_texts or int(groups.max()) != n_groups - 1:
            raise ValueError(
                f"groups: got {len(groups)} numbers, {n_groups} of them different, up to "
                f"{int(groups.max())}; one for each of {self.n_texts} texts, from 0 without "
                f"gaps, is allowed"
            )

        def add(sums: Tensor, axis: int) -> Tensor:
            shape = list(sums.shape)
            shape[axis] = n_groups
            return torch.zeros(shape, dtype=sums.dtype).index_add_(axis, groups, sums)

        return replace(
            self,
            tokens=add(self.tokens, 0),
            total=add(self.total, 1),
            unit=add(self.unit, 1),
            norm=add(self.norm, 1),
        )

    def largest_dimensions(self, k: int = 3) -> Bool[Tensor, "layers d_model"]:
        """Where the k dimensions of the largest mean square are, at every layer.

        Raises:
            ValueError: k out of range.
        """
        if not 1 <= k < self.square.shape[1]:
            raise ValueError(f"k: got {k}; 1 to {self.square.shape[1] - 1} are allowed")
        largest = torch.zeros_like(self.square, dtype=torch.bool)
        return largest.scatter_(1, self.square.topk(k).indices, True)

    @property
    def mean(self) -> Float64[Tensor, "layers d_model"]:
        """The mean activation: every token weighs the same."""
        return self.total.sum(1) / self.tokens.sum()

    @property
    def n_texts(self) -> int:
        """How many texts."""
        return len(self.tokens)

    @cached_property
    def cosine(self) -> Float64[Tensor, " layers"]:
        """Mean cosine between tokens of different texts."""
        return self.cosines(torch.ones(1, self.n_texts, dtype=torch.float64))[0]

    @cached_property
    def norm_share(self) -> Float64[Tensor, " layers"]:
        """Norm of the mean over the mean of the norms: 1 if all activations are one vector."""
        return self.norm_shares(torch.ones(1, self.n_texts, dtype=torch.float64))[0]

    def cosines(
        self, weights: Float64[Tensor, "resamples texts"]
    ) -> Float64[Tensor, "resamples layers"]:
        """The mean cosine between tokens of different texts, with each text counted `weights`
        times.

        The squared norm of the sum over all texts holds every pair; the squared norms of the sums
        over each text hold the pairs within a text, which are taken out, those between two copies
        of a text too. It is nan where all the weight lies on one text.
        """
        own = self.unit.square().sum(-1)  # (layers, texts)
        all_pairs = torch.einsum("rt,ltd->rld", weights, self.unit).square().sum(-1)
        within = weights.square() @ own.T
        n = weights @ self.tokens
        n_within = weights.square() @ self.tokens.square()
        return (all_pairs - within) / (n.square() - n_within)[:, None]

    def norm_shares(
        self, weights: Float64[Tensor, "resamples texts"]
    ) -> Float64[Tensor, "resamples layers"]:
        """Norm of the mean over mean of the norms, with each text counted `weights` times."""
        norm_of_sum = torch.einsum("rt,ltd->rld", weights, self.total).norm(dim=-1)
        return norm_of_sum / (weights @ self.norm.T)

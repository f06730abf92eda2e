"""Activations whose features are known: directions, magnitudes, noise, correlation, hierarchy.

An input is a sum of active features, each its direction times a magnitude, plus bounded noise. What
an autoencoder finds can be held against what is there, which no language model allows.

Not here: how well an autoencoder found them (`evaluate`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering_core import lockstep
from steering_core.sparse_autoencoders.checks import check_count, check_number, check_probability


@dataclass(frozen=True)
class Sample:
    """Inputs and what they are made of.

    Attributes:
        activations: (n, d)
        features: (n, F) magnitudes, 0 where a feature is not active.
    """

    activations: Float[Tensor, "n d"]
    features: Float[Tensor, "n F"]


@dataclass(frozen=True)
class GroundTruth:
    """F features in d dimensions.

    Attributes:
        directions: (F, d) of norm 1.
        densities: (F,) probability that a feature is drawn. A child counts only where its parent is
            active too.
        magnitudes: active ones are uniform between the two.
        noise: each coordinate of the noise is uniform on [-noise, noise], times its stretch.
        correlation: of the normal numbers by which features of a pair (2i, 2i + 1) are drawn, in
            [0, 1]; 0 means that all are independent.
        stretch: (d,) scale of each coordinate; ones where none is said.
        children: a parent; 0 means no hierarchy. The first F / (1 + children) features are parents,
            and feature i is a child of feature i modulo their number.
    """

    directions: Float[Tensor, "F d"]
    densities: Float[Tensor, "F"]
    magnitudes: tuple[float, float]
    noise: float
    stretch: Float[Tensor, "d"]
    correlation: float = 0.0
    children: int = 0

    @property
    def n_features(self) -> int:
        """F."""
        return len(self.directions)

    @property
    def width(self) -> int:
        """d."""
        return self.directions.shape[1]

    @property
    def parents(self) -> int:
        """How many features have children; all, where there is no hierarchy."""
        return self.n_features // (1 + self.children)

    @property
    def active(self) -> float:
        """Expected number of active features of an input."""
        each = self.densities.double().clone()
        if self.children:
            above = torch.arange(self.parents, self.n_features) % self.parents
            each[self.parents :] *= each[above]
        return float(each.sum())

    def sample(self, n: int, generator: torch.Generator) -> Sample:
        """n inputs; the generator is the only source of randomness."""
        check_count("n", n)
        drawn = self._drawn(n, generator)
        low, high = self.magnitudes
        size = torch.rand(n, self.n_features, generator=generator).mul_(high - low).add_(low)
        features = size * drawn
        noise = torch.rand(n, self.width, generator=generator).mul_(2).sub_(1)
        noise.mul_(self.noise * self.stretch)
        return Sample(torch.addmm(noise, features, self.directions), features)

    def stream(self, batch_size: int, seed: int = 0) -> "Stream":
        """Batches of fresh inputs without end, the same each time it is gone through."""
        check_count("seed", seed, least=0)
        return Stream(self, check_count("batch_size", batch_size), seed)

    def _drawn(self, n: int, generator: torch.Generator) -> Bool[Tensor, "n F"]:
        if self.correlation > 0:
            own = torch.randn(n, self.n_features, generator=generator)
            shared = torch.randn(n, self.n_features // 2, generator=generator)
            mixed = self.correlation**0.5 * shared.repeat_interleave(2, 1)
            drawn = mixed.add_((1 - self.correlation) ** 0.5 * own) < self._cuts
        else:
            drawn = torch.rand(n, self.n_features, generator=generator) < self.densities
        for k in range(1, self.children + 1):
            drawn[:, k * self.parents : (k + 1) * self.parents] &= drawn[:, : self.parents]
        return drawn

    @cached_property
    def _cuts(self) -> Float[Tensor, "F"]:
        return torch.special.ndtri(self.densities.double()).float()


@dataclass(frozen=True)
class Stream:
    """Batches (batch, d) of fresh inputs, the same each time it is gone through."""

    truth: GroundTruth
    batch_size: int
    seed: int

    def __iter__(self) -> Iterator[Float[Tensor, "batch d"]]:
        generator = lockstep.stream(self.seed, "ground truth")
        while True:
            yield self.truth.sample(self.batch_size, generator).activations


def ground_truth(
    n_features: int,
    width: int,
    *,
    densities: tuple[float, float] = (0.003, 0.03),
    magnitudes: tuple[float, float] = (0.5, 1.5),
    noise: float = 0.05,
    overlap: float | None = None,
    stretch: float = 1.0,
    correlation: float = 0.0,
    children: int = 0,
    seed: int = 0,
) -> GroundTruth:
    """Draw features.

    Args:
        n_features: how many, F.
        width: d, dimensions of an input; F may be larger.
        densities: feature i's lies between the two, evenly spaced in its logarithm; the first is
            the rarest, except that parents are spread over the whole range, and so are children.
        magnitudes: of an active feature, uniform between the two, above 0.
        noise: bound of each coordinate of the noise, from 0.
        overlap: None draws directions at random from the sphere. A number in [0, 1) makes pairs
            (2i, 2i + 1) of just that cosine, and all else orthogonal: then F is even, at most d.
        stretch: the widest coordinate's scale over the narrowest's, from 1, with random directions:
            as in language models, where few coordinates are massive. Their order is of no account.
        correlation: of the pairs' activity, in [0, 1].
        children: of each parent, from 0; F is a multiple of 1 + children.
        seed: of the directions; the global generator is left alone.

    Raises:
        ValueError: an argument out of range.
    """
    check_count("n_features", n_features)
    check_count("width", width)
    low, high = densities
    if not 0 < low <= high <= 1:
        raise ValueError(f"densities: got {densities}; allowed is 0 < first <= second <= 1")
    if not 0 < magnitudes[0] <= magnitudes[1] < float("inf"):
        raise ValueError(f"magnitudes: got {magnitudes}; allowed is 0 < first <= second, finite")
    check_number("noise", noise, 0.0)
    check_number("stretch", stretch, 1.0)
    if stretch > 1 and overlap is not None:
        raise ValueError(f"stretch: got {stretch} with an overlap; allowed is 1 there")
    check_probability("correlation", correlation)
    check_count("children", children, least=0)
    if n_features % (1 + children):
        raise ValueError(f"n_features: got {n_features}; allowed are multiples of {1 + children}")
    if correlation > 0 and n_features % 2:
        raise ValueError(f"n_features: got {n_features}; allowed are even numbers: pairs correlate")
    parents = n_features // (1 + children)
    if correlation > 0 and children and parents == 1:
        raise ValueError(
            f"children: got {children} of a single parent, which would correlate with its own "
            "child; allowed with a correlation are two parents or more"
        )
    spread = torch.logspace(0, 1, parents, base=high / low) * low
    generator = lockstep.stream(seed, "directions")
    scales = torch.logspace(-0.5, 0.5, width, base=stretch) if stretch > 1 else torch.ones(width)
    return GroundTruth(
        _random(n_features, scales, generator)
        if overlap is None
        else _pairs(n_features, width, overlap, generator),
        spread.repeat(1 + children),
        (float(magnitudes[0]), float(magnitudes[1])),
        float(noise),
        scales,
        float(correlation),
        children,
    )


def _random(n: int, scales: Float[Tensor, "d"], generator: torch.Generator) -> Float[Tensor, "n d"]:
    drawn = torch.randn(n, len(scales), generator=generator) * scales
    return torch.nn.functional.normalize(drawn, dim=1)


def _pairs(n: int, width: int, overlap: float, generator: torch.Generator) -> Float[Tensor, "n d"]:
    """Pairs of features in planes of their own."""
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: got {overlap}; allowed is [0, 1)")
    if n % 2 or n > width:
        raise ValueError(
            f"n_features: got {n}; allowed with an overlap are even numbers up to width, {width}"
        )
    frame, _ = torch.linalg.qr(torch.randn(width, n, generator=generator, dtype=torch.float64))
    first, second = frame.T[0::2], frame.T[1::2]
    along, across = ((1 + overlap) / 2) ** 0.5, ((1 - overlap) / 2) ** 0.5
    both = torch.stack([along * first + across * second, along * first - across * second], 1)
    return both.flatten(0, 1).float()

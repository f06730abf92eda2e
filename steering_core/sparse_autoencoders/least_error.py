"""The least error that one latent can reach when magnitudes vary, by quadrature.

With probability `density` the feature is active, with a magnitude from a distribution on [low,
high]; else there is noise, uniform on [-n, n], along its direction. The target is the magnitude, or
0. No training and no sampling: nodes that split where the latent switches on make the integrals
exact to rounding for smooth densities.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize

from steering_core.sparse_autoencoders.checks import check_choice, check_number, check_probability
from steering_core.sparse_autoencoders.response import Fitted, Kind

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


def flat(magnitude: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Every magnitude alike."""
    return np.ones_like(magnitude)


@dataclass(frozen=True)
class Situation:
    """What one latent meets.

    Attributes:
        low: the least magnitude of the active feature, above 0.
        high: the largest, from `low`; where they are equal there is one magnitude.
        noise: n, what lies along the feature's direction at most while it is inactive.
        density: probability that the feature is active.
        likelihood: of magnitudes in [low, high], up to a factor; flat if none is given.
    """

    low: float
    high: float
    noise: float
    density: float = 0.1
    likelihood: Callable[[Float[np.ndarray, "..."]], Float[np.ndarray, "..."]] = field(default=flat)

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high < np.inf:
            raise ValueError(
                f"low, high: got {self.low}, {self.high}; allowed is 0 < low <= high, finite"
            )
        check_number("noise", self.noise, 0.0)
        check_probability("density", self.density)
        if self.spread and not self.likelihood(_nodes(self.low, self.high, self.low)[0]).sum() > 0:
            raise ValueError("likelihood: got none above 0 in [low, high]; allowed is any other")

    @property
    def spread(self) -> float:
        """high - low."""
        return self.high - self.low

    def error(self, latent: Fitted) -> float:
        """Expected squared error of the reconstruction."""
        active = self._over_magnitudes(lambda m: (latent(m) - m) ** 2, latent.threshold)
        return self.density * active + (1 - self.density) * self._over_noise(latent)

    def power(self) -> float:
        """Expected square of what is to be reconstructed: the error of a latent that is off."""
        return self.density * self._over_magnitudes(lambda m: m**2, self.low)

    def _over_magnitudes(
        self, of: Callable[[Float[np.ndarray, "..."]], Float[np.ndarray, "..."]], kink: float
    ) -> float:
        if self.spread == 0:
            return float(of(np.array([self.low]))[0])
        nodes, weights = _nodes(self.low, self.high, kink)
        weights = weights * self.likelihood(nodes)
        return float(weights @ of(nodes) / weights.sum())

    def _over_noise(self, latent: Fitted) -> float:
        if self.noise == 0:
            return float(latent(0.0)) ** 2
        nodes, weights = _nodes(-self.noise, self.noise, latent.threshold)
        return float(weights @ latent(nodes) ** 2 / weights.sum())


def least_error(situation: Situation, kind: Kind = "relu") -> tuple[float, Fitted]:
    """The least expected squared error over all weights and biases, and the latent that has it.

    Weight and threshold descend from many starts (Nelder and Mead's simplex: the error has kinks).

    Args:
        situation: what the latent meets.
        kind: "relu", "scsae" or "drafted".

    Raises:
        ValueError: an unknown kind.
    """
    check_choice("kind", kind, get_args(Kind))
    lows, highs = situation.low, situation.high

    def latent(point: Float[np.ndarray, "2"]) -> Fitted:
        weight = float(np.exp(np.clip(point[0], -30, 30)))
        return Fitted(weight, -weight * float(point[1]), kind)

    thresholds = {
        0.0,
        situation.noise,
        min(situation.noise, lows),
        0.5 * lows,
        0.5 * (lows + highs),
    }
    starts = [(weight, at) for weight in (0.0, 0.4, 1.0) for at in sorted(thresholds)]
    ends = [
        minimize(
            lambda point: situation.error(latent(point)),
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-10, "fatol": 1e-15, "maxiter": 2_000},
        )
        for start in starts
    ]
    exact = [(0.0, at) for at in thresholds]  # the simplex ends beside a point, not on it
    points = [np.asarray(end.x) for end in ends] + [np.asarray(point) for point in exact]
    best = min(points, key=lambda point: situation.error(latent(point)))
    return situation.error(latent(best)), latent(best)


def _nodes(
    low: float, high: float, kink: float
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Gauss-Legendre nodes and weights on [low, high], split at the kink where it lies inside."""
    edges = [low, kink, high] if low < kink < high else [low, high]
    halves = [(b - a) / 2 for a, b in itertools.pairwise(edges)]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    nodes = np.concatenate([m + h * _NODES for m, h in zip(middles, halves, strict=True)])
    return nodes, np.concatenate([h * _WEIGHTS for h in halves])

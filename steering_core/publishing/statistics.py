"""Intervals over independent units: texts, prompts, seeds or cells, never their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steering_core.publishing.claims import Measured


def bootstrap_interval(
    values: ArrayLike,  # (n_units, ...)
    statistic: Callable[[np.ndarray], float],
    *,
    confidence: float = 0.99,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of `statistic`, resampling whole units (the first axis).

    Args:
        values: (n_units, ...), at least two units.
        statistic: (n_units, ...) -> a number.
        confidence: share of the resampled statistics inside the interval, between 0 and 1.
        resamples: how many, at least 1.
        seed: of the draws; the global generator is left alone.

    Raises:
        ValueError: fewer than two units, numbers that are not finite, an argument out of range.
    """
    from scipy.stats import bootstrap  # slow to import, and few pages need it

    units = np.asarray(values)
    if units.ndim == 0 or len(units) < 2:
        raise ValueError(f"values has the shape {units.shape}; at least two units are needed")
    if not np.isfinite(units).all():
        raise ValueError("values has numbers that are not finite; finite numbers are allowed")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; a number between 0 and 1 is allowed")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; at least 1 is allowed")
    result = bootstrap(
        (np.arange(len(units)),),  # units are drawn by index, so that each stays whole
        lambda drawn: statistic(units[drawn]),
        vectorized=False,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = result.confidence_interval
    return float(low), float(high)


def over_units(
    values: ArrayLike,  # (n_units, ...)
    statistic: Callable[[Any], Any] = np.mean,
    *,
    resamples: int = 2000,
) -> Measured:
    """A statistic over independent units with its 99% bootstrap interval over them.

    Drawn with replacement, few units hold fewer different ones, so that the interval of a largest
    or best among them leans to one side; it is widened to hold the value.

    Args:
        values: (n_units, ...), at least two units.
        statistic: (n_units, ...) -> a number.
        resamples: how many, at least 1.

    Raises:
        ValueError: as `bootstrap_interval`.
    """
    units = np.asarray(values)
    low, high = bootstrap_interval(
        units, lambda drawn: float(statistic(drawn)), resamples=resamples
    )
    value = float(statistic(units))
    return Measured(value, n=len(units), interval=(min(low, value), max(high, value)))

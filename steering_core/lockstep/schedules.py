"""How the learning rate goes over a run."""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]
"""The share of a training run that is done, in [0, 1) -> the factor on the learning rate."""


def constant(done: float) -> float:
    """The full rate throughout.

    Args:
        done: share of the run, in [0, 1).
    """
    return 1.0


def warm_cosine(warmup: float = 0.05) -> Schedule:
    """Up in a line over the share `warmup` of the run, then down to zero along half a cosine.

    Args:
        warmup: in [0, 1).

    Raises:
        ValueError: warmup out of range.
    """
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup: got {warmup}; allowed is [0, 1)")

    def factor(done: float) -> float:
        if done < warmup:
            return done / warmup
        return 0.5 + 0.5 * math.cos(math.pi * (done - warmup) / (1 - warmup))

    return factor

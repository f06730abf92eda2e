"""How far the activations of a language model are from being centred at zero, and how sure that is.

One pass over the texts keeps, for every text and layer, three sums over its tokens: of the
activations, of the activations at length 1, and of their norms. The measures follow from
these sums, and so do their intervals: texts are independent, their tokens are not, so the bootstrap
draws whole texts.
"""

from steering_core.steering.anisotropy.accumulate import residual_sums
from steering_core.steering.anisotropy.bootstrap import RESAMPLES, interval, resample
from steering_core.steering.anisotropy.cloud import (
    cosine_shares,
    plane_of_mean,
    sample_activations,
)
from steering_core.steering.anisotropy.sets import (
    mean_agreement,
    mean_of,
    off_diagonal,
    pairs,
    spans,
)
from steering_core.steering.anisotropy.sums import ResidualSums

__all__ = [
    "RESAMPLES",
    "ResidualSums",
    "cosine_shares",
    "interval",
    "mean_agreement",
    "mean_of",
    "off_diagonal",
    "pairs",
    "plane_of_mean",
    "resample",
    "residual_sums",
    "sample_activations",
    "spans",
]

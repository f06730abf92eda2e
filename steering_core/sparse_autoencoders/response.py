"""One latent and one feature: what comes out, in closed form.

An encoder weight w and bias b along the direction of a feature, a decoder of norm 1. Where the
feature is active it has a magnitude; where it is not, there is noise of at most n along its
direction. The latent was fitted to features of one magnitude s: it must give s back, and nothing
for noise.

Not here: magnitudes that vary (`least_error`), training (`one_latent`).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from steering_core.sparse_autoencoders.checks import check_choice, check_number

Lengths = float | ArrayLike
"""Signed lengths along a feature's direction."""
Kind = Literal["relu", "scsae", "drafted"]
"""relu: ReLU(wx + b). scsae: wx where wx > 0 and wx + b > 0, else 0: the bias only gates. drafted:
the same without wx > 0, as the draft has it."""


@dataclass(frozen=True)
class Fitted:
    """Weight and bias of a latent along its feature's direction; the decoder has norm 1.

    Attributes:
        weight: w, the norm of the encoder's vector.
        bias: b.
        kind: "relu", "scsae" or "drafted": what the latent does with w x and b.
    """

    weight: float
    bias: float
    kind: Kind = "relu"

    @property
    def threshold(self) -> float:
        """The magnitude above which the latent is on, -b / w; with the mended gate at least 0."""
        if self.weight == 0:
            return np.inf
        at = -self.bias / self.weight
        return max(at, 0.0) if self.kind == "scsae" else at

    def __call__(self, magnitude: Lengths) -> Float[np.ndarray, "..."]:
        """The latent's output for inputs of these signed lengths along the feature."""
        pre = self.weight * np.asarray(magnitude, dtype=float)
        if self.kind == "relu":
            return np.asarray(np.maximum(pre + self.bias, 0.0))
        if self.kind == "drafted":
            return np.where(pre + self.bias > 0, pre, 0.0)
        return np.where((pre > 0) & (pre + self.bias > 0), pre, 0.0)


def fit(fitted_magnitude: float, noise: float, kind: Kind = "relu") -> Fitted:
    """The latent that gives `fitted_magnitude` back and nothing for noise up to `noise`.

    With ReLU, w = s / (s - n) and b = -n w: of all that do, the one of the least norm. With the
    gate, w = 1 and b = -n.

    Args:
        fitted_magnitude: s, above 0.
        noise: n, from 0 and below s.
        kind: "relu", "scsae" or "drafted".

    Raises:
        ValueError: an argument out of range.

    Source:
        The draft of SCSAE, "With noise, constant activation magnitude".
    """
    s, n = _check(fitted_magnitude, noise, kind)
    weight = s / (s - n) if kind == "relu" else 1.0
    return Fitted(weight, -n * weight, kind)


def response(
    magnitude: Lengths, *, fitted_magnitude: float, noise: float, kind: Kind = "relu"
) -> Float[np.ndarray, "..."]:
    """What comes out for a feature of magnitude M, by a latent that was fitted to (s, n).

    ReLU: s (M - n) / (s - n) above the threshold n, so a slope of s / (s - n) and the right answer
    at M = s alone. The draft writes M = m s for a multiple m of the feature it was fitted to: then
    it is s (m s - n) / (s - n). SCSAE: M above the threshold. Both 0 below.

    Args:
        magnitude: M (...), lengths along the feature's direction, in the same units as s and n.
        fitted_magnitude: s, above 0.
        noise: n, from 0 and below s.
        kind: "relu", "scsae" or "drafted".

    Returns:
        (...) lengths of the output along the feature's direction.

    Raises:
        ValueError: an argument out of range, or a magnitude that is not finite.
    """
    return fit(fitted_magnitude, noise, kind)(_finite("magnitude", magnitude))


def family(weight: float, *, fitted_magnitude: float, noise: float, slack: float = 1e-9) -> Fitted:
    """The ReLU latent of that norm that gives s back and nothing for noise: b = s (1 - w).

    There is one for every w from s / (s - n) on: the fit is a family, not a point.

    Raises:
        ValueError: an argument out of range, or a norm below s / (s - n).
    """
    least = fit(fitted_magnitude, noise).weight
    if not least - slack <= weight < np.inf:
        raise ValueError(f"weight: got {weight}; allowed are numbers from s/(s - n) = {least:g}")
    return Fitted(float(weight), fitted_magnitude * (1.0 - weight), "relu")


def drafted_response(
    multiple: Lengths, *, fitted_magnitude: float, noise: float, form: Literal["vector", "unit"]
) -> Float[np.ndarray, "..."]:
    """What the draft's two formulas give for m times the fitted feature, as lengths.

    "vector" is (1 + (m - 1)/(s - n)) v and "unit" is v + (m - 1)/(s - n) v^, with v = s v^. Both
    are right at s = 1 alone.

    Raises:
        ValueError: an argument out of range.
    """
    s, n = _check(fitted_magnitude, noise, "relu")
    check_choice("form", form, ("vector", "unit"))
    gain = (_finite("multiple", multiple) - 1.0) / (s - n)
    return np.asarray(s * (1.0 + gain) if form == "vector" else s + gain)


def drafted_gate(magnitude: Lengths, *, weight: float, bias: float) -> Float[np.ndarray, "..."]:
    """The gate as the draft has it: wx where wx + b > 0, without asking for wx > 0.

    With b > 0 and -b < wx < 0 it puts out a negative amount of the feature.

    Raises:
        ValueError: a number that is not finite.
    """
    latent = Fitted(check_number("weight", weight), check_number("bias", bias), "drafted")
    return latent(_finite("magnitude", magnitude))


def _finite(name: str, numbers: Lengths) -> Float[np.ndarray, "..."]:
    array = np.asarray(numbers, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: got {numbers}; allowed are finite numbers")
    return array


def _check(fitted_magnitude: float, noise: float, kind: str) -> tuple[float, float]:
    check_choice("kind", kind, get_args(Kind))
    if not 0 < fitted_magnitude < np.inf:
        raise ValueError(
            f"fitted_magnitude: got {fitted_magnitude}; allowed are finite numbers above 0"
        )
    if not 0 <= noise < fitted_magnitude:
        raise ValueError(
            f"noise: got {noise}; allowed is from 0 and below fitted_magnitude, {fitted_magnitude}"
        )
    return float(fitted_magnitude), float(noise)

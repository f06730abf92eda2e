"""The numbers that decide the claims on one latent: IV-1 to IV-8.

Exact over the grid of settings that the claims name, or over trained latents that are handed in.
The thresholds are in `bias_claims`, and were there first. What is trained and differentiated for
them: `bias_runs`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import binomtest
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.sparse_autoencoders import gates
from steering_core.sparse_autoencoders.bias_runs import (
    difference_in_bias,
    ends_table,
    pseudo_gradients,
    slopes,
)
from steering_core.sparse_autoencoders.checks import check_count
from steering_core.sparse_autoencoders.one_latent import TrainedLatents
from steering_core.sparse_autoencoders.response import (
    drafted_gate,
    drafted_response,
    fit,
    response,
)

FITTED = (0.5, 1.0, 2.0, 4.0)
SHARES = (0.0, 0.1, 0.25, 0.5, 0.9)
Cells = tuple[tuple[float, float], ...]
CELLS: Cells = tuple((s, share * s) for s in FITTED for share in SHARES)
"""Every (s, n) of the closed form."""

AT_ONE = tuple(cell for cell in CELLS if cell[0] == 1)


def largest(of: Callable[[float, float], float], cells: Cells) -> Measured:
    """The largest of a number over settings (s, n)."""
    return Measured(max(of(s, n) for s, n in cells), len(cells))


def noise_free() -> dict[str, Measured]:
    """IV-1: a unit encoder without bias, over magnitudes 0 to 10 s."""

    def error(s: float, n: float) -> float:
        magnitudes = np.linspace(0, 10 * s, 1_001)
        return _gap(response(magnitudes, fitted_magnitude=s, noise=n), magnitudes)

    return {"error": largest(error, tuple((s, 0.0) for s in FITTED))}


def one_magnitude() -> dict[str, Measured]:
    """IV-2: at the fitted magnitude, in the noise, and the draft's numbers."""
    example = fit(1.0, 0.5)
    return {
        "at_fitted": largest(lambda s, n: abs(_at(s, s, n) - s), CELLS),
        "at_noise": largest(
            lambda s, n: _gap(response(np.linspace(-n, n, 201), fitted_magnitude=s, noise=n), 0.0),
            CELLS,
        ),
        "example": Measured(np.hypot(example.weight - 2.0, example.bias + 1.0), 1),
    }


def other_magnitude() -> dict[str, Measured]:
    """IV-3: magnitude 2, and the slope above the threshold."""

    def slope(s: float, n: float) -> float:
        above, _ = slopes(lambda m: response(m, fitted_magnitude=s, noise=n), s, n)
        return _gap(above, s / (s - n))

    return {
        "example": Measured(abs(_at(2.0, 1.0, 0.5) - 3.0), 1),
        "slope": largest(slope, CELLS),
    }


def drafted_formulas() -> dict[str, Measured]:
    """IV-4: both formulas of the draft and the law, for m from 1 to 4 times what was fitted."""
    multiples = np.linspace(1, 4, 301)

    def wrong(form: str) -> Callable[[float, float], float]:
        def of(s: float, n: float) -> float:
            given = drafted_response(multiples, fitted_magnitude=s, noise=n, form=form)  # pyright: ignore[reportArgumentType]
            return _gap(given, response(multiples * s, fitted_magnitude=s, noise=n))

        return of

    def law(s: float, n: float) -> float:
        said = s * (multiples * s - n) / (s - n)
        return _gap(said, response(multiples * s, fitted_magnitude=s, noise=n))

    vector, unit = wrong("vector"), wrong("unit")
    return {
        "vector": largest(vector, CELLS),
        "unit": largest(unit, CELLS),
        "law": largest(law, CELLS),
        "only_at_one": largest(lambda s, n: max(vector(s, n), unit(s, n)), AT_ONE),
        "example": Measured(abs(_at(4.0, 2.0, 0.5) - 4.667), 1),
    }


def found_by_training(clean: TrainedLatents, noisy: TrainedLatents) -> dict[str, Measured]:
    """IV-5: trained norms and biases beside s/(s - n), beside each other, and beside 1, -lambda/2.

    Args:
        clean: latents trained on the clean feature, several in each situation.
        noisy: latents trained on the input itself, with a penalty.

    Raises:
        ValueError: targets exchanged, magnitudes that vary, or a lonely start.
    """
    if (clean.target, noisy.target) != ("clean", "noisy"):
        raise ValueError(
            f"clean, noisy: got targets {clean.target}, {noisy.target}; allowed: clean, noisy"
        )
    ends, other = ends_table(clean), ends_table(noisy)
    norms: Any = ends.groupby(["s", "n"])["weight"]
    if norms.count().min() < 2:
        raise ValueError("clean: got a situation with one start; allowed are two or more")

    def worst(values: Any) -> Measured:
        return Measured(values.abs().max(), len(values))

    return {
        "clean": worst(ends["weight"] / ends["drafted"] - 1),
        "noisy": worst(other["weight"] / other["drafted"] - 1),
        "family": worst(ends["error"] / ends["power"]),
        "norms": Measured((norms.max() / norms.min()).median(), len(ends)),
        "norm_one": worst(other["weight"] - 1),
        "half_penalty": worst(other["bias"] + noisy.penalty / 2),
    }


def variable_magnitudes(least: Any, trained: Any) -> dict[str, Measured]:
    """IV-6: what can be reached, and what training reaches.

    Args:
        least: a frame from `bias_runs.least_errors`.
        trained: a frame from `bias_runs.trained_errors`, with the gates "relu" and "scsae".

    Raises:
        ValueError: a table that lacks spreads, the case without spread, or a gate.
    """
    spread, binary = least[least["r"] > 0], least[least["r"] == 0]
    ratio = trained["error"] / trained["relu"]
    relu, scsae = (ratio[trained["gate"] == gate] for gate in ("relu", "scsae"))
    for name, part in {"r > 0": spread, "r = 0": binary, "relu": relu, "scsae": scsae}.items():
        if not len(part):
            raise ValueError(f"least, trained: got no rows of {name}; allowed are tables with them")
    return {
        "relu_spread": Measured((spread["relu"] / spread["power"]).min(), len(spread)),
        "relu_binary": Measured((binary["relu"] / binary["power"]).max(), len(binary)),
        "scsae": Measured((least["scsae"] / least["power"]).max(), len(least)),
        "relu_trained": Measured(relu.max(), len(relu)),
        "scsae_trained": Measured(scsae.max(), len(scsae)),
    }


def gate_identities() -> dict[str, Measured]:
    """IV-7: slopes of the gate, both ways to write what an added q v^ does (q from 0 to 3), and the
    gate as drafted at wx = -0.5, b = 1."""
    more = np.linspace(0, 3, 301)

    def out(magnitudes: Float[np.ndarray, " M"], s: float, n: float) -> Float[np.ndarray, " M"]:
        return response(magnitudes, fitted_magnitude=s, noise=n, kind="drafted")

    def slope(s: float, n: float) -> float:
        above, below = slopes(lambda m: out(m, s, n), s, n)
        return max(_gap(above, 1.0), _gap(below, 0.0))

    def adds(s: float, n: float) -> float:
        return _gap(out(s + more, s, n), (1 + more) * out(np.array([s]), s, n))

    def law(s: float, n: float) -> float:
        return _gap(out(s + more, s, n), (1 + more / s) * out(np.array([s]), s, n))

    return {
        "slope": largest(slope, CELLS),
        "adds": largest(adds, CELLS),
        "law": largest(law, CELLS),
        "adds_at_one": largest(adds, AT_ONE),
        "negative": Measured(drafted_gate(np.array([-0.5]), weight=1.0, bias=1.0)[0], 1),
    }


def no_gradient(draws: int = 10_000, seed: int = 0) -> dict[str, Measured]:
    """IV-8: finite differences in the bias, and the pseudo-gradients beside their definitions.

    The share has its 99% interval (Clopper and Pearson) over draws of m and b.

    Raises:
        ValueError: no draws.
    """
    count = check_count("draws", draws)
    generator = torch.Generator().manual_seed(seed)
    m, b, g = torch.randn(3, count, generator=generator, dtype=torch.float64)
    moved = int((difference_in_bias(gates.scsae, m, b) != 0).sum())
    interval = binomtest(moved, count).proportion_ci(0.99)
    gaps = [
        float((got - said).abs().max())
        for name in ("scsae", "scsae_multiplied", "prolu_relu", "prolu_ste")
        for got, said in zip(
            pseudo_gradients(getattr(gates, name), m, b, g), defined(name, m, b, g), strict=True
        )
    ]
    return {
        "flat": Measured(moved / count, count, (interval.low, interval.high)),
        "pseudo": Measured(max(gaps), count),
    }


def defined(
    name: str, m: Float[Tensor, " draws"], b: Float[Tensor, " draws"], g: Float[Tensor, " draws"]
) -> tuple[Float[Tensor, " draws"], Float[Tensor, " draws"]]:
    """The pseudo-gradients in m and in b as they are written down, g coming from above."""
    on = (m + b > 0) & (m > 0) if name.startswith("prolu") else m + b > 0
    for_m = g * (1 + m) if name == "prolu_ste" else g
    for_b = g * m if name in ("scsae_multiplied", "prolu_ste") else g
    return for_m * on, for_b * on


def _at(magnitude: float, s: float, n: float) -> float:
    return float(response(np.array([magnitude]), fitted_magnitude=s, noise=n)[0])


def _gap(one: object, other: object) -> float:
    return float(np.abs(np.asarray(one) - np.asarray(other)).max())

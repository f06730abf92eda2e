"""What the claims on one latent are measured on: latents trained, errors reached, derivatives.

Not here: the numbers that decide (`bias_measures`), drawings (`plots.bias`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.sparse_autoencoders import gates
from steering_core.sparse_autoencoders.checks import check_number
from steering_core.sparse_autoencoders.least_error import Situation, least_error
from steering_core.sparse_autoencoders.one_latent import Gate, TrainedLatents, train_latents
from steering_core.sparse_autoencoders.response import Fitted, fit

Gating = Callable[[Tensor, Tensor], Tensor]
"""From pre-activations and biases to latents, as in `gates`."""

STARTS = (0.5, 1.0, 2.0, 4.0)
ONE_MAGNITUDE = tuple(Situation(s, s, share * s) for s in (1.0, 2.0) for share in (0.1, 0.25, 0.5))
SPREADS = (0.1, 0.2, 0.3, 0.4, 0.5)
NOISES = (0.1, 0.25, 0.45)


def clean_latents(seed: int = 0) -> TrainedLatents:
    """Latents that are asked for the clean feature: every start in every situation of IV-5."""
    situations = [one for one in ONE_MAGNITUDE for _ in STARTS]
    return train_latents(situations, weights=STARTS * len(ONE_MAGNITUDE), seed=seed)


def noisy_latents(
    penalty: float = 0.1, starts: Sequence[float] = (1.0,), seed: int = 0
) -> TrainedLatents:
    """Latents that are asked for their own input, noise included, with an L1 penalty: every start
    in every situation of IV-5."""
    situations = [one for one in ONE_MAGNITUDE for _ in starts]
    weights = tuple(starts) * len(ONE_MAGNITUDE)
    return train_latents(situations, target="noisy", penalty=penalty, weights=weights, seed=seed)


def resting_places(ends: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """Where latents end that are asked for their own input: a row a penalty.

    Columns: how many there are; how many of them are silent on all noise, and the least norm from
    which one of these began; of the others, the largest distances of norm and bias from 1 and
    -penalty / 2.

    Args:
        ends: penalty -> from `ends_table`, with a column `start`.
    """
    rows = []
    for penalty, table in ends.items():
        silent: Any = table["weight"] * table["n"] + table["bias"] <= 0
        others: Any = table[~silent]
        rows.append(
            {
                "penalty": penalty,
                "latents": len(table),
                "silent on noise": int(silent.sum()),
                "their least start": table.loc[silent, "start"].min(),
                "others: norm from 1": (others["weight"] - 1).abs().max(),
                "others: bias from -penalty/2": (others["bias"] + penalty / 2).abs().max(),
            }
        )
    return pd.DataFrame(rows)


def ends_table(trained: TrainedLatents) -> pd.DataFrame:
    """Where each latent of one magnitude ended: s, n, norm, bias, the draft's norm, error, power.

    Raises:
        ValueError: magnitudes that vary.
    """
    if any(one.spread for one in trained.situations):
        raise ValueError("situations: got magnitudes that vary; allowed is one each")
    pairs = zip(trained.situations, trained.latents, strict=True)
    return pd.DataFrame(
        [
            {
                "s": one.low,
                "n": one.noise,
                "weight": latent.weight,
                "bias": latent.bias,
                "drafted": fit(one.low, one.noise).weight,
                "error": one.error(latent),
                "power": one.power(),
            }
            for one, latent in pairs
        ]
    )


def spread(r: float, noise: float) -> Situation:
    """Magnitudes uniform on [1 - r, 1 + r]."""
    return Situation(1.0 - r, 1.0 + r, noise)


def least_errors(
    spreads: Sequence[float] = (0.0, *SPREADS), noises: Sequence[float] = NOISES
) -> pd.DataFrame:
    """The least error of either kind of latent: columns r, n, power, relu, scsae."""
    return pd.DataFrame(
        [
            {
                "r": r,
                "n": noise,
                "power": spread(r, noise).power(),
                "relu": least_error(spread(r, noise), "relu")[0],
                "scsae": least_error(spread(r, noise), "scsae")[0],
            }
            for noise in noises
            for r in spreads
        ]
    )


def trained_errors(trained: Sequence[TrainedLatents], least: pd.DataFrame) -> pd.DataFrame:
    """The error of each trained latent, and the least of ReLU in the same situation.

    Returns:
        Columns gate, r, n, weight, bias, error, and of the same r and n in `least`: power, relu.

    Raises:
        ValueError: a situation that `least` does not have.
    """
    rows = pd.DataFrame(
        [
            {
                "gate": one.gate,
                "r": round(situation.spread / 2, 9),
                "n": situation.noise,
                "weight": latent.weight,
                "bias": latent.bias,
                "error": situation.error(latent),
            }
            for one in trained
            for situation, latent in zip(one.situations, one.latents, strict=True)
        ]
    )
    joined: Any = rows.merge(least[["r", "n", "power", "relu"]], how="left", on=["r", "n"])
    if joined["relu"].isna().any():
        raise ValueError("trained: got a situation that least lacks; allowed are those it has")
    return joined


def spread_latents(gate: Gate = "relu", noise: float = 0.45, seed: int = 0) -> TrainedLatents:
    """Latents of that gate, trained on the clean feature at every spread above 0."""
    situations = [spread(r, noise) for r in SPREADS]
    return train_latents(situations, gate=gate, seed=seed)


def slopes(
    output: Callable[[Float[np.ndarray, " M"]], Float[np.ndarray, " M"]], s: float, n: float
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Central differences of an output above the threshold n, up to 10 s, and below, from -10 s."""
    half = 1e-3 * (s - n)
    above, below = np.linspace(n + 2 * half, 10 * s, 501), np.linspace(-10 * s, n - 2 * half, 501)
    above, below = ((output(m + half) - output(m - half)) / (2 * half) for m in (above, below))
    return above, below


def difference_in_bias(
    gate: Gating, m: Float[Tensor, " M"], b: Float[Tensor, " M"], step: float = 1e-5
) -> Float[Tensor, " M"]:
    """Central finite differences of a gate's output in the bias, in double precision.

    Raises:
        ValueError: a step that is not above 0.
    """
    if not check_number("step", step) > 0:
        raise ValueError(f"step: got {step}; allowed are finite numbers above 0")
    m, b = (part.double()[:, None, None] for part in (m, b))  # a bias for each m
    moved = gate(m, b + step) - gate(m, b - step)
    return moved[:, 0, 0] / (2 * step)


def pseudo_gradients(
    gate: Gating, m: Float[Tensor, " M"], b: Float[Tensor, " M"], g: Float[Tensor, " M"]
) -> tuple[Float[Tensor, " M"], Float[Tensor, " M"]]:
    """What a gate hands back to m and to b when g comes from above."""
    m, b = (part.detach().clone().requires_grad_() for part in (m, b))
    out = gate(m[:, None, None], b[:, None, None])
    out.backward(g[:, None, None])
    assert m.grad is not None
    assert b.grad is not None
    return m.grad, b.grad


def error_map(
    situation: Situation, weights: Float[np.ndarray, " W"], biases: Float[np.ndarray, " B"]
) -> Float[np.ndarray, "B W"]:
    """Expected squared error of ReLU over the power, for every weight and bias."""
    power = situation.power()
    rows = [[situation.error(Fitted(float(w), float(b))) for w in weights] for b in biases]
    return np.array(rows) / power


def gradient_table(bias: float = -0.5, bandwidth: float = 0.2) -> pd.DataFrame:
    """Derivatives of every gate at one bias, over m: finite differences in b, and what training is
    given for b and for m when 1 comes from above.

    `jump_relu` has threshold -b, so that its gradient in b is less that in the threshold.
    """
    m = torch.linspace(-1, 2, 400, dtype=torch.float64)  # none of them on a threshold
    b, one = torch.full_like(m, bias), torch.ones_like(m)
    named: dict[str, Gating] = {name: getattr(gates, name) for name in get_args(Gate)}
    named["jump_relu"] = lambda m, b: gates.jump_relu(m, -b, bandwidth)
    frames = []
    for name, gate in named.items():
        for_m, for_b = pseudo_gradients(gate, m, b, one)
        true = difference_in_bias(gate, m, b)
        columns = {"m": m, "true_b": true, "for_b": for_b, "for_m": for_m}
        frames.append(pd.DataFrame({"gate": name} | {k: v.numpy() for k, v in columns.items()}))
    return pd.concat(frames, ignore_index=True)

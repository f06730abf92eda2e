"""The numbers that decide the claims on ten features, from the table of the study `ten-features`.

Each has its 99% bootstrap interval over seeds. The thresholds are in `activation_claims`, and were
there first.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from steering_core import lockstep
from steering_core.publishing.claims import Measured
from steering_core.superposition.activations import resolve
from steering_core.superposition.trained import over_restarts

SUPERPOSED = 0.1  # sum over j of |W_i . W_j| from which feature i counts as superposed


def cells(table: pd.DataFrame, model: str, column: str) -> pd.DataFrame:
    """One column of one model: densities (falling) as rows, seeds as columns.

    Raises:
        ValueError: a model that the study does not have.
    """
    rows = table[table["model"] == model]
    if rows.empty:
        known = ", ".join(dict.fromkeys(table["model"]))
        raise ValueError(f"model: got {model!r}; allowed are {known}")
    return rows.pivot(index="density", columns="seed", values=column).sort_index(ascending=False)


def at(table: pd.DataFrame, model: str, column: str, density: float) -> Float[np.ndarray, " S"]:
    """One column of one model and density, a number a seed.

    Raises:
        ValueError: a density that the study does not have.
    """
    values = cells(table, model, column)
    if density not in values.index:
        raise ValueError(f"density: got {density}; allowed are {list(values.index)}")
    return values.loc[density].to_numpy(float)


def over_seeds(
    values: Float[np.ndarray, "... S"], statistic: Callable[[NDArray[np.float64]], float]
) -> Measured:
    """A statistic of values with seeds on the last axis, with its interval."""
    return over_restarts(lambda among: statistic(values[..., among]), values.shape[-1])


def worst_density(table: pd.DataFrame, model: str, column: str) -> Measured:
    """The largest value over densities, median over seeds."""
    values = cells(table, model, column).to_numpy(float)
    return over_seeds(values, lambda v: float(np.median(v.max(0))))


def mean_at(table: pd.DataFrame, model: str, column: str, density: float) -> Measured:
    """The mean over seeds at one density."""
    return over_seeds(at(table, model, column, density), lambda v: float(v.mean()))


def mean_over_densities(table: pd.DataFrame, model: str, column: str) -> Measured:
    """The mean over densities and seeds."""
    values = cells(table, model, column).to_numpy(float)
    return over_seeds(values, lambda v: float(v.mean()))


def share_dominated(table: pd.DataFrame, model: str) -> Measured:
    """Of the directions that carry several features, those in which one is twice the second."""
    counts = np.stack([cells(table, model, c).to_numpy(float) for c in ("dominated", "several")])
    return over_seeds(counts, lambda v: float(v[0].sum() / max(1.0, v[1].sum())))


def mass_ratio(table: pd.DataFrame, model: str, other: str, density: float) -> Measured:
    """Off-diagonal mass of a model over that of another, means over seeds, at one density."""
    both = np.stack([at(table, one, "mass", density) for one in (model, other)])
    return over_seeds(both, lambda v: float(v[0].mean() / v[1].mean()))


def least_mass_ratio(table: pd.DataFrame, model: str, other: str) -> Measured:
    """The least of these ratios over all densities."""
    both = np.stack([cells(table, m, "mass").to_numpy(float) for m in (model, other)])
    return over_seeds(both, lambda v: float((v[0].mean(-1) / v[1].mean(-1)).min()))


def superposed(table: pd.DataFrame, model: str) -> Float[np.ndarray, "n D S"]:
    """sum over j of |W_i . W_j| of every feature, density (falling) and seed."""
    n = sum(name.startswith("superposed_") for name in table.columns)
    return np.stack([cells(table, model, f"superposed_{i}").to_numpy(float) for i in range(n)])


def entry(values: Float[np.ndarray, "n D S"]) -> NDArray[np.int_]:
    """For every feature, how many densities are denser than the first at which it is superposed."""
    is_superposed = values.mean(-1) > SUPERPOSED
    return np.where(is_superposed.any(1), is_superposed.argmax(1), is_superposed.shape[1])


def leak_order(table: pd.DataFrame, model: str, *, first: int | None = None) -> Measured:
    """Rank correlation of importance rank with entry: -1 if the least important enter first, 0 if
    all enter together; over the `first` most important features, or all."""

    def correlation(values: NDArray[np.float64]) -> float:
        order = entry(values)
        if np.ptp(order) == 0:
            return 0.0
        return float(np.asarray(spearmanr(np.arange(len(order)), order))[0])

    return over_seeds(superposed(table, model)[:first], correlation)


def share_superposed(table: pd.DataFrame, model: str, density: float) -> Measured:
    """The share of features that are superposed at one density."""
    n = sum(name.startswith("superposed_") for name in table.columns)
    values = np.stack([at(table, model, f"superposed_{i}", density) for i in range(n)])
    return over_seeds(values, lambda v: float((v.mean(-1) > SUPERPOSED).mean()))


def change_by_rotation(
    weights: Float[Tensor, "m n"],
    bias: Float[Tensor, "n"],
    inputs: Float[Tensor, "k n"],
    *,
    activation: str,
    rotations: int = 32,
    seed: int = 0,
) -> Measured:
    """The largest change of any output when the coordinates of h are rotated at random."""
    f, m = resolve(activation), len(weights)
    generator = lockstep.stream(seed, "rotations")
    random = torch.randn(rotations, m, m, generator=generator, dtype=torch.float64)
    rotated = torch.linalg.qr(random).Q @ weights.double()
    x = inputs.double()
    outputs, plain = (f(x @ w.mT @ w + bias) for w in (rotated, weights.double()))
    return Measured((outputs - plain).abs().max().item(), n=rotations)

"""The numbers that decide the claims on D*, from the table of the study `dimensions-per-feature`.

Each has its 99% bootstrap interval over seeds. The thresholds are in `dimension_claims`, and were
there first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from steering_core.publishing.claims import Measured
from steering_core.superposition.dimension_study import FRACTIONS, N_FEATURES, N_HIDDEN
from steering_core.superposition.trained import over_restarts

Curve = Float[np.ndarray, " levels"]


@dataclass(frozen=True)
class Runs:
    """One activation and recipe of the study: levels by seeds.

    Attributes:
        densities: (levels,) falling.
        table: its rows, indexed by density and seed.
    """

    densities: Curve
    table: pd.DataFrame

    def column(self, name: str) -> Float[np.ndarray, "levels seeds"]:
        """One measure of every model."""
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, Float[np.ndarray, "levels seeds"]]:
        numbers = self.table.select_dtypes("number")
        return {
            str(name): numbers[name].unstack("seed").sort_index(ascending=False).to_numpy(float)
            for name in numbers.columns
        }

    def curve(self, among: NDArray[np.int_] | None = None) -> Curve:
        """D*, mean over the seeds or some of them."""
        values = self.column("dimensions")
        return (values if among is None else values[:, among]).mean(1)

    @property
    def seeds(self) -> int:
        """How many."""
        return self.column("dimensions").shape[1]


def runs_of(table: pd.DataFrame, recipe: str, activation: str, *, seeds: int | None = None) -> Runs:
    """The study's models of one recipe and activation, of the first seeds or all.

    Raises:
        ValueError: a recipe and activation that the study does not have together.
    """
    rows: Any = table[(table["recipe"] == recipe) & (table["activation"] == activation)]
    if rows.empty:
        known = sorted({(r, a) for r, a in zip(table["recipe"], table["activation"], strict=True)})
        raise ValueError(f"recipe, activation: got {recipe}, {activation}; allowed are {known}")
    if seeds is not None:
        rows = rows[rows["seed"] < seeds]
    densities = np.sort(rows["density"].unique())[::-1]
    return Runs(densities, rows.set_index(["density", "seed"]))


def over_axis(table: pd.DataFrame, axis: str) -> Runs:
    """SoLU with its softmax over one axis, from the table of the study `solu-axis`.

    Raises:
        ValueError: an axis that the study does not have.
    """
    rows: Any = table[table["axis"] == axis]
    if rows.empty:
        raise ValueError(f"axis: got {axis!r}; allowed are {sorted(set(table['axis']))}")
    densities = np.sort(rows["density"].unique())[::-1]
    return Runs(densities, rows.set_index(["density", "seed"]))


def _over_seeds(statistic: Callable[[NDArray[np.int_]], float], seeds: int) -> Measured:
    if seeds == 1:  # nothing to resample: the card says n = 1
        value = statistic(np.arange(1))
        return Measured(value, n=1, interval=(value, value))
    return over_restarts(statistic, seeds)


def farthest(ours: Runs, published: Curve) -> Measured:
    """The largest distance between the two curves."""
    return _over_seeds(lambda a: float(np.abs(ours.curve(a) - published).max()), ours.seeds)


def farthest_from_one(ours: Runs) -> Measured:
    """The largest distance of D* from 1."""
    return _over_seeds(lambda a: float(np.abs(ours.curve(a) - 1).max()), ours.seeds)


def difference(a: Runs, b: Runs, *, from_expansion: float = 1.0) -> Measured:
    """The largest difference between two curves where 1/(1-S) is at least `from_expansion`."""
    sparse = 1 / a.densities >= from_expansion * 0.995  # levels are rounded
    return _over_seeds(
        lambda s: float(np.abs(a.curve(s) - b.curve(s))[sparse].max()), min(a.seeds, b.seeds)
    )


def levels_near(runs: Runs, value: float, *, within: float = 0.03) -> Measured:
    """How many levels have D* within 0.03 of a value."""
    return _over_seeds(lambda a: float((np.abs(runs.curve(a) - value) <= within).sum()), runs.seeds)


def longest_plateau(curve: Curve, *, value: float = 0.5, within: float = 0.03) -> int:
    """The most consecutive levels within 0.03 of a value that fall by less than 0.05 a level."""
    near = np.abs(curve - value) <= within
    flat = np.append(np.abs(np.diff(curve)) < 0.05, True)
    longest = run = 0
    for is_near, goes_on in zip(near, flat, strict=True):
        run = run + 1 if is_near else 0
        longest = max(longest, run)
        run = run if goes_on else 0
    return longest


def longest_other_plateau(others: Sequence[Runs]) -> Measured:
    """The longest plateau at 1/2 of any of the activations."""
    return _over_seeds(
        lambda a: float(max(longest_plateau(one.curve(a)) for one in others)),
        min(one.seeds for one in others),
    )


def at_last(runs: Runs, column: str, *, over: float = 1.0) -> Measured:
    """A measure at the lowest density, over a number."""
    values = runs.column(column)[-1] / over
    return _over_seeds(lambda a: float(values[a].mean()), runs.seeds)


def inflation(runs: Runs) -> Measured:
    """1/D* over n/m at the lowest density: above 1, features longer than 1 make up the count."""
    values = runs.column("dimensions")[-1]
    ratio = N_FEATURES / N_HIDDEN
    return _over_seeds(lambda a: float(1 / values[a].mean() / ratio), runs.seeds)


def rise(runs: Runs) -> Measured:
    """D* at the lowest density minus D* at the highest."""
    return _over_seeds(lambda a: float(runs.curve(a)[-1] - runs.curve(a)[0]), runs.seeds)


def bunching(runs: Runs, fraction: str) -> Measured:
    """Features at a fraction over those beside it.

    The density is that of most features at the fraction over the even seeds; the ratio is taken on
    the odd ones, with one feature added to either count.
    """
    on, beside = (runs.column(f"{fraction}_{where}") for where in ("on", "beside"))
    level = on[:, ::2].sum(1).argmax()
    odd = np.arange(1, runs.seeds, 2)

    def ratio(among: NDArray[np.int_]) -> float:
        held = odd[among]
        return float((on[level, held].sum() + 1) / (beside[level, held].sum() + 1))

    return _over_seeds(ratio, len(odd))


def density_of(runs: Runs, fraction: str) -> float:
    """The density at which `bunching` looks."""
    return float(runs.densities[runs.column(f"{fraction}_on")[:, ::2].sum(1).argmax()])


def bunching_table(runs: Runs) -> pd.DataFrame:
    """What `bunching` counts, a fraction a row: features of the odd seeds on it and beside it, at
    the density that the even ones choose. Where there are neither, there is no ratio."""
    rows = {}
    for name, fraction in FRACTIONS.items():
        level = runs.densities.tolist().index(density_of(runs, name))
        on, beside = (
            float(runs.column(f"{name}_{where}")[level, 1::2].sum()) for where in ("on", "beside")
        )
        rows[name] = {
            "fraction": round(fraction, 3),
            "looked at density": round(float(runs.densities[level]), 3),
            "features on it": on,
            "beside it": beside,
            "one more on over one more beside": (
                f"{bunching(runs, name).value:.3g}" if on + beside else "none"
            ),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def near_any_fraction(runs: Runs) -> Measured:
    """The share of features with D_i of at least 0.1 that lie within 0.02 of a fraction."""
    near, present = runs.column("near_any"), runs.column("present")
    return _over_seeds(lambda a: float(near[:, a].sum() / present[:, a].sum()), runs.seeds)


def compared(table: pd.DataFrame, activations: Sequence[str]) -> pd.DataFrame:
    """Where our recipe ends against where the published one does, seed 0: the largest difference
    of D*, and of the loss as a share of the published recipe's, over the 20 densities."""
    rows = []
    for activation in activations:
        ours, usual = (
            runs_of(table, recipe, activation, seeds=1) for recipe in ("ours", "published")
        )
        excess = ours.column("loss") / usual.column("loss") - 1
        gap = np.abs(ours.curve() - usual.curve())
        rows.append(
            {
                "activation": activation,
                "largest difference of D*": float(gap.max()),
                "levels beyond 0.02": int((gap > 0.02).sum()),
                "largest excess loss": float(excess.max()),
                "levels beyond 1%": int((excess > 0.01).sum()),
            }
        )
    return pd.DataFrame(rows)


def explained_features(runs: Runs) -> Float[np.ndarray, "levels seeds"]:
    """The sum of r_i over features: how many features' worth of variance a model gives back."""
    variance = (runs.densities / 3 - runs.densities**2 / 4)[:, None]
    return N_FEATURES - runs.column("loss") / variance


def spread_over_seeds(runs: Sequence[Runs]) -> float:
    """The largest difference of D* between two seeds, over activations and densities."""
    each = [one.column("dimensions") for one in runs]
    return float(max((values.max(1) - values.min(1)).max() for values in each))


def explained_by(
    table: pd.DataFrame, published: Mapping[str, Curve], recipes: Sequence[str]
) -> pd.DataFrame:
    """For each activation, the largest distance to the published curve at the levels that all
    recipes were run at (seed 0): which change of the recipe matters."""
    any_one = next(iter(published))
    few = set.intersection(*(set(runs_of(table, one, any_one).densities) for one in recipes))
    rows = {}
    for activation, curve in published.items():
        rows[activation] = {}
        for recipe in recipes:
            runs = runs_of(table, recipe, activation, seeds=1)
            at: Bool[np.ndarray, " levels"] = np.isin(runs.densities, list(few))
            known = curve[np.isin(runs_of(table, "published", activation).densities, list(few))]
            rows[activation][recipe] = float(np.abs(runs.curve()[at] - known).max())
    return pd.DataFrame(rows).T

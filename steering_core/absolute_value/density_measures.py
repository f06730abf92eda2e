"""The numbers that decide the claims on densities, from the table of the study
`absolute-value-nets`.

Each has its 99% bootstrap interval over nets. The thresholds are in `density_claims`, and were
there first.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from steering_core.absolute_value.density_claims import PAIRS
from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units


def eligible(table: Any) -> pd.DataFrame:
    """The nets that may enter a claim: as good as plain pairs where inputs are dense, better where
    they are sparse, and no dead output among the twenty most important features."""
    sparse = table["density"] < 0.1
    good = np.where(sparse, table["loss"] < PAIRS, table["loss"] <= 1.02 * PAIRS)
    return table[good & (table["dead_outputs"] == 0)]


def over_nets(values: ArrayLike, statistic: Callable[..., Any] = np.mean) -> Measured:
    """A statistic over nets, those of which have the number; its interval over the same.

    Raises:
        ValueError: no net has it.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)] if values.ndim == 1 else values
    if not len(values):
        raise ValueError("values: got no net with a number; allowed is at least one")
    if len(values) == 1:  # nothing to resample: the card says n = 1
        value = float(statistic(values))
        return Measured(value, n=1, interval=(value, value))
    return over_units(values, statistic)


def at(table: pd.DataFrame, density: float, column: str) -> Measured:
    """The mean of a number over the nets of one density.

    Raises:
        ValueError: no net at that density has it.
    """
    return over_nets(table.loc[table["density"] == density, column].to_numpy(float))


def fall(table: pd.DataFrame, density: float, higher: str, lower: str) -> Measured:
    """The mean over nets of one number less another."""
    rows: Any = table[table["density"] == density]
    return over_nets((rows[higher] - rows[lower]).to_numpy(float))


def smallest_rise(table: pd.DataFrame, column: str, densities: Sequence[float]) -> Measured:
    """The smallest rise of a mean from one density to the next; nets are resampled within each."""
    groups = [_numbers(table, density, column) for density in densities]
    for density, group in zip(densities, groups, strict=True):
        if not len(group):
            raise ValueError(f"densities: got {density}, at which no net has the number")

    def smallest(means: Sequence[float]) -> float:
        return float(np.diff(means).min())

    generator = np.random.default_rng(0)
    drawn = [
        smallest([generator.choice(group, len(group)).mean() for group in groups])
        for _ in range(2_000)
    ]
    low, high = np.quantile(drawn, (0.005, 0.995))
    value = smallest([group.mean() for group in groups])
    return Measured(value, n=sum(map(len, groups)), interval=(min(low, value), max(high, value)))


def above_rotations(table: pd.DataFrame) -> Measured:
    """The share of nets, all densities, whose kurtosis is above that of all rotations."""
    return over_nets((table["kurtosis"] > table["kurtosis_rotated"]).to_numpy(float))


def coexistence(
    table: pd.DataFrame, densities: Sequence[float]
) -> tuple[float, dict[str, Measured]]:
    """The density at which pure and highly polysemantic neurons most coexist, told by the even
    seeds; and the parts of III-17, on the odd seeds: the smaller of both shares, and the share of
    split features, of all that are carried and of those that own a neuron."""
    both: Any = table[["single", "three_or_more"]].min(axis=1)
    odd = table["seed"] % 2 == 1
    means = {p: both[(table["density"] == p) & ~odd].mean() for p in densities}
    chosen = max(densities, key=lambda density: np.nan_to_num(means[density], nan=-1.0))
    rows = (table["density"] == chosen) & odd
    return chosen, {
        "coexist": over_nets(both[rows].to_numpy(float)),
        "split": over_nets(table.loc[rows, "split"].to_numpy(float)),
        "split_of_own": over_nets(table.loc[rows, "split_of_own"].to_numpy(float)),
    }


def independent_sides(table: pd.DataFrame, density: float) -> tuple[float, float]:
    """What the split measures of III-17 would be if the two sides of a feature were in pure or in
    shared neurons independently of each other; on the odd seeds, as these.

    A share q of the carried sides is in pure neurons. Of features with two sides, 2 q (1 - q) would
    have one of each kind; of those with a pure neuron, 1 - (1 - q)^2, the same over that.
    """
    rows: Any = table[(table["density"] == density) & (table["seed"] % 2 == 1)]
    pure = rows["single"] / rows["carried"]
    split = 2 * pure * (1 - pure)
    return float(split.mean()), float((split / (1 - (1 - pure) ** 2)).mean())


def by_entry(table: pd.DataFrame, density: float, column: str) -> pd.DataFrame:
    """The mean of a number over the nets of one density that enter, and over those that do not."""
    rows: Any = table[table["density"] == density]
    enters = rows.index.isin(eligible(rows).index)
    return pd.DataFrame(
        {
            name: {"networks": len(some), "mean": some[column].mean()}
            for name, some in (("enter", rows[enters]), ("do not enter", rows[~enters]))
        }
    ).T.astype({"networks": int})


def by_threshold(table: pd.DataFrame) -> pd.DataFrame:
    """Share of polysemantic neurons, and what they carry, with weights counted from 0.3%, 1% and 3%
    on; means over nets."""
    means: Any = table.groupby("density", sort=False).mean(numeric_only=True)
    columns = {"0.3%": "_loose", "1%": "", "3%": "_strict"}
    shares = {f"share, {name}": means[f"polysemantic{end}"] for name, end in columns.items()}
    carried = {
        "0.3%": "carried_loose",
        "1%": "carried_by_polysemantic",
        "3%": "carried_strict",
    }
    degrees = {f"carried, {name}": means[column] for name, column in carried.items()}
    return pd.DataFrame(shares | degrees)


def _numbers(table: pd.DataFrame, density: float, column: str) -> NDArray[np.float64]:
    values = table.loc[table["density"] == density, column].to_numpy(float)
    return values[~np.isnan(values)]

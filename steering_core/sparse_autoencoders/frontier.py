"""Comparing at equal sparsity: a number at a matched L0, between the penalties that were trained.

At equal penalties nothing is comparable: a penalty means another thing in each architecture. So
each seed's autoencoders are put in order of their L0, and what is asked for is read off at a given
L0, in a line between the logarithms of the nearest two. There is no reading off beyond the ends.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units


def at_l0(table: Any, l0: float, column: str = "fvu", *, logarithmic: bool = True) -> float:
    """`column` at that L0; NaN beyond the ends.

    Args:
        table: the autoencoders of one architecture and seed, with columns `l0` and `column`.
        l0: above 0.
        logarithmic: whether the column, too, is interpolated in its logarithm.

    Raises:
        ValueError: an L0 that is not above 0, or a column that is missing.
    """
    if not l0 > 0:
        raise ValueError(f"l0: got {l0}; allowed are numbers above 0")
    if missing := {"l0", column} - set(table.columns):
        raise ValueError(f"table: got no column {sorted(missing)}; both are needed")
    rows = table[["l0", column]].dropna()
    rows = rows[rows["l0"] > 0].sort_values("l0")
    x, y = np.log(rows["l0"].to_numpy(float)), rows[column].to_numpy(float)
    if not len(x) or not x[0] <= np.log(l0) <= x[-1]:
        return float("nan")
    if logarithmic:
        return float(np.exp(np.interp(np.log(l0), x, np.log(y))))
    return float(np.interp(np.log(l0), x, y))


def matched(
    table: Any, levels: Sequence[float], column: str = "fvu", *, logarithmic: bool = True
) -> pd.DataFrame:
    """`column` at each L0, one row for each architecture and seed of a table.

    table: with columns `architecture`, `seed`, `l0` and `column`.
    Returns a frame with the index (architecture, seed) and a column for each level.
    """
    rows = {
        key: [at_l0(group, level, column, logarithmic=logarithmic) for level in levels]
        for key, group in table.groupby(["architecture", "seed"], sort=False)
    }
    index = pd.MultiIndex.from_tuples(rows, names=["architecture", "seed"])
    return pd.DataFrame(list(rows.values()), index=index, columns=pd.Index(levels, name="l0"))


def ratios(
    table: Any, one: str, other: str, levels: Sequence[float], column: str = "fvu"
) -> dict[float, Measured | None]:
    """What `one` has over what `other` has at each matched L0, paired by seed: the geometric mean.

    None where not every seed reaches that L0 with both.
    """
    numbers = matched(table, levels, column)
    quotients = numbers.loc[one] / numbers.loc[other]
    return {
        level: None if quotients[level].isna().any() else over_units(quotients[level], _geometric)
        for level in levels
    }


def _geometric(values: Float[np.ndarray, " seeds"]) -> float:
    return float(np.exp(np.mean(np.log(values))))

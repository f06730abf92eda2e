"""Measures of the claim on a language model, from the table of its study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units
from steering_core.sparse_autoencoders.frontier import matched
from steering_core.sparse_autoencoders.language_claims import LATER

LEVELS = (7.0, 8.0, 10.0, 12.0, 16.0, 24.0, 32.0)
"""The matched L0."""
AT = 16.0
"""The L0 at which single numbers are read off."""
FEWEST = 3
"""Matched L0 that a comparison needs at least."""
SUFFIX = {"first": "", "second": "_second"}


def ratios_of(table: Any, model: str, one: str, column: str = "added") -> pd.DataFrame:
    """What `one` has over what ReLU with L1 has: a row a seed, a column a matched L0, NaN where one
    of the two does not reach it.
    """
    numbers = matched(table[table["model"] == model], LEVELS, column)
    return numbers.loc[one] / numbers.loc["relu"]


def pooled(quotients: pd.DataFrame) -> Measured:
    """Their geometric mean over the L0 that every seed reaches, and over seeds.

    Raises:
        ValueError: fewer than three such L0.
    """
    reached = quotients.dropna(axis="columns")
    if reached.shape[1] < FEWEST:
        raise ValueError(
            f"quotients: every seed reaches {reached.shape[1]} of the matched L0; {FEWEST} or more "
            "are needed"
        )
    return over_units(np.exp(np.log(reached).mean(axis=1)))


def added_ratios(table: Any) -> dict[str, Measured]:
    """The deciding parts of the claim, on both models."""
    return {
        name + suffix: pooled(ratios_of(table, model, name))
        for model, suffix in SUFFIX.items()
        for name in LATER
    }


def read_off(table: Any, architecture: str, column: str, model: str = "first") -> Measured:
    """A measure at the L0 that single numbers are read off at, mean over seeds.

    Raises:
        ValueError: a seed that does not reach that L0.
    """
    mine = table[(table["model"] == model) & (table["architecture"] == architecture)]
    return over_units(matched(mine, (AT,), column, logarithmic=False)[AT])


def floors(table: Any) -> pd.DataFrame:
    """What each model loses, in nats, where zeros or the mean take the place of all activations.

    table: of the study, with columns `model`, `added`, `recovered` and `recovered_mean`; the three
        say it of every autoencoder, up to rounding, so that the median is taken.
    """
    lost = {
        "zeros": table["added"] / (1 - table["recovered"]),
        "the mean": table["added"] / (1 - table["recovered_mean"]),
    }
    return pd.DataFrame(lost).groupby(table["model"], sort=False).median()


def beside(table: Any) -> dict[str, Measured]:
    """The parts that decide nothing, on the first model."""
    return {
        "shrinkage_relu": read_off(table, "relu", "shrinkage"),
        "shrinkage_topk": read_off(table, "topk", "shrinkage"),
        "recovered_topk": read_off(table, "topk", "recovered"),
        "recovered_mean_topk": read_off(table, "topk", "recovered_mean"),
    }

"""The numbers that decide the claims on the motif, from the table of the study `motif-frequency`
and from the instances of models trained with the page.

Each has its 99% bootstrap interval over models. The thresholds are in `motif_claims`, and were
there first.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steering_core.absolute_value.checks import check_density
from steering_core.absolute_value.density_measures import over_nets
from steering_core.absolute_value.motif_study import BASE, SEEDS
from steering_core.absolute_value.parts import NAMES
from steering_core.publishing.claims import Measured

COLUMNS = [name.replace(" ", "_") for name in NAMES]


def rows_of(table: Any, **setting: Any) -> pd.DataFrame:
    """The models of one setting: the base one, with what is said changed.

    Raises:
        ValueError: a setting that the study does not have.
    """
    wanted = BASE | setting
    known = set(wanted) <= set(table.columns)
    mine = known and np.logical_and.reduce([table[name] == v for name, v in wanted.items()])
    if not np.any(mine):
        raise ValueError(f"setting: got {wanted}; allowed are those of the study")
    return table[mine]


def decision_density(table: pd.DataFrame, by: Literal["most", "nearest two"]) -> float:
    """The density that claims are decided at, told by the first half of the models."""
    base: Any = rows_of(table)
    means = base[base["seed"] < SEEDS // 2].groupby("density")["instances"].mean()
    return float(means.idxmax() if by == "most" else (means - 2).abs().idxmin())


def second_half(table: pd.DataFrame, **setting: Any) -> pd.DataFrame:
    """The models that claims are reported on."""
    rows: Any = rows_of(table, **setting)
    return rows[rows["seed"] >= SEEDS // 2]


def excess(rows: pd.DataFrame, null: str) -> Measured:
    """Instances a model less those of its permutation."""
    return over_nets((rows["instances"] - rows[null]).to_numpy(float))


def ratio(rows: pd.DataFrame, base: pd.DataFrame) -> Measured:
    """Instances a model over those of the base models; both resampled."""
    one, other = (part["instances"].to_numpy(float) for part in (rows, base))
    if not other.any():
        raise ValueError("base: got no instance in any model; allowed is at least one")
    generator = np.random.default_rng(0)
    drawn = [
        generator.choice(one, len(one)).mean() / generator.choice(other, len(other)).mean()
        for _ in range(2_000)
    ]
    low, high = np.quantile(drawn, (0.005, 0.995))
    return Measured(one.mean() / other.mean(), n=len(one), interval=(low, high))


def over_models(
    instances: pd.DataFrame, column: str, statistic: Callable[[NDArray[Any]], float] = np.mean
) -> Measured:
    """A statistic over instances; models, each with all of its instances, are resampled."""
    values = instances[column].to_numpy(float)
    places = [np.flatnonzero(instances["seed"] == seed) for seed in instances["seed"].unique()]

    def of(models: NDArray[Any]) -> float:
        return float(statistic(values[np.concatenate([places[int(i)] for i in models])]))

    return over_nets(np.arange(len(places)), of)


def with_outcomes(instances: pd.DataFrame) -> pd.DataFrame:
    """The instances with what the claims ask of each, true or false."""
    return instances.assign(
        negative=instances["alone"] <= 0,
        positive_when_cut=instances["cut"] > 0,
        costs=instances["cost"] > 0,
        lowers=instances["main_alone"] < 0,
    )


def side_by_side(instances: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """What III-10, III-11 and III-15 ask of instances, a column a density.

    Args:
        instances: `with_outcomes` of the instances at each density.
    """
    return pd.DataFrame(
        {
            f"density {density:g}": {
                "a alone leaves output b at or below zero": rows["negative"].mean(),
                "it is above zero when j does not hear a": rows["positive_when_cut"].mean(),
                "cutting costs on inputs as they come": rows["costs"].mean(),
                "passes the causal test": rows["causal"].mean(),
                "one-way ratio, median": rows["one_way"].median(),
                "main alone lowers output b": rows["lowers"].mean(),
                "by how much, median": -rows["main_alone"].median(),
            }
            for density, rows in instances.items()
        }
    )


def spread(instances: Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """Per network that has any: instances, and the different neurons and pairs of features in them;
    a column a density."""
    columns = {}
    for density, rows in instances.items():
        of: Any = rows.groupby("seed")
        columns[f"density {density:g}"] = {
            "networks with an instance": of.ngroups,
            "instances": of.size().mean(),
            "different neurons k": of["neuron"].nunique().mean(),
            "different pairs a, b": of[["strong", "weak"]].apply(_different).mean(),
            "different inhibitors j": of["inhibitor"].nunique().mean(),
        }
    return pd.DataFrame(columns)


def _different(rows: pd.DataFrame) -> int:
    return len(rows.drop_duplicates())


def shares(rows: pd.DataFrame, kind: Literal["norm", "cost"]) -> pd.DataFrame:
    """Of models, each part's share of the squared weights, or of what cutting the parts costs; a
    part that costs less than nothing counts as nothing."""
    parts = rows[[f"{kind}_{name}" for name in COLUMNS]].clip(lower=0).to_numpy(float)
    return pd.DataFrame(parts / parts.sum(1, keepdims=True), columns=COLUMNS)


def part_measures(rows: Any) -> Mapping[str, Measured]:
    """The parts of III-12, over models with an instance."""
    rows = rows[rows["instances"] > 0]
    norm, cost = shares(rows, "norm"), shares(rows, "cost")
    return {
        "plain_norm": over_nets((norm["pairs"] + norm["single_sides"]).to_numpy()),
        "plain_loss": over_nets((cost["pairs"] + cost["single_sides"]).to_numpy()),
        "motif_over_rest_norm": over_nets((norm["motifs"] - norm["rest"]).to_numpy()),
        "motif_over_rest_loss": over_nets((cost["motifs"] - cost["rest"]).to_numpy()),
    }


def constant(rows: Any, *, over: float = 1.0) -> Measured:
    """Median R^2 of the rest as conditional constants, over models with an instance; as a share of
    `over`."""
    values = rows.loc[rows["instances"] > 0, "constant"].to_numpy(float) / over
    return over_nets(values, np.median)


def constant_ceiling(density: float) -> float:
    """R^2 of an effect in proportion to the positive part of one feature, explained by a constant
    that is there when it is: 3 (1 - q) / (4 - 3 q), where q = p / 2 is how often it is positive.

    With x uniform on [0, 1] a share q of the time, the effect's variance is q/3 - q^2/4, of which
    the constant 1/2 explains q/4 - q^2/4.

    Raises:
        ValueError: density out of range.
    """
    q = check_density(density) / 2
    return 3 * (1 - q) / (4 - 3 * q)

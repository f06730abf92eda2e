"""The numbers that decide the claims on autoencoders of many latents, from the tables of the
studies. Each is over seeds, with its 99% bootstrap interval. The thresholds are in `prolu_claims`,
and were there first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units
from steering_core.sparse_autoencoders.frontier import at_l0, matched, ratios
from steering_core.sparse_autoencoders.frontier_setting import ACTIVE, LEVELS, SEEDS, STEPS

TRUE = LEVELS[2]
"""The L0 at which single numbers are compared."""
SPARSE = 1.25 * ACTIVE
"""The most latents on with which an autoencoder of the controls counts as sparse."""


def at_true(table: Any, architecture: str, column: str) -> Measured:
    """A column at the true number of active features."""
    values = matched(table, [TRUE], column, logarithmic=False).loc[architecture]
    return over_units(values[TRUE])


def difference(table: Any, one: str, other: str, column: str) -> Measured:
    """What `one` has more of a column than `other` at the true L0, paired by seed."""
    values = matched(table, [TRUE], column, logarithmic=False)[TRUE]
    return over_units(values.loc[one] - values.loc[other])


def levels_won(table: Any, one: str, other: str) -> Measured:
    """At how many of the matched L0 the error of `one` is below that of `other` for the whole
    interval of the paired ratio; exact, given the table."""
    found = ratios(table, one, other, LEVELS).values()
    won = sum(ratio is not None and _interval(ratio)[1] < 1 for ratio in found)
    return Measured(float(won), n=SEEDS)


def levels_lost(table: Any, one: str, others: Sequence[str]) -> Measured:
    """At how many of the matched L0 any of the others has less error than `one`, likewise."""
    lost = 0
    for level in LEVELS:
        found = [ratios(table, other, one, [level])[level] for other in others]
        lost += any(ratio is not None and _interval(ratio)[1] < 1 for ratio in found)
    return Measured(float(lost), n=SEEDS)


def tally(ratios: Mapping[str, Mapping[float, Measured | None]]) -> pd.DataFrame:
    """At how many L0 the first has less error than each rival, or more, or cannot be compared.

    Args:
        ratios: rival -> what `frontier.ratios` gives for the first over it.
    """
    rows = []
    for rival, levels in ratios.items():
        spans = [_interval(ratio) for ratio in levels.values() if ratio is not None]
        less, more = sum(high < 1 for _, high in spans), sum(low > 1 for low, _ in spans)
        neither, unknown = len(spans) - less - more, len(levels) - len(spans)
        rows.append((rival, less, more, neither, unknown))
    return pd.DataFrame(
        rows, columns=pd.Index(["rival", "less error", "more", "no difference", "not comparable"])
    )


def half_way(controls: Any, frontier: Any, rivals: Sequence[str]) -> pd.DataFrame:
    """What ProLU has at half of the frontier's steps over what rivals have at all of them.

    A row for each control of 10,000 steps and each of its penalties; its mean L0 and error, and for
    each rival the geometric mean over seeds of the error over the rival's at the same L0 and seed;
    NaN where not every seed of the rival reaches that L0.

    Args:
        controls: table of the study of controls.
        frontier: table of the frontier.
        rivals: architectures of the frontier.
    """
    rows = []
    for (variant, penalty), runs in controls.groupby(["variant", "penalty"], sort=False):
        row: dict[str, Any] = {"variant": variant, "penalty": penalty}
        row |= runs[["l0", "fvu"]].mean().to_dict()
        for name in rivals:
            mine = frontier[frontier["architecture"] == name]
            there = [at_l0(mine[mine["seed"] == one.seed], one.l0) for one in runs.itertuples()]
            row[name] = _geometric(runs["fvu"].to_numpy() / np.array(there))
        rows.append(row)
    return pd.DataFrame(rows)


def _interval(measured: Measured) -> tuple[float, float]:
    return measured.interval or (measured.value, measured.value)


def mean_over_penalties(table: Any, architecture: str, column: str) -> Measured:
    """A column, mean over penalties for each seed."""
    rows = table[table["architecture"] == architecture]
    return over_units(rows.groupby("seed")[column].mean())


def control(table: Any, variant: str, column: str, penalty: float | None = None) -> Any:
    """A column of a variant by seed: at one penalty, or the mean over all.

    Raises:
        ValueError: a variant or penalty that the study does not have.
    """
    rows = table[table["variant"] == variant]
    if penalty is not None:
        rows = rows[rows["penalty"] == penalty]
    if rows.empty:
        raise ValueError(
            f"variant, penalty: got {variant!r}, {penalty}; allowed are those of the study"
        )
    return rows.groupby("seed")[column].mean()


def control_ratio(table: Any, one: str, other: str) -> Measured:
    """Least error of one variant with an L0 of at most `SPARSE` over that of another, paired by
    seed. A seed of which no penalty is so sparse has the error of saying nothing, 1.

    Raises:
        ValueError: a variant that the study does not have.
    """
    sparse = table.assign(fvu=table["fvu"].where(table["l0"] <= SPARSE, 1.0))
    least = sparse.groupby(["variant", "seed"])["fvu"].min()
    for name in (one, other):
        if name not in least.index:
            raise ValueError(f"variant: got {name!r}; allowed are those of the study")
    return over_units(least.loc[one] / least.loc[other], _geometric)


def at_equal_l0(table: Any, one: str, other: str, levels: int = 5) -> Measured:
    """Error of one variant over that of another where both have as many latents on, paired by seed:
    the geometric mean over some L0, evenly in ratio between the ends of what both reach in the
    seed, up to `SPARSE`.

    Raises:
        ValueError: a variant that the study does not have, or a seed in which they have no such L0
            in common.
    """
    quotients = []
    for seed, rows in table.groupby("seed"):
        runs = [rows[rows["variant"] == name] for name in (one, other)]
        if any(run.empty for run in runs):
            raise ValueError(f"variants: got {one!r}, {other!r}; allowed are those of the study")
        low = max(run["l0"].min() for run in runs)
        high = min(SPARSE, *(run["l0"].max() for run in runs))
        if not low < high:
            raise ValueError(f"variants: {one!r} and {other!r} have no L0 in common in seed {seed}")
        mine, theirs = (
            [at_l0(run, l0) for l0 in np.geomspace(low, high, levels + 2)[1:-1]] for run in runs
        )
        quotients.append(_geometric(np.array(mine) / theirs))
    return over_units(np.array(quotients), _geometric)


def best(table: Any, variant: str, column: str) -> Any:
    """The largest of a column over the penalties of a variant, by seed."""
    return table[table["variant"] == variant].groupby("seed")[column].max()


def quotient(one: Any, other: Any) -> Measured:
    """The mean over seeds of what one has over what the other has."""
    return over_units((one / other).to_numpy(float))


def steps_to(
    curves: Any,
    architecture: str,
    baseline: str = "scsae",
    *,
    loss: Literal["last", "min"] = "last",
) -> Measured:
    """Steps to 1.1 times the final, or the lowest, loss of the baseline over the steps it takes
    itself; the geometric mean over penalties for each seed, then over seeds."""
    goals = 1.1 * _of(curves, baseline).groupby(["seed", "penalty"])["loss"].agg(loss)
    first, of_baseline = (
        _first_below(_of(curves, name), goals).reindex(goals.index, fill_value=float(STEPS))
        for name in (architecture, baseline)
    )
    quotients = np.log(first / of_baseline)
    by_seed = quotients.groupby(level="seed").mean()
    return over_units(np.exp(by_seed), lambda v: float(np.exp(np.log(v).mean())))


def share_degrading(curves: Any, architecture: str, margin: float = 0.05) -> Measured:
    """Share of runs whose last point lies more than the margin above their lowest; over seeds."""
    runs = _of(curves, architecture).groupby(["seed", "penalty"])["loss"]
    worse = (runs.last() > (1 + margin) * runs.min()).astype(float)
    return over_units(worse.groupby(level="seed").mean())


def _of(curves: Any, architecture: str) -> Any:
    """The runs of an architecture, their losses averaged over three points of their curves."""
    rows = curves[curves["architecture"] == architecture].sort_values(["seed", "penalty", "step"])
    if rows.empty:
        raise ValueError(f"architecture: got {architecture!r}; allowed are those of the study")
    smooth = rows.groupby(["seed", "penalty"])["loss"].transform(lambda v: v.rolling(3).mean())
    return rows.assign(loss=smooth).dropna()


def _first_below(curves: Any, goals: Any) -> Any:
    """The first step of each run at which its loss is at most the goal, or the last step."""
    there = curves.set_index(["seed", "penalty"]).join(goals.rename("goal"))
    reached = there["step"].where(there["loss"] <= there["goal"], float(STEPS))
    return reached.groupby(level=["seed", "penalty"]).min()


def least_errors(table: Any, limit: float) -> pd.DataFrame:
    """The least error over penalties of those with an L0 up to the limit; a row for each
    architecture and seed, a column for each overlap, NaN where none is so sparse."""
    sparse = table.assign(fvu=table["fvu"].where(table["l0"] <= limit))
    return sparse.groupby(["architecture", "seed", "overlap"])["fvu"].min().unstack("overlap")


def worst_overlap(table: Any, one: str, other: str, limit: float) -> Measured:
    """The largest over overlaps of the geometric mean of what `one` has over `other`, paired by
    seed; the largest is taken anew in each resample.

    Raises:
        ValueError: an overlap at which not every seed has both.
    """
    errors = least_errors(table, limit)
    logs = np.log((errors.loc[one] / errors.loc[other]).to_numpy(float))
    if np.isnan(logs).any():
        raise ValueError(f"limit: got {limit:g}, within which not all of {one} and {other} lie")
    return over_units(logs, lambda v: float(np.exp(v.mean(0).max())))


def overlap_rise(table: Any, architecture: str, overlap: float, limit: float) -> Measured:
    """The least error at an overlap over that at none, paired by seed."""
    errors = least_errors(table, limit).loc[architecture]
    return over_units(errors[overlap] / errors[0.0], _geometric)


def _geometric(values: Any) -> float:
    return float(np.exp(np.log(values).mean()))


def overlap_numbers(table: Any, limit: float) -> pd.DataFrame:
    """Least errors of every architecture and overlap, mean over seeds with interval; only where all
    seeds have one."""
    errors = least_errors(table, limit)
    return pd.DataFrame(
        [
            {"architecture": name, "overlap": overlap, "fvu": one.value}
            | dict(zip(("low", "high"), _interval(one), strict=True))
            for name in dict.fromkeys(table["architecture"])
            for overlap in errors.columns
            if not errors.loc[name][overlap].isna().any()
            for one in [over_units(errors.loc[name][overlap])]
        ]
    )


def frontier_numbers(table: Any, column: str = "fvu") -> pd.DataFrame:
    """A column of every architecture at every matched L0: mean over seeds and interval; only where
    all seeds reach it."""
    values = matched(table, LEVELS, column, logarithmic=column == "fvu")
    rows = []
    group: Any
    for architecture, group in values.groupby(level="architecture", sort=False):
        for level in LEVELS:
            if group[level].isna().any():
                continue
            measured = over_units(group[level])
            low, high = _interval(measured)
            rows.append(
                {
                    "architecture": architecture,
                    "l0": level,
                    column: measured.value,
                    "low": low,
                    "high": high,
                    "seeds": measured.n,
                }
            )
    return pd.DataFrame(rows)

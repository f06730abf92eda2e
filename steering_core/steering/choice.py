"""Choosing how a vector is added, from the table of a sweep: the most effect at a bounded cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from steering_core.steering.experiment import Setting

PERPLEXITY, DISTINCT = 2.0, 0.8
"""How many times the unsteered perplexity, and what share of the unsteered distinct-2, is
allowed."""

MATCHED = ("uncentred", "centred", "introduced", "isolated")
OF_LEAST = 0.8  # the gain at which kinds are matched, of the least of their best gains


def allowed(table: pd.DataFrame) -> Any:
    """Which rows of a sweep cost no more than is allowed."""
    return (table.nats <= math.log(PERPLEXITY)) & (table.distinct >= DISTINCT)


def best_row(
    table: pd.DataFrame, model: str, kind: str, position: str | None = None
) -> Mapping[str, Any]:
    """The row of the largest gain among those allowed, of one kind and, if asked, one position.

    Raises:
        ValueError: the table has no such row, or none of them is allowed.
    """
    rows: Any = table[(table.model == model) & (table.kind == kind) & allowed(table)]
    if position is not None:
        rows = rows[rows.position == position]
    if len(rows) == 0:
        raise ValueError(
            f"kind: got {kind!r} (model {model!r}, position {position!r}), of which the table has "
            f"no row within the allowed cost"
        )
    return rows.loc[rows.gain.idxmax()].to_dict()


def best_setting(
    table: pd.DataFrame, model: str, kind: str, position: str | None = None
) -> Setting:
    """How the best row adds its vector; see `best_row`."""
    row = best_row(table, model, kind, position)
    return Setting(int(row["layer"]), row["position"], float(row["coefficient"]))


def matched_settings(
    table: pd.DataFrame, model: str, best: Mapping[str, Setting]
) -> dict[str, Setting]:
    """Each kind's best layer and position with the coefficient at which all gain as much.

    The common gain is 0.8 of the least of the kinds' best gains; the coefficient lies where the
    line through the sweep's points, from no gain at coefficient 0, first reaches it.

    Raises:
        ValueError: a kind that gains nothing at its best.
    """
    gains = {kind: best_row(table, model, kind)["gain"] for kind in MATCHED}
    gain = OF_LEAST * min(gains.values())
    if not gain > 0:
        raise ValueError(f"table: the best gains are {gains}; all must be above 0 to be matched")
    return {
        kind: replace(best[kind], coefficient=_coefficient_at(table, model, kind, best[kind], gain))
        for kind in MATCHED
    }


def _coefficient_at(
    table: pd.DataFrame, model: str, kind: str, setting: Setting, gain: float
) -> float:
    rows: Any = table[
        (table.model == model)
        & (table.kind == kind)
        & (table.layer == setting.layer)
        & (table.position == setting.position)
    ]
    rows = rows.sort_values("coefficient")
    before, had = 0.0, 0.0
    for coefficient, reached in zip(rows.coefficient, rows.gain, strict=True):
        if reached >= gain:
            return round(before + (coefficient - before) * (gain - had) / (reached - had), 4)
        before, had = float(coefficient), float(reached)
    raise ValueError(f"kind: got {kind!r}, which nowhere gains {gain:.3g}")

"""Settings are chosen by hand from small tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.steering.choice import (
    MATCHED,
    allowed,
    best_row,
    best_setting,
    matched_settings,
)
from steering_core.steering.experiment import Setting

LN2 = math.log(2)


def row(gain: float, **changed: Any) -> dict[str, Any]:
    """Of a sweep; cheap unless told otherwise."""
    return {
        "model": "first",
        "kind": "centred",
        "position": "every",
        "layer": 2,
        "coefficient": 1.0,
        "gain": gain,
        "nats": 0.1,
        "distinct": 1.0,
    } | changed


def table_of(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def test_what_costs_as_much_as_is_allowed_is_allowed() -> None:
    costs = [(LN2, 0.8), (LN2 + 1e-9, 0.8), (LN2, 0.8 - 1e-9), (-1.0, 2.0), (math.nan, 1.0)]
    table = table_of(*(row(1.0, nats=nats, distinct=distinct) for nats, distinct in costs))
    assert allowed(table).tolist() == [True, False, False, True, False]


def test_the_best_row_is_of_the_largest_gain_within_the_allowed_cost() -> None:
    table = table_of(
        row(9.0, nats=0.7),  # too strange
        row(8.0, distinct=0.79),  # repeats itself
        row(7.0, model="second"),
        row(6.0, kind="uncentred"),
        row(3.0, position="first", layer=4, coefficient=8.0),
        row(4.0, layer=3, coefficient=2.0),
        row(1.0),
    )
    assert best_row(table, "first", "centred")["gain"] == 4.0
    assert best_setting(table, "first", "centred") == Setting(3, "every", 2.0)
    assert best_setting(table, "first", "centred", "first") == Setting(4, "first", 8.0)
    assert best_setting(table, "first", "uncentred") == Setting(2, "every", 1.0)
    assert best_row(table, "second", "centred")["gain"] == 7.0


def test_the_best_row_does_not_depend_on_the_index() -> None:
    rows = [row(float(gain), layer=gain) for gain in (1, 5, 3)]
    table = pd.concat([table_of(rows[0]), table_of(*rows[1:])])  # an index with repeats
    assert best_setting(table.reset_index(drop=True), "first", "centred").layer == 5


def test_a_random_table_beside_a_search() -> None:
    generator = np.random.default_rng(0)
    rows = [
        row(
            float(generator.normal()),
            layer=int(generator.integers(6)),
            position=str(generator.choice(["first", "every"])),
            nats=float(generator.uniform(0, 1.4)),
            distinct=float(generator.uniform(0.6, 1.2)),
        )
        for _ in range(200)
    ]
    for position in (None, "first", "every"):
        kept = [
            r
            for r in rows
            if math.exp(r["nats"]) <= 2
            and r["distinct"] >= 0.8
            and position in (None, r["position"])
        ]
        best = max(kept, key=lambda r: r["gain"])
        assert best_row(table_of(*rows), "first", "centred", position) == best


@pytest.mark.parametrize(
    "asked", [("third", "centred", None), ("first", "whitened", None), ("first", "centred", "last")]
)
def test_no_such_row_is_refused(asked: tuple[str, str, str | None]) -> None:
    table = table_of(row(1.0))
    with pytest.raises(ValueError, match=rf"^kind: got '{asked[1]}' \(model '{asked[0]}'"):
        best_setting(table, *asked)


def test_only_costly_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="no row within the allowed cost"):
        best_row(table_of(row(1.0, nats=1.0), row(2.0, distinct=0.5)), "first", "centred")


def sweep_of(gains: dict[str, list[tuple[float, float]]]) -> pd.DataFrame:
    """(coefficient, gain) of each kind; the rows stand in no order."""
    rows = [
        row(gain, kind=kind, coefficient=coefficient)
        for kind, points in gains.items()
        for coefficient, gain in points
    ]
    return table_of(*rows).sample(frac=1, random_state=0).reset_index(drop=True)


def test_gains_are_matched_on_the_line_through_the_points() -> None:
    table = sweep_of(
        {
            "uncentred": [(1.0, 0.5), (2.0, 2.5)],  # the least of the best
            "centred": [(0.5, 1.0), (1.0, 3.0), (2.0, 5.0)],
            "introduced": [(1.0, 4.0), (2.0, 6.0)],
            "isolated": [(0.5, -0.5), (1.0, 2.5), (2.0, 1.0), (4.0, 3.5)],
        }
    )
    best = {kind: best_setting(table, "first", kind) for kind in MATCHED}
    got = matched_settings(table, "first", best)
    expected = {  # where the gain is 0.8 x 2.5 = 2
        "uncentred": 1.75,
        "centred": 0.75,
        "introduced": 0.5,  # from no gain at coefficient 0
        "isolated": round(0.5 + 0.5 * 2.5 / 3, 4),  # the first time that it is reached
    }
    assert list(got) == list(MATCHED)
    assert {kind: setting.coefficient for kind, setting in got.items()} == expected
    for kind in MATCHED:
        assert (got[kind].layer, got[kind].position) == (best[kind].layer, best[kind].position)


def test_only_the_layer_and_position_of_the_best_are_matched() -> None:
    table = sweep_of({kind: [(1.0, 1.0), (2.0, 2.0)] for kind in MATCHED})
    decoys = [
        row(9.0, kind="centred", coefficient=0.1, nats=5.0, layer=5),
        row(1.9, kind="centred", coefficient=0.1, position="first"),
        row(9.0, kind="centred", coefficient=0.1, model="second"),
    ]
    table = pd.concat([table, table_of(*decoys)], ignore_index=True)
    best = {kind: best_setting(table, "first", kind) for kind in MATCHED}
    got = matched_settings(table, "first", best)
    assert {setting.coefficient for setting in got.values()} == {1.6}


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_a_kind_that_gains_nothing_cannot_be_matched(gain: float) -> None:
    table = sweep_of({kind: [(1.0, gain if kind == "isolated" else 1.0)] for kind in MATCHED})
    best = {kind: Setting(2, "every", 1.0) for kind in MATCHED}
    with pytest.raises(ValueError, match=r"^table: the best gains are .*above 0"):
        matched_settings(table, "first", best)


def test_a_setting_that_never_gains_so_much_is_refused() -> None:
    table = sweep_of({kind: [(1.0, 1.0)] for kind in MATCHED})
    best = {kind: Setting(2, "every", 1.0) for kind in MATCHED}
    best["centred"] = Setting(5, "every", 1.0)
    with pytest.raises(ValueError, match=r"^kind: got 'centred', which nowhere gains 0\.8"):
        matched_settings(table, "first", best)

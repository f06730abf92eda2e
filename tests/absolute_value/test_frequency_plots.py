"""Drawings of how often the motif forms show the numbers that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.absolute_value import plots
from steering_core.absolute_value.motif_measures import COLUMNS
from steering_core.absolute_value.motif_study import BASE, CHANGED_AT, CHANGES, CONTROL_DENSITIES
from steering_core.absolute_value.parts import NAMES

from ..drawings import legend_of, lines_of, ticks_of

LEVELS = (1.0, 0.1, 0.01)
COUNTS = {
    "instances": "as trained",
    "causal": "of these causal",
    "null": "permuted but for main features",
    "null_all": "permuted",
}

pytestmark = pytest.mark.usefixtures("few_resamples", "closed")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A table like that of the study, four seeds; none of the first density has an instance."""
    rng = np.random.default_rng(0)
    settings = [(BASE, level) for level in LEVELS]
    settings += [(BASE | change, level) for change in CHANGES for level in (0.1, 0.01)]
    rows = []
    for setting, density in settings:
        for seed in range(4):
            instances = 0 if density == 1 else int(rng.integers(0, 5))
            row = setting | {"density": density, "seed": seed, "instances": float(instances)}
            row |= {"causal": float(instances // 2), "null": float(seed % 2), "null_all": 0.0}
            for kind in ("norm", "cost"):
                row |= {f"{kind}_{name}": rng.uniform(0, 1) for name in COLUMNS}
            rows.append(row)
    return pd.DataFrame(rows)


def base(table: pd.DataFrame, density: float) -> Any:
    """Rows of the base setting."""
    same = np.logical_and.reduce([table[name] == value for name, value in BASE.items()])
    return table[same & (table["density"] == density)]


def test_counts_are_means_with_intervals(table: pd.DataFrame) -> None:
    counts = plots.counts_table(table)
    assert list(counts.columns) == ["density", "count", "mean", "low", "high", "models"]
    places = [(density, name) for density in LEVELS for name in COUNTS]
    assert list(zip(counts["density"], counts["count"], strict=True)) == places
    expected = [base(table, density)[name].mean() for density, name in places]
    assert counts["mean"].tolist() == pytest.approx(expected)
    assert set(counts["models"]) == {4}
    low, middle, high = counts[["low", "mean", "high"]].to_numpy().T
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_counts_are_drawn_against_density(table: pd.DataFrame) -> None:
    counts = plots.counts_table(table)
    fig = plots.counts_panels(counts, table)
    left, right = fig.axes
    assert legend_of(fig) == list(COUNTS.values())
    assert len(left.containers) == len(COUNTS)
    for bars, name in zip(left.containers, COUNTS, strict=True):
        rows: Any = counts[counts["count"] == name]
        line, _, (spread,) = bars
        assert list(line.get_xdata()) == list(LEVELS)
        assert list(line.get_ydata()) == pytest.approx(rows["mean"].tolist())
        ends = [segment[:, 1].tolist() for segment in spread.get_segments()]
        np.testing.assert_allclose(ends, rows[["low", "high"]].to_numpy(), atol=1e-9)
    assert legend_of(right) == ["at least 1", "at least 2", "just 2"]
    just = lines_of(right)["just 2"]
    shares = [(base(table, x)["instances"] == 2).mean() for x in just.get_xdata()]
    assert list(just.get_ydata()) == pytest.approx(shares)
    for least in (1, 2):
        line = lines_of(right)[f"at least {least}"]
        shares = [(base(table, x)["instances"] >= least).mean() for x in line.get_xdata()]
        assert sorted(line.get_xdata()) == sorted(LEVELS)
        assert list(line.get_ydata()) == pytest.approx(shares)
    assert left.xaxis_inverted()
    assert right.xaxis_inverted()


WORDS = [
    "base: 10 neurons, importance 0.8ⁱ",
    *("importance 0.6ⁱ", "importance 0.9ⁱ", "importance 1 for all"),
    *("6 neurons", "14 neurons", "20 neurons"),
    *("weight decay 0.001", "weight decay 0.01", "weight decay 0.1"),
]
TASKS = {"storage: x in [0, 1]", "storage, linear hidden layer", "mixed labels"}


def test_changes_are_listed_in_words(table: pd.DataFrame) -> None:
    changes = plots.changes_table(table)
    names = list(dict.fromkeys(changes["change"]))
    assert names[:10] == WORDS
    assert set(names[10:]) == TASKS
    assert changes["density"].tolist() == [0.1, 0.01, *[CHANGED_AT] * 9, *[0.1, 0.01] * 3]
    wide: Any = table[(table["width"] == 20) & (table["density"] == CHANGED_AT)]
    row: Any = changes.set_index("change").loc["20 neurons"]
    assert row["mean"] == pytest.approx(wide["instances"].mean())
    assert row["causal"] == pytest.approx(wide["causal"].sum() / wide["instances"].sum())
    assert row["null"] == pytest.approx(0.5)
    assert row["models"] == 4


def test_a_change_without_instances_has_no_causal_ones(table: pd.DataFrame) -> None:
    none = table.assign(instances=0.0, causal=0.0)
    assert set(plots.changes_table(none)["causal"]) == {0.0}


def test_changes_are_drawn_a_row_each(table: pd.DataFrame) -> None:
    changes = plots.changes_table(table)
    fig = plots.changes_panel(changes)
    (ax,) = fig.axes
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == list(dict.fromkeys(changes["change"]))
    assert legend_of(fig) == ["0.1", "0.01"]
    for bars, density in zip(ax.containers, CONTROL_DENSITIES, strict=True):
        rows: Any = changes[changes["density"] == density]
        line: Any = bars[0]
        assert list(line.get_xdata()) == pytest.approx(rows["mean"].tolist())
        assert [names[place] for place in line.get_ydata()] == rows["change"].tolist()
    assert ax.yaxis_inverted(), "the base setting is not on top"


def test_instances_are_dots_by_whether_they_pass() -> None:
    one = pd.DataFrame(
        {"cut": [1.0, 2.0, 0.5], "alone": [-1.0, 0.1, -0.2], "causal": [True, False, True]}
    )
    fig = plots.causal_panels({0.03: one, 0.2: one.iloc[[1]]})
    assert [ax.get_title() for ax in fig.axes] == ["density 0.03", "density 0.2"]
    assert legend_of(fig) == ["passes the causal test", "fails it"]
    passes, fails = (lines_of(fig.axes[0])[label] for label in legend_of(fig))
    assert list(zip(passes.get_xdata(), passes.get_ydata(), strict=True)) == [(1, -1), (0.5, -0.2)]
    assert list(zip(fails.get_xdata(), fails.get_ydata(), strict=True)) == [(2.0, 0.1)]
    assert not len(lines_of(fig.axes[1])["passes the causal test"].get_xdata())


def test_every_instance_is_in_the_frame() -> None:
    rows = pd.DataFrame({"cut": [1.0, 17.0, -3.0], "alone": [-1.0, 0.0, -29.0], "causal": False})
    few = rows.iloc[:1]
    for ax in plots.causal_panels({0.1: few, 0.01: rows}).axes:
        assert ax.get_xlim() == pytest.approx((1.3 * -3, 1.3 * 17))
        assert ax.get_ylim() == pytest.approx((1.3 * -29, 1.3))
        assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "symlog")


def test_shares_are_means_of_the_shares_of_models(table: pd.DataFrame) -> None:
    rows = plots.shares_table(table)
    assert list(rows.columns) == ["density", "share_of", *COLUMNS]
    assert rows["share_of"].tolist() == ["norm"] * 3 + ["cost"] * 3
    assert rows["density"].tolist() == list(LEVELS) * 2
    assert rows[COLUMNS].sum(axis=1).tolist() == pytest.approx([1.0] * 6)
    of_base = base(table, 0.1)[[f"cost_{name}" for name in COLUMNS]].to_numpy()
    expected = (of_base / of_base.sum(1, keepdims=True)).mean(0)
    assert rows[COLUMNS].to_numpy(float)[4] == pytest.approx(expected)


def test_shares_are_stacked(table: pd.DataFrame) -> None:
    rows = plots.shares_table(table)
    fig = plots.shares_panels(rows)
    assert legend_of(fig) == list(NAMES)
    assert [ax.get_title() for ax in fig.axes] == [
        "of the squared weights",
        "of what cutting costs",
    ]
    for ax, first in zip(fig.axes, (0, 3), strict=True):
        values = rows[COLUMNS].to_numpy(float)[first : first + 3]
        bars: Any = ax.patches
        heights = np.array([bar.get_height() for bar in bars]).reshape(4, 3)
        np.testing.assert_allclose(heights, values.T)
        bottoms = np.array([bar.get_y() for bar in bars]).reshape(4, 3)
        np.testing.assert_allclose(bottoms, values.T.cumsum(0) - values.T, atol=1e-12)
        assert ticks_of(ax) == ["1", "0.1", "0.01"]

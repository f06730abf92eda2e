"""Drawings of neurons against density show the numbers that they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.absolute_value import plots
from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.density_study import DENSITIES
from steering_core.absolute_value.instances import hand_made
from steering_core.absolute_value.plots.densities import STATUSES, curve_of

from ..drawings import legend_of, lines_of
from .drawn import BOTH, DENSE, SPARSE, found
from .planted import plant

pytestmark = pytest.mark.usefixtures("few_resamples", "closed")

NAMES = ("single", "polysemantic", "two_or_three", "carried", "carried_by_polysemantic")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A table like that of the study, three seeds, without what dense nets lack."""
    rng = np.random.default_rng(0)
    names = (*NAMES, "kurtosis", "kurtosis_rotated")
    rows = [
        {"density": density, "seed": seed} | {name: rng.uniform(1, 2) for name in names}
        for density in DENSITIES
        for seed in range(3)
    ]
    whole = pd.DataFrame(rows)
    return whole.assign(
        carried_by_polysemantic=whole["carried_by_polysemantic"].where(whole["density"] < 1)
    )


def means(table: pd.DataFrame, column: str) -> Any:
    """By density, from dense to sparse, where there are any."""
    groups: Any = table.groupby("density")[column].mean()
    return groups.dropna().sort_index(ascending=False)


def assert_curves(
    ax: Any, table: pd.DataFrame, columns: dict[str, str], more: Sequence[str] = ()
) -> None:
    assert list(lines_of(ax)) == [*columns.values(), *more] == legend_of(ax)
    for column, label in columns.items():
        line, expected = lines_of(ax)[label], means(table, column)
        assert list(line.get_xdata()) == list(expected.index)
        assert line.get_ydata() == pytest.approx(expected.to_numpy())
    assert len(ax.collections) == len(columns)
    assert ax.xaxis_inverted(), "sparsity does not grow to the right"


def test_a_curve_is_of_the_nets_that_have_the_number(table: pd.DataFrame) -> None:
    curve = curve_of(table, "single")
    assert curve["density"].tolist() == list(DENSITIES)
    assert curve["value"].tolist() == pytest.approx(list(means(table, "single")))
    assert set(curve["nets"]) == {3}
    low, value, high = curve[["low", "value", "high"]].to_numpy().T
    assert (low <= value).all()
    assert (value <= high).all()
    lacking = curve_of(table, "carried_by_polysemantic")
    assert lacking["density"].tolist() == list(DENSITIES[1:])


def test_curves_stand_under_each_other(table: pd.DataFrame) -> None:
    curves = plots.curves_table(table, NAMES)
    assert list(curves.columns) == ["density", "value", "low", "high", "nets", "measure"]
    counts = curves["measure"].value_counts().to_dict()
    assert counts == {name: 7 for name in NAMES} | {"carried_by_polysemantic": 6}
    assert curves.index.is_unique


def test_sharing_is_drawn_as_means(table: pd.DataFrame) -> None:
    left, right = plots.sharing_panels(table).axes
    assert_curves(
        left,
        table,
        {"single": "one feature", "polysemantic": "several", "two_or_three": "two or three"},
    )
    carried = {"carried_by_polysemantic": "polysemantic neurons", "carried": "all live neurons"}
    assert_curves(right, table, carried)


def test_the_basis_is_drawn_beside_rotations(table: pd.DataFrame) -> None:
    numbers = [(1.0, 3.0, 4.0), (0.1, 3.5, 4.5), (0.1, 3.6, 4.6)]
    linear = pd.DataFrame(numbers, columns=["density", "kurtosis", "kurtosis_rotated"])
    (ax,) = plots.basis_panel(table, linear).axes
    names = {"kurtosis": "as trained", "kurtosis_rotated": "largest of 99 rotations"}
    beside = {"kurtosis": "linear hidden layer"}
    beside |= {"kurtosis_rotated": "largest of 99 rotations, linear"}
    assert_curves(ax, table, names, more=list(beside.values()))
    for column, label in beside.items():
        line = lines_of(ax)[label]
        assert list(line.get_xdata()) == linear["density"].tolist()
        assert list(line.get_ydata()) == linear[column].tolist()


def test_live_neurons_are_put_in_order() -> None:
    rows = plots.order_table([DENSE, SPARSE], list(BOTH))
    assert list(rows.columns) == ["density", "rank", "carried"]
    expected = [[1, 2, 2], [1, 0, 1], [1, 1, 1], [0.03, 0, 1], [0.03, 1, 2]]
    assert rows.to_numpy().tolist() == expected
    fig = plots.order_panels(rows, {1.0: -0.5, 0.03: 1.0})
    assert [ax.get_title() for ax in fig.axes] == ["1: ρ = −0.50", "0.03: ρ = 1.00"]
    line: Any = fig.axes[0].lines[0]
    assert list(zip(line.get_xdata(), line.get_ydata(), strict=True)) == [(2, 2), (0, 1), (1, 1)]
    assert len(np.ravel(fig.axes[1].lines[0].get_xdata())) == 2


def test_pure_neurons_are_counted_by_rank() -> None:
    numbers = [(1.0, 0, 1), (1.0, 4, 2), (1.0, 5, 1), (0.03, 4, 3), (0.03, 20, 1), (0.03, 10, 1)]
    rows = pd.DataFrame(numbers, columns=["density", "rank", "carried"])
    shares = plots.pure_table(rows)
    assert list(shares.columns) == ["0 to 4", "5 to 9", "10 to 14"]
    assert shares.columns.name == "rank"
    assert shares.index.tolist() == [1.0, 0.03]
    np.testing.assert_array_equal(shares.to_numpy(float), [[0.5, 1, np.nan], [0, np.nan, 1]])


def test_primaries_are_of_polysemantic_neurons() -> None:
    model, _ = plant(2, n=8, count=2)
    nets = [Net(0.1, 4, *model), Net(0.03, 7, *hand_made().weights)]
    rows = plots.primary_table(nets, [net.neurons() for net in nets])
    deciles = [f"decile_{d}" for d in range(1, 11)]
    assert list(rows.columns) == ["density", "seed", "second_over_first", *deciles]
    seeds, ratios, shares = [], [], []
    for net in nets:
        several = net.neurons().polysemantic
        seeds += [net.seed] * int(several.sum())
        ratios += net.neurons().second_over_first[several].tolist()
        share = primary_share(net.neurons(), density=net.density, n_inputs=65_536)
        shares += share[several].tolist()
    assert set(seeds) == {4, 7}
    assert rows["seed"].tolist() == seeds
    assert rows["second_over_first"].tolist() == pytest.approx(ratios)
    np.testing.assert_allclose(rows[deciles].to_numpy(float), shares)
    assert rows["density"].tolist() == [{4: 0.1, 7: 0.03}[seed] for seed in seeds]


def test_primaries_are_drawn_as_shares() -> None:
    rows = pd.DataFrame(
        [
            {"density": density, "second_over_first": ratio}
            | {f"decile_{d}": d * ratio for d in range(1, 11)}
            for density, ratio in ((0.1, 0.6), (0.1, 0.2), (0.03, 0.5))
        ]
    )
    nets = [(0.1, 0.6, 0.9, 0.3), (0.1, 0.8, 0.7, 0.1), (0.03, 0.5, 0.6, 0.2), (1.0, 0.0, 0.0, 0.0)]
    every = pd.DataFrame(nets, columns=["density", "below_half", "top", "middle"])
    fig = plots.primary_panels(rows, every)
    left, right = fig.axes
    assert legend_of(fig) == ["0.1", "0.03"]
    line: Any = lines_of(left)["0.1"]
    assert list(line.get_xdata()) == [0.2, 0.6]
    assert list(line.get_ydata()) == [0.5, 1.0]
    assert list(np.ravel(left.lines[-1].get_xdata())) == [0.5, 0.5]
    circles = [np.ravel(one.get_ydata()).tolist() for one in left.lines[1:4:2]]
    assert circles == [[pytest.approx(0.7)], [0.5]]
    circles = [np.ravel(one.get_ydata()).tolist() for one in right.lines[1::2]]
    assert circles == [pytest.approx([0.2, 0.8]), pytest.approx([0.2, 0.6])]
    drawn = [np.asarray(one.get_ydata(), float) for one in right.lines[::2]]
    assert drawn[0] == pytest.approx(0.4 * np.arange(1, 11))
    assert drawn[1] == pytest.approx(0.5 * np.arange(1, 11))


def test_features_are_in_neurons_of_their_own_or_shared_or_both_or_none() -> None:
    several = found(
        [[1.0, 0.0, 0.0, 0.0], [0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
        [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]],
    )
    rows = plots.status_table([several, several], (1.0, 0.01))
    assert list(rows.columns) == ["density", "feature", "status"]
    assert rows["feature"].tolist() == [0, 1, 2, 3] * 2
    both, own = "its own and a shared one", "neurons of its own"
    assert rows["status"].tolist() == [both, "shared neurons only", own, "not there"] * 2
    assert rows["density"].tolist() == [1.0] * 4 + [0.01] * 4


def test_statuses_are_drawn_as_far_as_there_are_any() -> None:
    codes = {1.0: [3, 2, 1, 0, 0, 0], 0.01: [0, 1, 0, 1, 0, 0]}
    rows = pd.DataFrame(
        [
            {"density": density, "feature": feature, "status": STATUSES[code]}
            for density, row in codes.items()
            for feature, code in enumerate(row)
        ]
    )
    fig = plots.status_panel(rows)
    (ax,) = fig.axes
    (image,) = ax.images
    assert np.asarray(image.get_array()).tolist() == [[3, 2, 1, 0, 0], [0, 1, 0, 1, 0]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "0.01"]
    assert legend_of(fig) == list(STATUSES[::-1])
    colours = [handle.get_facecolor() for handle in fig.legends[0].get_patches()]
    colour_map: Any = image.get_cmap()
    assert colours == [colour_map(code) for code in (3, 2, 1, 0)]


def test_every_feature_may_be_there() -> None:
    (ax,) = plots.status_panel(plots.status_table([SPARSE], (0.03,))).axes
    assert ax.get_xlim() == (-0.5, 2.5)


def test_no_feature_may_be_there() -> None:
    dead = found([[1.0, 0.0]], [[0, 0]])
    (ax,) = plots.status_panel(plots.status_table([dead], (1.0,))).axes
    assert not np.asarray(ax.images[0].get_array()).any()

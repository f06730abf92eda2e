"""Drawings of weights and of losses show the numbers that they are given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from steering_core.absolute_value import plots
from steering_core.absolute_value.density_claims import PAIRS

from ..drawings import legend_of, lines_of
from .drawn import BOTH, DENSE, SPARSE

LEFTOVER = "weights that their own feature does not need"

pytestmark = pytest.mark.usefixtures("closed")


def rows_at(table: pd.DataFrame, density: float) -> Any:
    return table[table["density"] == density]


def test_stacks_are_sorted_by_the_primary_and_leftovers_come_last() -> None:
    table = plots.stack_table(BOTH)
    assert list(table.columns) == ["density", "place", "feature", "weight", "sharing"]
    dense = rows_at(table, 1.0).drop(columns="density").to_numpy().tolist()
    expected = [
        [0, 0, 1.0, 0.0],
        [0, -1, 0.0, 0.0],
        [1, 1, -1.0, 0.5],
        [1, -1, 0.0, 0.0],
        [2, 2, 1.0, 1.0],
        [2, 1, -0.5, 0.5],
        [2, -1, 0.1, 0.0],
        [3, -1, 1.5, 0.0],
    ]
    np.testing.assert_allclose(dense, expected, atol=1e-6)
    assert rows_at(table, 0.03)["feature"].tolist() == [0, -1, 1, 2, -1]


def bars(ax: Any) -> list[tuple[float, float, float]]:
    """(place, bottom, height)."""
    return [
        (round(p.get_x() + p.get_width() / 2, 6), round(p.get_y(), 4), round(p.get_height(), 4))
        for p in ax.patches
    ]


HEIGHTS = [
    *[(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)],
    *[(2, 0, 1), (2, 1, 0.5), (2, 1.5, 0.1), (3, 0, 1.5)],
]


def test_bars_are_stacked_from_the_largest_weight() -> None:
    fig = plots.stack_panels(BOTH)
    assert bars(fig.axes[0]) == HEIGHTS
    assert len(bars(fig.axes[1])) == 5
    assert [ax.get_ylabel() for ax in fig.axes[:2]] == ["1", "0.03"]
    colours = [patch.get_facecolor() for patch in fig.axes[0].patches]
    assert colours[0] != colours[2] == colours[5] != colours[4]
    assert colours[1] == colours[6] == colours[7]


def test_the_explorer_shows_one_density_at_a_time() -> None:
    fig: Any = plots.stack_explorer(BOTH, opens_at=1.0)
    (slider,) = fig.layout.sliders
    assert [step.label for step in slider.steps] == ["1", "0.03"]
    shown = [step.args[0]["visible"] for step in slider.steps]
    assert [list(one) for one in shown] == [[True, False], [False, True]]
    assert [trace.visible for trace in fig.data[:2]] == [True, False]
    assert {tuple(step.args[2]) for step in slider.steps} == {(0, 1)}, "the key does not stay"
    low, high = fig.layout.yaxis.range
    assert (low, high) == (0, pytest.approx(1.6 * 1.03))
    assert list(slider.steps[0].args[1]["yaxis.range"]) == [low, high]
    for step, density in zip(slider.steps, BOTH, strict=True):
        rows: Any = plots.stack_table({density: BOTH[density]})
        highest = rows["weight"].abs().groupby(rows["place"]).sum().max()
        assert step.args[1]["yaxis.range"][1] == pytest.approx(1.03 * highest, rel=1e-3)


def test_hovering_names_the_feature_and_its_weight() -> None:
    trace: Any = plots.stack_explorer(BOTH, opens_at=1.0).data[0]
    drawn = list(zip(trace.x, trace.base, trace.y, strict=True))
    np.testing.assert_allclose(drawn, HEIGHTS, atol=1e-6)
    said = [list(one) for one in trace.customdata]
    assert said[5] == ["feature 1", -0.5, "<br>beside 0.5 others"]
    assert said[6] == [LEFTOVER, 0.1, ""]
    for k in range(3):
        assert f"%{{customdata[{k}]" in trace.hovertemplate


def test_densities_are_told_apart_however_small() -> None:
    fig: Any = plots.stack_explorer({2e-5: DENSE, 1e-5: SPARSE}, opens_at=1e-5)
    assert [trace.visible for trace in fig.data[:2]] == [False, True]
    assert fig.layout.sliders[0].active == 1
    shown = fig.layout.sliders[0].steps[1].args[1]["yaxis.range"]
    assert list(fig.layout.yaxis.range) == list(shown)


def test_the_key_has_the_colours_of_the_bars() -> None:
    fig: Any = plots.stack_explorer(BOTH, opens_at=1.0)
    key = {trace.name: trace.marker.color for trace in fig.data if trace.name}
    assert list(key) == ["1 feature", "3", "5", "7", "9 or more", "not needed"]
    drawn = fig.data[0].marker.color
    assert drawn[0] == key["1 feature"]
    assert drawn[1] == key["not needed"]
    assert all(trace.showlegend is False for trace in fig.data[:2])


def test_three_features_are_numbers_in_cells() -> None:
    w_in = torch.tensor([[0.0, -1.0], [1.0, 0.001], [-1.0, 0.25]])
    w_out = torch.tensor([[0.0, 0.9, 1.1], [1.2, -0.001, 0.0]])
    left, right = plots.three_features_panel(w_in, w_out).axes
    order = [1, 2, 0]
    for ax, values in ((left, w_in.T[:, order]), (right, w_out[:, order])):
        assert np.asarray(ax.images[0].get_array()) == pytest.approx(values.numpy())
        assert len(ax.texts) == 6
    said = [text.get_text() for text in left.texts]
    assert said == ["1.00", "−1.00", "0.00", "0.00", "0.25", "−1.00"]
    assert right.texts[3].get_text() == "0.00"


def test_weights_are_a_row_for_each_neuron_and_feature() -> None:
    w_in, w_out = torch.arange(6.0).reshape(3, 2), 10 + torch.arange(6.0).reshape(2, 3)
    rows = plots.weights_table(w_in, w_out)
    assert list(rows.columns) == ["neuron", "feature", "w_in", "w_out"]
    for neuron, feature, inner, outer in rows.to_numpy().astype(int).tolist():
        assert inner == w_in[neuron, feature]
        assert outer == w_out[feature, neuron]
    assert len(rows) == 6


def losses(*rows: tuple[float, float, int]) -> pd.DataFrame:
    """(density, loss, dead sides) of nets."""
    table = pd.DataFrame(list(rows), columns=["density", "loss", "dead_sides"])
    return table.assign(seed=range(len(rows)))


OURS = losses((0.1, 0.01, 0), (1.0, 0.02, 1), (1.0, 0.01, 3), (1.0, 0.05, 0))
USUAL = losses((1.0, 0.5, 30), (0.1, 0.4, 20))


def test_every_net_is_a_dot_beside_the_line_of_pairs() -> None:
    fig = plots.loss_panels(OURS, USUAL)
    top, bottom = fig.axes
    assert legend_of(fig) == ["usual recipe", "ours", "twenty exact pairs, 0.8²⁰"]
    usual, ours, pairs = top.lines
    assert list(np.ravel(ours.get_ydata())) == OURS["loss"].tolist()
    assert list(np.ravel(usual.get_ydata())) == USUAL["loss"].tolist()
    assert set(np.ravel(pairs.get_ydata())) == {PAIRS}
    assert [list(np.ravel(line.get_ydata())) for line in bottom.lines[:2]] == [
        [30, 20],
        [0, 1, 3, 0],
    ]
    for line, table in ((ours, OURS), (usual, USUAL)):
        drawn = np.asarray(line.get_xdata(), float)
        np.testing.assert_allclose(drawn, table["density"], rtol=0.07)
    assert top.xaxis_inverted()


def test_losses_are_listed_with_their_recipe() -> None:
    rows = plots.loss_table(OURS.assign(other=0), USUAL)
    assert list(rows.columns) == ["density", "seed", "loss", "dead_sides", "recipe"]
    assert rows["recipe"].tolist() == ["ours"] * 4 + ["usual"] * 2
    assert rows["loss"].tolist() == [*OURS["loss"], *USUAL["loss"]]


def test_losses_are_summed_up_by_density() -> None:
    summary = plots.summary_table(OURS)
    assert summary.index.tolist() == [1.0, 0.1]
    expected = [[3, 0.01, 0.02, 0.02 / PAIRS, 1], [1, 0.01, 0.01, 0.01 / PAIRS, 0]]
    np.testing.assert_allclose(summary.to_numpy(float), expected)


def test_every_net_of_every_recipe_is_a_dot() -> None:
    rows = [("usual", 1.0, 0.5, 9), ("usual", 0.1, 0.4, 8), ("ours", 1.0, 0.1, 1)]
    rows += [("ours", 1.0, 0.2, 0), ("ours", 0.001, 0.3, 2), ("ours", 0.3, 0.7, 7)]
    table = pd.DataFrame(rows, columns=["recipe", "density", "loss", "dead_sides"])
    fig: Figure = plots.cures_panels(table)
    left, right = fig.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["usual", "ours"]
    assert legend_of(fig) == ["1", "0.1", "0.001"]
    expected = {"1": ([0.5, 0.1, 0.2], [0, 1, 1]), "0.1": ([0.4], [0]), "0.001": ([0.3], [1])}
    for label, (loss, places) in expected.items():
        line: Any = lines_of(left)[label]
        assert list(line.get_xdata()) == loss
        assert np.round(np.asarray(line.get_ydata(), float)).tolist() == places
    dead = [list(np.ravel(line.get_xdata())) for line in right.lines]
    assert dead == [[9, 1, 0], [8], [2]]
    assert any(set(np.ravel(line.get_xdata())) == {PAIRS} for line in left.lines)


def test_recipes_are_drawn_at_other_densities() -> None:
    table = pd.DataFrame(
        [("ours", 0.3, 0.7, 7)], columns=["recipe", "density", "loss", "dead_sides"]
    )
    assert legend_of(plots.cures_panels(table, (0.3,))) == ["0.3"]

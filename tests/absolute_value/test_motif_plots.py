"""Drawings of one instance of the motif show what the net does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from steering_core.absolute_value import Motif, find_motifs, plots, rescaled
from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.errors import outputs
from steering_core.absolute_value.instances import hand_made
from steering_core.absolute_value.parts import norm_shares, take_apart
from steering_core.absolute_value.plots.motif_answers import answers
from steering_core.absolute_value.plots.motif_apart import apart_rows
from steering_core.absolute_value.plots.motif_errors import error_maps

from ..drawings import legend_of, lines_of, ticks_of
from .planted import plant

NET = hand_made()
(MOTIF,) = find_motifs(*NET.weights)

pytestmark = pytest.mark.usefixtures("closed")


@pytest.fixture(scope="module")
def two() -> tuple[Net, list[Motif]]:
    """A net with noise on every weight and two instances."""
    model, _ = plant(2, n=9, count=2)
    motifs = find_motifs(*model)
    assert len(motifs) == 2
    return Net(0.05, 0, *model), motifs


def test_a_circuit_names_its_features_neurons_and_weights() -> None:
    (ax,) = plots.circuit_panels(NET, [MOTIF]).axes
    said = [text.get_text() for text in ax.texts]
    assert {"x 0", "x 1", "x 2", "y′ 0", "y′ 1", "y′ 2", "h 0", "h 3"} < set(said)
    assert {"strong", "weak", "main", "neuron", "inhibitor"} < set(said)
    # Rescaled: the neuron's weights are 1 and 1/4 in, and 1 and 4 out.
    numbers = sorted(text for text in said if "." in text)
    assert numbers == sorted(["1.00", "0.25", "1.00", "4.00", "0.20", "1.00", "−25.00", "1.00"])


def test_there_is_a_circuit_for_every_instance(two: tuple[Net, list[Motif]]) -> None:
    net, motifs = two
    fig = plots.circuit_panels(net, motifs)
    for ax, motif in zip(fig.axes, motifs, strict=True):
        said = {text.get_text() for text in ax.texts}
        assert {f"h {motif.neuron}", f"h {motif.inhibitor}", f"x {motif.weak}"} < said


def test_answers_are_those_of_the_net(two: tuple[Net, list[Motif]]) -> None:
    net, (motif, _) = two
    x = torch.rand(9, 50, generator=torch.Generator().manual_seed(0)) * 2 - 1
    got = answers(net, motif, x, cut=False)
    whole = outputs(*net.weights, x)
    torch.testing.assert_close(got["weak"].relu(), whole[motif.weak])
    torch.testing.assert_close(got["strong"].relu(), whole[motif.strong])
    w_in = net.w_in.clone()
    w_in[motif.inhibitor, motif.strong] = 0.0
    w_out = net.w_out.clone()
    others = [k for k in range(9) if k != motif.weak]
    deaf = outputs(w_in, w_out, net.bias, x)
    cut = answers(net, motif, x, cut=True)
    torch.testing.assert_close(cut["weak"].relu(), deaf[motif.weak], rtol=1e-3, atol=1e-4)
    assert torch.equal(cut["strong"], got["strong"])
    assert (deaf[others] - whole[others]).abs().max() > 0, "other outputs hear it still"


@pytest.mark.parametrize("which", [0, 1])
def test_answers_end_where_the_detector_says(two: tuple[Net, list[Motif]], which: int) -> None:
    net, motif = two[0], two[1][which]
    table = plots.answers_table(net, motif)
    assert table["inputs"].unique().tolist() == ["strong alone", "weak alone", "both"]
    assert len(table) == 3 * 51
    alone = table[table["inputs"] == "strong alone"].iloc[-1]
    assert alone["weak"] == pytest.approx(motif.alone, abs=1e-4)
    assert alone["weak_cut"] == pytest.approx(motif.cut, abs=1e-4)
    assert (alone["weak_target"], alone["strong_target"]) == (0, 1)
    weak = table[table["inputs"] == "weak alone"].iloc[-1]
    assert (weak["weak_target"], weak["strong_target"]) == (1, 0)
    assert weak["weak"] == pytest.approx(weak["weak_cut"], abs=1e-5)
    both = table[table["inputs"] == "both"]
    assert both["weak_target"].tolist() == both["strong_target"].tolist() == both["size"].tolist()


def test_answers_are_drawn_for_three_kinds_of_inputs() -> None:
    table = plots.answers_table(NET, MOTIF)
    fig = plots.answers_panels(table)
    columns = {
        "strong output": "strong",
        "weak output": "weak",
        "weak output, inhibitor cut": "weak_cut",
        "right for weak": "weak_target",
    }
    assert legend_of(fig) == [*columns, "hidden by the ReLU"]
    for ax, (name, rows) in zip(fig.axes, table.groupby("inputs", sort=False), strict=True):
        assert ax.get_title() == name
        for label, column in columns.items():
            drawn: Any = lines_of(ax)[label].get_ydata()
            assert list(drawn) == rows[column].tolist()
    low, high = fig.axes[0].get_ylim()
    drawn = table[["weak", "weak_cut"]].to_numpy()
    assert low < drawn.min() < drawn.max() < high


def test_errors_are_over_the_plane_of_both_features() -> None:
    whole, cut = error_maps(NET, MOTIF)
    assert whole.shape == cut.shape == (41, 41)
    axis = np.linspace(-1, 1, 41)
    for weak, strong in ((20, 40), (40, 20), (40, 40), (0, 30), (13, 0)):
        x = torch.zeros(3, 1)
        x[0], x[1] = float(axis[strong]), float(axis[weak])
        right = float(outputs(*NET.weights, x)[1, 0]) - abs(axis[weak])
        assert whole[weak, strong] == pytest.approx(right, abs=1e-6)
    assert whole[20, 40] == pytest.approx(0, abs=1e-6)
    assert cut[20, 40] == pytest.approx(4)


def test_both_maps_are_drawn_as_they_are_listed() -> None:
    maps = error_maps(NET, MOTIF)
    fig = plots.maps_panels(NET, MOTIF)
    explorer: Any = plots.maps_explorer(NET, MOTIF)
    table = plots.maps_table(NET, MOTIF)
    assert list(table.columns) == ["strong", "weak", "error", "error_cut"]
    for k, title in enumerate(("with the inhibitor", "inhibitor cut")):
        assert fig.axes[k].get_title() == title
        assert np.asarray(fig.axes[k].images[0].get_array()) == pytest.approx(maps[k])
        assert fig.axes[k].images[0].origin == "lower"
        np.testing.assert_allclose(explorer.data[k].z, maps[k], atol=6e-4)
        assert explorer.layout.annotations[k].text.replace("<br>", " ") == title
        np.testing.assert_allclose(table[table.columns[2 + k]], maps[k].ravel(), atol=6e-5)
    np.testing.assert_allclose(table["strong"][:41], np.linspace(-1, 1, 41), atol=6e-5)
    assert set(table["weak"][:41]) == {-1.0}


def test_hovering_gives_both_features_and_the_error() -> None:
    explorer: Any = plots.maps_explorer(NET, MOTIF)
    for trace in explorer.data:
        np.testing.assert_allclose(trace.x, np.linspace(-1, 1, 41), atol=1e-3)
        for said in ("strong %{x}", "weak %{y}", "error %{z"):
            assert said in trace.hovertemplate
    assert "x 0" in explorer.layout.xaxis.title.text
    assert "x 1" in explorer.layout.yaxis.title.text


def test_parts_make_up_the_whole(two: tuple[Net, list[Motif]]) -> None:
    net, motifs = two
    rows = {name: (inner, outer) for name, inner, outer in apart_rows(net, motifs)}
    assert list(rows) == ["whole", "plain", "motif 1", "motif 2", "rest"]
    w_in, w_out = rescaled(net.w_in, net.w_out)
    for side, whole in ((0, w_in), (1, w_out)):
        assert torch.equal(rows["whole"][side], whole)
        parts = [rows[name][side] for name in list(rows)[1:]]
        torch.testing.assert_close(torch.stack(parts).sum(0), whole)
    squares = sum(float(one.square().sum()) for one in rows["rest"])
    shares = norm_shares(take_apart(*net.weights, motifs), net.w_in, net.w_out)
    whole = sum(float(one.square().sum()) for one in rows["whole"])
    assert squares / whole == pytest.approx(shares["rest"], rel=1e-4)


def test_each_instance_is_a_part_by_itself() -> None:
    rows = {name: (inner, outer) for name, inner, outer in apart_rows(NET, [MOTIF])}
    inner, outer = rows["motif 1"]
    assert inner.nonzero().tolist() == [[0, 0], [0, 1], [3, 0]]
    assert outer.nonzero().tolist() == [[0, 0], [1, 0], [1, 3]]
    assert not rows["rest"][0].any()


def test_every_weight_is_a_row() -> None:
    table = plots.apart_table(NET, [MOTIF])
    assert list(table.columns) == ["part", "neuron", "feature", "w_in", "w_out"]
    rows: Any = table[table["part"] == "motif 1"]
    expected = [[0, 0, 1, 1], [0, 1, 0.25, 4], [3, 0, 0.2, 0], [3, 1, 0, -25]]
    np.testing.assert_allclose(rows.drop(columns="part").to_numpy(float), expected)
    sizes: Any = table.groupby("part")[["w_in", "w_out"]].sum()
    parts = sizes.drop("whole").sum()
    assert parts.to_numpy() == pytest.approx(sizes.loc["whole"].to_numpy())


def test_parts_are_bars_with_their_signs() -> None:
    fig = plots.apart_panels(NET, [MOTIF])
    names = ["whole", "plain", "motif 1", "rest"]
    assert [ax.get_ylabel() for ax in fig.axes[::2]] == names
    assert legend_of(fig) == ["feature 0", "feature 1", "feature 2", "other features"]
    order = [int(tick) for tick in ticks_of(fig.axes[-1])]
    main = NET.w_in.abs().argmax(1)[order].tolist()
    assert main == sorted(main)
    for row, (_, inner, outer) in enumerate(apart_rows(NET, [MOTIF])):
        for ax, weights in zip(fig.axes[2 * row :], (inner, outer.mT), strict=False):
            bars: Any = ax.patches
            heights = np.array([bar.get_height() for bar in bars]).reshape(3, 5)
            np.testing.assert_allclose(heights, weights[order].mT.numpy(), atol=1e-6)
    assert len({ax.get_ylim() for ax in fig.axes[::2]}) == 1


def test_other_features_are_grey(two: tuple[Net, list[Motif]]) -> None:
    net, motifs = two
    fig = plots.apart_panels(net, motifs)
    features = dict.fromkeys(f for one in motifs for f in (one.strong, one.weak, one.main))
    assert legend_of(fig) == [*(f"feature {f}" for f in features), "other features"]
    bars: Any = fig.axes[0].patches
    assert len(bars) == net.w_in.numel()
    assert len({bar.get_facecolor() for bar in bars}) == len(features) + 1


def test_instances_are_told_in_words() -> None:
    table = plots.motif_table([MOTIF, replace(MOTIF, weak_sign=-1, alone=0.1, one_way=3.14159)])
    assert list(table.columns) == ["motif 1", "motif 2"]
    first, second = (table[name].to_dict() for name in table.columns)
    assert first["strong feature a"] == "0, positive side"
    assert second["weak feature b"] == "1, negative side"
    assert first["output b before its ReLU, a alone"] == "−1"
    assert second["what a writes on b over the reverse, through k"] == "3.14"
    assert (first["passes the causal test"], second["passes the causal test"]) == ("yes", "no")


def test_without_an_instance_there_is_no_motif_part() -> None:
    table: pd.DataFrame = plots.apart_table(NET, [])
    assert set(table["part"]) == {"whole", "plain", "rest"}

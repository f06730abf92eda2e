"""A figure draws what it was given, and its table holds what was drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from steering_core.steering import plots
from steering_core.steering.layer_norm import STRENGTHS
from steering_core.steering.plots.layer_lines import Band, layer_names

from ..drawings import heights_of, legend_of, ticks_of

LAYERS = 4
NAMES = ["emb", "1", "2", "3"]

pytestmark = pytest.mark.usefixtures("closed")


def bands(n: int = 2, *, lowest: float = 0.05) -> dict[str, Band]:
    generator = torch.Generator().manual_seed(0)
    made: dict[str, Band] = {}
    for index in range(n):
        value = lowest + 0.05 + torch.rand(LAYERS, generator=generator, dtype=torch.float64) / 2
        value[0] = lowest + 0.05
        made[f"line {index}"] = (value, value - 0.05, value + 0.03)
    return made


def shares(seed: int) -> np.ndarray:
    counts = np.random.default_rng(seed).random((LAYERS, len(plots.BINS) - 1))
    return counts / counts.sum(1, keepdims=True)


def test_layers_are_named_from_the_embeddings() -> None:
    assert layer_names(LAYERS) == NAMES


@pytest.mark.parametrize("n", [1, 2, 9])
def test_every_line_has_its_values_and_its_band(n: int) -> None:
    lines = bands(n)
    for plot in (plots.cosine_lines, plots.share_lines):
        ax = plot(lines).axes[0]
        assert ticks_of(ax) == NAMES
        assert legend_of(ax)[:n] == list(lines)  # and, of the cosines, the rule
        assert len(ax.collections) == n
        for (name, (value, low, high)), area in zip(lines.items(), ax.collections, strict=True):
            np.testing.assert_array_equal(heights_of(ax, name), value)
            corners = np.asarray(area.get_paths()[0].vertices)[:, 1]
            assert {*low.tolist(), *high.tolist()} <= set(corners.tolist())
        assert ax.get_ylim()[0] == 0


def test_a_cosine_below_zero_is_not_cut_off() -> None:
    ax = plots.cosine_lines(bands(lowest=-0.2)).axes[0]
    assert ax.get_ylim()[0] < -0.2


def test_the_table_of_bands_holds_each_layer_of_each_line() -> None:
    lines = bands()
    table = plots.band_table(lines)
    assert list(table) == ["line", "layer", "value", "low", "high"]
    assert len(table) == len(lines) * LAYERS
    for name, ends in lines.items():
        own = table[table["line"] == name]
        assert own["layer"].tolist() == list(range(LAYERS))
        for column, end in zip(("value", "low", "high"), ends, strict=True):
            assert own[column].tolist() == end.tolist()


def test_the_interactive_lines_are_the_same() -> None:
    lines = bands()
    fig: Any = plots.cosine_lines_interactive(lines)
    assert [trace.name for trace in fig.data] == list(lines)
    for trace, (value, low, high) in zip(fig.data, lines.values(), strict=True):
        assert list(trace.x) == NAMES
        np.testing.assert_array_equal(trace.y, value)
        np.testing.assert_array_equal(trace.customdata, torch.stack([low, high], 1))


def test_the_cloud_shows_each_token_and_an_arrow_from_zero_to_the_mean() -> None:
    along, other = torch.randn(2, 50, generator=torch.Generator().manual_seed(0)) + 2
    ax = plots.cloud(along, other, layer=3).axes[0]
    np.testing.assert_allclose(
        np.asarray(ax.collections[0].get_offsets()), torch.stack([along, other], 1)
    )
    arrow: Any = ax.texts[0]
    assert arrow.xy == pytest.approx((along.mean().item(), other.mean().item()))
    assert "layer 3" in ax.get_xlabel()
    assert legend_of(ax) == ["a token", "zero", "the mean"]


def test_published_and_own_curve_share_the_depth() -> None:
    ours = torch.linspace(0.1, 0.5, 7, dtype=torch.float64)
    ax = plots.published_curves([0.3, 0.6, 0.4], ours, labels=("theirs", "ours")).axes[0]
    np.testing.assert_array_equal(heights_of(ax, "theirs"), [0.3, 0.6, 0.4])
    np.testing.assert_array_equal(heights_of(ax, "ours"), ours[1:])  # without the embeddings
    for line in ax.lines:
        assert np.asarray(line.get_xdata())[[0, -1]].tolist() == [0, 1]


def test_histograms_have_a_panel_a_layer() -> None:
    raw, centred = shares(0), shares(1)
    fig = plots.cosine_histograms(raw, centred)
    assert [ax.get_title() for ax in fig.axes] == NAMES
    for ax, a, b in zip(fig.axes, raw, centred, strict=True):
        np.testing.assert_array_equal(heights_of(ax, "as they are"), a)
        assert set(b) <= set(np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1])


def test_the_explorer_shows_one_layer_at_each_step() -> None:
    raw, centred = shares(0), shares(1)
    fig: Any = plots.cosine_explorer(raw, centred)
    rows = [*centred, *raw]
    for trace, row in zip(fig.data, rows, strict=True):
        np.testing.assert_array_equal(trace.y, row)
    (slider,) = fig.layout.sliders
    assert [step.label for step in slider.steps] == NAMES
    for layer, step in enumerate(slider.steps):
        visible = step.args[0]["visible"]
        shown = [trace for trace, on in zip(fig.data, visible, strict=True) if on]
        assert [trace.name for trace in shown] == ["mean taken away", "as they are"]
        np.testing.assert_array_equal(shown[0].y, centred[layer])
        np.testing.assert_array_equal(shown[1].y, raw[layer])
    at_first = list(slider.steps[slider.active].args[0]["visible"])
    assert [trace.visible for trace in fig.data] == at_first


def test_the_table_of_histograms_holds_each_bin() -> None:
    raw, centred = shares(0), shares(1)
    table = plots.histogram_table(raw, centred)
    n_bins = len(plots.BINS) - 1
    assert len(table) == LAYERS * n_bins
    for layer in range(LAYERS):
        own = table[table["layer"] == layer]
        np.testing.assert_array_equal(own["share as they are"], raw[layer])
        np.testing.assert_array_equal(own["share with the mean taken away"], centred[layer])
        np.testing.assert_array_equal(own["from"], plots.BINS[:-1])
        np.testing.assert_array_equal(own["to"], plots.BINS[1:])


def test_norms_are_drawn_from_position_one() -> None:
    norms = 1 + torch.rand(LAYERS, 6, generator=torch.Generator().manual_seed(0)).double()
    norms[2, 5] = torch.nan
    ax = plots.norm_profile(norms).axes[0]
    for name, row in zip(NAMES, norms, strict=True):
        np.testing.assert_array_equal(heights_of(ax, name), row)
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 2, 3, 4, 5, 6]
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_the_table_of_norms_holds_each_position() -> None:
    norms = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    table = plots.norm_table(norms)
    for row in table.to_dict("records"):
        assert row["mean norm"] == norms[row["layer"], row["position"] - 1].item()
    assert len(table) == 12


def test_agreement_is_drawn_without_bands() -> None:
    lines = {"mean": torch.linspace(0.5, 1, LAYERS), "least": torch.linspace(0.1, 0.9, LAYERS)}
    ax = plots.agreement_lines(lines).axes[0]
    assert legend_of(ax) == list(lines)
    for name, value in lines.items():
        np.testing.assert_array_equal(heights_of(ax, name), value)


def test_strengths_have_a_panel_a_base() -> None:
    generator = torch.Generator().manual_seed(0)
    dots = {f"base {i}": torch.randn(5, len(STRENGTHS), generator=generator) for i in range(3)}
    fig = plots.strength_lines(STRENGTHS, dots)
    assert [ax.get_title() for ax in fig.axes] == list(dots)
    for ax, cases in zip(fig.axes, dots.values(), strict=True):
        *thin, thick = [np.asarray(line.get_ydata()) for line in ax.lines]
        np.testing.assert_array_equal(np.stack(thin), cases)
        np.testing.assert_allclose(thick, np.median(cases, axis=0), rtol=1e-6)
        assert ticks_of(ax) == ["0.5", "1", "2", "4"]
    assert len(plots.strength_lines(STRENGTHS, {"alone": dots["base 0"]}).axes) == 1


def test_the_median_of_an_even_number_of_cases_is_between_the_middle_two() -> None:
    cases = torch.tensor([[1.0], [2.0], [5.0], [9.0]])
    thick = plots.strength_lines([1.0], {"base": cases}).axes[0].lines[-1]
    assert np.asarray(thick.get_ydata()).tolist() == [3.5]


def test_the_table_of_strengths_holds_each_dot() -> None:
    dots: dict[str, Tensor] = {
        "a": torch.arange(16, dtype=torch.float64).reshape(2, 2, 4),
        "b": -torch.arange(16, dtype=torch.float64).reshape(2, 2, 4),
    }
    table = plots.strength_table(STRENGTHS, dots)
    assert len(table) == 32
    for row in table.to_dict("records"):
        place = row["feature"], row["layer"] - 1, STRENGTHS.index(row["strength"])
        assert row["dot"] == dots[row["base"]][place].item()


def test_the_training_curve_has_a_line_a_set() -> None:
    sets = [f"set {i}" for i in range(9)]  # one more than there are colours
    curve = pd.DataFrame(
        {"tokens": [1e6, 2e6]} | {name: [3.0, 2.0 + i] for i, name in enumerate(sets)}
    )
    ax = plots.training_curve(curve, sets).axes[0]
    assert legend_of(ax) == sets
    for name in sets:
        np.testing.assert_array_equal(heights_of(ax, name), curve[name])
    assert np.asarray(ax.lines[0].get_xdata()).tolist() == [1, 2]


SHARES = {1: {"embeddings": 0.4, "block 0": 0.6}, 2: {"embeddings": 0.1, "block 0": 0.2, "b1": 0.7}}


def test_the_map_of_writers_shows_each_share() -> None:
    ax = plots.writer_map(SHARES).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["embeddings", "block 0", "b1"]
    assert ticks_of(ax) == ["1", "2"]
    grid = np.ma.filled(np.ma.asarray(ax.images[0].get_array()), np.nan)
    np.testing.assert_array_equal(grid, [[0.4, 0.1], [0.6, 0.2], [np.nan, 0.7]])
    assert sorted(text.get_text() for text in ax.texts) == ["0.10", "0.20", "0.40", "0.60", "0.70"]


def test_the_table_of_writers_holds_each_share() -> None:
    table = plots.writer_table(SHARES)
    got = {(row["layer"], row["part"]): row["share"] for row in table.to_dict("records")}
    assert got == {(layer, part): x for layer, own in SHARES.items() for part, x in own.items()}


def test_a_continuation_is_one_item_of_plain_text() -> None:
    item = plots.continuation("A *b*\nc", " d_e [f]\n`g`")
    assert item == "- **A \\*b\\* / c** d\\_e \\[f\\] / \\`g\\`..."

"""A figure of reading or steering draws what it was given, and its table holds what was drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from torch import Tensor

from steering_core.publishing import Measured
from steering_core.steering import plots
from steering_core.steering.choice import best_row
from steering_core.steering.lexicon import GENRES
from steering_core.steering.plots.effects import KIND_WORDS, envelope
from steering_core.steering.steering_study import NARROW, WIDE

from ..drawings import heights_of, legend_of, ticks_of
from .handmade import drawn

LAYERS = 4
NAMES = ["emb", "1", "2", "3"]
POSITIONS = ("first", "every")

pytestmark = pytest.mark.usefixtures("closed")


def written(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_genres_and_tokens_as_they_are_read() -> None:
    assert [plots.nice(genre) for genre in GENRES] == ["fantasy", "sci-fi", "sports", "Shakespeare"]
    tokens = {" wizard": "wizard", "ard": "ard", "\n": "↵", " \n\n": "↵↵", "  ": "␣", "": "␣"}
    assert {token: plots.shown(token) for token in tokens} == tokens


def words(seed: int, *, k: int = 3) -> dict[str, list[list[str]]]:
    return {
        genre: [[f" {genre}{layer}{rank}{seed}" for rank in range(k)] for layer in range(LAYERS)]
        for genre in ("fantasy", "scifi")
    }


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_table_of_tokens_has_a_panel_a_kind(n: int) -> None:
    kinds = {f"kind {i}": words(i) for i in range(n)}
    fig = plots.token_table(kinds, 2)
    assert [ax.get_title() for ax in fig.axes] == list(kinds)
    for ax, own in zip(fig.axes, kinds.values(), strict=True):
        expected = [
            text
            for genre, layers in own.items()
            for text in (plots.nice(genre), *(token.strip() for token in layers[2]))
        ]
        assert written(ax) == expected
        x = [text.get_position()[0] for text in ax.texts]
        y = [text.get_position()[1] for text in ax.texts]
        assert len(set(x)) == 2
        assert y[:4] == y[4:] == sorted(y[:4], reverse=True)  # the likeliest on top


@pytest.mark.parametrize("first", [0, 3])
def test_the_explorer_of_tokens_shows_one_layer_of_each_kind(first: int) -> None:
    kinds = {f"kind {i}": words(i) for i in range(3)}
    fig: Any = plots.token_explorer(kinds, first=first)
    assert len(fig.data) == LAYERS
    (slider,) = fig.layout.sliders
    assert [step.label for step in slider.steps] == NAMES
    for layer, step in enumerate(slider.steps):
        (trace,) = [t for t, on in zip(fig.data, step.args[0]["visible"], strict=True) if on]
        cells = list(zip(trace.x, trace.y, trace.text, strict=True))
        places = [(x, y) for x, y, _ in cells]
        assert len(set(places)) == len(places)
        for kind, own in kinds.items():
            assert sum(text == f"<i>{kind}</i>" for *_, text in cells) == 1
            for column, layers in enumerate(own.values()):
                texts = [text for x, _, text in cells if x == column]
                wanted = [token.strip() for token in layers[layer]]
                at = texts.index(wanted[0])
                assert texts[at : at + len(wanted)] == wanted
    assert slider.active == first
    assert [t.visible for t in fig.data] == list(slider.steps[first].args[0]["visible"])


def test_the_table_of_words_holds_each_token() -> None:
    kinds = {f"kind {i}": words(i) for i in range(2)}
    table = plots.word_table(kinds)
    assert len(table) == 2 * 2 * LAYERS * 3
    assert set(table["rank"]) == {1, 2, 3}
    for row in table.to_dict("records"):
        assert row["token"] == kinds[row["vector"]][row["texts"]][row["layer"]][row["rank"] - 1]


def some_lines() -> dict[str, Any]:
    value = drawn(LAYERS).abs()
    return {"banded": (value, value - 0.1, value + 0.2), "bare": value + 1}


def test_lines_over_layers_have_bands_where_there_are_intervals() -> None:
    lines = some_lines()
    fig = plots.lines_over_layers(
        lines, ylabel="tokens", middle=range(1, 3), rule=(0.6, "the rule"), ylim=(-1.0, 3.0)
    )
    (ax,) = fig.axes
    assert ticks_of(ax) == NAMES
    assert legend_of(fig) == ["banded", "bare", "the rule"]
    assert ax.get_ylabel() == "tokens"
    assert ax.get_ylim() == (-1, 3)
    np.testing.assert_array_equal(heights_of(ax, "banded"), lines["banded"][0])
    np.testing.assert_array_equal(heights_of(ax, "bare"), lines["bare"])
    assert set(heights_of(ax, "the rule")) == {0.6}
    corners = np.asarray(ax.collections[0].get_paths()[0].vertices)[:, 1]
    assert {*lines["banded"][1].tolist(), *lines["banded"][2].tolist()} <= set(corners.tolist())
    flat = np.asarray(ax.collections[1].get_paths()[0].vertices)[:, 1]
    assert set(flat.tolist()) == set(lines["bare"].tolist())
    (shade,) = ax.patches
    low, high = shade.get_extents().transformed(ax.transData.inverted()).intervalx
    assert 0 < low < 1 < 2 < high < 3


def test_lines_alone_need_no_shade_and_no_rule() -> None:
    (ax,) = plots.lines_over_layers(some_lines(), ylabel="tokens").axes
    assert len(ax.patches) == 0
    assert len(ax.lines) == 2
    assert ax.get_ylim()[0] == 0


def test_the_table_of_layers_holds_each_value() -> None:
    lines = some_lines()
    table = plots.layer_rows(lines)
    assert list(table) == ["line", "layer", "value", "low", "high"]
    assert len(table) == 2 * LAYERS
    for row in table.to_dict("records"):
        line = lines[row["line"]]
        ends = line if isinstance(line, tuple) else (line, line, line)
        expected = [end[row["layer"]].item() for end in ends]
        assert [row["value"], row["low"], row["high"]] == expected


def test_centres_from_few_texts_have_a_line_a_layer() -> None:
    sizes = [1, 10, 100]
    cosines = torch.rand(3, 50, LAYERS, generator=torch.Generator().manual_seed(0)).double()
    fig = plots.few_texts(sizes, cosines, chosen=50)
    (ax,) = fig.axes
    assert legend_of(fig) == NAMES
    assert ax.get_xscale() == "log"
    for layer, name in enumerate(NAMES):
        np.testing.assert_allclose(heights_of(ax, name), cosines[..., layer].mean(1))
        corners = np.asarray(ax.collections[layer].get_paths()[0].vertices)[:, 1]
        ends = np.quantile(cosines[..., layer].numpy(), [0.005, 0.995], axis=1)
        for end in ends.ravel():
            assert np.isclose(corners, end).any()
    upright = [line for line in ax.lines if set(np.asarray(line.get_xdata())) == {50}]
    assert len(upright) == 1


def test_norms_stand_side_by_side() -> None:
    parts: dict[str, Tensor] = {name: drawn(LAYERS, seed=i).abs() for i, name in enumerate("abc")}
    fig = plots.centre_norms(parts)
    (ax,) = fig.axes
    assert legend_of(fig) == list(parts)
    assert ticks_of(ax) == NAMES
    bars: list[Any] = list(ax.patches)
    heights = np.array([bar.get_height() for bar in bars]).reshape(3, LAYERS)
    np.testing.assert_allclose(heights, torch.stack(list(parts.values())))
    ends = sorted((bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(ends))


def sweep(kinds: tuple[str, ...], *, per_kind: int = 12, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            {
                "kind": kind,
                "layer": i % 3,
                "position": POSITIONS[i % 2],
                "coefficient": 2.0 ** (i % 4),
                "gain": generator.normal(1, 1),
                "nats": generator.uniform(0, 1.7),
                "distinct": generator.uniform(0.7, 1),
            }
            for kind in kinds
            for i in range(per_kind)
        ]
    )


def test_the_envelope_is_the_best_at_every_cost_or_below() -> None:
    rows = sweep(("centred",), per_kind=30)
    got = envelope(rows)
    assert list(got) == ["cost", "gain"]
    assert got.cost.is_monotonic_increasing
    assert got.gain.is_monotonic_increasing
    for cost, gain in zip(got.cost, got.gain, strict=True):
        assert gain == max(rows.gain[np.exp(rows.nats) <= cost + 1e-12])


def test_a_frontier_has_dots_and_steps_of_each_kind() -> None:
    table = sweep(("centred", "one_pair"))
    table.loc[0, "nats"] = 5.0  # off the figure
    fig = plots.frontier(table)
    (ax,) = fig.axes
    assert legend_of(fig) == ["less m", "one pair of texts"]
    assert ax.get_xscale() == "log"
    dots = [line for line in ax.lines if line.get_alpha() == 0.15]
    assert [len(np.asarray(line.get_xdata())) for line in dots] == [11, 12]
    np.testing.assert_allclose(np.asarray(dots[1].get_xdata()), np.exp(table.nats[12:]))
    np.testing.assert_allclose(np.asarray(dots[1].get_ydata()), table.gain[12:])
    steps = [line for line in ax.lines if line.get_drawstyle() == "steps-post"]
    assert len(steps) == 2
    np.testing.assert_allclose(np.asarray(steps[1].get_ydata()), envelope(table.iloc[12:]).gain)


def test_no_two_kinds_of_the_sweep_look_alike() -> None:
    table = sweep((*WIDE, *NARROW), per_kind=2)
    table["nats"] = 0.1
    (ax,) = plots.frontier(table).axes
    dots = [line for line in ax.lines if line.get_alpha() == 0.15]
    assert len(dots) == len(WIDE) + len(NARROW)
    assert len({(line.get_color(), line.get_marker()) for line in dots}) == len(dots)


def test_a_vector_looks_the_same_in_both_chapters() -> None:
    names = ["less stories", "less m, matched by position", "less m"]
    ones = torch.ones(LAYERS, dtype=torch.float64)
    (reading,) = plots.lines_over_layers(dict.fromkeys(names, ones), ylabel="").axes
    (steering,) = plots.frontier(sweep(("centred", "isolated", "position_matched"))).axes
    bars = plots.centre_norms({f"shared, {name}": ones for name in names}).axes[0]
    for name, bar in zip(names, bars.containers, strict=True):
        (line,), (step,) = (
            [one for one in ax.lines if one.get_label() == name] for ax in (reading, steering)
        )
        assert (line.get_color(), line.get_marker()) == (step.get_color(), step.get_marker())
        assert to_rgba(line.get_color()) == bar[0].get_facecolor()


def test_no_two_kinds_of_the_explorer_look_alike() -> None:
    table = sweep((*WIDE, *NARROW), per_kind=2)
    table["nats"] = 0.1
    fig: Any = plots.frontier_explorer(table)
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    looks = {(trace.marker.color, trace.marker.symbol) for trace in dots}
    assert len(looks) == len(dots) == len(WIDE) + len(NARROW)


def test_the_explorer_of_settings_has_each_dot_with_its_setting() -> None:
    table = sweep(("centred", "one_pair"))
    fig: Any = plots.frontier_explorer(table)
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    assert [trace.name for trace in dots] == ["less m", "one pair of texts"]
    for trace, (_, own) in zip(dots, table.groupby("kind"), strict=True):
        np.testing.assert_allclose(trace.x, np.exp(own.nats), atol=5e-4)
        np.testing.assert_array_equal(trace.y, own.gain)
        told = own[["layer", "position", "coefficient", "distinct"]].to_numpy().tolist()
        assert [list(row) for row in trace.customdata] == told
    assert fig.layout.xaxis.type == "log"
    (cost,) = fig.layout.shapes
    assert cost.x0 == 2.0
    low, high = fig.layout.xaxis.range
    assert 10**low < 1 < 6 <= 10**high + 1e-9


def test_the_explorer_of_settings_has_the_steps_of_the_still() -> None:
    table = sweep(("centred", "one_pair"))
    fig: Any = plots.frontier_explorer(table)
    steps = [trace for trace in fig.data if trace.mode == "lines"]
    for trace, (_, own) in zip(steps, table.groupby("kind"), strict=True):
        best = envelope(own)
        np.testing.assert_allclose(trace.x, best.cost, atol=5e-4)
        np.testing.assert_array_equal(trace.y, best.gain)
        assert trace.line.shape == "hv"
    named = [trace for trace in fig.data if trace.showlegend is not False]
    assert named == steps
    groups = [[t for t in fig.data if t.legendgroup == step.legendgroup] for step in steps]
    assert [len(group) for group in groups] == [2, 2]  # a click hides a kind's line and its dots


def test_every_kind_of_the_studies_has_a_name_of_its_own() -> None:
    names = [plots.kind_words(kind) for kind in (*WIDE, *NARROW, "along_mean")]
    assert set(KIND_WORDS) == {*WIDE, *NARROW, "along_mean"}
    assert len(set(names)) == len(names)
    assert plots.kind_words("of_another_kind") == "of another kind"


def test_the_table_of_settings_has_each_kinds_best() -> None:
    table = sweep(("centred", "one_pair")).assign(model="first", norm=1.2345)
    table["nats"] = np.linspace(0, 1, len(table))
    got = plots.setting_table(table, "first", ["one_pair", "centred"])
    assert list(got.index) == ["one pair of texts", "less m"]
    for kind, row in zip(("one_pair", "centred"), got.to_dict("records"), strict=True):
        best = best_row(table, "first", kind)
        assert (row["layer"], row["position"]) == (best["layer"], best["position"])
        assert row["gain"] == round(best["gain"], 2)
        assert row["perplexity"] == round(np.exp(best["nats"]), 2)
        assert row["norm"] == 1.23


def test_a_table_of_intervals_is_text() -> None:
    table = plots.interval_table(
        {"row": {"a": Measured(1.234, 5, (-0.5, 2.0)), "b": Measured(2.0, 5)}}
    )
    assert table.to_dict("index") == {"row": {"a": "1.23 [-0.50, 2.00]", "b": "2.00"}}


def test_the_table_of_lexicons_names_every_stem() -> None:
    got = plots.lexicon_table({"scifi": ["ship", "orbit"]}, {"scifi": 0.125}, 300)
    assert "mean of 300" in got
    assert got.split("\n")[2] == "| sci-fi | 0.12 | 2: orbit, ship |"


def test_maps_of_settings_show_the_best_of_each() -> None:
    table = sweep(("centred", "uncentred"))
    table = table.query("not (layer == 1 and position == 'every')")
    kinds = ["uncentred", "centred"]
    fig = plots.setting_maps(table, kinds, POSITIONS)
    maps = fig.axes[:2]
    assert [ax.get_title() for ax in maps] == ["uncentred", "less m"]
    assert ticks_of(maps[0]) == ["emb", "1", "2"]
    for ax, kind in zip(maps, kinds, strict=True):
        grid = np.ma.filled(np.ma.asarray(ax.images[0].get_array()), np.nan)
        expected = np.full((2, 3), np.nan)
        for row in table.to_dict("records"):
            if row["kind"] != kind:
                continue
            at = POSITIONS.index(row["position"]), row["layer"]
            expected[at] = np.nanmax([expected[at], row["gain"]])
        np.testing.assert_array_equal(grid, expected)
        assert np.isnan(expected).sum() == 1
        assert sorted(written(ax)) == sorted(f"{v:.1f}" for v in expected[~np.isnan(expected)])
    assert [label.get_text() for label in maps[0].get_yticklabels()] == list(POSITIONS)
    assert len(plots.setting_maps(table, ["centred"], POSITIONS).axes) == 2


MEASURES = {
    "all of it": Measured(1.5, 100, (1.0, 2.0)),
    "none": Measured(-0.5, 50, (-1.0, 0.25)),
    "exact": Measured(0.75, 3),
}


def test_dots_have_their_intervals_the_first_on_top() -> None:
    (ax,) = plots.dots(MEASURES, xlabel="gain", zero=1.0).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == list(MEASURES)
    assert ax.get_ylim() == (2.5, -0.5)  # the first on top, the last above the axis
    assert ax.get_xlabel() == "gain"
    zero, *others = [np.asarray(line.get_xdata()).tolist() for line in ax.lines]
    assert zero == [1.0, 1.0]
    assert others == [[1.0, 2.0], [1.5], [-1.0, 0.25], [-0.5], [0.75, 0.75], [0.75]]
    rows = [set(np.asarray(line.get_ydata()).tolist()) for line in ax.lines[1:]]
    assert rows == [{0}, {0}, {1}, {1}, {2}, {2}]


def test_the_table_of_dots_holds_each_measurement() -> None:
    table = plots.dot_table(MEASURES)
    assert list(table) == ["what", "value", "interval", "n"]
    for row, (name, measured) in zip(table.to_dict("records"), MEASURES.items(), strict=True):
        assert (row["what"], row["value"], row["n"]) == (name, measured.value, measured.n)
        assert row["interval"] == measured.interval


def test_a_map_of_pairs_has_prompts_as_rows() -> None:
    gains = {
        (s, t): i / 4 for i, (s, t) in enumerate((s, t) for s in GENRES for t in GENRES if s != t)
    }
    ax = plots.pair_map(gains).axes[0]
    grid = np.ma.filled(np.ma.asarray(ax.images[0].get_array()), np.nan)
    for row, source in enumerate(GENRES):
        for column, target in enumerate(GENRES):
            np.testing.assert_equal(grid[row, column], gains.get((source, target), np.nan))
    assert sorted(written(ax)) == sorted(f"{gain:.2f}" for gain in gains.values())
    assert ax.images[0].get_clim() == (-2.75, 2.75)  # no gain is white
    assert ticks_of(ax) == [label.get_text() for label in ax.get_yticklabels()]
    assert ticks_of(ax) == [plots.nice(genre) for genre in GENRES]


def nulls() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    rows = [{"null": "none", "gain": 3.0}]
    rows += [{"null": "random", "gain": gain} for gain in generator.normal(0, 0.1, 99)]
    rows += [{"null": "shuffled", "gain": gain} for gain in generator.normal(1, 0.1, 50)]
    return pd.DataFrame(rows)


def test_histograms_of_chance_have_the_true_gain_in_each_panel() -> None:
    fig = plots.null_histograms(nulls(), {"shuffled": "labels shuffled", "random": "at random"})
    assert [ax.get_title() for ax in fig.axes] == ["labels shuffled", "at random"]
    for ax, n in zip(fig.axes, (50, 99), strict=True):
        bars: list[Any] = list(ax.patches)
        assert len(bars) == 20
        assert sum(bar.get_height() for bar in bars) == n
        (true,) = ax.lines
        assert set(np.asarray(true.get_xdata())) == {3.0}
    assert legend_of(fig) == ["vectors less m"]


def test_one_null_alone_has_a_panel_too() -> None:
    assert len(plots.null_histograms(nulls(), {"random": "at random"}).axes) == 1


def test_bars_of_changes_are_shares_of_prompts() -> None:
    changes = {
        "steered": np.array([-1.0, 0, 0, 1, 1, 1, 3, 3]),
        "again": np.array([-2.0, 0, 0, 0]),
    }
    fig = plots.change_bars(changes)
    (ax,) = fig.axes
    assert legend_of(fig) == list(changes)
    bars: list[Any] = list(ax.patches)
    heights = np.array([bar.get_height() for bar in bars]).reshape(2, 6)
    np.testing.assert_allclose(heights[0], [0, 1 / 8, 2 / 8, 3 / 8, 0, 2 / 8])
    np.testing.assert_allclose(heights[1], [1 / 4, 0, 3 / 4, 0, 0, 0])
    middles = np.array([bar.get_x() + bar.get_width() / 2 for bar in bars]).reshape(2, 6)
    np.testing.assert_allclose(middles.mean(0), range(-2, 4))


def test_completions_beside_each_other_are_plain_text() -> None:
    got = plots.beside([("A *b*\nc", " d|e ", "[f] <g> #h $i$ `j` \\k"), ("1", "2", "3")])
    lines = got.split("\n")
    assert lines[:2] == ["| prompt | unsteered | steered |", "| --- | --- | --- |"]
    assert lines[2] == (r"| A \*b\* / c | d\|e | \[f\] \<g\> \#h \$i\$ \`j\` \\k |")
    assert lines[3] == "| 1 | 2 | 3 |"
    assert len(lines) == 4


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_no_kind_of_line_break_breaks_a_row(end: str) -> None:
    got = plots.beside([("a", f"b{end}c", "d")])
    assert len(got.splitlines()) == 3

"""Drawings of frontiers and of training show what they were given."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from steering_core.publishing.claims import Measured
from steering_core.sparse_autoencoders.frontier_setting import LEVELS
from steering_core.sparse_autoencoders.frontier_study import COMPARED, TUNED
from steering_core.sparse_autoencoders.plots import frontiers, training
from steering_core.sparse_autoencoders.plots.frontiers import COLOURS, MARKERS, words

from ..drawings import legend_of, lines_of, spans_of, ticks_of

pytestmark = pytest.mark.usefixtures("closed")


def numbers(columns: tuple[str, ...], **ids: Any) -> dict[str, Any]:
    rng = np.random.default_rng(crc32(str(ids).encode()))
    return ids | {name: rng.uniform(0.2, 0.8) for name in columns}


def front() -> pd.DataFrame:
    """Three penalties and two seeds of every architecture; L0 is 4, 2 and 1, times 0.5 or 2."""
    columns = ("f1", "mcc", "shrinkage")
    return pd.DataFrame(
        [
            numbers(columns, architecture=name, seed=seed, penalty=float(k + 1))
            | {"l0": 4 / 2**k * (0.5 if seed else 2), "fvu": 0.1 * (k + 1) + 0.02 * seed}
            for name in COMPARED
            for seed in (0, 1)
            for k in range(3)
        ]
    )


FRONT = front()


def test_every_architecture_has_words_a_colour_and_a_marker() -> None:
    assert set(COLOURS) == set(MARKERS) == set(TUNED)
    assert len({to_rgb(colour) for colour in COLOURS.values()}) == len(COLOURS)
    assert len(set(MARKERS.values())) == len(MARKERS)
    assert len({words(name) for name in TUNED}) == len(TUNED)


def test_frontiers_go_through_the_means_of_every_penalty() -> None:
    fig = frontiers.frontier_panels(FRONT, {"fvu": "error", "f1": "F1"}, 2.58)
    assert legend_of(fig) == [words(name) for name in COMPARED]
    assert [ax.get_ylabel() for ax in fig.axes] == ["error", "F1"]
    for ax, column in zip(fig.axes, ("fvu", "f1"), strict=True):
        lines = lines_of(ax)
        for name in COMPARED:
            rows = FRONT[FRONT["architecture"] == name]
            line: Any = lines[words(name)]
            # Means of 8 and 2, of 4 and 1, of 2 and 1/2: geometric.
            np.testing.assert_allclose(line.get_xdata(), [4, 2, 1])
            means: Any = rows.groupby("penalty")[column].mean()
            np.testing.assert_allclose(line.get_ydata(), means)
            assert to_rgb(line.get_color()) == to_rgb(COLOURS[name])
            assert line.get_marker() == MARKERS[name]
        dots = [line for line in ax.lines if line.get_marker() == "."]
        drawn = sum(len(np.asarray(line.get_xdata())) for line in dots)
        assert drawn == len(FRONT)
        assert any(list(np.asarray(line.get_xdata())) == [2.58, 2.58] for line in ax.lines)


def test_one_that_diverged_does_not_spoil_a_frontier() -> None:
    table = FRONT.copy()
    table.loc[table.index[0], ["l0", "fvu"]] = np.nan
    fig = frontiers.frontier_panels(table, {"fvu": "error"}, 2.58)
    line: Any = fig.axes[0].lines[1]
    np.testing.assert_allclose(line.get_xdata(), [2, 2, 1])


def test_what_never_fires_can_be_drawn() -> None:
    fig = frontiers.frontier_panels(FRONT.assign(l0=0.0), {"fvu": "error"}, 2.58)
    assert len(legend_of(fig)) == len(COMPARED)


def test_every_point_of_the_explorer_says_all_about_itself() -> None:
    fig: Any = frontiers.frontier_explorer(FRONT, 2.58)
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    lines = [trace for trace in fig.data if trace.mode == "lines"]
    assert [trace.name for trace in dots] == [words(name) for name in COMPARED]
    for name, line in zip(COMPARED, lines, strict=True):
        assert (line.legendgroup, line.showlegend) == (name, False)
        np.testing.assert_allclose(np.asarray(line.x, float), [4, 2, 1])
        np.testing.assert_allclose(np.asarray(line.y, float), [0.11, 0.21, 0.31])
    for name, trace in zip(COMPARED, dots, strict=True):
        mine: Any = FRONT[FRONT["architecture"] == name]
        rows = mine.sort_values(["seed", "penalty"])
        np.testing.assert_allclose(np.asarray(trace.x, float), rows["l0"])
        np.testing.assert_allclose(np.asarray(trace.y, float), rows["fvu"])
        data = np.asarray(trace.customdata, dtype=float)
        expected = rows[["penalty", "seed", "f1", "mcc", "shrinkage"]]
        np.testing.assert_allclose(data, expected.to_numpy(float))
        assert trace.marker.color == COLOURS[name]
        said = trace.hovertemplate
        for k, word in enumerate(("penalty", "seed", "F1", "MCC", "length")):
            assert f"{word} %{{customdata[{k}]" in said
        for word in ("%{x:.2f}", "%{y:.3f}", "%{fullData.name}", "<extra></extra>"):
            assert word in said
    assert fig.layout.xaxis.type == "log"
    assert [shape.x0 for shape in fig.layout.shapes] == [2.58]
    low, high = fig.layout.yaxis.range
    assert low < 0.12 < 0.3 < high < 0.4


def ratio(value: float, n: int = 5) -> Measured:
    return Measured(value, n, (0.9 * value, 1.2 * value))


RATIOS: dict[str, dict[float, Measured | None]] = {
    name: {level: ratio(0.5 + 0.2 * k) for k, level in enumerate(LEVELS)} for name in COMPARED
}
RATIOS["gated"] = {**RATIOS["gated"], LEVELS[0]: None, LEVELS[2]: Measured(0.7, 1)}


def test_ratios_are_listed_where_both_reach() -> None:
    table = frontiers.ratios_table(RATIOS)
    assert list(table.columns) == ["rival", "l0", "ratio", "low", "high", "seeds"]
    assert len(table) == len(COMPARED) * len(LEVELS) - 1
    gated: Any = table[table["rival"] == "gated"]
    assert gated["l0"].tolist() == list(LEVELS[1:])
    exact = gated[gated["l0"] == LEVELS[2]].iloc[0]
    assert exact[["ratio", "low", "high", "seeds"]].tolist() == [0.7, 0.7, 0.7, 1]
    first = table.iloc[0]
    assert first[["ratio", "low", "high"]].tolist() == pytest.approx([0.5, 0.45, 0.6])


def test_ratios_have_a_panel_for_every_rival() -> None:
    table = frontiers.ratios_table(RATIOS)
    fig = frontiers.ratios_panels(table, LEVELS, "error over")
    fig.draw_without_rendering()
    assert [ax.get_title() for ax in fig.axes] == [words(name) for name in COMPARED]
    for ax, name in zip(fig.axes, COMPARED, strict=True):
        rows = table[table["rival"] == name]
        (bars,) = ax.containers
        points: Any = bars[0]
        places = [LEVELS.index(level) for level in rows["l0"]]
        assert list(points.get_xdata()) == places
        np.testing.assert_allclose(spans_of(bars, axis="y"), rows[["ratio", "low", "high"]].T)
        labels = ticks_of(ax)
        assert labels == [f"{level:g}" for level in LEVELS]
    assert fig.get_supylabel() == "error over"


def test_bars_name_every_architecture() -> None:
    table = pd.DataFrame({"architecture": COMPARED, "shrinkage": 0.9, "low": 0.8, "high": 1.05})
    fig = frontiers.bars_panel(table, "shrinkage", "relative length", (0.97, 1.03))
    fig.draw_without_rendering()
    (ax,) = fig.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == [words(n) for n in COMPARED]
    for place, (name, bars) in enumerate(zip(COMPARED, ax.containers, strict=True)):
        point: Any = bars[0]
        assert (list(point.get_xdata()), list(point.get_ydata())) == ([0.9], [place])
        assert to_rgb(point.get_color()) == to_rgb(COLOURS[name])
        ends: Any = bars[2][0]
        assert ends.get_segments()[0][:, 0].tolist() == pytest.approx([0.8, 1.05])


def met(n: int = 12, known: bool = True) -> pd.DataFrame:
    noise = np.linspace(0.1, 0.5, n)
    cut = 1.1 * noise if known else np.full(n, np.nan)
    return pd.DataFrame(
        {"ceiling": noise, "threshold": cut, "p999": 0.9 * noise, "floor": noise + 0.3}
    )


def test_thresholds_are_drawn_against_the_noise() -> None:
    tables = {"ProLU": met(), "TopK": met(known=False)}
    fig = training.threshold_panels(tables)
    assert legend_of(fig) == [
        *("least with the feature there", "99.9% of the noise lies below", "the threshold")
    ]
    assert [ax.get_title() for ax in fig.axes] == list(tables)
    lines = lines_of(fig.axes[0])
    np.testing.assert_allclose(lines["the threshold"].get_ydata(), 1.1 * met()["ceiling"])
    for line in list(lines.values())[1:]:
        np.testing.assert_allclose(line.get_xdata(), met()["ceiling"])
    diagonal: Any = fig.axes[0].lines[0]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 0.55]


STEPS = np.arange(200, 20_001, 200)
CURVES = pd.concat(
    [
        pd.DataFrame(
            {
                "architecture": name,
                "seed": seed,
                "penalty": penalty,
                "step": STEPS,
                "loss": (1 + seed) * penalty * (1 + 500 / STEPS),
            }
        )
        for name in ("scsae", "scsae_multiplied", "prolu_ste")
        for seed in (0, 1)
        for penalty in (0.2, 1.6)
    ]
)


def test_there_is_a_curve_for_every_run() -> None:
    fig = training.curve_panels(CURVES)
    names = ("scsae", "scsae_multiplied", "prolu_ste")
    assert legend_of(fig) == [words(name) for name in names]
    assert [ax.get_title() for ax in fig.axes] == ["penalty 0.2", "penalty 1.6"]
    for ax, penalty in zip(fig.axes, (0.2, 1.6), strict=True):
        runs: Any = CURVES[CURVES["penalty"] == penalty].groupby(
            ["architecture", "seed"], sort=False
        )
        for line, (key, rows) in zip(ax.lines, runs, strict=True):
            name, _ = key
            np.testing.assert_allclose(np.asarray(line.get_ydata(), float), rows["loss"])
            assert to_rgb(line.get_color()) == to_rgb(COLOURS[str(name)])


LITTLE = pd.DataFrame(
    [
        numbers(
            ("f1", "mcc", "l0", "up_right", "down_wrong", "negative", "fvu"),
            variant=variant,
            penalty=penalty,
            seed=seed,
        )
        for variant, penalties in (
            ("usual", (0.2, 0.6, 1.6)),
            ("little L1", (0.0, 0.1, 0.4)),
            ("ghost", (0.1, 0.4)),
        )
        for penalty in penalties
        for seed in range(3)
    ]
)
NAMED = {"little L1": "plain", "usual": "as usual"}


def test_means_of_little_penalty() -> None:
    means = training.little_table(LITTLE, NAMED)
    assert len(means) == 6
    assert set(means["variant"]) == {"plain", "as usual"}
    row = means[(means["variant"] == "plain") & (means["penalty"] == 0.1)].iloc[0]
    rows = LITTLE[(LITTLE["variant"] == "little L1") & (LITTLE["penalty"] == 0.1)]
    for column in ("f1", "mcc", "l0", "up_right", "down_wrong", "negative"):
        assert row[column] == pytest.approx(rows[column].mean())


def test_little_penalty_is_drawn_in_three_panels() -> None:
    means: Any = training.little_table(LITTLE, NAMED)
    fig = training.little_panels(means)
    assert legend_of(fig) == list(dict.fromkeys(means["variant"]))
    for ax, column in zip(fig.axes, ("f1", "l0", "up_right"), strict=True):
        for name in ("plain", "as usual"):
            (line,) = [line for line in ax.lines if line.get_label() == name]
            rows = means[means["variant"] == name].sort_values("penalty")
            places = sorted(set(means["penalty"]))
            assert np.asarray(line.get_xdata()).tolist() == [
                places.index(penalty) for penalty in rows["penalty"]
            ]
            np.testing.assert_allclose(np.asarray(line.get_ydata(), float), rows[column])


def test_measured_numbers_are_listed_and_drawn() -> None:
    measured = {"betas": ratio(1.1), "ghost": Measured(0.9, 5)}
    table = training.measured_table(measured)
    assert table["what"].tolist() == ["betas", "ghost"]
    assert table.iloc[1][["value", "low", "high", "seeds"]].tolist() == [0.9, 0.9, 0.9, 5]
    for band in (None, (0.95, 1.05)):
        fig = training.measured_panel(table, "error over", band=band)
        fig.draw_without_rendering()
        (ax,) = fig.axes
        assert [text.get_text() for text in ax.get_yticklabels()] == ["betas", "ghost"]
        (bars,) = ax.containers
        points: Any = bars[0]
        assert list(points.get_xdata()) == [1.1, 0.9]
        assert len(ax.patches) == (band is not None)


def test_overlaps_have_a_line_for_every_architecture() -> None:
    table = pd.DataFrame(
        [
            {"architecture": name, "overlap": o, "fvu": 0.1 + o, "low": 0.05 + o, "high": 0.3 + o}
            for name in COMPARED
            for o in (0.0, 0.25, 0.5)
        ]
    )
    fig = training.overlap_panel(table)
    assert legend_of(fig) == [words(name) for name in COMPARED]
    for bars in fig.axes[0].containers:
        points: Any = bars[0]
        np.testing.assert_allclose(np.asarray(points.get_xdata(), float), [0, 0.25, 0.5], atol=0.03)
        np.testing.assert_allclose(np.asarray(points.get_ydata(), float), [0.1, 0.35, 0.6])


def test_absorption_has_the_mean_over_parents() -> None:
    order = ["prolu_relu", "relu"]
    table = pd.DataFrame(
        [
            {"architecture": name, "parent": k, "alone": 1.0 - 0.1 * k, "with_child": 0.2 * k}
            for name in ("relu", "prolu_relu", "gated")
            for k in range(4)
        ]
        + [{"architecture": "relu", "parent": 9, "alone": np.nan, "with_child": np.nan}]
    )
    fig = training.absorption_panel(table, order)
    assert legend_of(fig) == ["without a child", "with a child"]
    (ax,) = fig.axes
    assert ticks_of(ax) == [words(name) for name in order]
    means = [line for line in ax.lines if len(np.asarray(line.get_xdata())) == 2]
    assert [float(np.asarray(line.get_ydata())[0]) for line in means] == pytest.approx(
        [0.85, 0.3, 0.85, 0.3]
    )

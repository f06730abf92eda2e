"""Drawings of the chapter on language models show what they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from steering_core.publishing.claims import Measured
from steering_core.sparse_autoencoders.language_measures import LEVELS
from steering_core.sparse_autoencoders.language_study import PENALTIES
from steering_core.sparse_autoencoders.plots import language, latents
from steering_core.sparse_autoencoders.plots.frontiers import COLOURS, words
from steering_core.steering.material import SETS

from ..drawings import legend_of, lines_of, spans_of, ticks_of

NAMES = list(PENALTIES)

pytestmark = pytest.mark.usefixtures("closed")


def front() -> pd.DataFrame:
    """Three penalties and two seeds of every architecture, on both models."""
    chance = np.random.default_rng(0)
    columns = ("fvu", "shrinkage", "added", "recovered", "recovered_mean")
    return pd.DataFrame(
        [
            {"model": model, "architecture": name, "seed": seed, "penalty": float(k)}
            | {"l0": 32 / 2**k * (1 + 0.2 * seed)}
            | {column: chance.uniform(0.1, 0.9) for column in columns}
            for model in ("first", "second")
            for name in NAMES
            for seed in (0, 1)
            for k in range(3)
        ]
    )


FRONT = front()


def assert_lines(ax: Any, column: str, rows: Any) -> None:
    """Each architecture's line goes through its means over seeds."""
    shown = lines_of(ax)
    for name in NAMES:
        own: Any = rows[rows["architecture"] == name]
        means = own.groupby("penalty")[["l0", column]].mean()
        line = shown[words(name)]
        np.testing.assert_allclose(np.asarray(line.get_xdata(), float), means["l0"])
        np.testing.assert_allclose(np.asarray(line.get_ydata(), float), means[column])
        assert to_rgb(line.get_color()) == to_rgb(COLOURS[name])


def test_frontiers_have_a_panel_a_model() -> None:
    fig = language.frontier_panels(FRONT, "added", "loss added")
    assert legend_of(fig) == [words(name) for name in NAMES]
    assert [ax.get_title() for ax in fig.axes] == ["first model", "second model"]
    for ax, model in zip(fig.axes, ("first", "second"), strict=True):
        assert_lines(ax, "added", FRONT[FRONT["model"] == model])
    assert fig.axes[0].get_ylabel() == "loss added"
    assert fig.axes[0].get_yscale() == "log"


def test_floors_have_a_panel_each_of_one_height() -> None:
    first = FRONT[FRONT["model"] == "first"]
    floors = {"recovered": "over zeros", "recovered_mean": "over the mean"}
    fig = language.floor_panels(first, floors)
    assert legend_of(fig) == [words(name) for name in NAMES]
    assert [ax.get_title() for ax in fig.axes] == list(floors.values())
    for ax, column in zip(fig.axes, floors, strict=True):
        assert_lines(ax, column, first)
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()


def test_lengths_have_a_panel_a_table() -> None:
    first = FRONT[FRONT["model"] == "first"]
    fig = language.length_panels({"here": first, "there": first.assign(l0=first["l0"] / 10)})
    assert legend_of(fig) == [words(name) for name in NAMES]
    assert [ax.get_title() for ax in fig.axes] == ["here", "there"]
    for ax, scale in zip(fig.axes, (1, 10), strict=True):
        assert_lines(ax, "shrinkage", first.assign(l0=first["l0"] / scale))
        band: Any = ax.patches[0]
        assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx(language.RIGHT)


def test_every_autoencoder_can_be_asked() -> None:
    fig: Any = language.frontier_explorer(FRONT)
    dots = [trace for trace in fig.data if trace.mode == "markers"]
    lines = [trace for trace in fig.data if trace.mode == "lines"]
    assert [trace.name for trace in fig.data if trace.showlegend] == [words(n) for n in NAMES]
    for trace, line, (name, model) in zip(
        dots, lines, [(n, m) for n in NAMES for m in ("first", "second")], strict=True
    ):
        own: Any = FRONT[(FRONT["architecture"] == name) & (FRONT["model"] == model)]
        means = own.groupby("penalty")[["l0", "added"]].mean()
        np.testing.assert_allclose(np.asarray(line.x, float), means["l0"])
        np.testing.assert_allclose(np.asarray(line.y, float), means["added"])
        assert (line.line.dash == "dash") == (model == "second")
        rows: Any = FRONT[(FRONT["architecture"] == name) & (FRONT["model"] == model)]
        np.testing.assert_allclose(trace.x, rows["l0"])
        np.testing.assert_allclose(trace.y, rows["added"])
        wanted = rows[["penalty", "seed", "fvu", "shrinkage", "recovered"]].to_numpy(float)
        np.testing.assert_allclose(np.asarray(trace.customdata, float), wanted)
        assert trace.marker.line.color == COLOURS[name]
        assert (trace.marker.color == COLOURS[name]) == (model == "first")
        assert f"{words(name)}, {model} model" in trace.hovertemplate
        for k, word in enumerate(("penalty", "seed", "error", "length", "recovered")):
            assert f"{word} %{{customdata[{k}]" in trace.hovertemplate


def quotients() -> dict[str, dict[str, dict[float, Measured | None]]]:
    """Of two rivals on two models; one level is not reached by one of them."""
    found: dict[str, dict[str, dict[float, Measured | None]]] = {
        model: {
            name: {
                level: Measured(
                    0.5 + 0.1 * k + more, 3, (0.4 + 0.1 * k + more, 0.7 + 0.1 * k + more)
                )
                for k, level in enumerate(LEVELS)
            }
            for name in ("gated", "topk")
        }
        for model, more in (("first", 0.0), ("second", 0.05))
    }
    found["second"]["topk"][LEVELS[0]] = None
    return found


def test_ratios_are_shown_for_both_models() -> None:
    table = language.ratio_rows(quotients())
    assert len(table) == 4 * len(LEVELS) - 1
    fig = language.ratio_panels(table, LEVELS, "over that of ReLU")
    assert legend_of(fig) == ["first model", "second model"]
    assert [ax.get_title() for ax in fig.axes] == [words("gated"), words("topk")]
    for ax, name in zip(fig.axes, ("gated", "topk"), strict=True):
        for bars, model in zip(ax.containers, ("first", "second"), strict=True):
            rows = table[(table["rival"] == name) & (table["model"] == model)]
            np.testing.assert_allclose(spans_of(bars, axis="y"), rows[["ratio", "low", "high"]].T)
        labels = ticks_of(ax)
        assert labels == [f"{level:g}" for level in LEVELS]


def means() -> pd.DataFrame:
    """Three latents; the last never fires."""
    values = np.array([[1.0, 4.0, *([0.0] * 6)], np.arange(8.0), np.zeros(8)])
    return pd.DataFrame(values, columns=pd.Index(SETS), index=["one", "two", "silent"])


def test_a_map_is_over_the_largest_of_each_row() -> None:
    fig = latents.set_map(means())
    fig.draw_without_rendering()
    ax = fig.axes[0]
    shown = np.asarray(ax.images[0].get_array())
    np.testing.assert_allclose(shown[0, :2], [0.25, 1])
    np.testing.assert_allclose(shown[1], np.arange(8) / 7)
    assert not shown[2].any()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one", "two", "silent"]
    assert ticks_of(ax) == [latents.COLUMNS[n] for n in SETS]


def test_a_cell_of_the_map_tells_the_tokens() -> None:
    fig: Any = latents.set_explorer(means(), [("elf", "<b>"), ("x",), ()])
    (trace,) = fig.data
    np.testing.assert_allclose(np.asarray(trace.z, float)[0, :2], [0.25, 1])
    assert list(trace.y) == ["one", "two", "silent"]
    assert trace.customdata[0][1].tolist() == ["4.0", "elf, &lt;b&gt;"]
    assert trace.customdata[2][0].tolist() == ["0.0", "nowhere"]
    assert "customdata[0]" in trace.hovertemplate
    assert "customdata[1]" in trace.hovertemplate
    assert fig.layout.yaxis.autorange == "reversed"


def test_the_table_of_the_map_has_every_cell() -> None:
    table = latents.map_table(means())
    assert len(table) == 3 * 8
    row = table[(table["latent"] == "two") & (table["set"] == SETS[3])].iloc[0]
    assert (row["mean"], row["share"]) == (3.0, pytest.approx(3 / 7))


def test_histograms_of_cosines_sum_to_one() -> None:
    values = {"seeds": np.linspace(0.2, 0.99, 50), "chance": np.linspace(0.1, 0.5, 20)}
    fig = latents.cosine_panel(values)
    assert legend_of(fig) == list(values)
    (ax,) = fig.axes
    for bars in ax.containers:
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
    medians = [float(np.asarray(line.get_xdata())[0]) for line in ax.lines]
    assert medians == pytest.approx([float(np.median(v)) for v in values.values()])


def test_the_share_that_reaches_an_area_falls() -> None:
    fig = latents.area_panel({"latents": np.array([0.5, 0.6, 0.8, 1.0])}, 0.8)
    assert legend_of(fig) == ["latents"]
    (ax,) = fig.axes
    (line,) = [line for line in ax.lines if line.get_label() == "latents"]
    x, y = (np.asarray(v, float) for v in (line.get_xdata(), line.get_ydata()))
    assert np.interp([0.505, 0.605, 0.805], x, y).tolist() == pytest.approx(
        [0.75, 0.5, 0.25], abs=0.13
    )
    assert (y[0], y[-1]) == (1.0, 0.25)
    assert (np.diff(y) <= 0).all()

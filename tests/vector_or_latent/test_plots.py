"""A figure of vectors and latents draws what it was given; its table holds what was drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from steering_core.publishing.claims import Measured
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.contrast import METHOD
from steering_core.vector_or_latent.detection import METHODS as DETECTED
from steering_core.vector_or_latent.directions import KINDS, LATENTS
from steering_core.vector_or_latent.effects import ALL
from steering_core.vector_or_latent.plots import steering, telling
from steering_core.vector_or_latent.plots.telling import COLOURS, NAMES
from steering_core.vector_or_latent.steering_study import BY_TRIAL, REPORTED

from ..drawings import legend_of, lines_of, spans_of

METHODS = (*DETECTED, METHOD)

pytestmark = pytest.mark.usefixtures("closed")


def detected() -> dict[str, pd.DataFrame]:
    """Twenty draws around an AUROC of its own for each method and genre."""
    chance = np.random.default_rng(0)
    tables = {}
    for model in ("first", "second"):
        rows = []
        for method in METHODS:
            for genre in GENRES:
                value = chance.uniform(0.6, 0.95)
                rows.append((method, genre, -1, value, 40))
                noise = chance.uniform(-0.03, 0.03, 20)
                rows += [(method, genre, draw, value + x, 40) for draw, x in enumerate(noise)]
        names = ["method", "genre", "draw", "auroc", "texts"]
        tables[model] = pd.DataFrame(rows, columns=pd.Index(names))
    return tables


def test_areas_have_the_quantiles_of_the_draws() -> None:
    given = detected()
    table = telling.area_table(given)
    assert len(table) == 2 * len(METHODS) * len(GENRES)
    for row in table.to_dict("records"):
        rows = given[row["model"]]
        rows = rows[(rows["method"] == row["method"]) & (rows["genre"] == row["genre"])]
        assert row["auroc"] == rows.query("draw == -1")["auroc"].item()
        draws = rows.query("draw >= 0")["auroc"]
        assert row["low"] == pytest.approx(min(np.quantile(draws, 0.005), row["auroc"]))
        assert row["high"] == pytest.approx(max(np.quantile(draws, 0.995), row["auroc"]))


def test_areas_have_a_panel_a_model_and_a_mark_a_method() -> None:
    table = telling.area_table(detected())
    fig = telling.area_panels(table)
    assert legend_of(fig) == [NAMES[method] for method in METHODS]
    assert [ax.get_title() for ax in fig.axes] == ["first model", "second model"]
    for ax, model in zip(fig.axes, ("first", "second"), strict=True):
        for method, bars in zip(METHODS, ax.containers, strict=True):
            rows: Any = table[(table["model"] == model) & (table["method"] == method)]
            rows = rows.set_index("genre").loc[list(telling.GENRES)]
            np.testing.assert_allclose(spans_of(bars, axis="x"), rows[["auroc", "low", "high"]].T)
            point: Any = bars[0]
            assert to_rgb(point.get_color()) == to_rgb(COLOURS[method])
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == list(telling.GENRES.values())
    low, high = fig.axes[0].get_ylim()
    assert low > high, "the first genre is on top"


PARTS = {
    "tells": Measured(0.1, 40, (0.05, 0.2)),
    "tells_second": Measured(0.2, 40, (0.1, 0.3)),
    "over_chance": Measured(-0.1, 40, (-0.2, 0.0)),
    "steers": Measured(1.5, 80, (1.0, 2.0)),
    "steers_second": Measured(-0.5, 80),
}
NAMED = {"tells": "a less b", "over_chance": "b less c", "steers": "d less e"}


def test_differences_are_listed_for_the_models_that_have_them() -> None:
    table = telling.difference_table(PARTS, NAMED)
    assert list(zip(table["part"], table["model"], strict=True)) == [
        ("tells", "first"),
        ("tells", "second"),
        ("over_chance", "first"),
        ("steers", "first"),
        ("steers", "second"),
    ]
    last = table.iloc[-1]
    assert last[["difference", "low", "high", "n"]].tolist() == [-0.5, -0.5, -0.5, 80]


def test_differences_have_a_panel_a_group() -> None:
    table = telling.difference_table(PARTS, NAMED)
    groups = {"AUROC": ["tells", "over_chance"], "stems": ["steers"]}
    fig = telling.difference_panels(table, groups)
    assert legend_of(fig) == ["first model", "second model"]
    assert [ax.get_xlabel() for ax in fig.axes] == list(groups)
    for ax, parts in zip(fig.axes, groups.values(), strict=True):
        for bars, model in zip(ax.containers, ("first", "second"), strict=True):
            rows = table[table["part"].isin(parts) & (table["model"] == model)]
            expected = rows[["difference", "low", "high"]].T
            np.testing.assert_allclose(spans_of(bars, axis="x"), expected)
        assert [t.get_text() for t in ax.get_yticklabels()] == [NAMED[part] for part in parts]


def reach() -> pd.DataFrame:
    """A gain that rises with the cost."""
    rows = [
        (model, kind, cost, place * cost)
        for model in ("first", "second")
        for place, kind in enumerate(REPORTED)
        for cost in (1.0, 2.0, 4.0)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["model", "kind", "perplexity", "gain"]))


def test_frontiers_have_a_step_a_kind() -> None:
    table = reach()
    fig = steering.frontier_panels(table)
    assert legend_of(fig) == [NAMES[kind] for kind in REPORTED]
    for ax, model in zip(fig.axes, ("first", "second"), strict=True):
        assert ax.get_title() == f"{model} model"
        shown = lines_of(ax)
        for kind in REPORTED:
            rows: Any = table[(table["model"] == model) & (table["kind"] == kind)]
            line = shown[NAMES[kind]]
            np.testing.assert_allclose(np.asarray(line.get_xdata(), float), rows["perplexity"])
            np.testing.assert_allclose(np.asarray(line.get_ydata(), float), rows["gain"])
            assert line.get_drawstyle() == "steps-post"


def test_every_try_of_the_sweep_can_be_asked() -> None:
    rows = [
        (kind, 0, genre, coefficient, 0.1 * coefficient, 0.05 * coefficient, 0.9)
        for kind in KINDS
        for genre in GENRES
        for coefficient in (1.0, 2.0)
    ]
    names = ["kind", "seed", "target", "coefficient", "gain", "nats", "distinct"]
    table = pd.DataFrame(rows, columns=pd.Index(names))
    steps = reach().query("model == 'first'")
    fig: Any = steering.frontier_explorer(table, steps)
    for kind, trace in zip(REPORTED, fig.data, strict=False):
        own: Any = steps[steps["kind"] == kind]
        assert (trace.name, trace.mode, trace.line.shape) == (NAMES[kind], "lines", "hv")
        np.testing.assert_allclose(trace.x, own["perplexity"])
        np.testing.assert_allclose(trace.y, own["gain"])
    shown = {trace.name: trace for trace in fig.data if trace.mode == "markers"}
    others = [NAMES[kind] for kind in REPORTED if kind not in (LATENTS[0], BY_TRIAL)]
    assert list(shown) == [*(f"{name}, one genre" for name in others), "one of four latents"]
    assert sum(len(trace.x) for trace in shown.values()) == len(table)
    trace = shown["one of four latents"]
    own: Any = table[table["kind"].isin(LATENTS)]
    np.testing.assert_allclose(trace.x, np.exp(own["nats"]), atol=5e-4)
    np.testing.assert_allclose(trace.y, own["gain"])
    assert {row[0] for row in trace.customdata} == set(telling.GENRES.values())
    assert {row[1] for row in trace.customdata} == set(LATENTS)
    assert all(f"customdata[{k}]" in trace.hovertemplate for k in range(5))


def test_what_was_chosen_is_told_by_rank_and_coefficient() -> None:
    rows = [
        (model, kind, seed, genre, 2.0, float(kind == "latent 3"), 0.1, 0.9)
        for model in ("first", "second")
        for kind in KINDS
        for seed in (0, 1)
        for genre in GENRES
    ]
    names = ["model", "kind", "seed", "target", "coefficient", "gain", "nats", "distinct"]
    table = steering.chosen_table(pd.DataFrame(rows, columns=pd.Index(names)), "first", 1)
    assert list(table.index) == [telling.GENRES[genre] for genre in GENRES]
    assert set(table[NAMES["centred"]]) == {"x 2"}
    assert set(table[NAMES[BY_TRIAL]]) == {"3rd, x 2"}
    assert set(table[NAMES[LATENTS[0]]]) == {"best, x 2"}


def gained() -> dict[str, dict[str, dict[str, Measured]]]:
    return {
        model: {
            kind: {
                name: Measured(place + more, 20, (place + more - 0.5, place + more + 1.0))
                for name in (*GENRES, ALL)
            }
            for place, kind in enumerate(REPORTED)
        }
        for model, more in (("first", 0.0), ("second", 0.3))
    }


def test_effects_have_a_mark_for_each_kind_and_genre() -> None:
    table = steering.effect_table(gained())
    assert len(table) == 2 * len(REPORTED) * 5
    fig = steering.effect_panels(table)
    assert legend_of(fig) == [NAMES[kind] for kind in REPORTED]
    for ax, model in zip(fig.axes, ("first", "second"), strict=True):
        assert ax.get_title() == f"{model} model"
        for kind, bars in zip(REPORTED, ax.containers, strict=True):
            rows = table[(table["model"] == model) & (table["kind"] == kind)]
            np.testing.assert_allclose(spans_of(bars, axis="x"), rows[["gain", "low", "high"]].T)
    labels = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert labels == [*(telling.GENRES[genre] for genre in GENRES), "all four"]

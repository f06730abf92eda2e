"""Published function vectors: the data, the numbers made from them, and their figures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import Measured
from steering_core.steering import function_vectors as fv
from steering_core.steering.plots.function_vectors import function_vector_lines, gain_scatter
from steering_core.steering.published import published_function_vectors, published_gpt_j_cosine

from ..drawings import heights_of, legend_of

GPT_J_LAYERS = list(range(8, 19))
LLAMA_LAYERS = list(range(7, 13))
LAYERS = [(fv.GPT_J, layer) for layer in GPT_J_LAYERS] + [(fv.LLAMA_2, x) for x in LLAMA_LAYERS]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return published_function_vectors()


@pytest.fixture(scope="module")
def cosine() -> pd.DataFrame:
    return published_gpt_j_cosine()


@pytest.fixture(scope="module")
def by_layer(table: pd.DataFrame) -> pd.DataFrame:
    return fv.gain_by_layer(table)


def made_up(gains: np.ndarray, model: str = fv.GPT_J, first: int = 8) -> pd.DataFrame:
    """A table whose gains are these: (tasks, layers, seeds)."""
    return pd.DataFrame(
        [
            {
                "model": model,
                "task": f"task {task}",
                "layer": first + layer,
                "seed": seed,
                "uncentred": 0.25,
                "centred": 0.25 + gains[task, layer, seed],
            }
            for task, layer, seed in np.ndindex(*gains.shape)
        ]
    )


def naive_gain(table: pd.DataFrame, model: str, layer: int) -> float:
    """One task and one seed at a time."""
    of_tasks: dict[str, list[float]] = {}
    for row in table.to_dict("records"):
        if row["model"] == model and row["layer"] == layer:
            of_tasks.setdefault(row["task"], []).append(row["centred"] - row["uncentred"])
    return sum(sum(seeds) / len(seeds) for seeds in of_tasks.values()) / len(of_tasks)


def ends(measured: Measured) -> tuple[float, float]:
    assert measured.interval is not None
    return measured.interval


def test_every_model_task_and_layer_has_five_seeds(table: pd.DataFrame) -> None:
    assert list(table) == [
        *("model", "task", "layer", "seed", "uncentred", "centred", "no_steering")
    ]
    tasks = sorted(set(table["task"]))
    assert len(tasks) == 6
    cells = zip(table["model"], table["layer"], table["task"], table["seed"], strict=True)
    expected = [(*at, task, seed) for at in LAYERS for task in tasks for seed in range(5)]
    assert sorted(cells) == sorted(expected)
    accuracies = table[["uncentred", "centred", "no_steering"]].to_numpy()
    assert ((accuracies >= 0) & (accuracies <= 1)).all()
    without = set(zip(table["model"], table["task"], table["no_steering"], strict=True))
    assert len(without) == 2 * 6  # one for each model and task


@pytest.mark.parametrize(
    ("model", "layer", "uncentred", "centred"),
    [(fv.GPT_J, 15, 0.292, 0.457), (fv.LLAMA_2, 12, 0.358, 0.216)],
)
def test_means_are_those_of_the_paper(
    table: pd.DataFrame, model: str, layer: int, uncentred: float, centred: float
) -> None:
    own = table.query("model == @model and layer == @layer")
    assert np.mean(own["uncentred"]) == pytest.approx(uncentred, abs=5e-4)
    assert np.mean(own["centred"]) == pytest.approx(centred, abs=5e-4)


def test_the_layers_of_the_claim_are_those_of_the_best_vectors(by_layer: pd.DataFrame) -> None:
    for model, layer in ((fv.GPT_J, 15), (fv.LLAMA_2, 12)):
        own = by_layer.query(f"model == '{model}'")
        for column in ("uncentred", "centred"):
            assert own["layer"].to_numpy()[own[column].to_numpy().argmax()] == layer


def test_the_cosine_of_gpt_j_has_its_known_shape(cosine: pd.DataFrame) -> None:
    assert list(cosine) == ["block", "mean_cosine"]
    assert cosine["block"].tolist() == list(range(19))
    curve = cosine["mean_cosine"].to_numpy()
    assert curve[[0, 15, 18]].tolist() == [0.837, 0.355, 0.377]
    assert curve.argmin() == 17


@pytest.mark.parametrize(("model", "layer"), LAYERS)
def test_a_gain_is_the_mean_over_tasks_of_the_mean_over_seeds(
    table: pd.DataFrame, model: str, layer: int
) -> None:
    got = fv.gain(table, model, layer)
    low, high = ends(got)
    assert got.value == pytest.approx(naive_gain(table, model, layer))
    assert got.n == 6
    assert low < got.value < high


def test_the_order_of_the_rows_does_not_matter(table: pd.DataFrame) -> None:
    mixed = table.sample(frac=1, random_state=0)
    assert fv.gain(mixed, fv.GPT_J, 15) == fv.gain(table, fv.GPT_J, 15)


def test_a_gain_pairs_the_seeds() -> None:
    """Accuracies that differ between seeds and not in their difference leave nothing unsure."""
    paired = made_up(np.full((6, 1, 5), 0.125))
    paired["uncentred"] = paired["seed"] / 8
    paired["centred"] = paired["uncentred"] + 0.125
    got = fv.gain(paired, fv.GPT_J, 8)
    assert (got.value, *ends(got)) == (0.125, 0.125, 0.125)


def test_the_interval_is_over_tasks_and_over_seeds_within_them() -> None:
    """With many units it is as wide as two-level sampling says."""
    rng = np.random.default_rng(0)
    between, within = rng.normal(size=(40, 1)), rng.normal(size=(40, 5))

    def width(values: np.ndarray) -> float:
        low, high = ends(fv.gain(made_up(values[:, None]), fv.GPT_J, 8))
        return (high - low) / (2 * 2.576)  # a 99% interval is this many standard errors

    tasks_alone = np.repeat(between, 5, axis=1)
    assert width(tasks_alone) == pytest.approx(between.std() / np.sqrt(40), rel=0.1)
    seeds_alone = within - within.mean(1, keepdims=True)
    assert width(seeds_alone) == pytest.approx(seeds_alone.std() / np.sqrt(200), rel=0.1)
    assert width(tasks_alone + seeds_alone) > width(tasks_alone)


def test_each_layer_has_its_row(table: pd.DataFrame, by_layer: pd.DataFrame) -> None:
    assert list(zip(by_layer["model"], by_layer["layer"], strict=True)) == LAYERS
    for row in by_layer.to_dict("records"):
        got = fv.gain(table, row["model"], row["layer"])
        assert row["gain"] == pytest.approx(got.value)
        assert (row["gain_low"], row["gain_high"]) == pytest.approx(ends(got))
        own = table.query(f"model == '{row['model']}' and layer == {row['layer']}")
        for name in ("uncentred", "centred"):
            assert row[name] == pytest.approx(own[name].mean())
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_the_gain_falls_with_the_cosine(table: pd.DataFrame, cosine: pd.DataFrame) -> None:
    gains = [naive_gain(table, fv.GPT_J, layer) for layer in GPT_J_LAYERS]
    expected = np.corrcoef(gains, cosine["mean_cosine"].to_numpy()[GPT_J_LAYERS])[0, 1]
    got = fv.gain_against_cosine(table, cosine)
    low, high = ends(got)
    assert got.value == pytest.approx(expected)
    assert got.value == pytest.approx(-0.91, abs=0.005)
    assert got.n == 6
    assert -1 <= low < got.value < high <= 1


def test_the_partial_correlation_is_that_of_the_three_correlations(
    table: pd.DataFrame, cosine: pd.DataFrame
) -> None:
    gains = [naive_gain(table, fv.GPT_J, layer) for layer in GPT_J_LAYERS]
    cosines = cosine["mean_cosine"].to_numpy()[GPT_J_LAYERS]
    both = np.corrcoef(np.array([gains, cosines, GPT_J_LAYERS]))
    gc, gd, cd = both[0, 1], both[0, 2], both[1, 2]
    got = fv.gain_against_cosine_given_depth(table, cosine)
    low, high = ends(got)
    assert got.value == pytest.approx((gc - gd * cd) / np.sqrt((1 - gd**2) * (1 - cd**2)))
    assert got.n == 6
    assert low < got.value < high


def test_tasks_are_drawn_whole_and_layers_stay(cosine: pd.DataFrame) -> None:
    """Tasks whose gains are the cosines, each at its own scale, leave no doubt."""
    scales = np.array([1.0, 2.0, 3.0, 5.0])
    wanted = cosine["mean_cosine"].to_numpy()[GPT_J_LAYERS]
    same = made_up(np.einsum("t,l,s->tls", scales, -wanted, np.ones(2)))
    for measure in (fv.gain_against_cosine, fv.gain_against_cosine_given_depth):
        got = measure(same, cosine)
        assert (got.value, *ends(got)) == pytest.approx((-1, -1, -1))
        assert got.n == 4


def test_the_other_model_and_its_layers_do_not_count(
    table: pd.DataFrame, cosine: pd.DataFrame
) -> None:
    alone = table.query("model == @fv.GPT_J")
    for measure in (fv.gain_against_cosine, fv.gain_against_cosine_given_depth):
        assert measure(alone, cosine) == measure(table, cosine)


@pytest.mark.parametrize(
    ("model", "layer", "message"),
    [("gpt-k", 15, "model: got 'gpt-k'"), (fv.GPT_J, 7, "layer: got 7"), (fv.LLAMA_2, 15, "layer")],
)
def test_an_unknown_model_or_layer_is_refused(
    table: pd.DataFrame, model: str, layer: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fv.gain(table, model, layer)


def test_a_table_with_gaps_is_refused(table: pd.DataFrame, cosine: pd.DataFrame) -> None:
    without_layer = table.query("not (layer == 15 and task == 'antonym')")
    without_seed = table.query("not (layer == 15 and task == 'antonym' and seed == 2)")
    with pytest.raises(ValueError, match="lacks a layer or seed"):
        fv.gain(without_seed, fv.GPT_J, 15)
    with pytest.raises(ValueError, match="lacks a layer or seed"):
        fv.gain_by_layer(without_seed)
    with pytest.raises(ValueError, match="lacks a layer or seed"):
        fv.gain_against_cosine(without_layer, cosine)
    with pytest.raises(ValueError, match="got 1 task"):
        fv.gain(table.query("task == 'antonym'"), fv.GPT_J, 15)
    with pytest.raises(ValueError, match="duplicate"):
        fv.gain(pd.concat([table, table]), fv.GPT_J, 15)


Measure = Callable[[pd.DataFrame, pd.DataFrame], Measured]


@pytest.mark.parametrize(
    ("measure", "least"), [(fv.gain_against_cosine, 3), (fv.gain_against_cosine_given_depth, 4)]
)
def test_too_few_layers_or_cosines_are_refused(
    table: pd.DataFrame, cosine: pd.DataFrame, measure: Measure, least: int
) -> None:
    few = table.query("layer < 8 + @least - 1")
    with pytest.raises(ValueError, match=f"got {least - 1} layers"):
        measure(few, cosine)
    with pytest.raises(ValueError, match="no block 17, 18"):
        measure(table, cosine.query("block < 17"))
    with pytest.raises(ValueError, match="no correlation"):
        measure(table, cosine.assign(mean_cosine=0.5))
    with pytest.raises(ValueError, match="model: got 'gpt-j-6b'"):
        measure(table.query("model == @fv.LLAMA_2"), cosine)


def test_cosines_on_a_line_over_depth_leave_nothing_to_correlate(
    table: pd.DataFrame, cosine: pd.DataFrame
) -> None:
    straight = cosine.assign(mean_cosine=0.9 - 0.03 * cosine["block"])
    assert fv.gain_against_cosine(table, straight).value < 0
    with pytest.raises(ValueError, match="beside depth"):
        fv.gain_against_cosine_given_depth(table, straight)


def test_the_mean_over_tasks_is_that_of_the_table_by_layer(
    table: pd.DataFrame, by_layer: pd.DataFrame
) -> None:
    by_task = fv.gain_by_task(table)
    for column in ("model", "layer"):
        assert by_task[column].tolist() == by_layer[column].tolist()
    tasks = by_task.drop(columns=["model", "layer"])
    np.testing.assert_allclose(tasks.mean(axis=1), by_layer["gain"], atol=1e-12)
    own = table.query("model == @fv.LLAMA_2 and layer == 12 and task == 'capitalize'")
    got = by_task.set_index(["model", "layer"]).loc[(fv.LLAMA_2, 12), "capitalize"]
    assert got == pytest.approx((own["centred"] - own["uncentred"]).mean())


def test_what_the_chapter_says_of_tasks(table: pd.DataFrame) -> None:
    at = fv.gain_by_task(table).set_index(["model", "layer"])
    assert (at.loc[(fv.GPT_J, 15)] > 0.03).all()
    assert at.loc[fv.GPT_J].mean(axis=1).idxmax() == 15
    last = at.loc[(fv.LLAMA_2, 12)]
    assert last.idxmin() == "capitalize"
    assert last.min() < 0.6 * last[last < 0].sum()


@pytest.mark.usefixtures("closed")
def test_function_vectors_have_accuracies_above_and_gains_below(
    table: pd.DataFrame, by_layer: pd.DataFrame
) -> None:
    by_task = fv.gain_by_task(table)
    fig = function_vector_lines(by_layer, by_task)
    above, below = fig.axes[:2], fig.axes[2:]
    assert [ax.get_title() for ax in above] == ["GPT-J 6B", "Llama-2 7B"]
    for top, bottom, (model, own) in zip(above, below, by_layer.groupby("model"), strict=True):
        for line, name in zip(top.lines, ("uncentred", "centred"), strict=True):
            np.testing.assert_array_equal(np.asarray(line.get_xdata()), own["layer"])
            np.testing.assert_array_equal(np.asarray(line.get_ydata()), own[name])
        np.testing.assert_array_equal(heights_of(bottom, "mean over tasks"), own["gain"])
        tasks = by_task[by_task["model"] == model]
        for task in tasks.columns.drop(["model", "layer"]):
            np.testing.assert_array_equal(heights_of(bottom, task), tasks[task])
        (band,) = bottom.collections
        corners = set(np.asarray(band.get_paths()[0].vertices)[:, 1])
        assert {*own["gain_low"], *own["gain_high"]} <= corners
    assert legend_of(fig)[-1] == "mean over tasks"
    assert legend_of(above[-1]) == ["uncentred", "less the mean"]


@pytest.mark.usefixtures("closed")
def test_the_scatter_has_a_labelled_point_a_layer(
    by_layer: pd.DataFrame, cosine: pd.DataFrame
) -> None:
    ax = gain_scatter(by_layer, cosine).axes[0]
    own = by_layer.query("model == @fv.GPT_J")
    _, points = ax.lines  # the first is the line at zero
    at = cosine["mean_cosine"].to_numpy()[GPT_J_LAYERS]
    np.testing.assert_array_equal(np.asarray(points.get_xdata()), at)
    np.testing.assert_array_equal(np.asarray(points.get_ydata()), own["gain"])
    assert [text.get_text() for text in ax.texts] == [str(layer) for layer in GPT_J_LAYERS]
    segments = [np.asarray(path.vertices)[:, 1] for path in ax.collections[0].get_paths()]
    np.testing.assert_array_equal(segments, own[["gain_low", "gain_high"]])


@pytest.mark.usefixtures("closed")
def test_labels_of_the_scatter_do_not_meet(by_layer: pd.DataFrame, cosine: pd.DataFrame) -> None:
    fig = gain_scatter(by_layer, cosine)
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])

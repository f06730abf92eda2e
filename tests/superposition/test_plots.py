"""Each drawing shows the numbers it is given, names every activation, and says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from steering_core.superposition import plots
from steering_core.superposition.activation_study import CAUSES
from steering_core.superposition.activations import ACTIVATIONS
from steering_core.superposition.dimension_measures import Runs, explained_features, runs_of
from steering_core.superposition.dimension_study import FAMILIES, FRACTIONS
from steering_core.superposition.phase_diagram import PhaseDiagram, phase_diagram
from steering_core.superposition.phases import PHASES_OF_TWO
from steering_core.superposition.trained import TrainedDiagram

from ..drawings import heights_of

DENSITIES = (1.0, 0.9, 0.3, 0.03)
LEVELS = (1.0, 0.5, 0.05)
EXPANSION = 1 / np.array(LEVELS)
DISPLAYED = set(plots.NAMES.values())

pytestmark = pytest.mark.usefixtures("closed")


@pytest.fixture(scope="module")
def ten() -> pd.DataFrame:
    """A table like that of the study of ten features, four seeds."""
    rng = np.random.default_rng(0)
    rows = [
        {"kind": "k", "density": density, "model": model, "seed": seed}
        | {name: rng.uniform(0.2, 0.9) for name in ("mass", "paired", "at_most_two", "coordinates")}
        | {f"superposed_{i}": rng.uniform(0, 0.05) + (i > 6) / density for i in range(10)}
        for model in (*ACTIVATIONS, *CAUSES)
        for density in DENSITIES
        for seed in range(4)
    ]
    return pd.DataFrame(rows)


def mean(table: pd.DataFrame, column: str) -> Any:
    """Of ReLU's rows at each density, from dense to sparse."""
    rows: Any = table[table["model"] == "relu"]
    return rows.groupby("density")[column].mean().sort_index(ascending=False).to_numpy()


def without(table: pd.DataFrame, column: str, value: object) -> Any:
    """The table less the rows with this value."""
    return table[table[column] != value]


@pytest.fixture(scope="module")
def dimensions() -> pd.DataFrame:
    """A table like that of the study of D*, two seeds."""
    rng = np.random.default_rng(1)
    names = ("dimensions", "capacity", "squared_norm", "represented", "loss")
    rows = [
        {"recipe": recipe, "activation": activation, "density": density, "seed": seed}
        | {name: rng.uniform(0.1, 1.0) for name in names}
        for recipe in ("ours", "published")
        for activation in (*ACTIVATIONS, *FAMILIES)
        for density in LEVELS
        for seed in range(2)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def studied(dimensions: pd.DataFrame) -> dict[str, Runs]:
    return {name: runs_of(dimensions, "published", name) for name in ACTIVATIONS}


@pytest.fixture
def curves(studied: dict[str, Runs]) -> tuple[Any, ...]:
    """What both drawings of D* take: live, studied, published, expansion."""
    live = {name: runs.curve() * 0.9 for name, runs in studied.items()}
    published = {name: runs.curve() * 1.1 for name, runs in studied.items()}
    return live, studied, published, EXPANSION


@pytest.fixture
def best() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(4, 5, 10, generator=generator) for name in ACTIVATIONS}


def legend_names(fig: Figure) -> set[str]:
    """Of the legends of a figure, its parts and its axes."""
    holders = [fig, *getattr(fig, "subfigs", []), *fig.axes]
    legends = [legend for holder in holders for legend in getattr(holder, "legends", [])]
    legends += [one for ax in fig.axes if (one := ax.get_legend()) is not None]
    return {text.get_text() for legend in legends for text in legend.get_texts()}


def test_each_activation_has_a_colour_of_its_own() -> None:
    assert list(plots.ACTIVATION_COLOURS) == list(plots.NAMES)
    assert len(set(plots.ACTIVATION_COLOURS.values())) == len(plots.NAMES)


def test_lines_are_the_means_of_the_table(ten: pd.DataFrame) -> None:
    drawn = {
        "mass": plots.mass_panel(ten),
        "paired": plots.pairs_panels(ten, {"relu": np.array([-1.0, 0.0])}),
        "at_most_two": plots.directions_panel(ten),
    }
    for column, fig in drawn.items():
        assert legend_names(fig) >= DISPLAYED, column
        panel = 1 if column == "paired" else 0
        assert heights_of(fig.axes[panel], "ReLU") == pytest.approx(mean(ten, column))
        assert fig.axes[panel].xaxis_inverted(), "sparsity does not grow to the right"


def test_no_mass_is_drawn_at_the_floor(ten: pd.DataFrame) -> None:
    fig = plots.mass_panel(ten.assign(mass=ten["mass"].where(ten["model"] != "linear", 0.0)))
    assert heights_of(fig.axes[0], "linear") == pytest.approx([1e-3] * len(DENSITIES))
    assert fig.axes[0].get_ylim()[0] < 1e-3


def test_entries_are_drawn_feature_by_feature(ten: pd.DataFrame) -> None:
    fig = plots.entry_panels(ten)
    image = np.asarray(fig.axes[0].images[0].get_array())
    assert image.shape == (10, len(DENSITIES))
    assert image[8] == pytest.approx(mean(ten, "superposed_8"))
    steps: Any
    (steps,) = fig.axes[0].patches
    assert list(steps.get_data().values) == [len(DENSITIES) - 0.5] * 7 + [-0.5] * 3


def test_causes_have_a_row_for_every_variation(dimensions: pd.DataFrame, ten: pd.DataFrame) -> None:
    fig = plots.causes_panels(dimensions, ten)
    smooth, targets, reach = fig.axes
    ours = runs_of(dimensions, "ours", "relu").curve()
    assert heights_of(fig.axes[0], "ReLU") == pytest.approx(ours)
    assert len(smooth.lines) == 7
    rows = {
        text.get_text().replace("\n", " ")
        for ax in (targets, reach)
        for text in ax.get_yticklabels()
    }
    assert rows == {*CAUSES, "linear", "tanh", "sigmoid"}


def test_curves_of_every_activation_are_drawn(curves: tuple[Any, ...]) -> None:
    live, studied, published, _ = curves
    fig = plots.dimension_curves(*curves)
    assert {ax.get_title() for ax in fig.axes} >= DISPLAYED
    ours, dashed, open_circles = fig.axes[1].lines
    assert ours.get_ydata() == pytest.approx(studied["relu"].curve())
    assert dashed.get_ydata() == pytest.approx(live["relu"])
    assert open_circles.get_ydata() == pytest.approx(published["relu"])


def test_the_explorer_of_dimensions_turns_them_over(curves: tuple[Any, ...]) -> None:
    _, studied, published, _ = curves
    fig = plots.dimension_explorer(*curves)
    data: Any = fig.data
    assert {trace.name for trace in data} == DISPLAYED
    assert len({trace.legendgroup for trace in data if trace.showlegend is not False}) == 7
    menu: Any = fig.layout["updatemenus"][0]
    plain, inverse = menu.buttons
    for trace, y in zip(data, plain.args[0]["y"], strict=True):
        assert trace.y == pytest.approx(y)
    ours, theirs, difference, _ = np.array(inverse.args[0]["customdata"][3]).T
    assert ours == pytest.approx(1 / studied["relu"].curve(), abs=1e-4)
    assert theirs == pytest.approx(1 / published["relu"], abs=1e-4)
    assert difference == pytest.approx(ours - theirs, abs=2e-4)
    assert inverse.args[1]["shapes[0].visible"]
    assert not plain.args[1]["shapes[0].visible"]


def test_recipes_are_drawn_by_activation() -> None:
    values = np.linspace(0.01, 0.5, 14).reshape(7, 2)
    table = pd.DataFrame(values, index=list(ACTIVATIONS), columns=["published", "ours"])
    fig = plots.recipe_bars(table.iloc[::-1])
    assert legend_names(fig) >= {"published", "ours"}
    (dots,) = [line for line in fig.axes[0].lines if line.get_label() == "ours"]
    assert dots.get_xdata() == pytest.approx(table.loc[list(plots.NAMES), "ours"])


def test_every_feature_is_a_dot_and_every_fraction_a_line() -> None:
    each = np.array([0.1, 0.5, 1.0])
    fig = plots.dimensionality_panel(LEVELS, [each] * len(LEVELS))
    (ax,) = fig.axes
    for dots, density in zip(ax.collections, LEVELS, strict=True):
        across, up = np.asarray(dots.get_offsets()).T
        assert up == pytest.approx(each)
        assert across == pytest.approx(1 / density, rel=0.03)
    assert [np.ravel(line.get_ydata())[0] for line in ax.lines] == list(FRACTIONS.values())
    assert {text.get_text() for text in ax.texts} == {"1", "3/4", "2/3", "1/2", "2/5", "3/8"}


def test_inflation_is_shown_four_ways(studied: dict[str, Runs]) -> None:
    runs = {name: studied[name] for name in ("relu", "sigmoid", "solu")}
    fig = plots.inflation_panels(runs)
    assert legend_names(fig) == {"ReLU", "sigmoid", "SoLU"}
    relu = runs["relu"]
    expected = (
        1 / relu.column("dimensions"),
        relu.column("capacity") / 20,
        relu.column("squared_norm"),
        explained_features(relu) / 20,
    )
    for k, values in enumerate(expected):
        assert heights_of(fig.axes[k], "ReLU") == pytest.approx(values.mean(1))


def test_grams_are_shown_from_dense_to_sparse(best: dict[str, torch.Tensor]) -> None:
    fig = plots.gram_panels(best, DENSITIES[::-1])
    panels = fig.axes[: 7 * len(DENSITIES)]
    assert {ax.get_ylabel() for ax in panels} >= DISPLAYED
    assert [ax.get_title() for ax in panels[: len(DENSITIES)]] == ["1", "0.9", "0.3", "0.03"]
    densest = best["linear"][-1]
    assert np.asarray(panels[0].images[0].get_array()) == pytest.approx(
        (densest.mT @ densest).numpy()
    )


def test_the_explorer_of_grams_reaches_every_model(best: dict[str, torch.Tensor]) -> None:
    fig = plots.gram_explorer(best, DENSITIES, opens_at=0.25)
    layout: Any = fig.layout
    buttons = layout["updatemenus"][0].buttons
    steps = layout["sliders"][0].steps
    assert [step.label for step in steps] == ["1", "0.9", "0.3", "0.03"]
    for button, (name, weights) in zip(buttons, best.items(), strict=True):
        assert button.label == plots.NAMES[name]
        visible, traces = button.args
        left, right = (i for i, seen in zip(traces, visible["visible"], strict=True) if seen)
        for step, one in zip(steps, weights, strict=True):
            assert list(step.args[0]) == ["z"], "the slider would undo the choice of the menu"
            z = step.args[0]["z"]
            assert np.array(z[left]) == pytest.approx((one.mT @ one).numpy(), abs=6e-4)
            assert np.array(z[right]) == pytest.approx(one.mT.numpy(), abs=6e-4)
    data: Any = fig.data
    left, right = (trace for trace in data if trace.visible)
    assert left.name == right.name == buttons[layout["updatemenus"][0].active].label
    opened = steps[layout["sliders"][0].active]
    assert opened.label == "0.3"
    shown = [np.array(trace.z) for trace in data]
    for z, expected in zip(shown, opened.args[0]["z"], strict=True):
        assert z == pytest.approx(np.array(expected))


def test_a_rotation_changes_w_alone(best: dict[str, torch.Tensor]) -> None:
    weights = best["gelu"][0]
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1))).Q
    fig = plots.rotation_panels(weights, turn @ weights)
    drawn = [np.asarray(ax.images[0].get_array()) for ax in fig.axes[:3]]
    for image, values in zip(drawn, (weights, turn @ weights, weights.mT @ weights), strict=True):
        assert image == pytest.approx(values.numpy())
    with pytest.raises(ValueError, match="rotated"):
        plots.rotation_panels(weights, 2 * weights)


TEN: tuple[Callable[[pd.DataFrame], Figure], ...] = (
    plots.mass_panel,
    plots.directions_panel,
    plots.entry_panels,
    lambda table: plots.pairs_panels(table, {"relu": np.zeros(3)}),
)


@pytest.mark.parametrize("draw", TEN)
def test_a_model_that_the_table_lacks_is_named(
    draw: Callable[[pd.DataFrame], Figure], ten: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match="sigmoid"):
        draw(without(ten, "model", "sigmoid"))


def test_causes_name_what_is_missing(dimensions: pd.DataFrame, ten: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="swish 4"):
        plots.causes_panels(without(dimensions, "activation", "swish 4"), ten)
    with pytest.raises(ValueError, match=r"-0\.1"):
        plots.causes_panels(dimensions, without(ten, "model", "sigmoid to (-0.1, 1.1)"))
    with pytest.raises(ValueError, match=r"0\.03"):
        plots.causes_panels(dimensions, without(ten, "density", 0.03))


@pytest.mark.parametrize("draw", [plots.dimension_curves, plots.dimension_explorer])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_curve_that_is_missing_is_named(
    draw: Callable[..., object], which: int, curves: tuple[Any, ...]
) -> None:
    short = list(curves)
    short[which] = {name: curve for name, curve in curves[which].items() if name != "tanh"}
    with pytest.raises(ValueError, match="tanh"):
        draw(*short)


def test_recipes_name_a_missing_activation() -> None:
    table = pd.DataFrame({"ours": 0.1}, index=[n for n in ACTIVATIONS if n != "solu"])
    with pytest.raises(ValueError, match="solu"):
        plots.recipe_bars(table)


def test_unknown_activations_are_named(
    best: dict[str, torch.Tensor], ten: pd.DataFrame, studied: dict[str, Runs]
) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: plots.gram_panels({"mish": best["relu"]}, DENSITIES),
        lambda: plots.gram_explorer({"mish": best["relu"]}, DENSITIES, opens_at=0.03),
        lambda: plots.pairs_panels(ten, {"mish": np.zeros(3)}),
        lambda: plots.inflation_panels({"mish": studied["relu"]}),
    )
    for call in calls:
        with pytest.raises(ValueError, match="mish"):
            call()
    with pytest.raises(ValueError, match="relu"):
        plots.gram_panels({"relu": best["relu"]}, DENSITIES[:2])


@pytest.fixture(scope="module")
def axes() -> pd.DataFrame:
    """A table like that of the study of SoLU's axes."""
    return pd.DataFrame(
        [
            {"axis": axis, "seed": seed, "density": density, "dimensions": base / density}
            for axis, base in (("models", 0.01), ("inputs", 0.02), ("outputs", 0.005))
            for seed in range(2)
            for density in LEVELS
        ]
    )


def test_solu_is_drawn_over_each_axis_beside_the_published_points(
    studied: dict[str, Runs], axes: pd.DataFrame
) -> None:
    published = np.array([0.5, 0.2, 0.05])
    lines = plots.solu_panel(studied["solu"], axes, published).axes[0].get_lines()
    drawn: dict[str, Any] = {str(line.get_label()): line.get_ydata() for line in lines}
    np.testing.assert_allclose(drawn["published"], published)
    np.testing.assert_allclose(drawn["over the models"], 0.01 / np.array(LEVELS))
    np.testing.assert_allclose(drawn["over the outputs, as defined"], studied["solu"].curve())
    table = plots.solu_table(studied["solu"], axes, published)
    np.testing.assert_allclose(table["over inputs"], 0.02 / np.array(LEVELS))
    with pytest.raises(ValueError, match="axis: got 'models'"):
        plots.solu_panel(studied["solu"], without(axes, "axis", "models"), published)


def test_the_dots_are_seconds_and_say_how_many_times_as_fast() -> None:
    table = pd.DataFrame(
        {
            "ingredient": ["usual", "one", "two"],
            "seconds a model": [40.0, 10.0, 0.5],
            "times as fast": [1.0, 4.0, 80.0],
        }
    )
    ax = plots.speed_panel(table).axes[0]
    (dots,) = ax.collections
    assert np.asarray(dots.get_offsets())[:, 0].tolist() == [40.0, 10.0, 0.5]
    assert any("80 times" in text.get_text() for text in ax.texts)


def test_tables_hold_what_is_drawn(
    ten: pd.DataFrame, studied: dict[str, Runs], dimensions: pd.DataFrame
) -> None:
    cells = plots.cells_table(ten, ("mass", "paired"))
    assert len(cells) == len(DENSITIES) * len({*ACTIVATIONS, *CAUSES})
    assert set(cells["seeds"]) == {4}
    of_relu: Any = cells[cells["model"] == "relu"]
    np.testing.assert_allclose(of_relu["mass"], mean(ten, "mass"), atol=1e-5)
    weights = {"relu": torch.arange(2.0 * 3 * 4).reshape(2, 3, 4)}
    grams = plots.gram_table(weights, (1.0, 0.1))
    assert grams["weight"].tolist() == list(range(24))
    assert set(grams[grams["density"] == 0.1]["weight"]) == set(range(12, 24))
    curves = {name: runs.curve() for name, runs in studied.items()}
    table = plots.curves_table(curves, studied, curves)
    np.testing.assert_allclose(table["ours"], table["published recipe"])
    assert len(table) == len(ACTIVATIONS) * len(LEVELS)
    each = plots.dimensionality_table((1.0, 0.5), [np.array([0.5, 1.0]), np.array([0.25, 0.5])])
    assert each["D_i"].tolist() == [0.5, 1.0, 0.25, 0.5]
    behind = plots.inflation_table(studied)
    np.testing.assert_allclose(
        behind["dimensions"][: len(LEVELS)], studied[next(iter(studied))].curve(), atol=1e-5
    )


def test_the_leak_is_drawn_with_the_slopes_of_its_family_and_its_band() -> None:
    rows = [
        {"activation": name, "leak": leak, "seed": seed, "mass": 1 - leak}
        for name, leak in (("leaky 0", 0.0), ("leaky 0.5", 0.25), ("GELU", 0.06))
        for seed in range(2)
    ]
    ax = plots.leak_panel(pd.DataFrame(rows), (0.2, 0.4), ("far", "near")).axes[0]
    assert {text.get_text() for text in ax.texts} == {"far", "near", "0", "0.5", "GELU"}
    assert heights_of(ax, "leaky ReLU, mean; slopes beside it") == pytest.approx([1.0, 0.75])
    places = np.concatenate([np.asarray(line.get_xdata(), float) for line in ax.lines[1:]])
    assert len(set(places)) == len(rows), "two seeds lie on each other"


@pytest.fixture(scope="module")
def linear_map() -> PhaseDiagram:
    return phase_diagram("linear", densities=[0.01, 0.1, 1.0], importances=[0.3, 3.0])


def test_every_map_is_on_the_page(linear_map: PhaseDiagram) -> None:
    fig = plots.phase_explorer({"linear": linear_map, "tanh": linear_map})
    layout: Any = fig.layout
    assert [title.text for title in layout.annotations[:2]] == ["linear", "tanh"]
    data: Any = fig.data
    assert [trace.visible for trace in data] == [None, None]
    for trace in data:
        assert trace.text.tolist() == linear_map.phase.tolist()
        assert trace.z.tolist() == [[0, 1]] * 3


def test_tables_of_areas_have_the_same_columns(linear_map: PhaseDiagram) -> None:
    for threshold in (0.25, 0.75):
        table = plots.areas_table({"linear": linear_map}, threshold=threshold)
        assert list(table.columns) == list(PHASES_OF_TWO)
        assert table.loc["linear"].tolist() == [50.0, 50.0, 0.0, 0.0, 0.0]


def test_sparse_cells_are_counted_by_their_best_restart_and_one_by_one() -> None:
    one, pair = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, -1.0]])
    ends = torch.stack([one, pair, one]).double()  # of three restarts, the second is best
    trained = TrainedDiagram(
        "relu",
        torch.tensor([0.01, 0.5]),
        torch.ones(1),
        ends.expand(2, 1, 3, 1, 2),
        torch.zeros(2, 1, 3, 2).double(),
    )
    row = plots.sparse_table({"relu": trained}).loc["ReLU"]
    assert row.tolist() == pytest.approx([0.0, 66.7])

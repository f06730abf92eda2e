"""Drawings of the chapter on the bias show what they were given; sliders do not collide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from steering_core.sparse_autoencoders.plots import bias as plots
from steering_core.sparse_autoencoders.plots import bias_explorer

pytestmark = pytest.mark.usefixtures("closed")


def line_of(ax: Axes, label: str) -> np.ndarray:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return np.column_stack([np.asarray(part, dtype=float) for part in line.get_data()])


def test_the_two_jobs() -> None:
    table = plots.jobs_table()
    m = table["magnitude"].to_numpy()
    np.testing.assert_allclose(table["no_bias"], m)
    np.testing.assert_allclose(table["relu"], np.maximum(m - 0.5, 0))
    np.testing.assert_allclose(table["gate"], np.where(m > 0.5, m, 0))
    (ax,) = plots.jobs_panel(table).axes
    np.testing.assert_allclose(line_of(ax, "bias gates only")[:, 1], table["gate"])
    relu = line_of(ax, "bias gates and shifts (ReLU)")
    np.testing.assert_allclose(relu, table[["magnitude", "relu"]])


def test_one_magnitude_is_right_and_two_is_three() -> None:
    table = plots.magnitude_table()
    m = table["magnitude"].to_numpy()
    np.testing.assert_allclose(table["relu"], np.maximum(2 * m - 1, 0), atol=1e-12)
    (ax,) = plots.magnitude_panel(table).axes
    np.testing.assert_allclose(line_of(ax, "ReLU, norm 2, bias −1")[:, 1], table["relu"])
    drawn = [np.array(line.get_data()) for line in ax.lines]
    dots = [tuple(places[:, 0]) for places in drawn if places.shape[1] == 1]
    assert dots == [pytest.approx((1, 1)), pytest.approx((2, 3))]


def test_response_panels_show_four_noises() -> None:
    table = plots.response_table()
    relu, gate = plots.response_panels(table).axes
    for share in (0.1, 0.3, 0.5, 0.7):
        for ax, slope in ((relu, 1 / (1 - share)), (gate, 1.0)):
            line = line_of(ax, f"n = {share:g} s")
            assert line[-1] == pytest.approx((3, 1 + 2 * slope))
            assert line[line[:, 0] <= share][:, 1] == pytest.approx(0, abs=1e-12)


def test_drafted_panels_have_the_law_and_both_formulas() -> None:
    table = plots.drafted_table()
    fig = plots.drafted_panels(table)
    for ax, s in zip(fig.axes, (0.5, 1.0, 2.0), strict=True):
        assert ax.get_title() == f"s = {s:g}"
        assert line_of(ax, "what comes out")[-1] == pytest.approx((4, 5))
        room = 0.75 * s
        vector, unit = line_of(ax, "(1 + (m − 1)/(s − n)) v"), line_of(ax, "v + (m − 1)/(s − n) v̂")
        assert vector[-1] == pytest.approx((4, 1 + 3 / room))
        assert unit[-1] == pytest.approx((4, 1 + 3 / room / s))


def test_the_gates_differ_below_zero_alone() -> None:
    table = plots.gate_table()
    differ: Any = table[table["drafted"] != table["mended"]]
    assert set(differ["bias"]) == {1.0}
    assert differ["magnitude"].between(-1, 0, inclusive="neither").all()
    np.testing.assert_allclose(differ["drafted"], differ["magnitude"])
    np.testing.assert_allclose(differ["mended"], 0)
    closed_gate, open_gate = plots.gate_panels(table).axes
    assert (closed_gate.get_title(), open_gate.get_title()) == ("b = −0.5", "b = 1")
    assert line_of(open_gate, "as drafted")[:, 1].min() == pytest.approx(-1, abs=1e-6)
    assert line_of(closed_gate, "as drafted")[:, 1].min() == 0


ENDS = pd.DataFrame(
    {
        "s": [1.0] * 8 + [2.0],
        "n": [0.1] * 4 + [0.5] * 4 + [0.2],
        "start": [0.5, 1.0, 2.0, 4.0] * 2 + [1.0],
        "weight": [1.2, 1.3, 1.4, 2.5, 2.0, 2.1, 2.2, 3.0, 9.0],
        "bias": [-0.2, -0.3, -0.4, -1.5, -1.0, -1.1, -1.2, -2.0, -9.0],
    }
)


def test_ends_lie_where_training_left_them() -> None:
    norms, biases = np.linspace(0.5, 4, 5), np.linspace(-3, 0, 4)
    errors = np.linspace(1e-5, 2, 20).reshape(4, 5)
    fig = plots.family_panels(ENDS, {0.1: errors, 0.5: errors}, norms, biases)
    for ax, noise, first in zip(fig.axes[:2], (0.1, 0.5), (0, 4), strict=True):
        assert ax.get_title() == f"n = {noise:g}"
        for k, start in enumerate((0.5, 1, 2, 4)):
            row = ENDS.iloc[first + k]
            assert line_of(ax, f"from norm {start:g}")[0] == pytest.approx(
                (row["weight"], row["bias"])
            )
        least = 1 / (1 - noise)
        assert line_of(ax, "draft")[0] == pytest.approx((least, -noise * least))
        assert line_of(ax, "error 0") == pytest.approx(np.array([[least, 1 - least], [4, -3]]))


def test_the_noisy_target_beside_what_was_derived() -> None:
    ends = pd.DataFrame(
        {
            "s": [1.0, 1.0, 2.0],
            "n": [0.1, 0.5, 1.0],
            "start": [1.0, 1.0, 4.0],
            "weight": [1.0, 1.1, 0.9],
            "bias": [-0.1, -0.2, -0.3],
        }
    )
    norm, bias = plots.noisy_panels(ends, penalty=0.4).axes
    assert line_of(norm, "norm 1, bias −λ/2")[:, 1] == pytest.approx(1)
    assert line_of(bias, "norm 1, bias −λ/2")[:, 1] == pytest.approx(-0.2)
    ones = np.array([[0.1, -0.1], [0.5, -0.2]])
    assert line_of(bias, "from norm 1") == pytest.approx(ones, abs=0.03)
    assert line_of(norm, "from norm 4") == pytest.approx(np.array([[0.5, 0.9]]), abs=0.03)
    assert line_of(bias, "from norm 1")[:, 1] == pytest.approx(ones[:, 1])
    drafted = line_of(norm, "the draft's, at s = 1")
    assert np.interp(0.5, *drafted.T) == pytest.approx(2)


def test_errors_are_drawn_in_hundredths_of_the_power() -> None:
    least = pd.DataFrame(
        {
            "r": [0.0, 0.5] * 3,
            "n": np.repeat([0.1, 0.25, 0.45], 2),
            "power": [0.1, 0.2] * 3,
            "relu": [0.0, 0.01, 0.0, 0.02, 0.0, 0.04],
            "scsae": [0.0, 0.0, 0.0, 0.002, 0.0, 0.0],
        }
    )
    trained = pd.DataFrame(
        {
            "gate": ["relu", "scsae", "scsae_multiplied"],
            "r": [0.5] * 3,
            "error": [0.05, 0.003, 7.0],
            "power": [0.2] * 3,
            "relu": [0.04] * 3,
        }
    )
    table = plots.spread_table(least, trained)
    drawn = table.groupby(["what", "gate"])["error"].apply(list).to_dict()
    assert drawn == {
        ("least", "relu"): least["relu"].tolist(),
        ("least", "scsae"): least["scsae"].tolist(),
        ("trained", "relu"): [0.05],
        ("trained", "scsae"): [0.003],
    }
    (ax,) = plots.spread_panel(least, trained).axes
    for noise, over in ((0.1, 5), (0.25, 10), (0.45, 20)):
        assert line_of(ax, f"least of ReLU, n = {noise:g}")[:, 1] == pytest.approx([0, over])
    assert line_of(ax, "least of SCSAE")[:, 1] == pytest.approx([0, 1])
    assert line_of(ax, "ReLU, trained")[0] == pytest.approx((0.5, 25))
    assert line_of(ax, "SCSAE, trained")[0] == pytest.approx((0.5, 1.5))


def test_each_gate_has_its_panel_and_three_lines() -> None:
    names = ["relu", "scsae", "scsae_multiplied", "prolu_relu", "prolu_ste", "jump_relu"]
    rows = [
        {"gate": name, "m": m, "true_b": k, "for_b": k + 10, "for_m": k + 20}
        for k, name in enumerate(names)
        for m in (0.0, 1.0)
    ]
    fig = plots.gradient_panels(pd.DataFrame(rows))
    titles = ["ReLU", "SCSAE", "SCSAE, multiplied", "ProLU, as ReLU", "ProLU, STE", "JumpReLU"]
    for k, (ax, title) in enumerate(zip(fig.axes, titles, strict=True)):
        assert ax.get_title() == title
        for label, offset in (("in b, true", 0), ("in b, used", 10), ("in m, used", 20)):
            assert line_of(ax, label)[:, 1] == pytest.approx(k + offset)


@pytest.fixture(scope="module")
def explorer() -> Any:
    return plots.response_explorer(plots.response_table())


def test_the_table_of_responses_is_in_units_of_s() -> None:
    table = plots.response_table()
    at = table[np.isclose(table["noise"], 0.5)].set_index("magnitude")
    assert (at.loc[2.0, "relu"], at.loc[2.0, "scsae"]) == (pytest.approx(3), 2)
    assert set(table["noise"].round(6)) == {k / 10 for k in range(10)}
    assert np.isfinite(table.to_numpy()).all()


def test_sliders_change_different_things(explorer: Any) -> None:
    noise, fitted, marked = explorer.layout.sliders
    assert {step.method for step in noise.steps} == {"restyle"}
    assert {step.method for step in fitted.steps} == {"relayout"}
    assert {key for step in noise.steps for key in step.args[0]} == {"x", "y", "text"}
    assert {key for step in marked.steps for key in step.args[0]} == {"selectedpoints"}
    assert all("axis" in key for step in fitted.steps for key in step.args[0])


def test_the_noise_exchanges_every_curve(explorer: Any) -> None:
    slider = explorer.layout.sliders[0]
    for k, step in enumerate(slider.steps):
        share = k / 10
        assert step.label == f"{share:g} s"
        changes, traces = step.args
        assert list(traces) == list(range(len(explorer.data)))
        x, y = (dict(zip(traces, changes[axis], strict=True)) for axis in "xy")
        for number, trace in enumerate(explorer.data):
            if trace.name == "noise":
                assert max(x[number]) == share
            elif trace.name == "what went in":
                assert x[number] == y[number]
            else:
                m, out = np.array(x[number]), np.array(y[number])
                gated = trace.name == "gates only" or trace.textposition == "bottom right"
                law = m if gated else (m - share) / (1 - share)
                above = m > share + 1e-6
                np.testing.assert_allclose(out[above], law[above], atol=1e-3)
                np.testing.assert_allclose(out[m < share - 1e-6], 0)
    start = slider.steps[slider.active].args[0]
    for trace, x, y in zip(explorer.data, start["x"], start["y"], strict=True):
        assert (list(trace.x), list(trace.y)) == (list(x), list(y))


def test_the_marked_magnitude_is_the_point_of_its_name(explorer: Any) -> None:
    slider = explorer.layout.sliders[2]
    for step in slider.steps:
        changes, traces = step.args
        ((point,),) = changes["selectedpoints"]
        for number in traces:
            trace = explorer.data[number]
            assert step.label == f"{trace.x[point]:g} s"
            assert trace.text[point] == f"{trace.y[point]:.2f} s"
            assert trace.unselected.marker.opacity == 0
    marks = [k for k, trace in enumerate(explorer.data) if "markers" in trace.mode]
    assert marks == list(slider.steps[0].args[1])
    assert slider.steps[slider.active].label == "2 s"
    assert [list(explorer.data[k].selectedpoints) for k in marks] == [[8], [8]]


def test_the_fitted_magnitude_sets_the_numbers_on_the_axes(explorer: Any) -> None:
    slider = explorer.layout.sliders[1]
    for s, step in zip(bias_explorer.FITTED, slider.steps, strict=True):
        (changes,) = step.args
        for axis in ("xaxis", "yaxis"):
            at = explorer.layout[axis].tickvals
            assert [float(text) for text in changes[f"{axis}.ticktext"]] == [s * k for k in at]
        assert f"s = {s:g}" in changes["xaxis.title.text"]
    assert explorer.layout.xaxis.title.text == "magnitude M (s = 1)"
    assert list(explorer.layout.xaxis.ticktext) == [str(k) for k in range(7)]


def test_a_selection_by_hand_cannot_move_the_marks(explorer: Any) -> None:
    assert explorer.layout.dragmode is False
    assert set(explorer.layout.modebar.remove) == {"select2d", "lasso2d"}

"""Numbers at a matched L0 are those of the law that the table follows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.sparse_autoencoders import Recipe, frontier_setting, ground_truth
from steering_core.sparse_autoencoders.frontier import at_l0, matched, ratios
from steering_core.sparse_autoencoders.frontier_setting import (
    ACTIVE,
    COLUMNS,
    LEVELS,
    SEEDS,
    held_out,
    scores,
    truth_of,
    with_knob,
)
from tests.sparse_autoencoders.test_evaluate import planted

few = settings(max_examples=30, deadline=None)


def law(
    factor: float = 1.0,
    slope: float = -0.5,
    levels: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
    **ids: Any,
) -> pd.DataFrame:
    """Errors that are a power of the L0."""
    l0 = np.array(levels)
    return pd.DataFrame({"l0": l0, "fvu": factor * l0**slope}).assign(**ids)


def many(**factors: list[float]) -> pd.DataFrame:
    """Architectures that follow one law, each seed with a factor of its own; rows in disorder."""
    return pd.concat(
        [
            law(factor, architecture=name, seed=seed)
            for name, each in factors.items()
            for seed, factor in enumerate(each)
        ]
    ).sample(frac=1, random_state=0)


@few
@given(st.floats(0.1, 10), st.floats(-2, 2), st.floats(1, 8))
def test_power_laws_are_read_off_exactly(factor: float, slope: float, l0: float) -> None:
    assert at_l0(law(factor, slope), l0) == pytest.approx(factor * l0**slope, rel=1e-9)


@few
@given(st.floats(-5, 5), st.floats(-2, 2), st.floats(1, 8))
def test_lines_in_the_logarithm_are_read_off_exactly(a: float, b: float, l0: float) -> None:
    table = law()[["l0"]].assign(f1=lambda rows: a + b * np.log(rows["l0"]))
    got = at_l0(table, l0, "f1", logarithmic=False)
    assert got == pytest.approx(a + b * math.log(l0), abs=1e-9)


def test_between_neighbours_only_they_count() -> None:
    table = pd.DataFrame({"l0": [1.0, 4.0, 16.0], "fvu": [0.9, 0.4, 0.1]})
    assert at_l0(table, 2.0) == pytest.approx(0.6)
    assert at_l0(table, 8.0) == pytest.approx(0.2)
    assert at_l0(table, 2.0, logarithmic=False) == pytest.approx(0.65)


@pytest.mark.parametrize("l0", [0.99, 8.01, 1e-9, 1e9])
def test_beyond_the_ends_there_is_nothing(l0: float) -> None:
    assert math.isnan(at_l0(law(), l0))
    assert math.isnan(at_l0(law(), l0, logarithmic=False))


def test_the_ends_belong_to_it() -> None:
    table = law(0.7, levels=(1.3, 2.58, 5.17))
    for l0, fvu in table.to_numpy().tolist():
        assert at_l0(table, l0) == pytest.approx(fvu)


def test_the_order_of_rows_is_of_no_account() -> None:
    table = law(0.3, -0.7)
    for seed in range(5):
        assert at_l0(table.sample(frac=1, random_state=seed), 3.0) == at_l0(table, 3.0)


def test_rows_without_numbers_or_latents_do_not_count() -> None:
    more = pd.DataFrame({"l0": [math.nan, 3.0, 0.0], "fvu": [0.5, math.nan, 1.0]})
    table = pd.concat([more, law()])
    assert at_l0(table, 3.0) == pytest.approx(3**-0.5)
    assert math.isnan(at_l0(table, 0.5))
    assert math.isnan(at_l0(more, 3.0))


@pytest.mark.parametrize("l0", [0.0, -1.0, math.nan])
def test_an_l0_that_is_not_above_zero_is_refused(l0: float) -> None:
    with pytest.raises(ValueError, match="l0: got"):
        at_l0(law(), l0)


@pytest.mark.parametrize("missing", ["l0", "fvu"])
def test_a_missing_column_is_refused(missing: str) -> None:
    with pytest.raises(ValueError, match=f"table: got no column .*{missing}"):
        at_l0(law().drop(columns=missing), 2.0)


def test_every_architecture_and_seed_is_a_row() -> None:
    got: Any = matched(many(relu=[1.0, 2.0], gated=[0.5, 0.25]), [2.0, 4.0, 9.0])
    assert got.index.names == ["architecture", "seed"]
    assert list(got.columns) == [2.0, 4.0, 9.0]
    assert len(got) == 4
    for name, seed, factor in (("relu", 0, 1), ("relu", 1, 2), ("gated", 0, 0.5)):
        expected = [factor * 2**-0.5, factor * 4**-0.5]
        assert got.loc[(name, seed), [2.0, 4.0]].tolist() == pytest.approx(expected)
    assert got[9.0].isna().all()


@pytest.mark.usefixtures("few_resamples")
def test_ratios_are_paired_by_seed() -> None:
    # Errors differ ten thousandfold between seeds, their ratio not at all.
    table = many(relu=[1.0, 100.0, 0.01], gated=[0.5, 50.0, 0.005])
    for level, got in ratios(table, "gated", "relu", [1.5, 2.0, 8.0]).items():
        assert got is not None, level
        assert (got.value, got.n) == (pytest.approx(0.5), 3)
        assert got.interval == pytest.approx((0.5, 0.5))


@pytest.mark.usefixtures("few_resamples")
def test_the_mean_of_ratios_is_geometric() -> None:
    got = ratios(many(relu=[1.0, 1.0], gated=[0.25, 4.0]), "gated", "relu", [2.0])[2.0]
    assert got is not None
    assert got.value == pytest.approx(1)
    assert got.interval == pytest.approx((0.25, 4))


@pytest.mark.usefixtures("few_resamples")
def test_where_one_seed_does_not_reach_there_is_no_ratio() -> None:
    table = many(relu=[1.0, 2.0], gated=[0.5, 1.0])
    one = (table["architecture"] == "relu") & (table["seed"] == 1) & (table["l0"] < 2)
    got = ratios(table[~one], "gated", "relu", [1.5, 2.0, 9.0])
    assert got[1.5] is None
    assert got[9.0] is None
    assert got[2.0] is not None
    assert list(got) == [1.5, 2.0, 9.0]


@pytest.mark.usefixtures("few_resamples")
def test_a_seed_that_one_lacks_is_not_reached() -> None:
    got = ratios(many(relu=[1.0, 2.0], gated=[0.5, 1.0, 1.0]), "gated", "relu", [2.0])
    assert got == {2.0: None}


def test_what_the_setting_says_of_itself() -> None:
    for seed in range(SEEDS):
        assert float(f"{truth_of(seed).active:.4g}") == pytest.approx(ACTIVE, abs=1e-12)
    assert len(LEVELS) == 5
    assert list(LEVELS) == sorted(LEVELS)
    assert LEVELS[2] == round(ACTIVE, 2)
    assert not (truth_of(0).directions == truth_of(1).directions).any()
    assert truth_of(0, 10.0).stretch.max() / truth_of(0, 10.0).stretch.min() == pytest.approx(10)


def test_inputs_that_are_held_out_are_not_those_of_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(frontier_setting, "N_INPUTS", 128)
    first = next(iter(truth_of(3).stream(128, 3)))
    again = held_out(3).activations
    assert again.shape == first.shape
    assert (again == held_out(3).activations).all()
    assert not (again == first).all(1).any()


def test_scores_are_of_every_autoencoder(monkeypatch: pytest.MonkeyPatch) -> None:
    small = ground_truth(12, 12, densities=(0.2, 0.3), overlap=0.0, noise=0.1)
    monkeypatch.setattr(frontier_setting, "truth_of", lambda seed, stretch=1.0: small)
    monkeypatch.setattr(frontier_setting, "N_INPUTS", 256)
    bias = [-0.3] * 11 + [-9.0]
    two = planted(small.directions, bias, architecture="prolu_relu", penalties=(0.5, 2.0))
    two.parameters["w_enc"][1] = math.nan
    table: Any = scores(two, 0)
    assert set(table.columns) == {"penalty", *COLUMNS}
    assert table["penalty"].tolist() == [0.5, 2.0]
    first = table.loc[0]
    assert first["alive"] == pytest.approx(11 / 12, rel=1e-5)
    assert first["negative"] == 1
    assert first["mcc"] == pytest.approx(1, rel=1e-5)
    assert first["ratio"] > 1
    assert -1 <= first["spearman"] <= 1
    assert table.loc[1, list(COLUMNS)].isna().all()
    digits = table.loc[[0]].map(lambda v: float(f"{v:.6g}"))
    pd.testing.assert_frame_equal(digits, table.loc[[0]], rtol=0, atol=0)


def test_a_knob_is_one_field() -> None:
    recipe = Recipe(steps=10)
    turned = with_knob(recipe, "bandwidth", 0.5)
    assert turned == Recipe(steps=10, bandwidth=0.5)
    assert recipe.bandwidth == 0.1

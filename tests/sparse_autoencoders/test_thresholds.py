"""Thresholds and noise that were planted are found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor

from steering_core.sparse_autoencoders import ARCHITECTURES, Autoencoders
from steering_core.sparse_autoencoders import Sample as Inputs
from steering_core.sparse_autoencoders.thresholds import (
    ALIKE,
    cuts,
    negative_share,
    summary,
    thresholds,
)
from tests.sparse_autoencoders.test_evaluate import planted, truth_of

EYE = torch.eye(4)
COLUMNS = [
    *("latent", "feature", "cosine", "threshold", "ceiling", "p99", "p999", "floor", "explained")
]


def noisy(n: int = 400, most: float = 0.25) -> Inputs:
    """Features along the axes at 0.5 to 1.5, and noise up to `most` where they are absent."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.5, 1.5, (n, 4)) * (rng.random((n, 4)) < 0.3)
    noise = rng.uniform(-most, most, (n, 4)) * (size == 0)
    features = torch.tensor(size, dtype=torch.float32)
    return Inputs(features + torch.tensor(noise, dtype=torch.float32), features)


def row_of(table: Any, feature: int) -> dict[str, Any]:
    (row,) = table[table["feature"] == feature].to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_planted_noise_is_found() -> None:
    sample, norms = noisy(), [1.0, 2.0, 0.5, 4.0]
    encoders = EYE * torch.tensor(norms)[:, None]
    bias = [-0.3 * norm for norm in norms]
    centre, scale = [0.5, 0.0, -0.5, 1.0], [2.0] * 4
    shifted = Inputs((sample.activations + torch.tensor(centre)) / 2, sample.features)
    order = [2, 0, 3, 1]
    one = planted(
        EYE[order],
        [bias[j] for j in order],
        encoders=encoders[order],
        centre=centre,
        scale=scale,
    )
    table: Any = thresholds(one, shifted, truth_of(EYE))
    assert list(table.columns) == COLUMNS
    assert table["latent"].tolist() == [0, 1, 2, 3]
    assert table["feature"].tolist() == order
    np.testing.assert_allclose(table["cosine"], 1, rtol=1e-6)
    np.testing.assert_allclose(table["threshold"], 0.3, rtol=1e-5)
    for feature in range(4):
        x, there = sample.activations[:, feature].numpy(), sample.features[:, feature].numpy() > 0
        row = row_of(table, feature)
        assert row["ceiling"] == pytest.approx(x[~there].max(), rel=1e-4)
        assert row["ceiling"] <= 0.25 + 1e-6
        assert row["p99"] == pytest.approx(np.quantile(x[~there], 0.99), rel=1e-4)
        assert row["p999"] == pytest.approx(np.quantile(x[~there], 0.999), rel=1e-4)
        assert row["floor"] == pytest.approx(x[there].min(), rel=1e-4)
        assert row["p99"] < row["p999"] < row["ceiling"] < row["floor"]


def overlapping(n: int = 200) -> tuple[Inputs, Tensor]:
    """Two features of cosine 0.8 and no noise; directions are (0, 1) and (0.8, 0.6)."""
    rng = np.random.default_rng(1)
    size = rng.uniform(0.5, 1.5, (n, 2)) * (rng.random((n, 2)) < 0.4)
    directions = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    features = torch.tensor(size, dtype=torch.float32)
    return Inputs(features @ directions, features), directions


DUAL = torch.tensor([[1.0, -0.8 / 0.6], [0.0, 1 / 0.6]])
"""Encoders that hear one feature of two each, whatever the other does."""


@pytest.mark.parametrize(("c", "explained"), [(1.0, 1.0), (0.5, 0.75), (0.0, 0.0), (2.0, 0.0)])
def test_others_explain_what_they_give_back(c: float, explained: float) -> None:
    sample, directions = overlapping()
    rows = directions.clone()
    rows[1] *= max(c, 1e-6)
    table: Any = thresholds(
        planted(rows, -0.1, architecture="prolu_relu", encoders=DUAL), sample, truth_of(directions)
    )
    assert row_of(table, 0)["explained"] == pytest.approx(explained, abs=1e-4)
    # Noise along the second latent is the first feature, which its latent gives back whole.
    assert row_of(table, 1)["explained"] == pytest.approx(1, abs=1e-5)


def test_what_a_latent_says_itself_explains_nothing() -> None:
    sample = noisy()
    below: Any = thresholds(planted(EYE, -0.1), sample, truth_of(EYE))
    assert (below["ceiling"] > below["threshold"]).all()
    np.testing.assert_allclose(below["explained"], 0, atol=1e-6)
    above = thresholds(planted(EYE, -0.4), sample, truth_of(EYE))
    np.testing.assert_allclose(above["explained"], 0, atol=1e-6)


def test_the_decoder_bias_is_no_other_latent() -> None:
    sample, centre = noisy(), [1.0, -1.0, 2.0, 0.0]
    moved = Inputs(sample.activations + torch.tensor(centre), sample.features)
    table: Any = thresholds(planted(EYE, -0.4, centre=centre), moved, truth_of(EYE))
    np.testing.assert_allclose(table["explained"], 0, atol=1e-5)


def test_directions_that_are_not_alike_are_left_out() -> None:
    angles = torch.tensor([ALIKE + 0.01, ALIKE - 0.01]).acos()
    rows = EYE.clone()
    for k, angle in enumerate(angles):
        rows[k] = 0.0
        rows[k, 2 * k], rows[k, 2 * k + 1] = angle.cos(), -angle.sin()
    rows = rows[:2]
    features = torch.eye(4)[[0, 2]]
    size = torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    noise = torch.tensor([[0.0] * 4, [0.1] * 4, [0.0] * 4])
    table: Any = thresholds(
        planted(rows), Inputs(size @ features + noise, size), truth_of(features)
    )
    assert table["feature"].tolist() == [0]
    assert table["cosine"].tolist() == pytest.approx([ALIKE + 0.01])


def test_latents_that_never_fire_are_left_out() -> None:
    table: Any = thresholds(planted(EYE, [-0.3, -9.0, -0.3, -9.0]), noisy(), truth_of(EYE))
    assert table["latent"].tolist() == [0, 2]
    none = thresholds(planted(EYE, -9.0), noisy(), truth_of(EYE))
    assert list(none.columns) == COLUMNS
    assert len(none) == 0
    assert all(math.isnan(value) for value in summary(none).values())


def test_one_that_diverged_has_no_latents() -> None:
    one = planted(EYE)
    for p in one.parameters.values():
        p[:] = math.nan
    table: Any = thresholds(one, noisy(), truth_of(EYE))
    assert len(table) == 0
    assert math.isnan(negative_share(one, noisy()))


def test_a_feature_that_is_never_there_has_no_floor() -> None:
    sample = noisy()
    features = sample.features.clone()
    features[:, 1] = 0
    table: Any = thresholds(planted(EYE, -0.1), Inputs(sample.activations, features), truth_of(EYE))
    assert math.isnan(row_of(table, 1)["floor"])
    assert table["floor"].notna().sum() == 3


def test_a_feature_that_is_always_there_meets_no_noise() -> None:
    sample = noisy()
    features = sample.features.clone()
    features[:, 1] = 1
    table: Any = thresholds(planted(EYE, -0.1), Inputs(sample.activations, features), truth_of(EYE))
    assert sorted(table["feature"]) == [0, 2, 3]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="autoencoders, truth: got 2"):
        thresholds(planted(EYE, penalties=(1, 2)), noisy(), truth_of(EYE))
    with pytest.raises(ValueError, match="activations: got shape"):
        thresholds(planted(EYE), Inputs(torch.ones(9, 3), torch.ones(9, 4)), truth_of(EYE))


@pytest.mark.parametrize("features", [3, 5])
def test_features_of_another_number_are_refused(features: int) -> None:
    sample = Inputs(noisy().activations, torch.ones(400, features))
    with pytest.raises(ValueError, match="features: got"):
        thresholds(planted(EYE), sample, truth_of(EYE))


def varied(architecture: str, low: float, high: float) -> Autoencoders:
    """Six latents of one direction, with biases evenly between the two."""
    recipe_of: dict[str, Any] = {}
    if architecture == "jumprelu":
        recipe_of["log_threshold"] = torch.linspace(0.05, 0.4, 6).log()[None]
    if architecture == "batch_topk":
        recipe_of["threshold"] = torch.tensor([0.3])
    if architecture == "gated":
        recipe_of["b_mag"] = torch.full((1, 6), 0.0)
        recipe_of["r_mag"] = torch.linspace(-1, 1, 6)[None]
    return planted(
        torch.ones(6, 1),
        torch.linspace(low, high, 6).tolist(),
        architecture=architecture,
        penalties=(3,),
        **recipe_of,
    )


def assert_on_above_the_cut(one: Autoencoders) -> None:
    x = torch.linspace(-2, 2, 401)[:, None] + 0.0013
    m, on = one.pre_activations(x)[0], one.encode(x)[0] != 0
    assert torch.equal(on, m > cuts(one)[0])


HAVE_CUTS = [name for name in ARCHITECTURES if name != "topk"]


@pytest.mark.parametrize("architecture", HAVE_CUTS)
def test_latents_are_on_above_their_cuts(architecture: str) -> None:
    one = varied(architecture, -1.0, -0.1)
    assert cuts(one).shape == (1, 6)
    assert_on_above_the_cut(one)


def assert_off_below_the_cut(one: Autoencoders) -> None:
    x = torch.linspace(-2, 2, 401)[:, None] + 0.0013
    m, on = one.pre_activations(x)[0], one.encode(x)[0] != 0
    assert not (on & (m < cuts(one)[0])).any()


@pytest.mark.parametrize("architecture", HAVE_CUTS)
def test_below_their_cuts_latents_are_off_whatever_the_bias(architecture: str) -> None:
    assert_off_below_the_cut(varied(architecture, 0.1, 1.0))


@pytest.mark.parametrize("architecture", ["relu", "scsae", "prolu_relu", "prolu_ste", "gated"])
def test_a_cut_is_what_the_bias_asks(architecture: str) -> None:
    one = varied(architecture, 0.1, 1.0)
    assert torch.equal(cuts(one)[0], -one.parameters["b_enc"][0])


def test_a_gate_may_open_onto_nothing() -> None:
    one = varied("gated", -0.5, -0.1)
    one.parameters["b_mag"][:] = -1.0
    assert_off_below_the_cut(one)


def test_where_k_latents_are_on_there_is_no_cut() -> None:
    one = planted(EYE, -0.1, architecture="topk", penalties=(3,))
    assert cuts(one).isnan().all()
    table: Any = thresholds(one, noisy(), truth_of(EYE))
    assert table["threshold"].isna().all()
    assert table.drop(columns="threshold").notna().all(axis=None)


def test_the_share_of_negative_biases_is_of_latents_that_fire() -> None:
    sample = noisy()
    assert negative_share(planted(EYE, [-0.1, -0.2, 0.3, 0.0]), sample) == 0.5
    assert negative_share(planted(EYE, [-0.1, -9.0, 0.3, -9.0]), sample) == 0.5
    assert negative_share(planted(EYE, [-9.0, -9.0, -9.0, 0.1]), sample) == 0.0
    assert math.isnan(negative_share(planted(EYE, -9.0), sample))


def found(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    ceiling = rng.uniform(0.1, 1, n)
    return pd.DataFrame(
        {
            "threshold": ceiling * rng.uniform(0.5, 1.5, n),
            "ceiling": ceiling,
            "p999": ceiling * 0.8,
            "explained": rng.uniform(0, 1, n),
        }
    )


@pytest.mark.parametrize("n", [10, 11, 40])
def test_a_summary_is_of_ranks_and_medians(n: int) -> None:
    table = found(n)
    got, ratio = summary(table), table["threshold"] / table["ceiling"]
    assert set(got) == {"spearman", "ratio", "ratio_p999", "explained"}
    expected: Any = spearmanr(table["threshold"], table["ceiling"])
    assert got["spearman"] == pytest.approx(expected.statistic)
    assert got["ratio"] == pytest.approx(np.median(ratio))
    assert got["ratio_p999"] == pytest.approx(np.median(ratio) / 0.8)
    assert got["explained"] == pytest.approx(np.median(table["explained"]))


def test_ranks_are_all_that_counts() -> None:
    table = found(12)
    assert summary(table.assign(threshold=table["ceiling"] ** 3))["spearman"] == pytest.approx(1)
    assert summary(table.assign(threshold=-table["ceiling"]))["spearman"] == pytest.approx(-1)
    tied = table.assign(threshold=[0.1, 0.2] * 6)
    expected: Any = spearmanr(tied["threshold"], tied["ceiling"])
    assert summary(tied)["spearman"] == pytest.approx(expected.statistic)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_below_ten_latents_nothing_is_said(n: int) -> None:
    got = summary(found(n))
    assert set(got) == {"spearman", "ratio", "ratio_p999", "explained"}
    assert all(math.isnan(value) for value in got.values())


def test_without_thresholds_only_what_others_explain() -> None:
    table = found(10).assign(threshold=math.nan)
    got = summary(table)
    assert got.pop("explained") == pytest.approx(table["explained"].median())
    assert all(math.isnan(value) for value in got.values())

"""Measures of the claim on a language model, on tables whose answer is known, and the study's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import load_study
from steering_core.publishing.ledger import declared
from steering_core.sparse_autoencoders.language_claims import LATER
from steering_core.sparse_autoencoders.language_measures import (
    LEVELS,
    added_ratios,
    beside,
    floors,
    pooled,
    ratios_of,
    read_off,
)
from steering_core.sparse_autoencoders.language_setting import MODELS
from steering_core.sparse_autoencoders.language_study import PENALTIES, SEEDS
from steering_core.sparse_autoencoders.studies import AUTOENCODER_LANGUAGE


def made_up(top: float = 40.0) -> pd.DataFrame:
    """Added loss c / L0, with c of the architecture and a factor of the seed that cancels."""
    c = {"relu": 4.0} | {name: 1.0 + place for place, name in enumerate(LATER)}
    rows = [
        (model, name, seed, l0, c[name] * (1 + seed) / l0, 0.5 + seed / 10, 0.9, 0.8)
        for model in MODELS
        for name in c
        for seed in range(SEEDS)
        for l0 in np.geomspace(5, top, 6)
    ]
    names = ["model", "architecture", "seed", "l0", "added", "shrinkage", "recovered"]
    return pd.DataFrame(rows, columns=pd.Index([*names, "recovered_mean"]))


def test_ratios_are_at_equal_l0_and_paired_by_seed() -> None:
    table = made_up()
    for place, name in enumerate(LATER):
        quotients = ratios_of(table, "second", name)
        assert quotients.shape == (SEEDS, len(LEVELS))
        np.testing.assert_allclose(quotients, (1 + place) / 4)
        found = added_ratios(table)[f"{name}_second"]
        assert found.value == pytest.approx((1 + place) / 4)
        assert found.n == SEEDS


def test_levels_that_a_seed_does_not_reach_are_left_out() -> None:
    table = made_up()
    short = (table["architecture"] == "topk") & (table["seed"] == 1) & (table["l0"] > 13)
    quotients = ratios_of(table[~short], "first", "topk")  # seed 1 ends below 12
    assert quotients.loc[1].isna().sum() == sum(level > 11 for level in LEVELS)
    pooled(quotients)
    few = made_up(top=9.0)
    with pytest.raises(ValueError, match="reaches 2 of the matched L0; 3"):
        pooled(ratios_of(few, "first", "topk"))


def test_single_numbers_are_means_over_seeds() -> None:
    assert read_off(made_up(), "relu", "shrinkage").value == pytest.approx(0.5 + (SEEDS - 1) / 20)
    with pytest.raises(ValueError, match="finite"):
        read_off(made_up(top=9.0), "relu", "shrinkage")


def test_the_parts_are_those_of_the_claim() -> None:
    table = made_up()
    assert set(added_ratios(table) | beside(table)) == set(declared()["IV-19"].parts)


def test_the_table_is_whole() -> None:
    study = load_study(AUTOENCODER_LANGUAGE)
    for _, rows in study.table.groupby(["model", "architecture"]):
        assert sorted(set(rows["seed"])) == list(range(SEEDS))
    for name, rows in study.table.groupby("architecture"):
        assert len(rows) == len(MODELS) * SEEDS * len(PENALTIES[str(name)])
    numbers = study.table[list(AUTOENCODER_LANGUAGE.tolerance)].to_numpy(float)
    assert np.isfinite(numbers).all()
    assert (study.table["added"].to_numpy() > 0).all()
    assert (study.table[["recovered", "recovered_mean"]].to_numpy() < 1).all()


def test_floors_are_what_the_shares_are_of() -> None:
    added = pd.Series([0.2, 0.4, 0.2, 0.4])
    table = pd.DataFrame({"model": ["first"] * 2 + ["second"] * 2, "added": added})
    zeros, mean = pd.Series([4.0, 4.0, 3.0, 3.0]), pd.Series([2.0, 2.0, 5.0, 5.0])
    found = floors(table.assign(recovered=1 - added / zeros, recovered_mean=1 - added / mean))
    assert found.loc["first"].tolist() == pytest.approx([4, 2])
    assert found.loc["second"].tolist() == pytest.approx([3, 5])

"""The committed table is what its code computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from steering_core.publishing import load_study
from steering_core.superposition import ACTIVATIONS, expected_loss, phase_diagram
from steering_core.superposition.phase_study import DENSITIES, IMPORTANCES, RESTARTS, SLIPS
from steering_core.superposition.studies import (
    DIMENSIONS_PER_FEATURE,
    TEN_FEATURES,
    TRAINED_PHASE_DIAGRAMS,
)


def test_the_table_is_of_this_code_and_whole() -> None:
    loaded = load_study(TRAINED_PHASE_DIAGRAMS)
    assert not loaded.stale
    runs = len(ACTIVATIONS) + len(SLIPS)
    assert len(loaded.table) == runs * len(DENSITIES) * len(IMPORTANCES) * RESTARTS
    assert np.isfinite(loaded.table[["w_first", "w_extra", "b_first", "b_extra"]]).all().all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_no_trained_model_is_better_than_the_optimum(activation: str) -> None:
    table = load_study(TRAINED_PHASE_DIAGRAMS).table
    rows = table.query("method == 'recipe' and activation == @activation")
    rows = rows.sort_values(["density", "importance", "restart"])
    columns = rows[["density", "importance", "w_first", "w_extra", "b_first", "b_extra"]]
    density, extra, *model = torch.tensor(columns.to_numpy()).T
    trained = expected_loss(
        torch.stack(model[:2], -1)[:, None],
        torch.stack(model[2:], -1),
        activation=activation,
        density=density,
        importance=torch.stack([torch.ones_like(extra), extra], -1),
    ).reshape(len(DENSITIES), len(IMPORTANCES), RESTARTS)
    exact = phase_diagram(
        activation, densities=DENSITIES.tolist(), importances=IMPORTANCES.tolist()
    )
    assert (exact.loss[..., None] <= trained * (1 + 1e-6)).all()


def test_the_tables_of_ten_features_are_whole() -> None:
    table = load_study(TEN_FEATURES).table
    assert len(table) == 32 * (7 * 12 + 4 * 2)
    assert set(table.groupby(["model", "density"])["seed"].nunique()) == {32}
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()


def test_the_table_of_dimensions_is_whole() -> None:
    table = load_study(DIMENSIONS_PER_FEATURE).table
    runs: Any = table.groupby(["recipe", "activation"])["seed"].nunique()
    for activation in ACTIVATIONS:
        assert runs["published", activation] == 3
        assert runs["ours", activation] == (8 if activation == "relu" else 3)
    assert np.isfinite(table.select_dtypes("number").to_numpy()).all()
    assert table["capacity"].to_numpy().max() <= 20.001

"""The committed table is what its code computes."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import torch

from steering_core.publishing import load_study, spot_check
from steering_core.superposition import ACTIVATIONS, expected_loss, phase_diagram
from steering_core.superposition.studies import (
    DENSITIES,
    IMPORTANCES,
    RESTARTS,
    SLIPS,
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


def test_a_task_that_the_date_draws_gives_the_same_rows() -> None:
    assert spot_check(TRAINED_PHASE_DIAGRAMS, datetime.date.today()) == []

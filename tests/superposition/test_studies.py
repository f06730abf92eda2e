"""The committed table is what its code computes."""

from __future__ import annotations

import datetime

import numpy as np

from steering_core.publishing import load_study, spot_check
from steering_core.superposition import ACTIVATIONS
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


def test_a_task_that_the_date_draws_gives_the_same_rows() -> None:
    assert spot_check(TRAINED_PHASE_DIAGRAMS, datetime.date.today()) == []

"""The committed tables are what their code computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steering_core.publishing import Study, load_study
from steering_core.steering.lexicon import GENRES
from steering_core.vector_or_latent.steering_study import PER_PAIR
from steering_core.vector_or_latent.studies import LATENT_EFFECTS, LATENT_SWEEP

STUDIES = (LATENT_SWEEP, LATENT_EFFECTS)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_table_is_whole(study: Study) -> None:
    loaded = load_study(study)
    tasks = study.checked_tasks()
    keys = list(tasks[0])
    assert len(loaded.table.groupby(keys).size()) == len(tasks)
    assert np.isfinite(loaded.table[list(study.tolerance)].to_numpy(float)).all()


def test_every_genre_is_as_often_steered_to() -> None:
    table: Any = load_study(LATENT_EFFECTS).table
    assert (table.groupby(["model", "kind", "seed", "target"]).size() == 3 * PER_PAIR).all()
    assert set(table["target"]) == set(GENRES)

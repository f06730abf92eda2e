"""The committed tables are what their code computes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from steering_core.absolute_value.cure_study import RECIPES
from steering_core.absolute_value.density_study import DENSITIES, SEEDS
from steering_core.absolute_value.motif_study import SEEDS as MOTIF_SEEDS
from steering_core.absolute_value.studies import (
    ABSOLUTE_VALUE_CURES,
    ABSOLUTE_VALUE_NETS,
    MOTIF_FREQUENCY,
)
from steering_core.absolute_value.task import TASKS
from steering_core.publishing import Study, load_study
from steering_core.publishing.studies import check

STUDIES = (ABSOLUTE_VALUE_NETS, ABSOLUTE_VALUE_CURES, MOTIF_FREQUENCY)
PARTIAL = {
    "rank_correlation",
    "below_half",
    "top",
    "middle",
    "present_top",
    "carried_by_polysemantic",
    "carried_strict",
    "carried_loose",
}
"""Numbers of nets that not every net has."""


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_task_has_its_rows_and_every_column_a_tolerance(study: Study) -> None:
    table = load_study(study).table
    tasks = study.checked_tasks()
    keys = list(tasks[0])
    groups = table.groupby(keys, dropna=False).size()
    assert len(groups) == len(tasks)
    assert groups.to_numpy().min() == groups.to_numpy().max()
    assert set(table.columns) - set(keys) - {"seed"} == set(study.tolerance)


def test_the_table_of_nets_is_whole() -> None:
    table = load_study(ABSOLUTE_VALUE_NETS).table
    assert set(table["density"]) == set(DENSITIES)
    for _, rows in table.groupby("density"):
        assert sorted(rows["seed"]) == list(range(SEEDS))
    whole = table.drop(columns=list(PARTIAL))
    assert np.isfinite(whole.to_numpy(float)).all()
    live = table.query("polysemantic > 0")
    assert np.isfinite(live["carried_by_polysemantic"].to_numpy()).all()


def test_the_table_of_cures_is_whole() -> None:
    table = load_study(ABSOLUTE_VALUE_CURES).table
    assert set(table["recipe"]) == set(RECIPES)
    for recipe in ("usual", "ours"):
        rows = table[table["recipe"] == recipe]
        assert len(rows) == 3 * len(DENSITIES)
    assert table["dead_outputs"].to_numpy().max() <= 20


def test_the_table_of_motifs_is_whole() -> None:
    table = load_study(MOTIF_FREQUENCY).table
    assert set(table["task"]) == set(TASKS)
    settings = ["task", "decay", "width", "weight_decay", "density"]
    for _, rows in table.groupby(settings):
        assert sorted(rows["seed"]) == list(range(MOTIF_SEEDS))
    causal, instances = (table[name].to_numpy() for name in ("causal", "instances"))
    assert (causal <= instances).all()
    taken_apart = table[table["task"] == "absolute"]
    norms = taken_apart.filter(like="norm_")
    assert norms.shape[1] == 4
    np.testing.assert_allclose(norms.sum(axis=1), 1, atol=1e-4)


def test_numbers_that_some_nets_lack_can_be_checked() -> None:
    rows = pd.DataFrame({"top": [0.9, np.nan, -1.0]})
    slack = check._slack(ABSOLUTE_VALUE_NETS, "top", rows)
    assert slack == pytest.approx(0.5)
    assert check._slack(ABSOLUTE_VALUE_NETS, "top", rows[1:2]) == 0.0
    assert check._agree(0.9, 0.95, slack)
    assert check._agree(np.nan, np.nan, slack)
    assert not check._agree(0.9, np.nan, slack)

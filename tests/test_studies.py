"""Every study of the package: its committed table is what its code computes.

Studies whose tasks are short are recomputed in part by every run. The others take turns by date, as
many a run as fit into a minute and at least one, so that a run stays short and in a few weeks all
are looked at.
"""

from __future__ import annotations

import datetime
import json
import warnings
from itertools import accumulate, islice

import pytest

from steering_core.publishing import Study, load_study
from steering_core.publishing.studies.__main__ import declared_studies
from steering_core.publishing.studies.check import task_by_task

STUDIES = tuple(declared_studies().values())
SHORT, BUDGET = 15.0, 60.0  # seconds: a task that every run can afford, and all the others of a run


def seconds(study: Study) -> float:
    """What a task of the study took when its table was made."""
    record = json.loads(study.record_path.read_text())
    return record["seconds"] / record["n_tasks"]


SECONDS = {study.name: seconds(study) for study in STUDIES}


def due(date: datetime.date) -> list[Study]:
    short = [study for study in STUDIES if SECONDS[study.name] <= SHORT]
    long = [study for study in STUDIES if study not in short]
    first = date.toordinal() % len(long)
    turns = long[first:] + long[:first]
    spent = accumulate(SECONDS[study.name] for study in turns)
    fit = sum(total <= BUDGET for total in spent)
    return short + turns[: max(1, fit)]


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_every_table_is_of_this_code(study: Study) -> None:
    assert not load_study(study).stale


def test_all_studies_are_declared_once_and_have_their_turn() -> None:
    assert len({study.name for study in STUDIES}) == len(STUDIES)
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(k) for k in range(len(STUDIES))]
    assert {study.name for day in days for study in due(day)} == {study.name for study in STUDIES}


@pytest.mark.slow
@pytest.mark.parametrize("study", due(datetime.date.today()), ids=lambda study: study.name)
@pytest.mark.filterwarnings("ignore:.* texts are longer than the context:UserWarning")
@pytest.mark.filterwarnings("default:.* in the table, .* now:RuntimeWarning")
def test_tasks_that_the_date_draws_give_the_same_rows(study: Study) -> None:
    """One of the first three has to. Processors round differently, and a few trainings in a hundred
    end elsewhere for it; a wrong table, or code that computes something else, shows in all."""
    for differences in islice(task_by_task(study, datetime.date.today()), 3):
        if not differences:
            return
        warnings.warn("; ".join(differences), RuntimeWarning, stacklevel=1)
    pytest.fail(f"three tasks of {study.name} in a row are not what the table says")

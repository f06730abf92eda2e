"""Every study of the package: its committed table is what its code computes.

Studies whose tasks are short are recomputed in part by every run. The others take turns by date,
two a run, so that a run stays short and in a few days all are looked at.
"""

from __future__ import annotations

import datetime

import pytest

from steering_core.publishing import Study, load_study, spot_check
from steering_core.publishing.studies.__main__ import declared_studies

STUDIES = tuple(declared_studies().values())
SHORT = 15.0  # seconds a task, on two cores that were busy
TURNS = 2


def is_short(study: Study) -> bool:
    return load_study(study).seconds / len(study.checked_tasks()) <= SHORT


def due(date: datetime.date) -> list[Study]:
    short = [study for study in STUDIES if is_short(study)]
    long = [study for study in STUDIES if study not in short]
    first = TURNS * date.toordinal()
    return short + [long[(first + turn) % len(long)] for turn in range(TURNS)]


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
def test_tasks_that_the_date_draws_give_the_same_rows(study: Study) -> None:
    assert spot_check(study, datetime.date.today()) == []

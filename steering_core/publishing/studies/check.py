"""Recomputing some rows of a study's table, drawn by date, so that in time all of them are."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pandas as pd

from steering_core.publishing.studies.run import rows_of
from steering_core.publishing.studies.study import Study, Task, from_csv, load_study, to_csv


def spot_check(study: Study, date: datetime.date, tasks: int = 1) -> list[str]:
    """Recompute `tasks` tasks that `date` draws; return what disagrees with the table, in words.

    Args:
        study: whose table is checked.
        date: the same date draws the same tasks.
        tasks: how many, from 1.

    Raises:
        ValueError: a number of tasks that there are not.
    """
    known = len(study.checked_tasks())
    if not 1 <= tasks <= known:
        raise ValueError(f"tasks is {tasks}; 1 to {known} are allowed for study {study.name}")
    return list(chain.from_iterable(islice(task_by_task(study, date), tasks)))


def task_by_task(study: Study, date: datetime.date) -> Iterator[list[str]]:
    """What disagrees with the table, in words, for each task in the order that `date` draws.

    A task is recomputed when its words are asked for.

    Args:
        study: whose table is checked.
        date: the same date draws the same order.
    """
    known, table = study.checked_tasks(), load_study(study).table
    for index in np.random.default_rng(date.toordinal()).permutation(len(known)):
        yield disagreements(study, known[index], table)


def disagreements(study: Study, task: Task, table: pd.DataFrame) -> list[str]:
    """What the rows of a task, recomputed, have otherwise than the table, in words."""
    again = from_csv(to_csv(rows_of(study.run, task)))
    where = f"study {study.name}, task {task}"
    if new := set(again.columns) - set(table.columns):
        return [f"{where}: the table lacks the columns {sorted(new)}"]
    again = again.reindex(columns=table.columns)  # a column may be of other tasks alone
    committed = table[_rows_of_task(table, again, task)].reset_index(drop=True)
    if len(committed) != len(again):
        return [f"{where}: {len(committed)} rows in the table, {len(again)} now"]
    return [
        f"{where}, row {row}: {column} is {old} in the table, {new} now"
        for column in again.columns
        for row, (old, new) in enumerate(zip(committed[column], again[column], strict=True))
        if not _agree(old, new, _slack(study, column, committed))
    ]


def _slack(study: Study, column: str, committed: Any) -> float:
    """How far values of a column may lie apart: its tolerance times its largest size."""
    relative = study.tolerance.get(column, 0.0)
    if not relative:
        return 0.0
    sizes = np.abs(committed[column].to_numpy(float))
    return relative * float(sizes[~np.isnan(sizes)].max(initial=0.0))


def _rows_of_task(table: pd.DataFrame, again: pd.DataFrame, task: Task) -> pd.Series:
    mine = pd.Series(True, index=table.index)
    for column in task:
        value: Any = again[column].iloc[0]
        mine &= table[column].isna() if pd.isna(value) else table[column] == value
    return mine


def _agree(committed: Any, again: Any, slack: float) -> bool:
    if pd.isna(committed) or pd.isna(again):
        return bool(pd.isna(committed) and pd.isna(again))
    if slack:
        return abs(committed - again) <= slack
    return committed == again

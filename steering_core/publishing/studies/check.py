"""Recomputing some rows of a study's table, drawn by date, so that in time all of them are."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import pandas as pd

from steering_core.publishing.studies.run import rows_of
from steering_core.publishing.studies.study import Study, Task, from_csv, load_study, to_csv

SEEDS = ("seed", "first_seed")
"""Columns that tell apart rows of one setting."""
FAR = 5.0
"""Standard errors that the mean of a chaotic task may lie from that of all seeds."""


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
    if study.chaotic:
        return [f"{where}: {words}" for words in _far_means(study, again, table)]
    committed = table[_rows_of_task(table, again, task)].reset_index(drop=True)
    if len(committed) != len(again):
        return [f"{where}: {len(committed)} rows in the table, {len(again)} now"]
    return [
        f"{where}, row {row}: {column} is {old} in the table, {new} now"
        for column in again.columns
        for row, (old, new) in enumerate(zip(committed[column], again[column], strict=True))
        if not _agree(old, new, _slack(study, column, committed))
    ]


def _far_means(study: Study, again: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    """Means of recomputed rows that lie far from those of the table over all seeds: by more than
    `FAR` standard errors and the tolerance, as a share of the mean."""
    alike = [name for name in again.columns if name not in {*study.tolerance, *SEEDS}]
    for _, rows in again.groupby(alike, dropna=False):
        known: Any = table[_rows_of_task(table, rows, alike)]
        for column, relative in study.tolerance.items():
            new, old = rows[column].dropna(), known[column].dropna()
            if new.empty or old.empty:
                continue
            error = old.std(ddof=0) * (1 / len(new) + 1 / len(old)) ** 0.5
            if not abs(new.mean() - old.mean()) <= FAR * error + relative * abs(old.mean()):
                yield f"the mean of {column} is {old.mean():.6g} in the table, {new.mean():.6g} now"


def _slack(study: Study, column: str, committed: Any) -> float:
    """How far values of a column may lie apart: its tolerance times its largest size."""
    relative = study.tolerance.get(column, 0.0)
    if not relative:
        return 0.0
    sizes = np.abs(committed[column].to_numpy(float))
    return relative * float(sizes[~np.isnan(sizes)].max(initial=0.0))


def _rows_of_task(table: pd.DataFrame, again: pd.DataFrame, columns: Iterable[str]) -> pd.Series:
    """Where the table has the values that these columns have in the first row of `again`."""
    mine = pd.Series(True, index=table.index)
    for column in columns:
        value: Any = again[column].iloc[0]
        mine &= table[column].isna() if pd.isna(value) else table[column] == value
    return mine


def _agree(committed: Any, again: Any, slack: float) -> bool:
    if pd.isna(committed) or pd.isna(again):
        return bool(pd.isna(committed) and pd.isna(again))
    if slack:
        return abs(committed - again) <= slack
    return committed == again

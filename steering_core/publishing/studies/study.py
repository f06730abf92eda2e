"""A study: a long computation of independent tasks, whose result is committed as a small table.

This module says what a study is and reads its table; `run` makes it, `check` recomputes some rows.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from steering_core.publishing.names import require_kebab_case
from steering_core.publishing.studies.source import source_hash

Task = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """A long computation.

    Attributes:
        name: lower-case words joined by '-'.
        tasks: gives the tasks, each a dict of column name -> text, number, boolean or None.
        run: computes the rows of one task; deterministic, and importable by worker processes.
        code: the modules whose source decides whether the table is stale.
        folder: where `<name>.csv` and `<name>.json` are committed.
        tolerance: column -> how far a spot check may find a value from the table, as a share of the
            largest size in the column among the rows of the task; one without must be equal.
        chaotic: whether rounding decides where a training ends, so that another processor gives
            other rows. A spot check then compares the means of a task with those of all seeds.
    """

    name: str
    tasks: Callable[[], list[Task]]
    run: Callable[[Task], pd.DataFrame]
    code: tuple[ModuleType | str, ...]
    folder: Path
    tolerance: Mapping[str, float]
    chaotic: bool = False

    def __post_init__(self) -> None:
        require_kebab_case("name", self.name)
        if not self.code:
            raise ValueError(
                f"code of study {self.name} is empty; name the modules that compute it"
            )
        for column, relative in self.tolerance.items():
            if not relative >= 0:
                raise ValueError(f"tolerance of {column!r} is {relative}; 0 or more is allowed")

    @property
    def table_path(self) -> Path:
        """Where the table lies."""
        return self.folder / f"{self.name}.csv"

    @property
    def record_path(self) -> Path:
        """Where the record of the run that made the table lies."""
        return self.folder / f"{self.name}.json"

    def checked_tasks(self) -> list[Task]:
        """The tasks, after checking that each is told apart by plain values."""
        tasks = self.tasks()
        if not tasks:
            raise ValueError(f"tasks of study {self.name} is empty; at least one is needed")
        for task in tasks:
            for column, value in task.items():
                if not isinstance(value, str | int | float | None):
                    raise ValueError(
                        f"tasks of study {self.name} have {column}={value!r}; "
                        "a text, number, boolean or None is allowed"
                    )
        if len({hash_of(task) for task in tasks}) < len(tasks):
            raise ValueError(f"tasks of study {self.name} has duplicates; each must be different")
        return tasks

    def fingerprints(self) -> dict[str, str]:
        """Hashes of the code and of the tasks; a table made under others is stale."""
        return {"code": source_hash(self.code), "tasks": hash_of(self.checked_tasks())}


@dataclass(frozen=True)
class StudyTable:
    """The committed result of a study.

    table: its rows, task columns first.
    record: what made it.
    stale: whether code or tasks have changed since.
    """

    table: pd.DataFrame
    record: Mapping[str, Any]
    stale: bool

    @property
    def seconds(self) -> float:
        """How long all tasks took, added up."""
        return float(self.record["seconds"])

    @property
    def note(self) -> str:
        """A sentence for the page: when, how long and with which version the table was made."""
        record = self.record
        made = (
            f"Computed by the study {record['name']} on {record['date']} in "
            f"{_duration(record['seconds'])} ({record['n_tasks']} tasks) with steering_core "
            f"{record['package_version']}, not while this page was built."
        )
        again = (
            f"STALE: the code has changed since; `make study-{record['name']}` computes it again. "
        )
        return again + made if self.stale else made


def load_study(study: Study) -> StudyTable:
    """The committed table of `study`; one that is missing or differs from its record is refused.

    Args:
        study: whose table is read.

    Returns:
        The table, its record, and whether it is stale.

    Raises:
        ValueError: table or record is missing, or the table is damaged.
    """
    for path in (study.table_path, study.record_path):
        if not path.is_file():
            raise ValueError(f"{path} is missing; `make study-{study.name}` makes it")
    content = study.table_path.read_bytes()
    record = json.loads(study.record_path.read_text())
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        raise ValueError(f"{study.table_path} is damaged: it differs from {study.record_path.name}")
    stale = record["fingerprints"] != study.fingerprints()
    return StudyTable(from_csv(content.decode()), record, stale)


def hash_of(value: object) -> str:
    """Hash of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def to_csv(table: pd.DataFrame) -> str:
    """CSV whose floats come back as they were."""
    return table.to_csv(index=False, lineterminator="\n")


def from_csv(text: str) -> pd.DataFrame:
    """A table that `to_csv` wrote; only an empty cell is missing, "None" or "NA" are words."""
    return pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])


def _duration(seconds: float) -> str:
    for size, unit in ((3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"

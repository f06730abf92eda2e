"""Running a study: tasks through joblib, each kept as it ends, so that an interrupted run resumes.

Tasks go to whichever joblib backend is active: `with joblib.parallel_config(backend="dask"):` takes
a study to an existing cluster.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

import steering_core
from steering_core.publishing.files import checkout_root, write_atomically
from steering_core.publishing.studies.study import (
    Study,
    Task,
    from_csv,
    hash_of,
    load_study,
    to_csv,
)

_SECONDS = "_seconds"  # column of a part file: how long its task took


def run_study(study: Study, n_jobs: int | None = None, progress: bool = True) -> pd.DataFrame:
    """Compute all tasks of `study`, write its table and record, and return the table.

    Args:
        study: what to compute; its tasks that an interrupted run has left are not computed again.
        n_jobs: number of workers; None leaves it to the active joblib configuration, one by
            default.
        progress: whether a progress bar is drawn on stderr.
    """
    tasks, fingerprints = study.checked_tasks(), study.fingerprints()
    parts = checkout_root() / "_build" / "studies" / study.name
    jobs = (
        delayed(_part)(study.run, task, parts / f"{hash_of([fingerprints['code'], task])}.csv")
        for task in tqdm(tasks, desc=study.name, disable=not progress)
    )
    # Tasks that are read from parts are quick, and would have joblib batch the rest.
    one_at_a_time: Any = 1
    texts: Any = Parallel(n_jobs=n_jobs, batch_size=one_at_a_time)(jobs)
    frames = [from_csv(str(text)) for text in texts]
    seconds = sum(float(frame.pop(_SECONDS).iloc[0]) for frame in frames)
    content = to_csv(pd.concat(frames, ignore_index=True))
    record = _record(study, tasks, fingerprints, seconds, content)
    write_atomically(study.table_path, content)
    write_atomically(study.record_path, json.dumps(record, indent=2) + "\n")
    return load_study(study).table


def rows_of(run: Callable[[Task], pd.DataFrame], task: Task) -> pd.DataFrame:
    """The rows of one task, with the columns of the task before those that `run` computed."""
    rows = run(task)
    if rows.empty:
        raise ValueError(f"run gave no rows for the task {task}; at least one is needed")
    if shared := set(task) & set(rows.columns):
        raise ValueError(
            f"run gave the columns {sorted(shared)}, which are those of its task {task}"
        )
    named = pd.DataFrame({column: [value] * len(rows) for column, value in task.items()})
    return pd.concat([named, rows.reset_index(drop=True)], axis="columns")


def _part(run: Callable[[Task], pd.DataFrame], task: Task, path: Path) -> str:
    """The part of one task as CSV: read when an earlier run has left it, else computed and left."""
    if path.is_file():
        return path.read_text()
    start = time.perf_counter()
    rows = rows_of(run, task)
    text = to_csv(rows.assign(**{_SECONDS: time.perf_counter() - start}))
    write_atomically(path, text)
    return text


def _record(
    study: Study, tasks: list[Task], fingerprints: dict[str, str], seconds: float, content: str
) -> dict[str, Any]:
    return {
        "name": study.name,
        "call": f"{_name_of(study.run)}(task)",
        "n_tasks": len(tasks),
        "seeds": sorted({task["seed"] for task in tasks if "seed" in task}),
        "seconds": round(seconds, 3),
        "package_version": steering_core.__version__,
        "fingerprints": fingerprints,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _name_of(run: Callable[..., object]) -> str:
    """Where `run` is defined; of a partial function, where the whole one is."""
    named = run if hasattr(run, "__qualname__") else getattr(run, "func", type(run))
    return f"{named.__module__}.{named.__qualname__}"

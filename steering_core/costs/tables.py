"""The tables of costs as CSV: what was measured, what is extrapolated, and on which machine."""

from __future__ import annotations

import csv
import io
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
from tqdm import tqdm

import steering_core
from steering_core.costs.growth import growth, missed
from steering_core.costs.series import REPETITIONS, Series, least_seconds
from steering_core.publishing.files import write_atomically

MEASURED, EXTRAPOLATED = "measured", "extrapolated"


def write_tables(
    series: Sequence[Series],
    folder: Path,
    *,
    repetitions: int = REPETITIONS,
    progress: bool = False,
) -> None:
    """Measure every series and write `<name>.csv` of each, `growth.csv` and `machine.csv`.

    The tables are written when all is measured, so that they are of one run.
    """
    load = load_average()
    grows = [["call", "grows with", "to the power", "largest foretold, over measured"]]
    files = {}
    for one in series:
        rows, law = _measured(one, repetitions, progress)
        files[one.name] = rows
        grows.append([one.call, one.size, *law])
    files |= {"growth": grows, "machine": _machine(load)}
    for name, rows in files.items():
        write_atomically(folder / f"{name}.csv", to_csv(rows))


def _measured(one: Series, repetitions: int, progress: bool) -> tuple[list[list[str]], list[str]]:
    """The rows of a series, head first; the power, and how far the law misses its largest size."""
    run = [setting for setting in one.settings if setting.prepare is not None]
    beyond = [setting for setting in one.settings if setting.prepare is None]
    seconds = [
        least_seconds(setting.prepare, repetitions) / one.units
        for setting in tqdm(run, desc=one.name, disable=not progress)
        if setting.prepare is not None
    ]
    sizes = [setting.size for setting in run]
    law = growth(sizes, seconds)
    told = [*seconds, *(law.seconds(setting.size) for setting in beyond)]
    hows = [MEASURED] * len(run) + [EXTRAPOLATED] * len(beyond)
    rows = [
        [setting.words, number(setting.size), number(taken), how]
        for setting, taken, how in zip([*run, *beyond], told, hows, strict=True)
    ]
    head = [one.setting, one.size, f"seconds for {one.unit}", "how"]
    return [head, *rows], [f"{law.power:.2f}", f"{missed(sizes, seconds):.2f}"]


def _machine(load: float) -> list[list[str]]:
    return [
        ["what", "of the machine that measured"],
        ["processor", processor()],
        ["cores, threads of torch", f"{cores()}, {torch.get_num_threads()}"],
        ["busy before with", f"{load:.2f} processes"],
        ["torch, Python", f"{torch.__version__.split('+')[0]}, {platform.python_version()}"],
        ["steering_core", steering_core.__version__],
        ["date", datetime.now(UTC).date().isoformat()],
    ]


def load_average() -> float:
    """How many processes have wanted to run in the last minute, on average; 0 where not known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or platform.machine()])[0]


def number(value: float) -> str:
    """Three digits, without an exponent: 84,934,656 is 84,900,000."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:.10f}".rstrip("0").rstrip(".")


def to_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()

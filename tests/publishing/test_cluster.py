"""A study taken to a Dask cluster has the rows that it has at home."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

from steering_core import lockstep
from steering_core.publishing import Study, run_study
from steering_core.sparse_autoencoders.studies import AUTOENCODER_OVERLAP

SECONDS = 300
"""How long a test may take; a cluster that hangs must not hold up the others."""

# Workers are processes of their own, so the study's code lies in a file that they are sent.
SOURCE = '''
"""A module that computes something, and leaves a mark that says which process did."""
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd


def run(task):
    """Compute one task, slowly enough for another worker to take the next."""
    (Path(FOLDER) / f"{os.getpid()}.mark").touch()
    time.sleep(0.1)
    drawn = np.random.default_rng(task["seed"]).normal(size=3)
    return pd.DataFrame({"row": range(3), "value": drawn})
'''


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Raise in a test that takes too long."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """Two workers, each a process, on this machine."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,  # pyright: ignore[reportArgumentType]
            host="127.0.0.1",
        ) as workers,
        Client(workers) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that studies take for their checkout, so that no part of an earlier run is there."""
    (tmp_path / "_config.yml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def both_ways(study: Study, cluster: Client) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table computed here, and the one computed by the workers."""
    with lockstep.one_thread():
        here = run_study(replace(study, name="here"), progress=False)
    away = replace(study, name="away")
    with joblib.parallel_config(backend="dask", client=cluster):
        there = run_study(away, progress=False)
    return here, there


def test_the_workers_compute_and_the_table_is_the_same(
    checkout: Path, cluster: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = checkout / "taken_away.py"
    file.write_text(SOURCE.replace("FOLDER", repr(str(checkout))))
    monkeypatch.syspath_prepend(str(checkout))
    cluster.upload_file(str(file))
    study = Study(
        "small",
        lambda: [{"seed": seed} for seed in range(8)],
        importlib.import_module("taken_away").run,
        ("taken_away",),
        checkout / "tables",
        {},
    )
    here, there = both_ways(study, cluster)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    computed = {int(mark.stem) for mark in checkout.glob("*.mark")}
    workers: Any = cluster.run(os.getpid)
    assert computed == {os.getpid(), *workers.values()}


def test_a_study_of_the_book_is_the_same_on_a_cluster(checkout: Path, cluster: Client) -> None:
    tasks = [task for task in AUTOENCODER_OVERLAP.tasks() if task["architecture"] == "relu"][:1]
    study = replace(AUTOENCODER_OVERLAP, tasks=lambda: tasks, folder=checkout / "tables")
    here, there = both_ways(study, cluster)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    assert np.isfinite(here.select_dtypes("number").to_numpy()).all()

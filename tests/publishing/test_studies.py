"""A study resumes, knows when it is stale, and is checked row by row."""

from __future__ import annotations

import datetime
import functools
import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from steering_core.publishing import Study, load_study, run_study, spot_check
from steering_core.publishing.studies.__main__ import main
from steering_core.publishing.studies.check import task_by_task
from steering_core.publishing.studies.source import source_hash

TODAY = datetime.date(2026, 1, 2)

# Leaves a mark for every task that it computes; stops at the task that the file `stop` names.
SOURCE = '''
"""A module that computes something."""
from pathlib import Path

import numpy as np
import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def tasks():
    return [{"kind": kind, "seed": seed} for kind in ("None", "b") for seed in (0, 1)]


def run(task):
    """Compute one task."""
    stop = HERE / "stop"
    name = f"{task['kind']}-{task['seed']}"
    if stop.exists() and stop.read_text() == name:
        raise RuntimeError(f"stopped at {name}")
    with open(HERE / f"{name}.marks", "a") as marks:
        marks.write("x")
    drawn = np.random.default_rng(task["seed"]).normal(size=3)
    return pd.DataFrame({"row": range(3), "value": drawn, "gap": [np.nan, np.inf, 1e-300]})
'''


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    """A study of four tasks, whose code lies in a folder of this test alone."""
    (tmp_path / "computation.py").write_text(SOURCE)
    (tmp_path / "_config.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    module = importlib.import_module("computation")
    yield Study(
        "a-study", module.tasks, module.run, ("computation",), tmp_path / "data", {"value": 1e-6}
    )
    del sys.modules["computation"]


def computed(folder: Path) -> dict[str, int]:
    return {path.stem: len(path.read_text()) for path in folder.glob("*.marks")}


def rewrite(study: Study, table: pd.DataFrame) -> None:
    """Commit another table with a record that fits, as a change of the numbers would leave it."""
    import hashlib

    study.table_path.write_text(table.to_csv(index=False))
    record = json.loads(study.record_path.read_text())
    record["sha256"] = hashlib.sha256(study.table_path.read_bytes()).hexdigest()
    study.record_path.write_text(json.dumps(record))


def test_a_table_holds_the_rows_of_all_tasks(study: Study) -> None:
    table = run_study(study, progress=False)
    assert list(table.columns) == ["kind", "seed", "row", "value", "gap"]
    assert len(table) == 12
    rows = [study.run(task).assign(**task) for task in study.tasks()]
    expected = pd.concat(rows, ignore_index=True).reindex(columns=table.columns)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_the_record_says_what_made_the_table(study: Study) -> None:
    run_study(study, progress=False)
    loaded = load_study(study)
    assert loaded.record["call"] == "computation.run(task)"
    assert loaded.record["seeds"] == [0, 1]
    assert loaded.record["n_tasks"] == 4
    assert not loaded.stale
    assert loaded.note.startswith("Computed by the study a-study on 20")


def test_a_partial_function_is_recorded_by_its_whole(study: Study) -> None:
    partial = replace(study, run=functools.partial(study.run))
    run_study(partial, progress=False)
    assert load_study(partial).record["call"] == "computation.run(task)"


def test_an_interrupted_run_resumes(study: Study, tmp_path: Path) -> None:
    (tmp_path / "stop").write_text("b-0")
    with pytest.raises(RuntimeError, match="stopped at b-0"):
        run_study(study, progress=False)
    assert not study.table_path.exists()
    (tmp_path / "stop").unlink()
    resumed = run_study(study, progress=False)
    assert computed(tmp_path) == {"None-0": 1, "None-1": 1, "b-0": 1, "b-1": 1}
    again = run_study(replace(study, name="afresh"), progress=False)
    pd.testing.assert_frame_equal(resumed, again, check_exact=True)


def test_two_workers_give_the_same_table(study: Study) -> None:
    run_study(study, progress=False)
    parallel = replace(study, name="parallel")
    run_study(parallel, n_jobs=2, progress=False)
    assert study.table_path.read_bytes() == parallel.table_path.read_bytes()


def test_a_change_of_the_code_makes_the_table_stale(study: Study, tmp_path: Path) -> None:
    run_study(study, progress=False)
    module = tmp_path / "computation.py"
    module.write_text(
        SOURCE.replace("size=3", "size=(3)").replace("Compute one", "Do one") + "# x\n"
    )
    assert not load_study(study).stale
    module.write_text(SOURCE.replace("1e-300", "1e-200"))
    loaded = load_study(study)
    assert loaded.stale
    assert loaded.note.startswith("STALE: the code has changed since; `make study-a-study`")


def test_parts_of_other_code_are_not_reused(study: Study, tmp_path: Path) -> None:
    run_study(study, progress=False)
    (tmp_path / "computation.py").write_text(SOURCE + "MORE = 1\n")
    run_study(study, progress=False)
    assert set(computed(tmp_path).values()) == {2}
    assert not load_study(study).stale


def test_other_tasks_make_the_table_stale(study: Study) -> None:
    run_study(study, progress=False)
    fewer = replace(study, tasks=lambda: study.tasks()[:2])
    assert load_study(fewer).stale


def test_a_missing_or_damaged_table_is_named(study: Study) -> None:
    with pytest.raises(ValueError, match=r"a-study\.csv is missing"):
        load_study(study)
    run_study(study, progress=False)
    study.table_path.write_text(study.table_path.read_text().replace("None,0,0", "None,0,9"))
    with pytest.raises(ValueError, match=r"a-study\.csv is damaged"):
        load_study(study)
    study.record_path.unlink()
    with pytest.raises(ValueError, match=r"a-study\.json is missing"):
        load_study(study)


def test_a_spot_check_of_an_honest_table_is_silent(study: Study) -> None:
    run_study(study, progress=False)
    assert spot_check(study, TODAY, tasks=4) == []


def test_a_spot_check_finds_a_planted_change(study: Study) -> None:
    table = run_study(study, progress=False)
    table.loc[4, "value"] *= 1 + 1e-9
    rewrite(study, table)
    assert spot_check(study, TODAY, tasks=4) == []  # within the tolerance
    table.loc[4, "value"] += 0.01
    table.loc[7, "row"] = 5
    rewrite(study, table)
    first, second = sorted(spot_check(study, TODAY, tasks=4))
    assert "{'kind': 'None', 'seed': 1}, row 1: value is" in first
    assert "{'kind': 'b', 'seed': 0}, row 1: row is 5 in the table, 1 now" in second
    rewrite(study, table.iloc[1:])
    assert any("2 rows in the table, 3 now" in words for words in spot_check(study, TODAY, tasks=4))
    rewrite(study, table.rename(columns={"gap": "pag"}))
    assert "the table lacks the columns ['gap']" in spot_check(study, TODAY)[0]


def test_a_chaotic_study_is_checked_by_its_means_over_seeds(study: Study) -> None:
    chaotic = replace(study, chaotic=True)
    table = run_study(study, progress=False)
    table.loc[4, "value"] += 0.01
    rewrite(study, table)
    assert spot_check(study, TODAY, tasks=4) != []
    assert spot_check(chaotic, TODAY, tasks=4) == []
    rewrite(study, table.assign(value=table["value"] + 100))
    found = spot_check(chaotic, TODAY, tasks=4)
    assert len(found) == 12, "each row of each task"
    assert "the mean of value is 1" in found[0]


def test_a_column_may_be_of_other_tasks_alone(study: Study) -> None:
    table = run_study(study, progress=False)
    rewrite(study, table.assign(other=np.nan))
    assert spot_check(study, TODAY, tasks=4) == []
    of_others = replace(study, chaotic=True, tolerance={**study.tolerance, "other": 0.1})
    assert spot_check(of_others, TODAY, tasks=4) == []
    rewrite(study, table.assign(other=1.0))
    assert "other is 1.0 in the table, nan now" in spot_check(study, TODAY)[0]


def test_days_draw_different_tasks_and_in_time_all(study: Study, tmp_path: Path) -> None:
    run_study(study, progress=False)
    for day in range(30):
        spot_check(study, TODAY + datetime.timedelta(days=day))
    assert min(computed(tmp_path).values()) > 1
    assert sum(computed(tmp_path).values()) == 4 + 30


@pytest.mark.usefixtures("study")
def test_the_command_line_runs_a_study(tmp_path: Path) -> None:
    lines = (
        "from pathlib import Path\nimport computation\n"
        "from steering_core.publishing import Study\n"
        "STUDY = Study('by-command', computation.tasks, computation.run, ('computation',), "
        "Path('data'), {})\n"
    )
    (tmp_path / "declared_here.py").write_text(lines)
    main(["declared_here:STUDY", "--jobs", "1"])
    assert (tmp_path / "data" / "by-command.csv").is_file()


def test_the_command_line_compares_a_whole_study_with_its_table(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = (
        "from pathlib import Path\nimport computation\n"
        "from steering_core.publishing import Study\n"
        "STUDY = Study('a-study', computation.tasks, computation.run, ('computation',), "
        "Path('data'), {'value': 1e-6})\n"
    )
    (tmp_path / "declared_again.py").write_text(declared)
    table = run_study(study, progress=False)
    main(["declared_again:STUDY", "--again"])
    assert capsys.readouterr().out == "a-study: 0 of 4 tasks differ by more than is allowed\n"
    table.loc[4, "value"] += 0.01
    rewrite(study, table)
    before = study.table_path.read_bytes()
    main(["declared_again:STUDY", "--again", "--jobs", "2"])
    first, last = capsys.readouterr().out.splitlines()
    assert "{'kind': 'None', 'seed': 1}, row 1: value is" in first
    assert last == "a-study: 1 of 4 tasks differ by more than is allowed"
    assert study.table_path.read_bytes() == before


def test_a_task_is_recomputed_when_it_is_asked_for(study: Study, tmp_path: Path) -> None:
    run_study(study, progress=False)
    one_by_one = task_by_task(study, TODAY)
    assert next(one_by_one) == []
    assert sum(computed(tmp_path).values()) == 4 + 1
    assert list(one_by_one) == [[]] * 3
    assert set(computed(tmp_path).values()) == {2}


@pytest.mark.usefixtures("study")
@pytest.mark.parametrize("address", ["nothing", "computation:tasks", "computation:"])
def test_the_command_line_names_what_is_no_study(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([address])
    assert f"study is {address!r}" in capsys.readouterr().err


def test_wrong_arguments_are_named(study: Study) -> None:
    with pytest.raises(ValueError, match="name is 'A study'"):
        replace(study, name="A study")
    with pytest.raises(ValueError, match="code of study a-study is empty"):
        replace(study, code=())
    with pytest.raises(ValueError, match="tolerance of 'value'"):
        replace(study, tolerance={"value": -1.0})
    with pytest.raises(ValueError, match="tasks of study a-study is empty"):
        run_study(replace(study, tasks=list), progress=False)
    with pytest.raises(ValueError, match="duplicates"):
        run_study(replace(study, tasks=lambda: [{"seed": 0}] * 2), progress=False)
    with pytest.raises(ValueError, match=r"seed=\[0\]"):
        run_study(replace(study, tasks=lambda: [{"seed": [0]}]), progress=False)
    with pytest.raises(ValueError, match="run gave the columns"):
        run_study(
            replace(study, tasks=lambda: [{"kind": "b", "seed": 0, "row": 1}]), progress=False
        )
    with pytest.raises(ValueError, match="code names 'no_such_module'"):
        source_hash(["no_such_module"])
    with pytest.raises(ValueError, match="tasks is 5"):
        spot_check(study, TODAY, tasks=5)

"""Tables say what was run and what was not, and those of the book say what its code would."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import pytest

from steering_core.costs import Series, Setting, all_series, growth, least_seconds, write_tables
from steering_core.costs.__main__ import main
from steering_core.costs.tables import number
from steering_core.publishing.files import checkout_root

TABLES = checkout_root() / "book" / "_data" / "costs"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


class Clock:
    """Stands still until somebody naps."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def nap(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that costs are measured by, in this test."""
    clock = Clock()
    monkeypatch.setattr("steering_core.costs.series.time", clock)
    return clock


def test_the_least_counts_and_the_first_run_does_not(clock: Clock) -> None:
    naps = iter([0.1, 5.0, 2.0, 3.0])
    assert least_seconds(lambda: lambda: clock.nap(next(naps)), repetitions=3) == 2.0
    assert list(naps) == []


def test_tables_tell_what_was_measured_from_what_was_not(tmp_path: Path, clock: Clock) -> None:
    def setting(size: float) -> Setting:
        return Setting(f"{size:g}", size, lambda: partial(clock.nap, 3 * size))

    settings = (*(setting(size) for size in (10.0, 20.0, 40.0, 80.0)), Setting("more", 800.0))
    one = Series("naps", "nap", "nap", "length", "a thousand", 0.001, settings)
    write_tables([one], tmp_path, repetitions=1)
    rows = rows_of(tmp_path / "naps.csv")
    assert [row["nap"] for row in rows] == ["10", "20", "40", "80", "more"]
    assert [row["how"] for row in rows] == ["measured"] * 4 + ["extrapolated"]
    seconds = [row["seconds for a thousand"] for row in rows]
    assert seconds == ["30,000", "60,000", "120,000", "240,000", "2,400,000"]
    (law,) = rows_of(tmp_path / "growth.csv")
    assert law == {
        "call": "nap",
        "grows with": "length",
        "to the power": "1.00",
        "largest foretold, over measured": "1.00",
    }
    assert (tmp_path / "machine.csv").is_file()


@pytest.mark.parametrize("one", all_series(), ids=lambda one: one.name)
def test_every_series_can_be_measured_and_extrapolated(one: Series) -> None:
    run = [setting for setting in one.settings if setting.prepare is not None]
    beyond = [setting.size for setting in one.settings if setting.prepare is None]
    assert len({setting.size for setting in run}) >= 4
    assert min(beyond) > max(setting.size for setting in run)
    smallest = min(run, key=lambda setting: setting.size)
    assert smallest.prepare is not None
    smallest.prepare()()


@pytest.mark.parametrize("one", all_series(), ids=lambda one: one.name)
def test_the_books_tables_are_of_these_series_and_laws(one: Series) -> None:
    rows = rows_of(TABLES / f"{one.name}.csv")
    assert [row[one.setting] for row in rows] == [
        setting.words
        for setting in sorted(one.settings, key=lambda setting: setting.prepare is None)
    ]
    sizes = [setting.size for setting in one.settings if setting.prepare is not None]
    seconds = [
        float(row[f"seconds for {one.unit}"].replace(",", ""))
        for row in rows
        if row["how"] == "measured"
    ]
    (told,) = [row for row in rows_of(TABLES / "growth.csv") if row["call"] == one.call]
    assert float(told["to the power"]) == pytest.approx(growth(sizes, seconds).power, abs=0.02)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0012345, "0.00123"), (1.5, "1.5"), (99.96, "100"), (84_934_656.0, "84,900,000")],
)
def test_numbers_have_three_digits_and_no_exponent(value: float, words: str) -> None:
    assert number(value) == words


def test_a_busy_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("steering_core.costs.__main__.load_average", lambda: 3.0)
    with pytest.raises(SystemExit):
        main(["--folder", str(tmp_path)])
    assert "3.00 processes at work" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

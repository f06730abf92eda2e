"""What all tests share: types and shapes are checked, and nothing lands in the checkout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jaxtyping import install_import_hook
from matplotlib import pyplot as plt

# Before anything of the package is imported: every annotated argument and result is checked then.
install_import_hook("steering_core", "beartype.beartype")

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process is alone with one in the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test alone, into which the package publishes."""
    folder = tmp_path / "published"
    monkeypatch.setenv("STEERING_CORE_PUBLISHED", str(folder))
    return folder


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for an interval, and ten times as quick."""
    from steering_core.publishing import statistics

    def quick(values: Any, statistic: Callable[[Any], float], **_: Any) -> tuple[float, float]:
        return slow(values, statistic, resamples=200)

    slow = statistics.bootstrap_interval
    monkeypatch.setattr(statistics, "bootstrap_interval", quick)


@pytest.fixture
def closed() -> Iterator[None]:
    """No figure stays open, and the readers' own settings of matplotlib are as they were."""
    before = dict(plt.rcParams)
    yield
    plt.close("all")
    assert dict(plt.rcParams) == before

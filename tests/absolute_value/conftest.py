"""The tests of absolute-value nets run on one thread, and intervals can be had quickly."""

from __future__ import annotations

from functools import partial

import pytest

from steering_core.absolute_value import density_measures, motif_measures
from steering_core.publishing.statistics import bootstrap_interval

from ..threads import one_thread

__all__ = ["one_thread"]


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for an interval, and ten times as quick."""
    quick = partial(bootstrap_interval, resamples=200)
    for module in (density_measures, motif_measures):
        monkeypatch.setattr(module, "bootstrap_interval", quick)

"""The tests of superposition run on one thread, and some of them without types checked."""

from __future__ import annotations

from collections.abc import Iterator

import jaxtyping
import pytest

from ..threads import one_thread

__all__ = ["one_thread"]


@pytest.fixture
def unchecked() -> Iterator[None]:
    """As for a reader, without the types and shapes that tests check."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)

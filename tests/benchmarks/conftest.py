"""A benchmark is a script as well: what it prints in a fresh process is what its tests read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def in_fresh_process(request: pytest.FixtureRequest, root: Path) -> Callable[..., Any]:
    """Runs the module as a script, with arguments and environment; no types are checked there."""

    def call(*arguments: str, **environment: str) -> Any:
        ran = subprocess.run(
            [sys.executable, str(request.path), *arguments],
            env={**os.environ, "PYTHONPATH": str(root), **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(ran.stdout)

    return call


@pytest.fixture(scope="module")
def measured(in_fresh_process: Callable[..., Any]) -> Any:
    """What the module's `measure` finds."""
    return in_fresh_process()

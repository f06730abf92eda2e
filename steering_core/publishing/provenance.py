"""What made a result: the call, its seeds and time, and the versions of all that took part."""

from __future__ import annotations

import functools
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import steering_core
from steering_core.publishing.files import checkout_root

_LIBRARIES = ("torch", "transformers", "transformer_lens", "numpy", "plotly", "matplotlib")


@dataclass(frozen=True)
class Provenance:
    """How a figure was computed.

    Attributes:
        call: the call as a reader would type it.
        parameters: its arguments.
        seeds: every seed that took part; empty where nothing is random.
        seconds: how long the computation took.
    """

    call: str
    parameters: Mapping[str, object]
    seeds: Sequence[int]
    seconds: float

    def __post_init__(self) -> None:
        if not self.call.strip():
            raise ValueError("call is empty; the call that computed the figure is needed")
        if not math.isfinite(self.seconds) or self.seconds < 0:
            raise ValueError(f"seconds is {self.seconds}; a finite number from 0 is allowed")

    def as_record(self) -> dict[str, Any]:
        """The provenance as JSON values; an object unknown to JSON is named."""
        return {
            "call": self.call,
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "seeds": [int(seed) for seed in self.seeds],
            "seconds": round(float(self.seconds), 3),
        }


def made_by(
    call: str, *results: object, seeds: Sequence[int] = (0,), **parameters: object
) -> Provenance:
    """The provenance of `call`, whose time is what its `results` say they took (`.seconds`).

    Args:
        call: the call as a reader would type it.
        results: what was computed for the figure; one without `.seconds` counts as 0.
        seeds: every seed that took part.
        parameters: the arguments of the call.
    """
    seconds = sum(float(getattr(result, "seconds", 0.0)) for result in results)
    return Provenance(call, parameters, seeds, seconds)


def versions() -> dict[str, str | None]:
    """Versions of this package, of Python and of the libraries that compute and draw."""
    found: dict[str, str | None] = {
        "steering_core": steering_core.__version__,
        "python": platform.python_version(),
    }
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = None
    return found


@functools.cache
def commit() -> dict[str, Any]:
    """The commit of the checkout and whether files differ from it; both None outside git."""
    revision = _git("rev-parse", "HEAD")
    changed = None if revision is None else _git("status", "--porcelain")
    return {"commit": revision, "dirty": None if changed is None else bool(changed)}


def _git(*arguments: str) -> str | None:
    command = ["git", "-C", str(checkout_root()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    to_list = getattr(value, "tolist", None)  # arrays and tensors
    if callable(to_list):
        return _plain(to_list())
    return getattr(value, "__name__", None) or repr(value)

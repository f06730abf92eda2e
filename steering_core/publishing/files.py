"""Where published results go, and how a file is written whole or not at all.

What readers get is written by `write_atomically`. This module decides folders; it
does not know what a figure, a claim or a study is.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

PUBLISHED_VARIABLE = "STEERING_CORE_PUBLISHED"


def checkout_root() -> Path:
    """The nearest folder with a `_config.yml`, up from the working folder, else from this file."""
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / "_config.yml").is_file():
                return folder
    return Path.cwd()


def published_folder() -> Path:
    """Where figures and claims go: `$STEERING_CORE_PUBLISHED`, else `_build/published`."""
    override = os.environ.get(PUBLISHED_VARIABLE)
    return Path(override).absolute() if override else checkout_root() / "_build" / "published"


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` (text as UTF-8) to `path`, making its folder; readers see old or new, whole."""
    content = data.encode() if isinstance(data, str) else data
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

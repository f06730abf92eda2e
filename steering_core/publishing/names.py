"""The shape of public names (figures, studies), which become file names and anchors."""

from __future__ import annotations

import re

_KEBAB_CASE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def require_kebab_case(argument: str, value: str) -> None:
    """Refuse a `value` that is not words of a-z and 0-9 joined by single hyphens."""
    if not isinstance(value, str) or not _KEBAB_CASE.fullmatch(value):
        raise ValueError(
            f"{argument} is {value!r}; lower-case letters and digits joined by '-' are allowed"
        )

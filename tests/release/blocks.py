"""The blocks of Python and the shell commands that a page of Markdown shows."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_BLOCK = re.compile(
    r"^(<!-- not run: (?P<why>[^\n]+) -->\n)?```python\n(?P<source>.*?)^```$", re.S | re.M
)
_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.S | re.M)
_INDENTED = re.compile(r"(?:\A|\n\n)((?:(?: {4}|\t).*\n+)+)")
_SPAN = re.compile(r"`([^`\n]+)`")
_SHELL = {"", "bash", "console", "sh", "shell"}


@dataclass(frozen=True)
class Block:
    """A block of Python, and why the tests do not run it (None: they do)."""

    source: str
    why_not: str | None


def python_blocks(page: str) -> list[Block]:
    """Those in ```python fences, in their order.

    `<!-- not run: WHY -->` on the line before a fence says that it is not for every machine.
    """
    return [Block(found["source"], found["why"]) for found in _BLOCK.finditer(page)]


def commands(page: str) -> list[str]:
    """Lines of shell: those of indented blocks and of shell fences, and spans of code."""
    shell = [text for kind, text in _FENCE.findall(page) if kind in _SHELL]
    prose = _FENCE.sub("", page)
    shell += [textwrap.dedent(text) for text in _INDENTED.findall(prose)]
    lines = [line for text in shell for line in text.replace("\\\n", " ").splitlines()]
    spans = _SPAN.findall(_INDENTED.sub("\n\n", prose))
    cleaned = (re.sub(r"\s+# .*", "", line).removeprefix("$ ").strip() for line in lines + spans)
    return [command for command in cleaned if command]

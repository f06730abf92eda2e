"""Docstrings on the reference page, as a Sphinx extension around autodoc and napoleon.

The docstrings of this package are plain text: `name` is code, and * | _ mean nothing. Sphinx reads
reStructuredText, where they do; so they are translated first. Signatures are shown as the source
has them, so that readers see shapes and names of types, and no folder of the machine that builds.

Not here: which names stand on the page, and in what order. The page says so.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

import steering_core

_CODE = re.compile(r"`([^`]+)`")
_MARKUP = re.compile(r"\\|\*|\||_(?!\w)")
_STYLE = Path(__file__).parent / "static" / "docstrings.css"
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension (Sphinx calls this)."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("config-inited", add_style)
    app.connect("autodoc-process-docstring", translate, priority=400)  # napoleon comes at 500
    app.connect("autodoc-process-signature", show_as_written)
    return {"version": steering_core.__version__, "parallel_read_safe": True}


def add_style(app: Sphinx, config: Config) -> None:
    """Let the pages load the style of signatures."""
    config.html_static_path.append(str(_STYLE))
    app.add_css_file(_STYLE.name)


def translate(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Make reStructuredText of the lines of a docstring, in place."""
    lines[:] = restructured("\n".join(lines)).split("\n")


def show_as_written(
    app: Sphinx, what: str, name: str, obj: object, options: object, shown: str, returns: str
) -> tuple[str, str | None] | None:
    """Give autodoc the signature of the source; None leaves its own."""
    return signature(obj, what) if what in ("class", "function", "method") else None


def restructured(docstring: str) -> str:
    """The reStructuredText that is read as the plain text of a docstring."""
    pieces = _CODE.split(docstring)  # text, code, text, code, ..., text
    pieces[::2] = [_MARKUP.sub(r"\\\g<0>", text) for text in pieces[::2]]
    pieces[1::2] = [f"``{code}``" for code in pieces[1::2]]
    return "".join(pieces)


def signature(obj: Any, what: str) -> tuple[str, str | None] | None:
    """Arguments and what comes back, as the source has them; None where there is no source.

    Args:
        obj: a function, or a dataclass, whose arguments are its fields.
        what: "class", "function" or "method"; of a method, `self` or `cls` is left out.
    """
    node = _definition(obj)
    if isinstance(node, ast.ClassDef):
        return f"({', '.join(_fields(node))})", None
    if not isinstance(node, _FUNCTION):
        return None
    if what == "method" and not _is_static(node):
        node.args.args.pop(0)
    return f"({ast.unparse(node.args)})", ast.unparse(node.returns) if node.returns else None


def _definition(obj: Any) -> ast.AST | None:
    try:
        source = inspect.getsource(inspect.unwrap(obj))
    except (OSError, TypeError):
        return None
    return ast.parse(textwrap.dedent(source)).body[0]


def _fields(node: ast.ClassDef) -> list[str]:
    """The fields of a dataclass; those with a default show it, but for `field(...)`."""
    shown = []
    for part in node.body:
        if isinstance(part, ast.AnnAssign):
            field = f"{ast.unparse(part.target)}: {ast.unparse(part.annotation)}"
            if part.value is not None and not isinstance(part.value, ast.Call):
                field += f" = {ast.unparse(part.value)}"
            shown.append(field)
    return shown


def _is_static(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each) == "staticmethod" for each in node.decorator_list)

"""A hash of what Python modules say, blind to how they are laid out.

Comments, formatting and docstrings may change without a table growing stale; a statement may not.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_hash(modules: Iterable[ModuleType | str]) -> str:
    """Hash over the source of `modules`; a package stands for all modules in it."""
    digest = hashlib.sha256()
    for module in modules:
        for file in _files_of(module):
            digest.update(repr(_meaning(ast.parse(file.read_bytes()))).encode())
    return digest.hexdigest()


def _files_of(module: ModuleType | str) -> list[Path]:
    name = module if isinstance(module, str) else module.__name__
    origin = _origin(name) if isinstance(module, str) else module.__file__
    if origin is None or not origin.endswith(".py"):
        raise ValueError(f"code names {name!r}; a module with Python source is allowed")
    file = Path(origin)
    return sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]


def _origin(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        spec = None
    return spec.origin if spec else None


def _meaning(node: object) -> object:
    # Not `ast.dump`, whose text differs between versions of Python: empty fields are left out here.
    if isinstance(node, list):
        return [_meaning(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = fields["body"][1:]
    said = {name: _meaning(value) for name, value in fields.items() if value not in (None, [])}
    return type(node).__name__, said

"""No module of the package unpickles, evaluates text, or runs code that came with weights."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.checkout import tracked

MODULES = {"cloudpickle", "cPickle", "dill", "marshal", "pickle", "shelve"}
BUILT_IN = {"compile", "eval", "exec", "__import__"}
METHODS = {
    "torch.load", "torch.save", "torch.hub.load", "joblib.load", "joblib.dump", "os.system",
    "pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.unsafe_load",
}  # fmt: skip
FLAGS = {"allow_pickle", "trust_remote_code", "shell"}


def unsafe(source: str) -> Iterator[str]:
    """What a module does that could run code out of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (f"import {a.name}" for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            if node.module.split(".")[0] in MODULES or names & METHODS:
                yield f"from {node.module} import"
        elif isinstance(node, ast.Call):
            yield from unsafe_call(node)
        elif isinstance(node, ast.Attribute) and node.attr in {"to_pickle", "read_pickle"}:
            yield node.attr


def unsafe_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    if called in BUILT_IN | METHODS:
        yield f"{called}()"
    for argument in node.keywords:
        off = isinstance(argument.value, ast.Constant) and argument.value.value is False
        if argument.arg in FLAGS and not off:
            yield f"{called}({argument.arg}={ast.unparse(argument.value)})"


def test_no_module_of_the_package_can_run_code_out_of_a_file(root: Path) -> None:
    modules = [p for p in tracked(root) if p.is_relative_to(root / "steering_core")]
    found = {
        path.relative_to(root).as_posix(): list(unsafe(path.read_text("utf8")))
        for path in modules
        if path.suffix == ".py"
    }
    assert len(found) > 100
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import torch; torch.load('weights.pt', weights_only=True)",
        "from torch import load",
        "np.load('table.npz', allow_pickle=True)",
        "np.load('table.npz', allow_pickle=flag)",
        "AutoModel.from_pretrained('gpt2', trust_remote_code=True)",
        "eval(text)",
        "exec(text)",
        "table.to_pickle('table')",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_what_is_unsafe_is_found(source: str) -> None:
    assert list(unsafe(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "re.compile('a')",
        "torch.compile(model)",
        "np.load('table.npz', allow_pickle=False)",
        "AutoModel.from_pretrained('gpt2', trust_remote_code=False)",
    ],
)
def test_what_is_safe_is_not(source: str) -> None:
    assert list(unsafe(source)) == []

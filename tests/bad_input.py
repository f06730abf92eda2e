"""What a part of the package answers to bad arguments, and to odd ones that make sense.

The cases run in a process of their own, as a reader's would: with the types checked too, as in the
other tests, some are refused before the package sees them. There too a warning is an error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pytest

EVALUATE = """
import json, sys

answers = {}
for case in json.load(sys.stdin):
    try:
        answers[case] = ["", str(eval(case))]
    except Exception as error:
        answers[case] = [type(error).__name__, str(error)]
print(json.dumps(answers))
"""


def answers_of(preamble: str, cases: Sequence[str]) -> dict[str, list[str]]:
    """Of each case, an expression over what the preamble defines: its error's kind and message.

    Where there is no error, the kind is empty, and the message is what came out.
    """
    root = Path(__file__).resolve().parents[1]
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", preamble + EVALUATE],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def bad_input_tests(
    preamble: str, refused: Sequence[tuple[str, str, str]], accepted: Sequence[str]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """Two tests, of what is refused and of what is accepted, for a module to name.

    Args:
        preamble: what the cases need: imports, and calls whose other arguments are good.
        refused: expressions, each with what the message of its ValueError begins with (the
            argument, and what it got) and ends with (what is allowed).
        accepted: expressions that are true.
    """

    @cache
    def answers() -> dict[str, list[str]]:
        return answers_of(preamble, [*(case for case, *_ in refused), *accepted])

    @pytest.mark.parametrize(("case", "begins", "ends"), refused)
    def test_refused(case: str, begins: str, ends: str) -> None:
        kind, message = answers()[case]
        assert kind == "ValueError", message
        assert message.startswith(begins), message
        assert message.removeprefix(begins).endswith(ends), message

    @pytest.mark.parametrize("case", accepted)
    def test_accepted(case: str) -> None:
        assert answers()[case] == ["", "True"], answers()[case]

    return test_refused, test_accepted

"""Run blocks of code, each in a namespace and a folder of its own; not a test.

Reads a JSON list of sources; writes, for each, what it raised, or null. One process imports the
libraries once for all. A block that guards its `__main__` is a file for other processes to import,
and so is run as one.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path


def outcome(source: str) -> str | None:
    """What a block raises, in the present folder."""
    if "__main__" in source:
        Path("block.py").write_text(source, "utf8")
        done = subprocess.run([sys.executable, "block.py"], capture_output=True, text=True)
        return done.stderr if done.returncode else None
    try:
        exec(compile(source, "<block>", "exec"), {"__name__": "__main__"})
    except BaseException:
        return traceback.format_exc()
    return None


if __name__ == "__main__":
    outcomes = []
    for block in json.load(sys.stdin):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            outcomes.append(outcome(block))
            os.chdir(os.path.dirname(folder))
    print("\n" + json.dumps(outcomes))

"""Measure what calls cost on this machine: `python -m steering_core.costs`.

Takes about three minutes, and asks for a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from steering_core.costs.series import all_series
from steering_core.costs.tables import load_average, write_tables
from steering_core.publishing.files import checkout_root

IDLE = 0.5
"""Processes that may have wanted to run in the last minute."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write what the command line asks for."""
    parser = argparse.ArgumentParser(prog="steering_core.costs", description=__doc__)
    folder = checkout_root() / "book" / "_data" / "costs"
    parser.add_argument("--folder", type=Path, default=folder, help="where the tables go")
    parser.add_argument(
        "--busy", action="store_true", help="measure beside other work all the same"
    )
    options = parser.parse_args(arguments)
    if (load := load_average()) > IDLE and not options.busy:
        parser.error(
            f"the machine has had {load:.2f} processes at work in the last minute, at most {IDLE} "
            "are allowed: timings beside other work are wrong (--busy takes them all the same)"
        )
    write_tables(all_series(), options.folder, progress=True)


if __name__ == "__main__":
    main()

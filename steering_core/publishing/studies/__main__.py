"""Run one study: `python -m steering_core.publishing.studies <study> [--jobs N]`.

<study> is the name of a study that a module `steering_core.<part>.studies` holds, or the
`dotted.module:ATTRIBUTE` of one. With --again nothing is written: every task is computed anew, and
what differs from the table is printed.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from tqdm import tqdm

import steering_core
from steering_core.publishing.studies.check import disagreements
from steering_core.publishing.studies.run import run_study
from steering_core.publishing.studies.study import Study, load_study


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study that the command line names."""
    parser = argparse.ArgumentParser(prog="steering_core.publishing.studies", description=__doc__)
    parser.add_argument("study", help="its name, or dotted.module:ATTRIBUTE")
    parser.add_argument("--jobs", type=int, default=None, help="number of workers (default: 1)")
    parser.add_argument(
        "--again", action="store_true", help="compare with the table; write nothing"
    )
    options = parser.parse_args(arguments)
    try:
        study = named_study(options.study)
    except ValueError as error:
        parser.error(str(error))
    if options.again:
        compare_again(study, n_jobs=options.jobs)
    else:
        run_study(study, n_jobs=options.jobs)


def compare_again(study: Study, n_jobs: int | None = None) -> None:
    """Compute every task of `study` anew; print what differs from its table, and how many do."""
    tasks, table = study.checked_tasks(), load_study(study).table
    jobs = (delayed(disagreements)(study, task, table) for task in tqdm(tasks, desc=study.name))
    one_at_a_time: Any = 1
    found: Any = Parallel(n_jobs=n_jobs, batch_size=one_at_a_time)(jobs)
    different = [words for words in found if words]
    for words in different:
        tqdm.write("\n".join(words))
    tqdm.write(
        f"{study.name}: {len(different)} of {len(tasks)} tasks differ by more than is allowed"
    )


def named_study(address: str) -> Study:
    """The study of that name, or the one at `dotted.module:ATTRIBUTE`."""
    if ":" not in address:
        studies = declared_studies()
        if address not in studies:
            raise ValueError(f"study is {address!r}; one of {sorted(studies)} is allowed")
        return studies[address]
    module, _, attribute = address.partition(":")
    study = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(study, Study):
        raise ValueError(f"study is {address!r}; dotted.module:ATTRIBUTE of a Study is allowed")
    return study


def declared_studies() -> dict[str, Study]:
    """Every study that a part of the package has in its module `studies`, by name."""
    parts = [file.parent.name for file in Path(steering_core.__path__[0]).glob("*/studies.py")]
    modules = [importlib.import_module(f"steering_core.{part}.studies") for part in sorted(parts)]
    found = [one for module in modules for one in vars(module).values()]
    return {study.name: study for study in found if isinstance(study, Study)}


if __name__ == "__main__":
    main()

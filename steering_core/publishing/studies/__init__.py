"""Studies: long computations whose small tables are committed, shown, and recomputed row by row.

A part of the package keeps its studies in a module `studies`;
`python -m steering_core.publishing.studies <name>` runs one.
"""

from steering_core.publishing.studies.check import spot_check
from steering_core.publishing.studies.run import run_study
from steering_core.publishing.studies.study import Study, StudyTable, load_study

__all__ = ["Study", "StudyTable", "load_study", "run_study", "spot_check"]

"""What the calls of this package cost, measured, and how that grows with size.

`python -m steering_core.costs` measures on the machine it runs on and writes the tables that the
page on scale shows. Not here: other packages side by side, and how long chapters and studies take,
which the build knows (`publishing.time_table`).
"""

from steering_core.costs.growth import Growth, growth, missed
from steering_core.costs.series import Series, Setting, all_series, least_seconds
from steering_core.costs.tables import write_tables

__all__ = [
    "Growth",
    "Series",
    "Setting",
    "all_series",
    "growth",
    "least_seconds",
    "missed",
    "write_tables",
]

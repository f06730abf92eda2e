"""The drawings of part II: each function takes results and gives a figure, and computes nothing."""

from steering_core.superposition.plots.explorer import phase_explorer, trained_explorer
from steering_core.superposition.plots.maps import NAMES, map_panels, theory_panels
from steering_core.superposition.plots.setup import input_batches, network
from steering_core.superposition.plots.slices import slice_panels
from steering_core.superposition.plots.stability import confused_panels, sparse_panels, trap_panels
from steering_core.superposition.plots.tables import (
    areas_table,
    map_table,
    phase_table,
    trained_table,
)

__all__ = [
    "NAMES",
    "areas_table",
    "confused_panels",
    "input_batches",
    "map_panels",
    "map_table",
    "network",
    "phase_explorer",
    "phase_table",
    "slice_panels",
    "sparse_panels",
    "theory_panels",
    "trained_explorer",
    "trained_table",
    "trap_panels",
]

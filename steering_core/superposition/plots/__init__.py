"""The drawings of part II: each function takes results and gives a figure, and computes nothing."""

from steering_core.superposition.plots.explorer import phase_explorer, trained_explorer
from steering_core.superposition.plots.maps import (
    areas_table,
    exact_and_trained,
    map_panels,
    phase_table,
    theory_panels,
)
from steering_core.superposition.plots.setup import input_batches, network
from steering_core.superposition.plots.stability import confused_panels, sparse_panels, trap_panels

__all__ = [
    "areas_table",
    "confused_panels",
    "exact_and_trained",
    "input_batches",
    "map_panels",
    "network",
    "phase_explorer",
    "phase_table",
    "sparse_panels",
    "theory_panels",
    "trained_explorer",
    "trap_panels",
]

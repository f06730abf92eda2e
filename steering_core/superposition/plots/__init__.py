"""The drawings of part II: functions from results to a figure, or to the table behind it."""

from steering_core.superposition.plots.causes import causes_panels
from steering_core.superposition.plots.curve_explorer import dimension_explorer
from steering_core.superposition.plots.curves import dimension_curves, recipe_bars
from steering_core.superposition.plots.explorer import phase_explorer, trained_explorer
from steering_core.superposition.plots.grams import gram_explorer, gram_panels, rotation_panels
from steering_core.superposition.plots.inflation import dimensionality_panel, inflation_panels
from steering_core.superposition.plots.leak import leak_panel, leak_table
from steering_core.superposition.plots.maps import NAMES, map_panels, theory_panels
from steering_core.superposition.plots.recipes import solu_panel, speed_panel
from steering_core.superposition.plots.setup import input_batches, network
from steering_core.superposition.plots.sharing import (
    ACTIVATION_COLOURS,
    directions_panel,
    entry_panels,
    mass_panel,
    pairs_panels,
)
from steering_core.superposition.plots.slices import slice_panels
from steering_core.superposition.plots.stability import confused_panels, sparse_panels, trap_panels
from steering_core.superposition.plots.tables import (
    areas_table,
    cells_table,
    curves_table,
    dimensionality_table,
    gram_table,
    inflation_table,
    map_table,
    phase_table,
    solu_table,
    sparse_table,
    trained_table,
)

__all__ = [
    "ACTIVATION_COLOURS",
    "NAMES",
    "areas_table",
    "causes_panels",
    "cells_table",
    "confused_panels",
    "curves_table",
    "dimension_curves",
    "dimension_explorer",
    "dimensionality_panel",
    "dimensionality_table",
    "directions_panel",
    "entry_panels",
    "gram_explorer",
    "gram_panels",
    "gram_table",
    "inflation_panels",
    "inflation_table",
    "input_batches",
    "leak_panel",
    "leak_table",
    "map_panels",
    "map_table",
    "mass_panel",
    "network",
    "pairs_panels",
    "phase_explorer",
    "phase_table",
    "recipe_bars",
    "rotation_panels",
    "slice_panels",
    "solu_panel",
    "solu_table",
    "sparse_panels",
    "sparse_table",
    "speed_panel",
    "theory_panels",
    "trained_explorer",
    "trained_table",
    "trap_panels",
]

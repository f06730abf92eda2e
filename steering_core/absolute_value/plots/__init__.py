"""The drawings of part III: functions from results to a figure, or to the table behind it."""

from steering_core.absolute_value.plots.densities import (
    basis_panel,
    curves_table,
    order_panels,
    order_table,
    primary_panels,
    primary_table,
    pure_table,
    sharing_panels,
    status_panel,
    status_table,
)
from steering_core.absolute_value.plots.frequency import (
    causal_panels,
    changes_panel,
    changes_table,
    counts_panels,
    counts_table,
    shares_panels,
    shares_table,
)
from steering_core.absolute_value.plots.motif_answers import answers_panels, answers_table
from steering_core.absolute_value.plots.motif_apart import apart_panels, apart_table
from steering_core.absolute_value.plots.motif_circuit import circuit_panels, motif_table
from steering_core.absolute_value.plots.motif_errors import maps_explorer, maps_panels, maps_table
from steering_core.absolute_value.plots.stacks import (
    stack_explorer,
    stack_panels,
    stack_table,
    three_features_panel,
    weights_table,
)
from steering_core.absolute_value.plots.training import (
    cures_panels,
    loss_panels,
    loss_table,
    summary_table,
)

__all__ = [
    "answers_panels",
    "answers_table",
    "apart_panels",
    "apart_table",
    "basis_panel",
    "causal_panels",
    "changes_panel",
    "changes_table",
    "circuit_panels",
    "counts_panels",
    "counts_table",
    "cures_panels",
    "curves_table",
    "loss_panels",
    "loss_table",
    "maps_explorer",
    "maps_panels",
    "maps_table",
    "motif_table",
    "order_panels",
    "order_table",
    "primary_panels",
    "primary_table",
    "pure_table",
    "shares_panels",
    "shares_table",
    "sharing_panels",
    "stack_explorer",
    "stack_panels",
    "stack_table",
    "status_panel",
    "status_table",
    "summary_table",
    "three_features_panel",
    "weights_table",
]

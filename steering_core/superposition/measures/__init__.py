"""The numbers that decide the claims of part II: from diagrams to `Measured`.

A measurement on exact diagrams has no interval; one on trained diagrams has the 99% bootstrap
interval over restarts. The thresholds are in `phase_claims`, and were there first.
"""

from steering_core.superposition.measures.exact import (
    agreement_with_theory,
    asymmetry,
    boundary_by_hessian,
    deviation,
    formula_error,
    gain_over_theory,
    tanh_affine_error,
    tanh_identity_error,
)
from steering_core.superposition.measures.labels import (
    agreement,
    distance_from_one,
    important_when_dense,
    one_feature_gap,
    relabelled,
)
from steering_core.superposition.measures.training import (
    largest_relabelled,
    relabelled_by_averaging,
    single_run_elsewhere,
    single_run_gap,
    stuck,
    stuck_by_start,
    superposed_over_dedicated,
)

__all__ = [
    "agreement",
    "agreement_with_theory",
    "asymmetry",
    "boundary_by_hessian",
    "deviation",
    "distance_from_one",
    "formula_error",
    "gain_over_theory",
    "important_when_dense",
    "largest_relabelled",
    "one_feature_gap",
    "relabelled",
    "relabelled_by_averaging",
    "single_run_elsewhere",
    "single_run_gap",
    "stuck",
    "stuck_by_start",
    "superposed_over_dedicated",
    "tanh_affine_error",
    "tanh_identity_error",
]

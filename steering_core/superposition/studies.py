"""The long runs of part II, a chapter at a time."""

from steering_core.superposition.activation_study import TEN_FEATURES
from steering_core.superposition.dimension_study import DIMENSIONS_PER_FEATURE
from steering_core.superposition.phase_study import TRAINED_PHASE_DIAGRAMS
from steering_core.superposition.solu_study import SOLU_AXIS

__all__ = ["DIMENSIONS_PER_FEATURE", "SOLU_AXIS", "TEN_FEATURES", "TRAINED_PHASE_DIAGRAMS"]

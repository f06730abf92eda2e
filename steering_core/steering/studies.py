"""The long runs of part I."""

from steering_core.steering.steering_study import EFFECTS, NULL_GAINS, SWEEP

__all__ = ["EFFECTS", "NULL_GAINS", "SWEEP"]

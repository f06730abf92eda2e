"""The long runs of part I."""

from steering_core.steering.second_study import SECOND_CENTRES, SECOND_OTHERS, SECOND_SWEEP
from steering_core.steering.steering_study import EFFECTS, NULL_GAINS, SWEEP

__all__ = ["EFFECTS", "NULL_GAINS", "SECOND_CENTRES", "SECOND_OTHERS", "SECOND_SWEEP", "SWEEP"]

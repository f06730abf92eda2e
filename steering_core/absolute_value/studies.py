"""The long runs of part III."""

from steering_core.absolute_value.cure_study import ABSOLUTE_VALUE_CURES
from steering_core.absolute_value.density_study import ABSOLUTE_VALUE_NETS
from steering_core.absolute_value.motif_study import MOTIF_FREQUENCY

__all__ = ["ABSOLUTE_VALUE_CURES", "ABSOLUTE_VALUE_NETS", "MOTIF_FREQUENCY"]

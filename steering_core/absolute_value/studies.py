"""The long runs of part III. Our recipe takes large steps, so that rounding steers their nets."""

from dataclasses import replace

from steering_core.absolute_value import cure_study, density_study, motif_study

ABSOLUTE_VALUE_CURES = replace(cure_study.ABSOLUTE_VALUE_CURES, chaotic=True)
ABSOLUTE_VALUE_NETS = replace(density_study.ABSOLUTE_VALUE_NETS, chaotic=True)
MOTIF_FREQUENCY = replace(motif_study.MOTIF_FREQUENCY, chaotic=True)

__all__ = ["ABSOLUTE_VALUE_CURES", "ABSOLUTE_VALUE_NETS", "MOTIF_FREQUENCY"]

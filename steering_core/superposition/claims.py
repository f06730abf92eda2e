"""The claims of part II and the rules that decide them, a chapter at a time.

A rule is fixed, with its threshold and decision setting, before the first run that could show its
outcome; a later change is listed in the claim's `changes`. Nothing here computes: a chapter
measures, `publishing.claim` records, and the outcome follows.
"""

from steering_core.superposition.activation_claims import ACTIVATION_CLAIMS
from steering_core.superposition.dimension_claims import DIMENSION_CLAIMS
from steering_core.superposition.phase_claims import PHASE_CLAIMS

CLAIMS = (*PHASE_CLAIMS, *ACTIVATION_CLAIMS, *DIMENSION_CLAIMS)

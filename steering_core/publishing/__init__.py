"""Publishing: named figures, the ledger of claims, committed studies, and the look of plots.

Whatever readers get is written here. It knows nothing of the research: the other parts hand it
numbers and drawings.
"""

from steering_core.publishing.claims import Claim, Measured, Rule
from steering_core.publishing.figures import Provenance, figure
from steering_core.publishing.ledger import claim
from steering_core.publishing.provenance import made_by
from steering_core.publishing.statistics import bootstrap_interval
from steering_core.publishing.studies import Study, load_study, run_study, spot_check
from steering_core.publishing.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PALETTE,
    PURPLE,
    SKY_BLUE,
    TEMPLATE,
    VERMILLION,
    YELLOW,
    use_style,
)

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SKY_BLUE",
    "TEMPLATE",
    "VERMILLION",
    "YELLOW",
    "Claim",
    "Measured",
    "Provenance",
    "Rule",
    "Study",
    "bootstrap_interval",
    "claim",
    "figure",
    "load_study",
    "made_by",
    "run_study",
    "spot_check",
    "use_style",
]

"""The long runs of part IV."""

from steering_core.sparse_autoencoders.control_study import AUTOENCODER_CONTROLS
from steering_core.sparse_autoencoders.curve_study import AUTOENCODER_CURVES
from steering_core.sparse_autoencoders.frontier_study import AUTOENCODER_FRONTIER
from steering_core.sparse_autoencoders.language_study import AUTOENCODER_LANGUAGE
from steering_core.sparse_autoencoders.overlap_study import AUTOENCODER_OVERLAP
from steering_core.sparse_autoencoders.tuning_study import AUTOENCODER_TUNING

__all__ = [
    "AUTOENCODER_CONTROLS",
    "AUTOENCODER_CURVES",
    "AUTOENCODER_FRONTIER",
    "AUTOENCODER_LANGUAGE",
    "AUTOENCODER_OVERLAP",
    "AUTOENCODER_TUNING",
]

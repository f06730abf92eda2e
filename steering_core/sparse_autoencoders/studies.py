"""The long runs of part IV."""

from steering_core.sparse_autoencoders.tuning_study import AUTOENCODER_TUNING

__all__ = ["AUTOENCODER_TUNING"]

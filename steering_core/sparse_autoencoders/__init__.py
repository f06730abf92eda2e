"""Part IV: what the bias of a sparse autoencoder does, and autoencoders whose bias only gates.

Exact for one latent (`response`, `least_error`), trained for many (`train_autoencoders`), scored
against features that are known (`GroundTruth`, `evaluate`).
"""

from steering_core.sparse_autoencoders.least_error import Situation, least_error
from steering_core.sparse_autoencoders.response import Fitted, fit, response

__all__ = ["Fitted", "Situation", "fit", "least_error", "response"]

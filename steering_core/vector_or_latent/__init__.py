"""Where parts I and IV meet: a mean-centred vector, or a latent of an autoencoder?

Both claim to be a direction that stands for something. Here each is asked to tell the texts of a
genre, and to steer towards it, at the same layer of the same model.
"""

from steering_core.vector_or_latent.detection import (
    METHODS,
    Labelled,
    auroc,
    ranked_latents,
    read_latents,
    scores_of,
)
from steering_core.vector_or_latent.directions import KINDS, direction

__all__ = [
    "KINDS",
    "METHODS",
    "Labelled",
    "auroc",
    "direction",
    "ranked_latents",
    "read_latents",
    "scores_of",
]

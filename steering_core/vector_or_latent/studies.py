"""The long runs of the meeting of parts I and IV."""

from steering_core.vector_or_latent.steering_study import LATENT_EFFECTS, LATENT_SWEEP

__all__ = ["LATENT_EFFECTS", "LATENT_SWEEP"]

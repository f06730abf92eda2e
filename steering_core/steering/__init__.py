"""Part I: steering vectors and the centre of a model's activations."""

from steering_core.steering.sampling import generate

__all__ = ["generate"]

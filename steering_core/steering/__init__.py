"""Part I: steering vectors and the centre of a model's activations."""

from steering_core.steering.sampling import generate
from steering_core.steering.steer import steer
from steering_core.steering.vectors import (
    introduce,
    isolate,
    matched_centre,
    mean_centre,
    steering_vector,
)

__all__ = [
    "generate",
    "introduce",
    "isolate",
    "matched_centre",
    "mean_centre",
    "steer",
    "steering_vector",
]

"""Part I: steering vectors and the centre of a model's activations."""

from steering_core.steering.lens import top_tokens
from steering_core.steering.lexicon import genre_frequency, genre_lexicons, shipped_lexicons
from steering_core.steering.quality import distinct_2, perplexity
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
    "distinct_2",
    "generate",
    "genre_frequency",
    "genre_lexicons",
    "introduce",
    "isolate",
    "matched_centre",
    "mean_centre",
    "perplexity",
    "shipped_lexicons",
    "steer",
    "steering_vector",
    "top_tokens",
]

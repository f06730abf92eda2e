"""A language model that comes with the package, texts, and statistics of the residual stream.

Layer k is the input of block k: 0 is the embeddings, `n_layers` the output of the last block.
"""

from steering_core.language_model.activations import (
    mean_cosine,
    residual_mean,
    residual_norms,
    top_dimensions,
)
from steering_core.language_model.load import SECOND, load_model
from steering_core.language_model.record import centre_of, training_mean, training_record
from steering_core.language_model.telling import (
    single_tokens,
    telling_words,
    telling_words_of_each,
)
from steering_core.language_model.texts import TEXT_SETS, load_texts

__all__ = [
    "SECOND",
    "TEXT_SETS",
    "centre_of",
    "load_model",
    "load_texts",
    "mean_cosine",
    "residual_mean",
    "residual_norms",
    "single_tokens",
    "telling_words",
    "telling_words_of_each",
    "top_dimensions",
    "training_mean",
    "training_record",
]

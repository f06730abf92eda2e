"""Part IV: what the bias of a sparse autoencoder does, and autoencoders whose bias only gates.

Exact for one latent (`response`, `least_error`), trained for many (`train_autoencoders`), scored
against features that are known (`ground_truth`, `evaluate`).
"""

from steering_core.sparse_autoencoders.architectures import ARCHITECTURES
from steering_core.sparse_autoencoders.autoencoders import (
    Autoencoders,
    load_autoencoders,
    save_autoencoders,
)
from steering_core.sparse_autoencoders.evaluate import evaluate
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, Sample, ground_truth
from steering_core.sparse_autoencoders.least_error import Situation, least_error
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.response import Fitted, fit, response
from steering_core.sparse_autoencoders.saelens import save_for_saelens
from steering_core.sparse_autoencoders.training import train_autoencoders

__all__ = [
    "ARCHITECTURES",
    "Autoencoders",
    "Fitted",
    "GroundTruth",
    "Recipe",
    "Sample",
    "Situation",
    "evaluate",
    "fit",
    "ground_truth",
    "least_error",
    "load_autoencoders",
    "response",
    "save_autoencoders",
    "save_for_saelens",
    "train_autoencoders",
]

"""Part II: superposition under different activation functions.

The model is x' = f(W^T W x + b), n sparse features through m < n dimensions. What is best for it
(`phase_diagram`, exact) and where training ends (`train_bottleneck`) are two things, kept apart.
"""

from steering_core.superposition.activations import ACTIVATIONS, Activation
from steering_core.superposition.bottleneck import TrainedBottleneck, train_bottleneck
from steering_core.superposition.geometry import dimensions_per_feature, feature_dimensionality
from steering_core.superposition.loss import expected_errors, expected_loss
from steering_core.superposition.phase_diagram import PhaseDiagram, phase_diagram
from steering_core.superposition.recipe import PUBLISHED, Recipe

__all__ = [
    "ACTIVATIONS",
    "PUBLISHED",
    "Activation",
    "PhaseDiagram",
    "Recipe",
    "TrainedBottleneck",
    "dimensions_per_feature",
    "expected_errors",
    "expected_loss",
    "feature_dimensionality",
    "phase_diagram",
    "train_bottleneck",
]

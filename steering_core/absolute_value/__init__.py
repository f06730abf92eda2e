"""Part III: computation in superposition.

The model is y' = ReLU(W2 ReLU(W1 x) + b) and computes absolute values, of more features than it has
pairs of neurons for. What it can do shows only when it is trained well; `OURS` is how.
"""

from steering_core.absolute_value.errors import feature_errors, normalised_loss, responses
from steering_core.absolute_value.motifs import Motif, find_motifs
from steering_core.absolute_value.neurons import Neurons, neurons, rescaled
from steering_core.absolute_value.pairs import pairs_loss, plain_pairs
from steering_core.absolute_value.recipe import OURS, USUAL, Recipe
from steering_core.absolute_value.task import ABSOLUTE, TASKS, Task
from steering_core.absolute_value.training import TrainedAbsoluteValue, train_absolute_value

__all__ = [
    "ABSOLUTE",
    "OURS",
    "TASKS",
    "USUAL",
    "Motif",
    "Neurons",
    "Recipe",
    "Task",
    "TrainedAbsoluteValue",
    "feature_errors",
    "find_motifs",
    "neurons",
    "normalised_loss",
    "pairs_loss",
    "plain_pairs",
    "rescaled",
    "responses",
    "train_absolute_value",
]

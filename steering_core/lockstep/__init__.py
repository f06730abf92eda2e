"""Training many small models at once, each as if it were alone.

The parameters of all models are stacked along a first axis, one step moves them all, and no model
can tell that others are there. What a step costs beside arithmetic is paid once for all. A model
that has converged leaves, and so does one whose loss is no longer finite, which is named; the
others go on.

Not here: what is trained. The caller gives a function from parameters and a batch to losses and
gradients (`by_autograd` makes one from losses alone), and an iterable of batches, which may be
shared by any of the models.
"""

from steering_core.lockstep.crew import Parameters
from steering_core.lockstep.random import stream
from steering_core.lockstep.record import Plateau
from steering_core.lockstep.schedules import Schedule, constant, warm_cosine
from steering_core.lockstep.training import Gradients, Step, Trained, by_autograd, one_thread, train

__all__ = [
    "Gradients",
    "Parameters",
    "Plateau",
    "Schedule",
    "Step",
    "Trained",
    "by_autograd",
    "constant",
    "one_thread",
    "stream",
    "train",
    "warm_cosine",
]

"""What a network is asked for: absolute values, or one of the controls."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep


@dataclass(frozen=True)
class Task:
    """Inputs, hidden layer and labels.

    Attributes:
        name: for messages and tables.
        signed: whether inputs are uniform on [-1, 1], else on [0, 1], where |x| is x: storage.
        hidden_relu: whether hidden units are rectified, else linear.
        mixing: standard deviation of a random matrix M with an empty diagonal. The labels are
            |x| + M |x|, cut at zero, as labels that leak other features into each (Bhagat et al.
            2026 find such a leak behind the "compressed computation" of Braun et al. 2025).
    """

    name: str
    signed: bool = True
    hidden_relu: bool = True
    mixing: float = 0.0

    def hidden(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """What hidden units put out."""
        return z.clamp_min(0) if self.hidden_relu else z

    def labels(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """What the network is to put out."""
        size = x.abs()
        if not self.mixing:
            return size
        n = len(x)
        matrix = torch.randn(n, n, generator=lockstep.stream(0, "mixing", n)) * self.mixing
        return (size + matrix.fill_diagonal_(0.0).to(x) @ size).clamp_min_(0)


ABSOLUTE = Task("absolute")
STORAGE = Task("storage", signed=False)
BOTTLENECK = Task("bottleneck", signed=False, hidden_relu=False)
MIXED = Task("mixed labels", mixing=0.05)

TASKS = {task.name: task for task in (ABSOLUTE, STORAGE, BOTTLENECK, MIXED)}

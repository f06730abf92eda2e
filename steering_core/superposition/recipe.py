"""How bottleneck models are trained: the published recipe, ours, and any between.

`PUBLISHED` is that of the source works: Elhage et al. 2022 published theirs (Xavier weights, no
bias at the start, AdamW at a constant 1e-3 with torch's default weight decay, 10,000 steps of 1,024
fresh inputs), and Lad & Kostolansky 2023 follow it with other activations.
"""

import math
from dataclasses import dataclass

from steering_core import lockstep


@dataclass(frozen=True)
class Recipe:
    """How models are trained.

    Attributes:
        steps: of the optimiser, at most.
        batch_size: inputs a step, shared by all models of a density and seed.
        learning_rate: of AdamW, times `schedule` of the share of the steps done.
        weight_decay: AdamW's.
        schedule: factor on the rate.
        plateau: when a model may leave early.
        xavier_instances: 0 takes Xavier's fans from (m, n). Published code initialises so many
            models as one tensor, whose third axis Xavier's rule then counts.
        signed: whether active inputs, which are the targets too, are uniform on [-1, 1].
        shared_mask: one sparsity mask for all features of an input, a slip (see `sample`).
    """

    steps: int = 10_000
    batch_size: int = 1024
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: lockstep.Schedule = lockstep.constant
    plateau: lockstep.Plateau | None = None
    xavier_instances: int = 0
    signed: bool = False
    shared_mask: bool = False

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch_size", 1), ("xavier_instances", 0)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"{name}: got {getattr(self, name)}; allowed are whole numbers from {least}"
                )
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}: got {getattr(self, name)}; allowed are finite numbers from 0"
                )

    def initial_deviation(self, m: int, n: int) -> float:
        """Standard deviation of the initial weights (Glorot & Bengio 2010, eq. 16, normal)."""
        instances = self.xavier_instances
        fans = n * m + instances * m if instances else n + m
        return math.sqrt(2 / fans)


PUBLISHED = Recipe()

"""How absolute-value models are trained: the usual recipe, ours, and any between.

The source published none. `USUAL` is how people train it (ARENA's exercises: Kaiming weights, Adam
at a constant 1e-3, batches of 1,024). It leaves outputs dead: one that is below zero on every input
gets no gradient and never comes back. Ours differs in four ways, each a field of its own:

- the gradient leaks through an output that is off (the output itself does not), until late;
- training begins at a density at which nets train well, between 0.01 and 0.03, and moves from there
  to the one that is asked for;
- inputs without an active feature, which are all alike, are counted and not computed;
- large steps that cool down.
"""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from steering_core import lockstep
from steering_core.absolute_value.checks import check_count

Start = Literal["normal", "kaiming", "kaiming, one tensor", "pairs"]


@dataclass(frozen=True)
class Recipe:
    """How models are trained.

    Attributes:
        steps: of the optimiser.
        batch_size: inputs a step, shared by all models of a density.
        learning_rate: of AdamW, times `schedule` of the share of the steps done.
        weight_decay: AdamW's.
        schedule: factor on the rate.
        leak: slope that the gradient sees where an output is off; it falls to zero in a line.
        leak_until: share of the run after which there is no leak.
        begin_between: densities between which training begins, at the one nearest to the density
            asked for; None begins at that density itself.
        move: shares of the run between which the density moves there, in equal ratios.
        skip_empty: whether a batch holds only inputs with an active feature; all others give the
            same output, whose loss is added by its weight.
        start: "normal", deviation 1/sqrt(fan in); "kaiming", uniform (He et al. 2015);
            "kaiming, one tensor", the same where several nets are one tensor (nets, m, n), of
            which torch then takes m n for the fan in; "pairs", exact pairs for the first
            features, with noise of deviation 0.01 on all weights.
        initial_bias: of every output; a start from pairs has the biases of pairs.
    """

    steps: int = 3_000
    batch_size: int = 512
    learning_rate: float = 0.06
    weight_decay: float = 0.0
    schedule: lockstep.Schedule = field(default_factory=lambda: lockstep.warm_cosine(0.05))
    leak: float = 0.3
    leak_until: float = 0.9
    begin_between: tuple[float, float] | None = (0.01, 0.03)
    move: tuple[float, float] = (0.1, 0.7)
    skip_empty: bool = True
    start: Start = "normal"
    initial_bias: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            check_count(name, getattr(self, name))
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name}: got {getattr(self, name)}; allowed are finite numbers from 0"
                )
        for name in ("leak", "leak_until"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: got {getattr(self, name)}; allowed is [0, 1]")
        if self.begin_between is not None and not _rising(self.begin_between, strict=False):
            raise ValueError(
                f"begin_between: got {self.begin_between}; allowed are two densities in (0, 1], "
                "the lower one first, or None"
            )
        if not _rising(self.move):
            raise ValueError(f"move: got {self.move}; allowed are two rising shares in [0, 1]")
        if not math.isfinite(self.initial_bias):
            raise ValueError(f"initial_bias: got {self.initial_bias}; allowed are finite numbers")
        if self.start not in get_args(Start):
            raise ValueError(f"start: got {self.start!r}; allowed are {', '.join(get_args(Start))}")

    def density_at(self, done: float, density: float) -> float:
        """The density of the inputs when a share `done` of the run is done."""
        if self.begin_between is None:
            return density
        low, high = self.begin_between
        first = min(max(density, low), high)
        begin, end = self.move
        moved = min(1.0, max(0.0, (done - begin) / (end - begin)))
        return first ** (1 - moved) * density**moved

    def leak_at(self, done: float) -> float:
        """The slope that the gradient sees where an output is off."""
        if done >= self.leak_until:
            return 0.0
        return self.leak * (1 - done / self.leak_until)


def _rising(pair: tuple[float, ...], *, strict: bool = True) -> bool:
    """Two numbers in [0, 1], the lower one first; not strictly, for two densities above 0."""
    if len(pair) != 2:
        return False
    low, high = pair
    return 0 <= low < high <= 1 if strict else 0 < low <= high <= 1


OURS = Recipe()

USUAL = Recipe(
    steps=10_000,
    batch_size=1024,
    learning_rate=1e-3,
    schedule=lockstep.constant,
    leak=0.0,
    begin_between=None,
    skip_empty=False,
    start="kaiming",
)

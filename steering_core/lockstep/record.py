"""Loss curves, and which model left the run when and why."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Plateau:
    """When a model has converged: its loss, averaged over `window` steps, has not fallen by more
    than the share `tolerance` against the window before. Losses are noisy; so take long windows.
    """

    window: int
    tolerance: float

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window: got {self.window}; allowed are whole numbers from 1")
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance: got {self.tolerance}; allowed is [0, 1)")


class Record:
    """Loss curves, and who left when and why."""

    def __init__(self, names: Sequence[str], records: int, record_every: int) -> None:
        count = len(names)
        self._names, self._every = names, record_every
        self.curves = torch.full((records, count), math.nan)
        self.steps = torch.zeros(count, dtype=torch.long)
        self.diverged = torch.zeros(count, dtype=torch.bool)
        self.converged = torch.zeros(count, dtype=torch.bool)
        self._filled = 0

    def add(
        self,
        losses: Float[Tensor, "stretch left"],
        models: Int[Tensor, " left"],
        finite: Bool[Tensor, " left"],
        taken: int,
        plateau: Plateau | None,
    ) -> Bool[Tensor, " left"]:
        """Note a stretch of losses up to step `taken`; gives which models leave."""
        losses = losses.cpu()
        self.curves[self._filled, models] = losses.mean(0)
        self._filled += 1
        self.steps[models] = taken
        broken = ~(losses.isfinite().all(0) & finite.cpu())
        for i in broken.nonzero()[:, 0].tolist():
            wrong = (~losses[:, i].isfinite()).nonzero()[:, 0]
            step = taken - len(losses) + int(wrong[0]) + 1 if len(wrong) else taken
            self.steps[models[i]] = step
            warnings.warn(
                f"{self._names[int(models[i])]}: not finite from step {step} on; it is left as "
                "NaN, the others go on",
                RuntimeWarning,
                stacklevel=3,
            )
        self.diverged[models[broken]] = True
        flat = self._flat(plateau)[models] & ~broken
        self.converged[models[flat]] = True
        return broken | flat

    def _flat(self, plateau: Plateau | None) -> Bool[Tensor, " models"]:
        """Which curves no longer fall."""
        span = 0 if plateau is None else math.ceil(plateau.window / self._every)
        if plateau is None or self._filled < 2 * span:
            return torch.zeros_like(self.converged)
        before, last = self.curves[: self._filled][-2 * span :].split(span)
        return last.mean(0) > (1 - plateau.tolerance) * before.mean(0)

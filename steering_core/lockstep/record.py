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

    Its rate then goes down to zero in a line over `cool_down` steps, and it leaves: at a constant
    rate the parameters keep trembling, however long one waits.

    Attributes:
        window: steps over which losses are averaged, at least 1.
        tolerance: in [0, 1).
        cool_down: from 0, which is to leave at once.

    Raises:
        ValueError: a number out of its range.
    """

    window: int
    tolerance: float
    cool_down: int = 0

    def __post_init__(self) -> None:
        if self.window < 1:
            raise ValueError(f"window: got {self.window}; allowed are whole numbers from 1")
        if self.cool_down < 0:
            raise ValueError(f"cool_down: got {self.cool_down}; allowed are whole numbers from 0")
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance: got {self.tolerance}; allowed is [0, 1)")


class Record:
    """Loss curves, and who left when and why."""

    def __init__(
        self, names: Sequence[str], records: int, record_every: int, plateau: Plateau | None
    ) -> None:
        count = len(names)
        self._names, self._every, self._plateau = names, record_every, plateau
        self._cooling_since = torch.full((count,), -1)
        self._filled = 0
        self.curves = torch.full((records, count), math.nan)
        self.steps = torch.zeros(count, dtype=torch.long)
        self.diverged = torch.zeros(count, dtype=torch.bool)
        self.converged = torch.zeros(count, dtype=torch.bool)

    def add(
        self,
        losses: Float[Tensor, "stretch left"],
        models: Int[Tensor, " left"],
        finite: Bool[Tensor, " left"],
        taken: int,
    ) -> Bool[Tensor, " left"]:
        """Note a stretch of losses up to step `taken`; gives which models leave."""
        losses = losses.cpu().float()
        self.curves[self._filled, models] = losses.mean(0)
        self._filled += 1
        self.steps[models] = taken
        broken = ~(losses.isfinite().all(0) & finite.cpu())
        self._report(broken, losses, models, taken)
        cooled = self._cooled(models, taken) & ~broken
        self.converged[models[cooled]] = True
        return broken | cooled

    def shares(self, models: Int[Tensor, " left"], taken: int) -> Float[Tensor, " left"] | None:
        """What is left of the rate of each model; None while all have the whole."""
        since = self._cooling_since[models]
        if self._plateau is None or (since < 0).all():
            return None
        left = 1 - (taken - since) / max(1, self._plateau.cool_down)
        return torch.where(since < 0, 1.0, left.clamp_min(0.0))

    def _report(self, broken: Tensor, losses: Tensor, models: Tensor, taken: int) -> None:
        """Warn of each model that is no longer finite, with the first such step."""
        for i in broken.nonzero()[:, 0].tolist():
            wrong = (~losses[:, i].isfinite()).nonzero()[:, 0]
            step = taken - len(losses) + int(wrong[0]) + 1 if len(wrong) else taken
            self.steps[models[i]] = step
            warnings.warn(
                f"{self._names[int(models[i])]}: not finite from step {step} on; it is left as "
                "NaN, the others go on",
                RuntimeWarning,
                stacklevel=4,
            )
        self.diverged[models[broken]] = True

    def _cooled(self, models: Tensor, taken: int) -> Bool[Tensor, " left"]:
        """Let models on a plateau begin to cool; gives which have cooled down."""
        if self._plateau is None:
            return torch.zeros(len(models), dtype=torch.bool)
        begin = self._flat(self._plateau) & (self._cooling_since < 0) & ~self.diverged
        self._cooling_since[begin] = taken
        since = self._cooling_since[models]
        return (since >= 0) & (taken - since >= self._plateau.cool_down)

    def _flat(self, plateau: Plateau) -> Bool[Tensor, " models"]:
        """Which curves no longer fall."""
        span = math.ceil(plateau.window / self._every)
        if self._filled < 2 * span:
            return torch.zeros_like(self.converged)
        before, last = self.curves[self._filled - 2 * span : self._filled].split(span)
        fall = before.mean(0) - last.mean(0)
        return fall <= plateau.tolerance * before.mean(0).abs()

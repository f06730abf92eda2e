"""What the study of trained phase diagrams found: ends of training, their phases, their losses.

A trained cell is labelled by the restart with the lowest loss, as the source works do. Losses are
exact expectations, not those of the last batch.

Not here: the training (`bottleneck`), and the study that ran it (`studies`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int, Shaped
from numpy.typing import NDArray
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units
from steering_core.superposition.loss import expected_errors
from steering_core.superposition.phases import label, represented


@dataclass(frozen=True)
class TrainedDiagram:
    """Where R restarts ended, on a grid of densities (rows, D) and importances (columns, I).

    Attributes:
        activation: its name.
        densities: (D,), importances: (I,) of the extra feature; the first has importance 1.
        weights: (D, I, R, 1, 2), bias: (D, I, R, 2).
    """

    activation: str
    densities: Float[Tensor, "D"]
    importances: Float[Tensor, "I"]
    weights: Float[Tensor, "D I R 1 2"]
    bias: Float[Tensor, "D I R 2"]

    @cached_property
    def errors(self) -> Float[Tensor, "D I R 2"]:
        """E (x_i - x'_i)^2 of every restart."""
        density = self.densities[:, None, None].expand(self.weights.shape[:3])
        return expected_errors(self.weights, self.bias, activation=self.activation, density=density)

    @cached_property
    def loss(self) -> Float[Tensor, "D I R"]:
        """The expected loss of every restart."""
        return self.errors[..., 0] + self.importances[:, None] * self.errors[..., 1]

    @cached_property
    def restart_phase(self) -> Shaped[np.ndarray, "D I R"]:
        """(D, I, R), the phase of every restart."""
        density = self.densities[:, None, None].expand(self.weights.shape[:3])
        return label(self.weights, represented(self.errors, density))

    @property
    def restarts(self) -> int:
        """R."""
        return self.weights.shape[2]

    def best(self, among: Int[np.ndarray, "draws"] | None = None) -> NDArray[np.int_]:
        """(D, I), the restart of lowest loss, among those given or all."""
        among = np.arange(self.restarts) if among is None else np.unique(among)
        return among[self.loss.numpy()[..., among].argmin(-1)]

    def phase(self, among: Int[np.ndarray, "draws"] | None = None) -> Shaped[np.ndarray, "D I"]:
        """(D, I), the phase of the restart of lowest loss."""
        return np.take_along_axis(self.restart_phase, self.best(among)[..., None], -1)[..., 0]

    def averaged(self, among: Int[np.ndarray, "draws"] | None = None) -> "TrainedDiagram":
        """The models whose weights and biases are the restarts' means: a slip of method."""
        among = np.arange(self.restarts) if among is None else among
        return replace(
            self,
            weights=self.weights[:, :, among].mean(2, keepdim=True),
            bias=self.bias[:, :, among].mean(2, keepdim=True),
        )

    @cached_property
    def best_loss(self) -> Float[Tensor, "D I"]:
        """The lowest loss of the restarts."""
        return self.loss.min(-1).values

    def share_of_restarts(
        self, *phases: str, among: Bool[np.ndarray, "D I R"] | None = None
    ) -> Float[np.ndarray, "D I"]:
        """The share of restarts that end in one of the phases, among those marked or all; NaN where
        none is marked."""
        marked = np.ones(self.restart_phase.shape, bool) if among is None else among
        ended = (np.isin(self.restart_phase, phases) & marked).sum(-1)
        return ended / np.where(marked.any(-1), marked.sum(-1), np.nan)


def diagrams_of(table: pd.DataFrame) -> dict[tuple[str, str], TrainedDiagram]:
    """The diagrams of the study's table, by method and activation."""
    keys = table[["method", "activation"]].drop_duplicates().itertuples(index=False, name=None)
    return {
        (method, activation): _diagram_of(
            activation, table[(table["method"] == method) & (table["activation"] == activation)]
        )
        for method, activation in keys
    }


def _diagram_of(activation: str, rows: Any) -> TrainedDiagram:
    rows = rows.sort_values(["density", "importance", "restart"])
    densities, importances = np.unique(rows["density"]), np.unique(rows["importance"])
    shape = (len(densities), len(importances), -1, 2)
    values = {
        kind: torch.tensor(rows[[f"{kind}_first", f"{kind}_extra"]].to_numpy().reshape(shape))
        for kind in ("w", "b")
    }
    return TrainedDiagram(
        activation,
        torch.tensor(densities),
        torch.tensor(importances),
        values["w"][..., None, :],
        values["b"],
    )


def over_restarts(
    statistic: Callable[[NDArray[np.int_]], float], restarts: int, *, resamples: int = 1000
) -> Measured:
    """A statistic of the restarts in use, with its 99% interval over them (`over_units`).

    Args:
        statistic: maps indices of restarts to a number.
        restarts: how many there are.
    """
    return over_units(np.arange(restarts), statistic, resamples=resamples)

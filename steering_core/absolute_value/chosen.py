"""Which of the trained nets a page shows: those of the lowest loss, and how they compare."""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.absolute_value.basis import rotated_kurtosis, row_kurtosis
from steering_core.absolute_value.errors import dead_sides, feature_errors, normalised_loss
from steering_core.absolute_value.neurons import Neurons, neurons, rescaled
from steering_core.absolute_value.training import TrainedAbsoluteValue


@dataclass(frozen=True)
class Net:
    """One trained net.

    Attributes:
        density: at which it was trained.
        seed: from which it began.
        w_in: (m, n), w_out: (n, m), bias: (n,).
    """

    density: float
    seed: int
    w_in: Float[Tensor, "m n"]
    w_out: Float[Tensor, "n m"]
    bias: Float[Tensor, "n"]

    @property
    def weights(self) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"], Float[Tensor, "n"]]:
        """(w_in, w_out, bias)."""
        return self.w_in, self.w_out, self.bias

    def neurons(self) -> Neurons:
        """What its neurons carry."""
        return neurons(*self.weights, density=self.density)


def held_out(trained: TrainedAbsoluteValue, *, important: int = 20) -> pd.DataFrame:
    """A row for each net: density, seed, normalised loss on held-out inputs, and dead sides of its
    most important features."""
    rows = []
    for d, density in enumerate(trained.densities):
        stacks = trained.w_in[d], trained.w_out[d], trained.bias[d]
        errors = feature_errors(*stacks, density=density, task=trained.task)
        losses = normalised_loss(errors, trained.importance)
        dead = dead_sides(*stacks)[:, :important].sum((-2, -1))
        rows += [
            {"density": density, "seed": int(seed), "loss": float(loss), "dead_sides": int(count)}
            for seed, loss, count in zip(trained.seeds, losses, dead, strict=True)
        ]
    return pd.DataFrame(rows)


def all_nets(trained: TrainedAbsoluteValue) -> list[Net]:
    """Every net, densities first."""
    return [
        Net(density, int(seed), *trained.model(d, s))
        for d, density in enumerate(trained.densities)
        for s, seed in enumerate(trained.seeds)
    ]


def kurtoses(trained: TrainedAbsoluteValue) -> pd.DataFrame:
    """A row for each net: density, seed, kurtosis of the rows of its rescaled W1, and the largest
    of 99 rotations."""
    rows = []
    for d, density in enumerate(trained.densities):
        for s, seed in enumerate(trained.seeds.tolist()):
            weights, _ = rescaled(trained.w_in[d, s], trained.w_out[d, s])
            rows.append(
                {
                    "density": density,
                    "seed": seed,
                    "kurtosis": float(row_kurtosis(weights)),
                    "kurtosis_rotated": float(rotated_kurtosis(weights).max()),
                }
            )
    return pd.DataFrame(rows)


def best_nets(trained: TrainedAbsoluteValue, table: pd.DataFrame) -> list[Net]:
    """The net of the lowest loss at each density.

    Args:
        trained: the nets.
        table: `held_out` of them.
    """
    loss = torch.tensor(table["loss"].to_numpy(float)).reshape(len(trained.densities), -1)
    return [
        Net(density, int(trained.seeds[s]), *trained.model(d, s))
        for d, (density, s) in enumerate(
            zip(trained.densities, loss.argmin(1).tolist(), strict=True)
        )
    ]

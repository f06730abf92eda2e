"""The phase diagram of an activation function: the global optimum at every density and importance.

Not here: how the optimum is found (`search`), and what training finds instead (`bottleneck`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from steering_core.superposition.activations import resolve
from steering_core.superposition.checks import check_density, check_importance, check_levels
from steering_core.superposition.grid import Grid
from steering_core.superposition.loss import expected_errors
from steering_core.superposition.phases import canonical, label, represented
from steering_core.superposition.search import global_optima


@dataclass(frozen=True)
class PhaseDiagram:
    """Optimal models on a grid of densities (rows, D) and importances (columns, I).

    Attributes:
        activation: its name, or the name of the callable.
        densities: (D,)
        importances: (I,) of the last feature; the others have importance 1.
        weights: (D, I, m, n), up to a rotation of the hidden space.
        bias: (D, I, n)
        loss: (D, I) expected loss.
        represented: (D, I, n), r_i of `phases.represented`.
        phase: (D, I) names out of `phases`.
        next_loss: (D, I) loss of the best local optimum found with another phase, NaN if none was.
        seconds: what the search took.
    """

    activation: str
    densities: Float[Tensor, "D"]
    importances: Float[Tensor, "I"]
    weights: Float[Tensor, "D I m n"]
    bias: Float[Tensor, "D I n"]
    loss: Float[Tensor, "D I"]
    represented: Float[Tensor, "D I n"]
    phase: Shaped[np.ndarray, "D I"]
    next_loss: Float[Tensor, "D I"]
    seconds: float

    @property
    def margin(self) -> Float[Tensor, "D I"]:
        """How much higher the next best phase's loss is, as a share of the loss; NaN if none."""
        return self.next_loss / self.loss - 1

    def areas(self, threshold: float = 0.5) -> dict[str, float]:
        """The share of cells in each phase that occurs, a feature counting from r_i > threshold."""
        names, counts = np.unique(self.phase_at(threshold), return_counts=True)
        return {str(n): float(c) / self.phase.size for n, c in zip(names, counts, strict=True)}

    def phase_at(self, threshold: float) -> Shaped[np.ndarray, "D I"]:
        """(D, I) names of phases when a feature counts as represented from r_i > threshold."""
        return label(self.weights, self.represented, threshold)


def phase_diagram(
    activation: str | Callable[[Tensor], Tensor],
    *,
    n_features: int = 2,
    n_hidden: int = 1,
    densities: Sequence[float] | Float[Tensor, "D"],
    importances: Sequence[float] | Float[Tensor, "I"],
    bias: bool = True,
    restarts: int = 4,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> PhaseDiagram:
    """The optimal model of every cell of a grid, and its phase.

    Args:
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        n_features: inputs n, 2 or 3.
        n_hidden: hidden dimensions m, less than n.
        densities: probabilities that an input is active, in (0, 1].
        importances: of the last feature, positive; the others have importance 1.
        bias: whether the outputs have one.
        restarts: random starts a cell, beside the structured ones (a cell of every other row and
            column of a large grid; the others start from their neighbours).
        seed: of the random starts; the global generator is left alone.
        device: where to compute; what comes back is on the CPU.

    Raises:
        ValueError: any argument out of the range given above; an activation that changes the shape,
            or returns NaN (with the cell).

    Source:
        Elhage et al. 2022, "Superposition as a Phase Change", made exact.
    """
    begin = time.perf_counter()
    if n_features not in (2, 3):
        raise ValueError(f"n_features: got {n_features}; allowed are 2 and 3")
    if not 1 <= n_hidden < n_features:
        raise ValueError(
            f"n_hidden: got {n_hidden}; allowed are 1 to {n_features - 1}, less than n_features"
        )
    if restarts < 1:
        raise ValueError(f"restarts: got {restarts}; allowed are whole numbers from 1")
    grid = Grid(
        function=resolve(activation),
        n=n_features,
        m=n_hidden,
        bias=bias,
        densities=check_density(check_levels("densities", densities), name="densities").to(device),
        importances=check_importance(
            check_levels("importances", importances), name="importances"
        ).to(device),
    )
    grid.check_activation()
    best, next_best = global_optima(grid, restarts=restarts, seed=seed)
    name = activation if isinstance(activation, str) else _name_of(activation)
    return _diagram(name, grid, best, next_best, begin)


def _diagram(name: str, grid: Grid, best: Tensor, next_best: Tensor, begin: float) -> PhaseDiagram:
    weights, bias = grid.unpack(best)
    weights = canonical(weights)
    errors = expected_errors(weights, bias, activation=grid.function, density=grid.density)
    fraction = represented(errors, grid.density).cpu()
    phase = label(weights.cpu(), fraction)
    next_loss = grid.loss(next_best).cpu()
    next_loss[torch.from_numpy(grid.labels(next_best) == phase)] = torch.nan
    loss = (errors * grid.importance).sum(-1)
    return PhaseDiagram(
        activation=name,
        densities=grid.densities.cpu(),
        importances=grid.importances.cpu(),
        weights=weights.cpu().unflatten(0, grid.shape),
        bias=bias.cpu().unflatten(0, grid.shape),
        loss=loss.cpu().unflatten(0, grid.shape),
        represented=fraction.unflatten(0, grid.shape),
        phase=phase.reshape(grid.shape),
        next_loss=next_loss.unflatten(0, grid.shape),
        seconds=time.perf_counter() - begin,
    )


def _name_of(activation: object) -> str:
    return getattr(getattr(activation, "function", activation), "__name__", "activation")

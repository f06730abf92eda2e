"""The phase diagram of an activation function: the global optimum at every density and importance.

Every cell of the grid is a minimisation of a handful of parameters. All cells descend together from
structured and random starts on a cheap rule; the best of each cell are polished on an exact one; then
neighbours hand their solutions on until no cell gains, which leaves no speckle.

Not here: what training finds instead (`bottleneck`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from steering_core.superposition.activations import Activation, resolve
from steering_core.superposition.checks import check_density, check_importance, check_levels
from steering_core.superposition.loss import errors_at_order, expected_errors
from steering_core.superposition.optimise import minimise
from steering_core.superposition.phases import canonical, label, represented

_ROUGH, _FINE = 1e-5, 1e-10  # falls, as shares of the loss, at which a descent ends
_CLOSE = 1e-3  # an end not this close to the best so far is not polished
_GAIN = 1e-9  # a fall that counts as one


@dataclass(frozen=True)
class PhaseDiagram:
    """Optimal models on a grid of densities (rows, D) and importances (columns, I).

    Attributes:
        activation: its name, or the name of the callable.
        densities: (D,), importances: (I,) of the last feature; the others have importance 1.
        weights: (D, I, m, n), up to a rotation of the hidden space; bias: (D, I, n).
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
    phase: NDArray[np.str_]
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

    def phase_at(self, threshold: float) -> NDArray[np.str_]:
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
    restarts: int = 2,
    seed: int = 0,
) -> PhaseDiagram:
    """The optimal model of every cell of a grid, and its phase.

    Args:
        activation: a name out of `ACTIVATIONS`, or a callable on (..., n).
        n_features: inputs n, 2 or 3.
        n_hidden: hidden dimensions m, less than n.
        densities: probabilities that an input is active, in (0, 1].
        importances: of the last feature, positive; the others have importance 1.
        bias: whether the outputs have one.
        restarts: random starts a cell, beside the structured ones.
        seed: of the random starts; the global generator is left alone.

    Raises:
        ValueError: any argument out of the range given above.

    Source:
        Elhage et al. 2022, "Superposition as a Phase Change", made exact.
    """
    begin = time.perf_counter()
    problem = _Problem.of(activation, n_features, n_hidden, densities, importances, bias)
    if restarts < 1:
        raise ValueError(f"restarts: got {restarts}; allowed are whole numbers from 1")
    starts = _structured_starts(n_features, n_hidden) + [None] * restarts
    generator = torch.Generator().manual_seed(seed)
    ends = [problem.explore(problem.jitter(start, generator)) for start in starts]
    best, other = problem.two_phases(*(torch.stack(part) for part in zip(*ends, strict=True)))
    everywhere = torch.arange(problem.cells)
    solution, value = problem.polish(best, everywhere)
    rival, rough = problem.approach(other, everywhere)
    close = (rough < value * (1 + _CLOSE)).nonzero()[:, 0]
    solution, value, _ = problem.improve(solution, value, rival[close], close)
    solution, _ = problem.hand_on(solution, value)
    return problem.diagram(solution, rival, begin)


@dataclass(frozen=True)
class _Problem:
    """All cells of one diagram as a batch: parameters are W (m n) and b (n) in one row."""

    name: str
    function: Activation
    m: int
    n: int
    bias: bool
    densities: Tensor
    importances: Tensor

    @staticmethod
    def of(activation, n, m, densities, importances, bias) -> "_Problem":
        function = resolve(activation)
        if n not in (2, 3):
            raise ValueError(f"n_features: got {n}; allowed are 2 and 3")
        if not 1 <= m < n:
            raise ValueError(f"n_hidden: got {m}; allowed are 1 to {n - 1}, less than n_features")
        densities = check_density(check_levels("densities", densities))
        importances = check_importance(check_levels("importances", importances))
        name = (
            activation if isinstance(activation, str) else getattr(activation, "__name__", "custom")
        )
        return _Problem(name, function, m, n, bias, densities, importances)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.densities), len(self.importances)

    @property
    def cells(self) -> int:
        return self.shape[0] * self.shape[1]

    @property
    def density(self) -> Float[Tensor, "cells"]:
        return self.densities.repeat_interleave(self.shape[1])

    @property
    def importance(self) -> Float[Tensor, "cells n"]:
        extra = self.importances.repeat(self.shape[0])
        return torch.stack([*[torch.ones_like(extra)] * (self.n - 1), extra], dim=-1)

    def unpack(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weights = x[:, : self.m * self.n].reshape(-1, self.m, self.n)
        return weights, x[:, self.m * self.n :] if self.bias else x.new_zeros(len(x), self.n)

    def objective(self, order: int, split: bool):
        """Loss as a share of that of a model that puts out zero, so that all cells are of one size."""
        density, importance = self.density, self.importance
        zero = (importance * density[:, None] / 3).sum(-1)

        def loss(x: Tensor, index: Tensor) -> Tensor:
            weights, bias = self.unpack(x)
            gram = weights.mT @ weights
            errors = errors_at_order(gram, bias, density[index], self.function, order, split=split)
            return (errors * importance[index]).sum(-1) / zero[index]

        return loss

    def jitter(self, start: Tensor | None, generator: torch.Generator) -> Tensor:
        """A start for every cell: near a structured one, or at random."""
        size = self.m * self.n + self.n * self.bias
        noise = torch.randn(self.cells, size, generator=generator, dtype=torch.float64)
        if start is None:
            return noise
        x = 0.1 * noise
        x[:, : self.m * self.n] += start.flatten()
        return x

    def explore(self, start: Tensor) -> tuple[Tensor, Tensor]:
        """Rough local optima of a rough rule."""
        rule = self.objective(4, False)
        return minimise(rule, start, tolerance=1e-4, max_steps=30)

    def approach(self, start: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Nearly local optima, of the rule that is tried first in `polish`."""
        rule = self.objective(*self._rules()[0][::2])
        return minimise(lambda x, i: rule(x, cells[i]), start, tolerance=_ROUGH, max_steps=60)

    def polish(self, start: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Local optima and their losses, on a finer rule where the first proves inexact."""
        x, value = start.clone(), start.new_zeros(len(start))
        open_ = torch.arange(len(start))
        for order, finer, split in self._rules():
            rule, check = self.objective(order, split), self.objective(finer, split)
            here = cells[open_]
            x[open_], rough = minimise(
                lambda x, i, here=here, rule=rule: rule(x, here[i]),
                x[open_],
                tolerance=_FINE,
                max_steps=100,
            )
            value[open_] = check(x[open_], here)
            open_ = open_[(value[open_] - rough).abs() > 1e-8 * value[open_]]
            if not len(open_):
                break
        return x, value

    def improve(
        self, x: Tensor, value: Tensor, starts: Tensor, cells: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Solutions made better by descents from `starts`, and which cells gained."""
        near, rough = self.approach(starts, cells)
        here = value[cells]
        elsewhere = self._differs(near, x[cells]) & (rough < here * (1 + _CLOSE))
        close = elsewhere | (rough < here * (1 - _GAIN))
        return _lower(x, value, cells[close], *self.polish(near[close], cells[close]))

    def _rules(self) -> list[tuple[int, int, bool]]:
        """(order, order that checks it, whether panels are split), the cheapest first.

        Split panels of order n are exact where the activation is linear between its kinks.
        """
        if self.function.kinks:
            return [(self.n, self.n + 2, True), (8, 12, True), (16, 20, True)]
        plain = [(12, 16, False), (24, 32, False)] if self.n == 2 else [(7, 10, False)]
        return [*plain, (8, 12, True), (16, 20, True)]

    def errors(self, x: Tensor) -> Float[Tensor, "cells n"]:
        """Errors on a rough rule, good enough for labels and for margins."""
        weights, bias = self.unpack(x)
        gram = weights.mT @ weights
        return errors_at_order(gram, bias, self.density, self.function, 10, split=False)

    def labels(self, x: Tensor) -> NDArray[np.str_]:
        return label(self.unpack(x)[0], represented(self.errors(x), self.density))

    def two_phases(self, ends: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """For each cell the best end, and the best end with another label (the best, if none)."""
        labels = np.stack([self.labels(x) for x in ends])
        cells = torch.arange(self.cells)
        first = values.argmin(0)
        same = torch.from_numpy(labels == labels[first, cells][None])
        second = torch.where(same, torch.inf, values).argmin(0)
        second = torch.where(same.all(0), first, second)
        return ends[first, cells], ends[second, cells]

    def hand_on(self, x: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Cells start again from their neighbours' solutions, while that lowers any loss."""
        sources = torch.ones(self.cells, dtype=torch.bool)
        while True:
            cells, starts = self._neighbours(x, sources)
            if not len(cells):
                return x, value
            x, value, sources = self.improve(x, value, starts, cells)

    def _neighbours(self, x: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
        """Cells, and solutions of their neighbours in eight directions that are of another kind."""
        grid = torch.arange(self.cells).reshape(self.shape)
        pairs = []
        for dy, dx in product((-1, 0, 1), repeat=2):
            pairs.append(
                torch.stack([_shifted(grid, dy, dx).flatten(), _shifted(grid, -dy, -dx).flatten()])
            )
        here, there = torch.cat(pairs, 1)
        other = self._differs(x[here], x[there]) & sources[there]
        return here[other], x[there[other]]

    def _differs(self, a: Tensor, b: Tensor) -> Tensor:
        (wa, ba), (wb, bb) = self.unpack(a), self.unpack(b)
        va = torch.cat([(wa.mT @ wa).flatten(1), ba], 1)
        vb = torch.cat([(wb.mT @ wb).flatten(1), bb], 1)
        return ((va - vb).abs() > 0.1 * (1 + va.abs())).any(1)

    def diagram(self, x: Tensor, rival: Tensor, begin: float) -> PhaseDiagram:
        weights, bias = self.unpack(x)
        weights = canonical(weights)
        errors = expected_errors(weights, bias, activation=self.function, density=self.density)
        fraction = represented(errors, self.density)
        phase = label(weights, fraction)
        rival_loss = (self.errors(rival) * self.importance).sum(-1)
        rival_loss[torch.from_numpy(self.labels(rival) == phase)] = torch.nan
        return PhaseDiagram(
            activation=self.name,
            densities=self.densities,
            importances=self.importances,
            weights=weights.unflatten(0, self.shape),
            bias=bias.unflatten(0, self.shape),
            loss=(errors * self.importance).sum(-1).unflatten(0, self.shape),
            represented=fraction.unflatten(0, self.shape),
            phase=phase.reshape(self.shape),
            next_loss=rival_loss.unflatten(0, self.shape),
            seconds=time.perf_counter() - begin,
        )


def _lower(
    x: Tensor, value: Tensor, cells: Tensor, ends: Tensor, end_values: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Solutions with the better ends put in, and which cells gained; a cell may have several ends."""
    order = end_values.argsort(descending=True, stable=True)  # the best is written last
    order = order[end_values[order] < value[cells[order]] * (1 - _GAIN)]
    x, value = x.clone(), value.clone()
    gained = torch.zeros(len(x), dtype=torch.bool)
    for i in order.tolist():
        x[cells[i]], value[cells[i]], gained[cells[i]] = ends[i], end_values[i], True
    return x, value, gained


def _shifted(grid: Tensor, dy: int, dx: int) -> Tensor:
    """The part of a grid that has a neighbour at (-dy, -dx)."""
    rows, columns = grid.shape
    return grid[max(0, dy) : rows + min(0, dy), max(0, dx) : columns + min(0, dx)]


def _structured_starts(n: int, m: int) -> list[Tensor]:
    """Every way to give each hidden dimension a feature of its own or a pair of either sign."""
    singles = [{i: 1.0} for i in range(n)]
    pairs = [{i: 1.0, j: s} for i, j in combinations(range(n), 2) for s in (-1.0, 1.0)]
    starts = []
    for groups in combinations(singles + pairs, m):
        used = [i for g in groups for i in g]
        if len(set(used)) == len(used):
            rows = [[g.get(i, 0.0) for i in range(n)] for g in groups]
            starts.append(torch.tensor(rows, dtype=torch.float64))
    return starts

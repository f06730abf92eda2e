"""The cells of a phase diagram as one batch of small minimisations.

A grid says which parameters a model has, what it loses in its cell, by which rules that is
integrated, and which cells are neighbours.

Not here: the search (`search`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from steering_core.superposition import checks
from steering_core.superposition.activations import Activation
from steering_core.superposition.errors import errors_at_order
from steering_core.superposition.phases import label, represented

_SHORT = 16  # levels of an axis below which none is skipped at first

Parameters = Float[Tensor, "cells p"]
Values = Float[Tensor, "cells"]
Cells = Int[Tensor, "cells"]
Some = Int[Tensor, "some"]  # of the cells, also more than once


@dataclass(frozen=True)
class Grid:
    """All cells of one diagram as a batch, densities by importances.

    A model is one row, W then b.
    """

    function: Activation
    n: int
    m: int
    bias: bool
    densities: Float[Tensor, "D"]
    importances: Float[Tensor, "I"]

    @property
    def shape(self) -> tuple[int, int]:
        """(D, I)."""
        return len(self.densities), len(self.importances)

    @cached_property
    def cells(self) -> Int[Tensor, "cells"]:
        """The index of every cell, row by row."""
        return torch.arange(self.shape[0] * self.shape[1], device=self.densities.device)

    @cached_property
    def density(self) -> Float[Tensor, "cells"]:
        """Of each cell."""
        return self.densities.repeat_interleave(self.shape[1])

    @cached_property
    def importance(self) -> Float[Tensor, "cells n"]:
        """Of each cell's features: 1, and that of the last feature."""
        extra = self.importances.repeat(self.shape[0])
        return torch.stack([*[torch.ones_like(extra)] * (self.n - 1), extra], dim=-1)

    @cached_property
    def _loss_of_zero(self) -> Values:
        """The loss of a model that puts out zero.

        It is the unit in which cells of all densities compare.
        """
        return (self.importance * self.density[:, None] / 3).sum(-1)

    def unpack(self, x: Parameters) -> tuple[Tensor, Tensor]:
        """W (cells, m, n) and b (cells, n)."""
        weights = x[:, : self.m * self.n].reshape(-1, self.m, self.n)
        return weights, x[:, self.m * self.n :] if self.bias else x.new_zeros(len(x), self.n)

    def errors(self, x: Parameters, cells: Cells, order: int, split: bool) -> Tensor:
        """E (x_i - x'_i)^2 of models that belong to `cells`, by one rule."""
        weights, bias = self.unpack(x)
        gram = weights.mT @ weights
        return errors_at_order(gram, bias, self.density[cells], self.function, order, split=split)

    def objective(
        self, order: int, split: bool, cells: Cells | None = None
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss, in units of `_loss_of_zero`, of problem i that belongs to cells[i]."""
        cells = self.cells if cells is None else cells

        def loss(x: Tensor, index: Tensor) -> Tensor:
            here = cells[index]
            errors = self.errors(x, here, order, split)
            return (errors * self.importance[here]).sum(-1) / self._loss_of_zero[here]

        return loss

    def loss(self, x: Parameters) -> Values:
        """The loss of one model a cell, on a rule good enough for margins."""
        return (self.errors(x, self.cells, 8, False) * self.importance).sum(-1)

    def labels(self, x: Parameters) -> Shaped[np.ndarray, "cells"]:
        """The phase of one model a cell, on a rule good enough for labels."""
        errors = self.errors(x, self.cells, 6, False)
        return label(self.unpack(x)[0].cpu(), represented(errors, self.density).cpu())

    def rules(self) -> list[tuple[int, int, bool]]:
        """(order, order that checks it, whether panels are split), the cheapest first.

        Split panels of order n are exact where the activation is linear between its kinks.
        """
        if self.function.kinks:
            return [(self.n, self.n + 2, True), (8, 12, True), (16, 20, True)]
        plain = [(12, 16, False), (24, 32, False)] if self.n == 2 else [(7, 10, False)]
        return [*plain, (8, 12, True), (16, 20, True)]

    def check_activation(self) -> None:
        """The activation keeps shapes, and gives every cell a loss where a search begins."""
        checks.check_shape(self.function, self.densities.new_zeros(len(self.cells), self.n))
        for start in structured_starts(self.n, self.m):
            x = self.densities.new_zeros(len(self.cells), self.m * self.n + self.n * self.bias)
            x[:, : self.m * self.n] = start.flatten().to(x)
            self.check_values(self.objective(4, False)(x, self.cells))

    def check_values(self, values: Values) -> None:
        """No cell's value is NaN; the first that is gets named."""
        bad = values.isnan().nonzero()
        if len(bad):
            row, column = divmod(int(bad[0, 0]), self.shape[1])
            raise ValueError(
                f"activation: got NaN in the cell of density {self.densities[row].item():.6g} and "
                f"importance {self.importances[column].item():.6g}; allowed are numbers"
            )

    def coarse(self) -> tuple["Grid", Cells]:
        """Every other row and column, and for each cell of this grid the nearest cell of that one.

        A short axis stays as it is.
        """
        rows, near_rows = _every_other(self.densities)
        columns, near_columns = _every_other(self.importances)
        coarse = replace(self, densities=rows, importances=columns)
        return coarse, (near_rows[:, None] * len(columns) + near_columns).flatten()

    def neighbours(self, sources: Bool[Tensor, "cells"]) -> tuple[Some, Some]:
        """Pairs (cell, neighbour) in eight directions, the neighbour out of `sources`."""
        grid = self.cells.reshape(self.shape)
        steps = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]
        here = torch.cat([_shifted(grid, dy, dx).flatten() for dy, dx in steps])
        there = torch.cat([_shifted(grid, -dy, -dx).flatten() for dy, dx in steps])
        return here[sources[there]], there[sources[there]]


def structured_starts(n: int, m: int) -> list[Tensor]:
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


def _every_other(levels: Float[Tensor, "levels"]) -> tuple[Tensor, Tensor]:
    """Every other level, and for each level the index of one that is next to it or itself."""
    index = torch.arange(len(levels), device=levels.device)
    if len(levels) < _SHORT:
        return levels, index
    return levels[::2], index // 2


def _shifted(grid: Tensor, dy: int, dx: int) -> Tensor:
    """The part of a grid that has a neighbour at (-dy, -dx)."""
    rows, columns = grid.shape
    return grid[max(0, dy) : rows + min(0, dy), max(0, dx) : columns + min(0, dx)]

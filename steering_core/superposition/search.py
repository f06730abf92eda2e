"""The global search behind a phase diagram.

Every cell of the grid is a minimisation of a handful of parameters. Every other row and column
descends from structured and random starts on a cheap rule; the best ends are polished everywhere on
an exact rule; then neighbours hand their solutions on until no cell gains, which leaves no speckle.

Not here: what the optima mean (`phase_diagram`, `phases`).
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
from steering_core.superposition.loss import errors_at_order
from steering_core.superposition.optimise import Objective, minimise
from steering_core.superposition.phases import label, represented

# Predicted falls, as shares of the loss, at which a descent ends.
_COARSE, _ROUGH, _FINE = 1e-4, 1e-5, 1e-9
_SHORT = 16  # levels of an axis below which none is skipped at first
_CLOSE = 1e-3  # an end that is not this close to the best so far is not polished
_DESCENTS = 5  # at most, before an end counts as settled
_GAIN = 1e-7  # a fall that counts as one
_INEXACT = 1e-7  # disagreement of two rules, as a share of the loss, that calls for a finer one

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
        for start in _structured_starts(self.n, self.m):
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


def global_optima(grid: Grid, *, restarts: int, seed: int) -> tuple[Parameters, Parameters]:
    """The best model of each cell, and the best found that has another label.

    The second is the best, if no other label was found.
    """
    generator = torch.Generator().manual_seed(seed)
    coarse, nearest = grid.coarse()
    starts = [*_structured_starts(grid.n, grid.m), *[None] * restarts]
    ends, values = explore(coarse, [jitter(coarse, start, generator) for start in starts])
    best, rival = _two_phases(coarse, ends, values)
    x, value = polish(grid, best[nearest], grid.cells)
    rival, rough = approach(grid, rival[nearest], grid.cells)
    near = (rough < value * (1 + _CLOSE)).nonzero()[:, 0]
    x, value, _ = improve(grid, x, value, rival[near], near)
    x, value = hand_on(grid, x, value)
    grid.check_values(value)
    return x, rival


def jitter(grid: Grid, start: Tensor | None, generator: torch.Generator) -> Parameters:
    """A start for every cell: near a structured one, or at random."""
    size = grid.m * grid.n + grid.n * grid.bias
    noise = torch.randn(len(grid.cells), size, generator=generator, dtype=torch.float64)
    if start is not None:
        noise *= 0.1
        noise[:, : grid.m * grid.n] += start.flatten()
    return noise.to(grid.densities.device)


def explore(
    grid: Grid, starts: list[Parameters]
) -> tuple[Float[Tensor, "starts cells p"], Float[Tensor, "starts cells"]]:
    """Rough local optima of a rough rule, in single precision.

    From several starts a cell at once.
    """
    rough = replace(grid, densities=grid.densities.float(), importances=grid.importances.float())
    rule = rough.objective(4, False, grid.cells.repeat(len(starts)))
    x, value = minimise(rule, torch.cat(starts).float(), tolerance=_COARSE, max_steps=30)
    each = (len(starts), -1)
    return x.double().unflatten(0, each), value.double().unflatten(0, each)


def approach(grid: Grid, start: Parameters, cells: Cells) -> tuple[Parameters, Values]:
    """Nearly local optima of the rule that `polish` tries first."""
    order, _, split = grid.rules()[0]
    rule = grid.objective(order, split, cells)
    return minimise(rule, start, tolerance=_ROUGH, max_steps=30)


def polish(grid: Grid, start: Parameters, cells: Cells) -> tuple[Parameters, Values]:
    """Local optima and their values, on a finer rule where the first proves inexact."""
    x, value = start.clone(), start.new_zeros(len(start))
    open_ = torch.arange(len(start), device=start.device)
    for order, finer, split in grid.rules():
        rule = grid.objective(order, split, cells[open_])
        x[open_], rough = _settle(rule, x[open_])
        check = grid.objective(finer, split, cells[open_])
        value[open_] = check(x[open_], torch.arange(len(open_), device=start.device))
        open_ = open_[(value[open_] - rough).abs() > _INEXACT * value[open_]]
        if not len(open_):
            break
    return x, value


def _settle(rule: Objective, start: Parameters) -> tuple[Parameters, Values]:
    """Descents until one gains nothing: at a kink one alone may end on a bent inverse Hessian."""
    x, value = minimise(rule, start, tolerance=_FINE, max_steps=60)
    for _ in range(_DESCENTS - 1):
        before = value
        x, value = minimise(rule, x, tolerance=_FINE, max_steps=60)
        if not (value < before * (1 - _GAIN)).any():
            break
    return x, value


def improve(
    grid: Grid, x: Parameters, value: Values, starts: Float[Tensor, "some p"], cells: Some
) -> tuple[Parameters, Values, Bool[Tensor, "cells"]]:
    """Solutions made better by descents from `starts`, and which cells gained."""
    near, rough = approach(grid, starts, cells)
    here = value[cells]
    elsewhere = _differs(grid, near, x[cells]) & (rough < here * (1 + _CLOSE))
    close = elsewhere | (rough < here * (1 - _GAIN))
    return _lower(x, value, cells[close], *polish(grid, near[close], cells[close]))


def hand_on(grid: Grid, x: Parameters, value: Values) -> tuple[Parameters, Values]:
    """Cells start again from neighbours' solutions, while that lowers any loss.

    Only from those of another kind, and from those that are better here as they stand.
    """
    order, _, split = grid.rules()[0]
    gained = torch.ones_like(value, dtype=torch.bool)
    for _ in range(sum(grid.shape)):  # a solution crosses the grid in fewer rounds
        here, there = grid.neighbours(gained)
        with torch.no_grad():
            as_it_stands = grid.objective(order, split, here)(
                x[there], torch.arange(len(here), device=x.device)
            )
        better = as_it_stands < value[here] * (1 - _GAIN)
        worth = better | _differs(grid, x[here], x[there])
        if not worth.any():
            break
        x, value, gained = improve(grid, x, value, x[there[worth]], here[worth])
    return x, value


def _two_phases(grid: Grid, ends: Tensor, values: Tensor) -> tuple[Parameters, Parameters]:
    """For each cell the best end, and the best end with another label (the best, if none)."""
    values = values.nan_to_num(torch.inf)
    labels = np.stack([grid.labels(x) for x in ends])
    first = values.argmin(0)
    best_label = labels[first.cpu(), grid.cells.cpu()]
    same = torch.from_numpy(labels == best_label).to(values.device)
    second = torch.where(same, torch.inf, values).argmin(0)
    second = torch.where(same.all(0), first, second)
    return ends[first, grid.cells], ends[second, grid.cells]


def _differs(grid: Grid, a: Parameters, b: Parameters) -> Bool[Tensor, "cells"]:
    """Whether two models are of another kind: W^T W or b apart by more than a tenth."""
    (wa, ba), (wb, bb) = grid.unpack(a), grid.unpack(b)
    va = torch.cat([(wa.mT @ wa).flatten(1), ba], 1)
    vb = torch.cat([(wb.mT @ wb).flatten(1), bb], 1)
    return ((va - vb).abs() > 0.1 * (1 + va.abs())).any(1)


def _lower(
    x: Parameters, value: Values, cells: Some, ends: Tensor, end_values: Tensor
) -> tuple[Parameters, Values, Bool[Tensor, "cells"]]:
    """Solutions with the better ends put in, and which cells gained; a cell may have many ends."""
    order = end_values.argsort(descending=True, stable=True)  # the best is written last
    order = order[end_values[order] < value[cells[order]] * (1 - _GAIN)]
    x, value = x.clone(), value.clone()
    gained = torch.zeros_like(value, dtype=torch.bool)
    for i in order.tolist():
        x[cells[i]], value[cells[i]], gained[cells[i]] = ends[i], end_values[i], True
    return x, value, gained


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

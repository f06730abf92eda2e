"""The global search behind a phase diagram.

Every cell of the grid is a minimisation of a handful of parameters. Every other row and column
descends from structured and random starts on a cheap rule; the best ends are polished everywhere on
an exact rule; then neighbours hand their solutions on until no cell gains, which leaves no speckle.

Not here: the cells and their losses (`grid`), and what the optima mean (`phase_diagram`, `phases`).
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering_core.superposition.grid import (
    Cells,
    Grid,
    Parameters,
    Some,
    Values,
    structured_starts,
)
from steering_core.superposition.optimise import Objective, minimise

# Predicted falls, as shares of the loss, at which a descent ends.
_COARSE, _ROUGH, _FINE = 1e-4, 1e-5, 1e-9
_CLOSE = 1e-3  # an end that is not this close to the best so far is not polished
_DESCENTS = 5  # at most, before an end counts as settled
_GAIN = 1e-7  # a fall that counts as one
_INEXACT = 1e-7  # disagreement of two rules, as a share of the loss, that calls for a finer one


def global_optima(grid: Grid, *, restarts: int, seed: int) -> tuple[Parameters, Parameters]:
    """The best model of each cell, and the best found that has another label.

    The second is the best, if no other label was found.
    """
    generator = torch.Generator().manual_seed(seed)
    coarse, nearest = grid.coarse()
    starts = [*structured_starts(grid.n, grid.m), *[None] * restarts]
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

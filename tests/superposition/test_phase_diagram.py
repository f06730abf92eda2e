"""Every cell of a phase diagram is a global optimum, as far as any other way can tell."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor

from steering_core.superposition import ACTIVATIONS, Activation, expected_loss, phase_diagram
from steering_core.superposition.grid import Grid
from steering_core.superposition.optimise import minimise
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import (
    EXTRA_ONLY,
    FIRST_ONLY,
    PHASES_OF_THREE,
    PHASES_OF_TWO,
)
from steering_core.superposition.search import explore, jitter, polish

from . import independent

ALL = list(ACTIVATIONS)
LEVELS = 13
DENSITIES = torch.logspace(-2, 0, LEVELS, dtype=torch.float64)
IMPORTANCES = torch.logspace(-1, 1, LEVELS, dtype=torch.float64)


@cache
def diagram(activation: str, seed: int = 0) -> PhaseDiagram:
    return phase_diagram(activation, densities=DENSITIES, importances=IMPORTANCES, seed=seed)


@cache
def grid_of(activation: str) -> Grid:
    return Grid(ACTIVATIONS[activation], 2, 1, True, DENSITIES, IMPORTANCES)


def solutions(diagram: PhaseDiagram) -> Tensor:
    """(cells, 4), W and b of each cell as one row."""
    return torch.cat([diagram.weights.flatten(0, 1).flatten(1), diagram.bias.flatten(0, 1)], -1)


def losses(activation: str, models: Tensor, cells: Tensor) -> Tensor:
    """Of one model a cell."""
    grid = grid_of(activation)
    return expected_loss(
        models[:, None, :2],
        models[:, 2:],
        activation=activation,
        density=grid.density[cells],
        importance=grid.importance[cells],
    )


def assert_none_lower(activation: str, models: Tensor, cells: Tensor) -> None:
    """No model has a loss below that of its cell's solution by more than 1e-5 of it."""
    ours = diagram(activation).loss.flatten()[cells]
    gain = 1 - losses(activation, models, cells) / ours
    worst = int(gain.argmax())
    row, column = divmod(int(cells[worst]), LEVELS)
    assert gain[worst] < 1e-5, (
        f"{activation} at density {DENSITIES[row]:.4g}, importance {IMPORTANCES[column]:.4g}: "
        f"{models[worst].tolist()} is better than {diagram(activation).weights[row, column]}"
    )


@pytest.mark.parametrize("activation", ALL)
def test_no_neighbours_solution_is_better(activation: str) -> None:
    grid = grid_of(activation)
    here, there = grid.neighbours(torch.ones(LEVELS**2, dtype=torch.bool))
    assert len(here) == 4 * LEVELS * (LEVELS - 1) + 4 * (LEVELS - 1) ** 2
    models, _ = polish(grid, solutions(diagram(activation))[there], here)
    assert_none_lower(activation, models, here)


@pytest.mark.parametrize("activation", ALL)
def test_no_end_of_64_random_starts_is_better(activation: str) -> None:
    grid = grid_of(activation)
    generator = torch.Generator().manual_seed(1234)
    ends, values = explore(grid, [jitter(grid, None, generator) for _ in range(64)])
    lowest = values.nan_to_num(torch.inf).argsort(0)[:6]  # the rough values' order may be wrong
    cells = grid.cells.expand(6, -1)
    models, _ = polish(grid, ends[lowest, cells].flatten(0, 1), cells.flatten())
    assert_none_lower(activation, models, cells.flatten())


@pytest.mark.parametrize("activation", ALL)
@pytest.mark.parametrize("row", [(1.0, 0.0), (0.0, 1.0), (1.0, -1.0)])
def test_no_candidate_of_the_theory_is_better(activation: str, row: tuple[float, float]) -> None:
    grid = grid_of(activation)
    weights = torch.tensor(row, dtype=torch.float64).expand(LEVELS**2, 2)

    def loss(bias: Tensor, index: Tensor) -> Tensor:
        return grid.objective(8, True)(torch.cat([weights[index], bias], -1), index)

    bias, _ = minimise(loss, torch.zeros(LEVELS**2, 2, dtype=torch.float64))
    assert_none_lower(activation, torch.cat([weights, bias], -1), grid.cells)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize(("row", "column"), [(2, 6), (7, 3), (11, 8)])
def test_another_optimiser_on_another_loss_finds_nothing_lower(
    activation: str, row: int, column: int
) -> None:
    density, r = DENSITIES[row].item(), IMPORTANCES[column].item()
    importance = np.array([1.0, r])

    def rough(parameters: np.ndarray) -> float:
        return independent.midpoint_loss(parameters, activation, density, importance)

    rng = np.random.default_rng(row)
    starts = [*rng.normal(size=(6, 4)), [1.0, 0, 0, 0], [0, 1.0, 0, 0], [1.0, -1.0, 0, 0]]
    theirs = min(minimize(rough, start, method="BFGS", tol=1e-7).fun for start in starts)
    ours = diagram(activation)
    weights, bias = ours.weights[row, column].numpy(), ours.bias[row, column].numpy()
    assert rough(np.concatenate([weights.ravel(), bias])) < theirs * (1 + 1e-3)
    exact = independent.loss(weights, bias, activation, density, importance)
    assert ours.loss[row, column].item() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("activation", ALL)
def test_exchanging_the_features_mirrors_the_diagram(activation: str) -> None:
    ours = diagram(activation)
    mirrored = ours.loss.flip(1) * IMPORTANCES
    torch.testing.assert_close(ours.loss, mirrored, rtol=1e-6, atol=0)
    exchange = {FIRST_ONLY: EXTRA_ONLY, EXTRA_ONLY: FIRST_ONLY}
    for i, j in product(range(LEVELS), range(LEVELS)):
        name = str(ours.phase[i, j])
        if j != LEVELS // 2:
            assert ours.phase[i, LEVELS - 1 - j] == exchange.get(name, name)


@pytest.mark.parametrize("activation", ALL)
def test_what_it_says_of_a_cell_fits_together(activation: str) -> None:
    ours = diagram(activation)
    assert set(ours.phase.flatten()) <= set(PHASES_OF_TWO)
    recomputed = losses(activation, solutions(ours), torch.arange(LEVELS**2))
    torch.testing.assert_close(recomputed, ours.loss.flatten(), rtol=1e-9, atol=0)
    variance = DENSITIES / 3 - DENSITIES**2 / 4
    weighted = (1 - ours.represented) * torch.stack([torch.ones(LEVELS), IMPORTANCES], -1)
    torch.testing.assert_close(weighted.sum(-1) * variance[:, None], ours.loss)
    assert not (ours.margin < -1e-6).any()
    assert sum(ours.areas().values()) == pytest.approx(1)
    for name, share in ours.areas().items():
        assert share == pytest.approx((ours.phase == name).mean())
    strict, lax = ours.areas(0.99), ours.areas(0.0)
    assert strict != lax
    assert (ours.phase_at(0.5) == ours.phase).all()


@pytest.mark.parametrize("activation", ["relu", "solu"])
def test_the_seed_decides_and_nothing_else_is_touched(activation: str) -> None:
    before = torch.get_rng_state()
    small: dict[str, Any] = {"densities": [0.05, 0.3, 0.9], "importances": [0.3, 0.9, 2.0]}
    first, second = (phase_diagram(activation, seed=3, **small) for _ in range(2))
    assert torch.equal(first.weights, second.weights)
    assert torch.equal(first.bias, second.bias)
    assert torch.equal(first.loss, second.loss)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first.bias, phase_diagram(activation, seed=4, **small).bias)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_two_seeds_agree(activation: str) -> None:
    torch.testing.assert_close(
        diagram(activation, seed=1).loss, diagram(activation).loss, rtol=1e-5, atol=0
    )


def test_mcgraths_cell_without_a_bias() -> None:
    one = phase_diagram("relu", densities=[0.9], importances=[0.8], bias=False)
    assert one.weights.flatten().tolist() == pytest.approx([0.725, 0.687], abs=0.001)
    assert (one.bias == 0).all()
    free = phase_diagram("relu", densities=[0.9], importances=[0.8])
    assert free.loss.item() < one.loss.item()


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (torch.nn.functional.softplus, "softplus"),
        (Activation(torch.nn.functional.hardtanh, kinks=(-1.0, 1.0)), "hardtanh"),
    ],
)
def test_an_activation_of_ones_own(activation: Callable[[Tensor], Tensor], name: str) -> None:
    own = phase_diagram(activation, densities=[0.1, 0.7], importances=[0.5, 1.5])
    assert own.activation == name
    assert own.loss.isfinite().all()
    assert (own.loss < (DENSITIES.new_tensor([[0.1], [0.7]]) / 3 * torch.tensor([1.5, 2.5]))).all()


def test_a_known_activation_under_another_name_has_the_same_optimum() -> None:
    cell: dict[str, Any] = {"densities": [0.3], "importances": [0.7]}
    own = phase_diagram(Activation(lambda z: z.clamp_min(0), kinks=(0.0,)), **cell)
    assert own.loss.item() == pytest.approx(phase_diagram("relu", **cell).loss.item(), rel=1e-6)


def test_three_features() -> None:
    densities, importances = [0.05, 0.6], [0.2, 2.0]
    two, one = (
        phase_diagram(
            "relu", n_features=3, n_hidden=m, densities=densities, importances=importances
        )
        for m in (2, 1)
    )
    for diagram, m in ((two, 2), (one, 1)):
        assert diagram.weights.shape == (2, 2, m, 3)
        assert diagram.bias.shape == (2, 2, 3)
        assert diagram.loss.isfinite().all()
        assert set(diagram.phase.flatten()) <= set(PHASES_OF_THREE)
    r = torch.tensor(importances, dtype=torch.float64)
    s = torch.tensor(densities, dtype=torch.float64)[:, None]
    left_out, pair = s / 3 - s**2 / 4, s**2 / 6
    # Leave the extra feature out, or another; let the two others share, or the extra one.
    for candidate in (r * left_out, left_out, 2 * pair, (1 + r) * pair):
        assert (two.loss <= candidate * (1 + 1e-6)).all()
    assert (two.loss < one.loss).all()

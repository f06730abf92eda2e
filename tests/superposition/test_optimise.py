"""Many minimisations at once find what each has for a minimum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.superposition.optimise import minimise


def quadratics(seed: int, problems: int, p: int) -> tuple[Tensor, Tensor]:
    """Convex ones of condition up to a hundred, and where their minima are."""
    rng = np.random.default_rng(seed)
    turns = torch.linalg.qr(torch.tensor(rng.normal(size=(problems, p, p)))).Q
    curvature = torch.tensor(10 ** rng.uniform(-1, 1, size=(problems, p)))
    return turns @ torch.diag_embed(curvature) @ turns.mT, torch.tensor(
        rng.normal(size=(problems, p))
    )


def rosenbrock(x: Tensor, index: Tensor) -> Tensor:
    return (1 - x[:, 0]) ** 2 + 100 * (x[:, 1] - x[:, 0] ** 2) ** 2


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 20))
def test_the_minima_of_convex_quadratics(seed: int, p: int, problems: int) -> None:
    matrices, centres = quadratics(seed, problems, p)

    def objective(x: Tensor, index: Tensor) -> Tensor:
        apart = x - centres[index]
        return 1 + torch.einsum("bi,bij,bj->b", apart, matrices[index], apart)

    x, value = minimise(objective, torch.zeros(problems, p, dtype=torch.float64), tolerance=1e-14)
    torch.testing.assert_close(x, centres, rtol=0, atol=1e-5)
    torch.testing.assert_close(value, torch.ones(problems, dtype=torch.float64))


def test_the_minimum_of_a_bent_valley_from_everywhere() -> None:
    start = torch.tensor(np.random.default_rng(0).uniform(-3, 3, size=(50, 2)))
    x, value = minimise(rosenbrock, start)
    torch.testing.assert_close(x, torch.ones(50, 2, dtype=torch.float64), rtol=0, atol=1e-5)
    assert value.max() < 1e-10


def test_problems_that_end_early_do_not_disturb_the_others() -> None:
    start = torch.tensor([[1.0, 1.0], [-1.2, 1.0], [1.0, 1.0]], dtype=torch.float64)
    sizes: list[int] = []

    def objective(x: Tensor, index: Tensor) -> Tensor:
        sizes.append(len(x))
        return rosenbrock(x, index)

    x, _ = minimise(objective, start)
    torch.testing.assert_close(x, torch.ones(3, 2, dtype=torch.float64), rtol=0, atol=1e-5)
    assert (x[[0, 2]] == 1).all()
    assert sizes[0] == 3
    assert sizes[-1] == 1
    torch.testing.assert_close(minimise(rosenbrock, start[1:2])[0], x[1:2])


def test_a_start_at_the_minimum_stays() -> None:
    x, value = minimise(rosenbrock, torch.ones(4, 2, dtype=torch.float64))
    assert (x == 1).all()
    assert (value == 0).all()


def test_a_step_into_nan_is_taken_back() -> None:
    def objective(x: Tensor, index: Tensor) -> Tensor:
        return (10 * x - x.log())[:, 0]

    x, _ = minimise(objective, torch.tensor([[0.2], [3.0]], dtype=torch.float64))
    torch.testing.assert_close(x, torch.full((2, 1), 0.1).double(), rtol=0, atol=1e-5)


def test_the_budget_of_steps_is_kept() -> None:
    far = torch.tensor([[-30.0, 40.0]], dtype=torch.float64)
    calls: list[int] = []

    def objective(x: Tensor, index: Tensor) -> Tensor:
        calls.append(len(x))
        return rosenbrock(x, index)

    x, value = minimise(objective, far, max_steps=5)
    assert len(calls) == 6
    assert value.item() < rosenbrock(far, far).item()
    assert value.item() == pytest.approx(rosenbrock(x, x).item())

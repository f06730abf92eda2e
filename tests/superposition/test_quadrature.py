"""Rules whose panels end on planes are exact for what is polynomial between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.superposition.quadrature import cube_rule, gauss_legendre, split_cube_rule

few = settings(max_examples=60, deadline=None)


@st.composite
def planes(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Slopes (batch, planes, d) and offsets (batch, planes), some along an axis or of no slope."""
    d, count = draw(st.integers(1, 3)), draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    slopes = rng.normal(size=(2, count, d)) * (rng.random((2, count, d)) < 0.8)
    return torch.tensor(slopes), torch.tensor(rng.normal(size=(2, count)) / 2)


@few
@given(planes())
def test_nodes_lie_in_the_cube_and_weights_sum_to_one(drawn: tuple[Tensor, Tensor]) -> None:
    x, weights = split_cube_rule(*drawn, 4)
    assert ((x >= 0) & (x <= 1)).all()
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, dtype=torch.float64))


@few
@given(planes())
def test_no_node_has_its_weight_on_the_other_side_of_a_plane(drawn: tuple[Tensor, Tensor]) -> None:
    # |x . a + b| is of the first degree on each side: a coarse rule is exact, so is a finer one.
    slopes, offsets = drawn
    d = slopes.shape[-1]

    def integral(order: int) -> Tensor:
        x, weights = split_cube_rule(slopes, offsets, order)
        bent = torch.einsum("bkd,bpd->bkp", x, slopes) + offsets[:, None]
        return (weights[..., None] * bent.abs()).sum((-2, -1))

    torch.testing.assert_close(integral(d + 1), integral(12), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_mean_of_a_plane_that_is_cut_off_is_exact(d: int) -> None:
    # E max(0, c - x_1 - ... - x_d)^2 = 2 c^(d+2) / (d+2)! for c <= 1, the moment of a simplex.
    c = 0.7
    slopes, offsets = torch.full((1, d), -1.0).double(), torch.tensor([c]).double()
    x, weights = split_cube_rule(slopes, offsets, d + 1)
    value = (weights * (c - x.sum(-1)).clamp_min(0) ** 2).sum().item()
    factorial = np.prod(np.arange(1, d + 3))
    assert value == pytest.approx(2 * c ** (d + 2) / factorial, rel=1e-12)


def test_a_rule_that_is_not_split_is_not_exact_there() -> None:
    x, weights = cube_rule(1, 6)
    assert abs((weights * (x[:, 0] - 0.3).abs()).sum().item() - 0.29) > 1e-4


def test_gauss_legendre_is_exact_to_its_degree() -> None:
    x, weights = gauss_legendre(5)
    for degree in range(10):
        assert (weights * x**degree).sum().item() == pytest.approx(1 / (degree + 1), rel=1e-13)
    assert abs((weights * x**10).sum().item() - 1 / 11) > 1e-9


def test_the_integral_of_a_kinked_function_has_its_derivative() -> None:
    def integral(offset: Tensor) -> Tensor:
        slopes = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
        x, weights = split_cube_rule(slopes, offset[None], 4)
        return (weights * torch.relu(x @ slopes[0] + offset) ** 2).sum()

    offset = torch.tensor(0.4, dtype=torch.float64)
    assert torch.autograd.gradcheck(integral, offset.requires_grad_())
    assert torch.autograd.gradgradcheck(integral, offset)

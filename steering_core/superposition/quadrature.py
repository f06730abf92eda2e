"""Gauss-Legendre rules on the unit cube, split where linear functions cross zero.

The integrand f(Wx + b) of a network with kinks is smooth on each side of the planes on which a
pre-activation meets a kink. A rule whose panels end on these planes is exact to rounding for a
piecewise polynomial, and converges geometrically otherwise. The nodes depend smoothly on the
planes, so the integral can be differentiated, twice where that is wanted.

Not here: what is integrated.
"""

from functools import cache
from itertools import product

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Rule = tuple[Float[Tensor, "*batch nodes d"], Float[Tensor, "*batch nodes"]]


@cache
def gauss_legendre(order: int) -> tuple[Float[Tensor, "order"], Float[Tensor, "order"]]:
    """Nodes and weights on [0, 1], exact for polynomials of degree 2 * order - 1."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return torch.from_numpy((nodes + 1) / 2), torch.from_numpy(weights / 2)


def cube_rule(d: int, order: int) -> Rule:
    """The product rule on the unit cube of d dimensions: nodes (order^d, d), weights (order^d)."""
    no_planes = torch.zeros(0, d, dtype=torch.float64)
    return split_cube_rule(no_planes, no_planes.new_zeros(0), order)


def split_cube_rule(
    slopes: Float[Tensor, "*batch planes d"], offsets: Float[Tensor, "*batch planes"], order: int
) -> Rule:
    """A rule on the unit cube whose panels end where slopes . x + offsets = 0.

    The first coordinate is cut where a plane meets an edge of the remaining cube; the rest is a
    cube of one dimension less for each value of it. Cost grows as (planes * order)^d.

    Args:
        slopes: normal vectors of the planes, any number of them (none gives the product rule).
        offsets: their constants.
        order: nodes a panel and coordinate.

    Returns:
        Nodes (..., nodes, d) in the unit cube and weights (..., nodes) that sum to 1.
    """
    d = slopes.shape[-1]
    batch = slopes.shape[:-2]
    if d == 0:
        return slopes.new_zeros(*batch, 1, 0), slopes.new_ones(*batch, 1)
    first, rest = slopes[..., 0], slopes[..., 1:]
    corners = slopes.new_tensor(list(product((0.0, 1.0), repeat=d - 1)))
    at_corners = (
        offsets[..., None] + rest @ corners.reshape(2 ** (d - 1), d - 1).T
    )  # (..., planes, corners)
    cuts = (-at_corners / _away_from_zero(first)[..., None]).flatten(-2).clamp(0.0, 1.0)
    ends = slopes.new_zeros(*batch, 1)
    edges = torch.cat([ends, cuts.sort(dim=-1).values, ends + 1.0], dim=-1)
    t, w = (one.to(slopes) for one in gauss_legendre(order))
    widths = edges.diff(dim=-1)[..., None]  # (..., panels, 1)
    x = (edges[..., :-1, None] + widths * t).flatten(-2)  # (..., panels * order)
    weights = (widths * w).flatten(-2)
    inner_offsets = offsets[..., None, :] + first[..., None, :] * x[..., None]
    inner_slopes = rest[..., None, :, :].expand(*x.shape, *rest.shape[-2:])
    inner_x, inner_w = split_cube_rule(inner_slopes, inner_offsets, order)
    outer_x = x[..., None, None].expand(*inner_x.shape[:-1], 1)
    nodes = torch.cat([outer_x, inner_x], dim=-1)  # (..., panels * order, inner nodes, d)
    return nodes.flatten(-3, -2), (weights[..., None] * inner_w).flatten(-2)


def _away_from_zero(slope: Tensor) -> Tensor:
    """A slope too small to cut the unit interval is replaced by one that still divides."""
    return torch.where(slope.abs() < 1e-12, torch.full_like(slope, 1e-12), slope)

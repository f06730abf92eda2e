"""Where the features lie makes no difference, and every activation has a name."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from steering_core.superposition import ACTIVATIONS, Activation
from steering_core.superposition.activations import name_of, resolve, solu


def halves(z: torch.Tensor) -> torch.Tensor:
    """Mixes its inputs, and takes no axis."""
    return z / z.abs().sum(-1, keepdim=True)


class Doubling:
    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        return 2 * z


ALL = {**ACTIVATIONS, "halves": resolve(halves), "not in place": resolve(Doubling())}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3, -4])
def test_on_any_axis_it_does_what_it_does_on_the_last(name: str, axis: int) -> None:
    f = ALL[name]
    z = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    expected = f(z.movedim(axis, -1)).movedim(-1, axis)
    torch.testing.assert_close(f.along(z, axis), expected)


def test_mixing_along_another_axis_is_something_else() -> None:
    z = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    for name in ("solu", "halves"):
        assert (ALL[name].along(z, 0) - ALL[name].along(z, 1)).abs().max() > 0.01
    assert solu(z, 0).sum(0) == pytest.approx((z * z.exp()).sum(0) / z.exp().sum(0))


def test_one_that_takes_an_axis_is_given_it() -> None:
    axes = []

    def noted(z: torch.Tensor, axis: int = -1) -> torch.Tensor:
        axes.append(axis)
        return solu(z, axis)

    mixing = Activation(noted, elementwise=False, takes_axis=True)
    mixing.along(torch.ones(2, 3), -2)
    mixing(torch.ones(2, 3))
    assert axes == [-2, -1]


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        *((name, name) for name in ACTIVATIONS),
        (halves, "halves"),
        (torch.tanh, "tanh"),
        (Activation(halves), "halves"),
        (Activation(solu, elementwise=False), "solu"),
        (Doubling(), "Doubling"),
        (Activation(Doubling()), "Doubling"),
        (Activation(partial(torch.clamp, min=0)), "partial"),
    ],
)
def test_what_it_is_called(activation, name: str) -> None:
    assert name_of(activation) == name

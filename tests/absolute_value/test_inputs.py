"""Inputs of which none is empty are those of `sparse_features.sample` that are not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steering_core import sparse_features
from steering_core.absolute_value.inputs import active_batch, share_active

SIZE = 100_000
CASES = [(1, 0.2), (2, 0.5), (5, 0.03), (8, 0.3), (3, 1.0), (20, 1e-3), (6, 1e-6)]


def draw(n: int, size: int, density: float, seed: int = 0, **how) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return active_batch(n, size, density=density, generator=generator, **how)


def assert_share(happened: Tensor, expected: float, dim: int = 0) -> None:
    """Shares of what happened are as expected, to 4.5 standard errors."""
    share = happened.double().mean(dim)
    expected = min(expected, 1.0)
    error = (expected * (1 - expected) / happened.shape[dim]) ** 0.5
    torch.testing.assert_close(
        share, torch.full_like(share, expected), rtol=0, atol=4.5 * error + 1e-9
    )


@pytest.mark.parametrize(("n", "density"), CASES)
def test_some_feature_is_active_and_each_as_often(n: int, density: float) -> None:
    active = draw(n, SIZE, density) != 0
    assert active.any(0).all()
    assert_share(active, density / (1 - (1 - density) ** n), dim=1)


@pytest.mark.parametrize(("n", "density"), [case for case in CASES if case[0] > 1])
def test_how_many_are_active_is_binomial_but_for_none(n: int, density: float) -> None:
    counts = (draw(n, SIZE, density) != 0).sum(0)
    choose = torch.tensor([[1.0]]).double()
    for _ in range(n):  # Pascal's triangle
        choose = torch.nn.functional.pad(choose, (1, 0)) + torch.nn.functional.pad(choose, (0, 1))
    k = torch.arange(n + 1).double()
    each = choose[0] * density**k * (1 - density) ** (n - k)
    each = each[1:] / each[1:].sum()
    for number, share in enumerate(each.tolist(), 1):
        assert_share(counts == number, share)


def test_pairs_of_features_are_active_as_in_samples_that_are_not_empty() -> None:
    x = sparse_features.sample(
        SIZE, 4, density=0.3, generator=torch.Generator().manual_seed(1), signed=True
    )
    expected, got = (
        batch.double().T @ batch.double() / len(batch)
        for batch in (
            (x[(x != 0).any(1)] != 0),
            (draw(4, SIZE, 0.3).T != 0),
        )
    )
    torch.testing.assert_close(got, expected, rtol=0, atol=0.012)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("density", [1.0, 0.3, 1e-6])
def test_what_is_active_is_uniform(density: float, signed: bool) -> None:
    x = draw(4, SIZE, density, signed=signed)
    assert x.shape == (4, SIZE)
    assert x.dtype == torch.float32
    for row in x:
        values = row[row != 0].double().sort().values
        values = (values + 1) / 2 if signed else values
        assert len(values) > 10_000
        assert 0 <= values[0] <= values[-1] <= 1
        uniform = (torch.arange(len(values)) + 0.5) / len(values)
        assert (values - uniform).abs().max() < 2.3 / len(values) ** 0.5  # Kolmogorov, 1 in 20,000


def test_signed_is_what_is_drawn_if_nothing_is_said() -> None:
    assert torch.equal(draw(3, 50, 0.3), draw(3, 50, 0.3, signed=True))
    assert (draw(3, 50, 0.3) < 0).any()


@pytest.mark.parametrize("density", [0.1, 1.0])
def test_the_generator_decides(density: float) -> None:
    before = torch.get_rng_state()
    assert torch.equal(draw(5, 100, density, seed=3), draw(5, 100, density, seed=3))
    assert not torch.equal(draw(5, 100, density, seed=3), draw(5, 100, density, seed=4))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("n", "density"), [(1, 0.25), (100, 0.001), (100, 1.0), (3, 0.5)])
def test_the_share_of_inputs_that_are_not_empty(n: int, density: float) -> None:
    none = 1.0
    for _ in range(n):
        none *= 1 - density
    assert share_active(n, density) == pytest.approx(1 - none, rel=1e-12)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5, float("nan")])
def test_a_density_that_is_none_is_refused(density: float) -> None:
    with pytest.raises(ValueError, match=r"density: got .*; allowed is \(0, 1\]"):
        draw(3, 10, density)


@pytest.mark.parametrize("density", [1e-17, 1e-15, 1e-10])
def test_what_is_rarer_than_rounding_is_shared_alike(density: float) -> None:
    assert share_active(4, density) == pytest.approx(4 * density, rel=1e-6, abs=0)
    assert_share(draw(4, SIZE, density) != 0, 1 / 4, dim=1)

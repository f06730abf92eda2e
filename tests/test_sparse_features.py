"""The sparse synthetic input is distributed as it says."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor

from steering_core.sparse_features import active_inputs, sample

SAMPLES = 400_000


def draw(*shape: int, density: float, seed: int = 0, **how) -> Tensor:
    return sample(*shape, density=density, generator=torch.Generator().manual_seed(seed), **how)


def assert_mean(values: Tensor, expected: float) -> None:
    values = values.double()
    standard_error = values.std().item() / len(values) ** 0.5
    assert abs(values.mean().item() - expected) <= 4 * standard_error + 1e-12


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shared_mask", [False, True])
@pytest.mark.parametrize("density", [0.01, 0.3, 1.0])
def test_moments(density: float, shared_mask: bool, signed: bool) -> None:
    x = draw(SAMPLES, 2, density=density, shared_mask=shared_mask, signed=signed)
    assert x.dtype == torch.float32
    assert ((x >= (-1 if signed else 0)) & (x <= 1)).all()
    for i in range(2):
        assert_mean(x[:, i] != 0, density)
        for power in (1, 2, 3):
            odd = signed and power % 2
            assert_mean(x[:, i] ** power, 0 if odd else density / (power + 1))
    both = density if shared_mask else density**2
    assert_mean(x[:, 0] * x[:, 1], 0 if signed else both / 4)
    assert_mean((x[:, 0].abs() > 0.5).float() * (x[:, 1].abs() > 0.5), both / 4)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shared_mask", [False, True])
@pytest.mark.parametrize("density", [0.01, 0.2, 1.0])
def test_what_is_active_is_uniform(density: float, shared_mask: bool, signed: bool) -> None:
    x = draw(SAMPLES, 1, density=density, shared_mask=shared_mask, signed=signed)
    active = x[x != 0].sort().values.double()
    active = (active + 1) / 2 if signed else active
    uniform = (torch.arange(len(active)) + 0.5) / len(active)
    assert (active - uniform).abs().max() < 1.95 / len(active) ** 0.5  # Kolmogorov, 1 in 1,000


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("axis", [-1, -2, 1])
def test_a_shared_mask_is_shared_by_the_features_of_an_input_only(axis: int, signed: bool) -> None:
    how = {"density": 0.3, "signed": signed, "axis": axis}
    active = draw(1000, 3, 4, shared_mask=True, **how).movedim(axis, -1) != 0
    assert (active == active[..., :1]).all()
    assert not (active == active[:, :1]).all()
    apart = draw(1000, 3, 4, **how).movedim(axis, -1) != 0
    assert not (apart == apart[..., :1]).all()
    assert draw(1000, 3, 4, shared_mask=True, **how).unique().numel() > 1000


def test_the_generator_is_the_only_source_of_randomness() -> None:
    before = torch.get_rng_state()
    first = draw(100, 3, density=0.5, seed=1)
    assert torch.equal(first, draw(100, 3, density=0.5, seed=1))
    assert not torch.equal(first, draw(100, 3, density=0.5, seed=2))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5, float("nan")])
def test_a_density_out_of_range_is_named(density: float) -> None:
    with pytest.raises(ValueError, match=rf"density: got {density}; allowed is \(0, 1\]"):
        draw(3, 2, density=density)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 4), max_size=2),
    st.integers(1, 30),
    st.integers(1, 3),
    st.sampled_from([0.02, 0.3, 1.0]),
    st.integers(0, 1000),
)
def test_active_inputs_are_all_kept(
    groups: list[int], inputs: int, n: int, density: float, seed: int
) -> None:
    batch = draw(*groups, n, inputs, density=density, seed=seed, axis=-2)
    before = batch.clone()
    compact, gone = active_inputs(batch)
    assert torch.equal(batch, before)
    assert compact.shape == (*groups, n, inputs - gone)
    given, kept = batch.reshape(-1, n, inputs), compact.reshape(-1, n, inputs - gone)
    counts = (given != 0).any(1).sum(-1)
    assert inputs - gone == max(1, int(counts.max()))
    for group, front, count in zip(given.mT, kept.mT, counts.tolist(), strict=True):
        assert torch.equal(front[(front != 0).any(-1)], group[(group != 0).any(-1)])
        assert not gone or (front[count:] == 0).all()


def test_active_inputs_need_a_batch_of_inputs() -> None:
    with pytest.raises(TypeCheckError):
        active_inputs(torch.zeros(3))

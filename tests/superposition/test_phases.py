"""Every phase has its name."""

from __future__ import annotations

import pytest
import torch

from steering_core.superposition.phases import (
    EXTRA_DEDICATED,
    EXTRA_LEFT_OUT,
    EXTRA_ONLY,
    EXTRA_SHARES,
    FEWER,
    FIRST_ONLY,
    NEITHER,
    OPPOSITE,
    PHASES_OF_THREE,
    PHASES_OF_TWO,
    SAME_SIGN,
    canonical,
    label,
    represented,
    variance,
)

OF_TWO = [
    ([1.0, 0.1], [0.9, 0.1], FIRST_ONLY),
    ([1.0, -1.0], [0.9, 0.5], FIRST_ONLY),  # just not represented, whatever W says
    ([0.1, 1.0], [0.1, 0.9], EXTRA_ONLY),
    ([1.0, -1.0], [0.6, 0.6], OPPOSITE),
    ([-1.0, 1.0], [0.6, 0.6], OPPOSITE),
    ([-0.7, -0.7], [0.6, 0.6], SAME_SIGN),
    ([0.1, 0.1], [0.1, 0.0], NEITHER),
    ([1.0, 1.0], [-5.0, 0.2], NEITHER),
]
OF_THREE = [
    ([[1.0, 0, 0], [0, 1, 0]], [0.9, 0.9, 0.0], EXTRA_LEFT_OUT),
    ([[1.0, -1, 0], [0, 0, 1]], [0.8, 0.8, 0.9], EXTRA_DEDICATED),
    ([[1.0, 0, 0], [0, 0, 1]], [0.9, 0.0, 0.9], EXTRA_DEDICATED),
    ([[1.0, 0, 0], [0, 1, -1]], [0.9, 0.8, 0.8], EXTRA_SHARES),
    ([[1.0, 0, 0.6], [0, 1, 0.8]], [0.9, 0.9, 0.9], EXTRA_SHARES),
    ([[1.0, 0, 0.2], [0, 1, 0.9]], [0.9, 0.0, 0.9], EXTRA_SHARES),
    ([[1.0, 0, 0], [0, 0.1, 0.1]], [0.9, 0.1, 0.1], FEWER),
    ([[0.1, 0, 0], [0, 0.1, 1.0]], [0.1, 0.1, 0.9], FEWER),
]


@pytest.mark.parametrize(("row", "fraction", "phase"), OF_TWO)
def test_phases_of_two_features(row: list[float], fraction: list[float], phase: str) -> None:
    assert label(torch.tensor([[row]]), torch.tensor([fraction])).tolist() == [phase]


@pytest.mark.parametrize(("rows", "fraction", "phase"), OF_THREE)
def test_phases_of_three_features(
    rows: list[list[float]], fraction: list[float], phase: str
) -> None:
    assert label(torch.tensor([rows]), torch.tensor([fraction])).tolist() == [phase]


def test_every_phase_is_among_these_cases() -> None:
    assert {phase for *_, phase in OF_TWO} == set(PHASES_OF_TWO)
    assert {phase for *_, phase in OF_THREE} == set(PHASES_OF_THREE)


def test_the_threshold_decides_who_counts() -> None:
    weights, fraction = torch.tensor([[[1.0, -1.0]]]), torch.tensor([[0.8, 0.4]])
    assert label(weights, fraction, 0.3).tolist() == [OPPOSITE]
    assert label(weights, fraction, 0.5).tolist() == [FIRST_ONLY]
    assert label(weights, fraction, 0.9).tolist() == [NEITHER]


def test_labels_have_the_shape_of_the_batch() -> None:
    weights = torch.tensor([[[[1.0, -1.0]], [[1.0, 0.0]]]] * 3)
    fraction = torch.tensor([[[0.9, 0.9], [0.9, 0.0]]] * 3)
    assert label(weights, fraction).tolist() == [[OPPOSITE, FIRST_ONLY]] * 3


def test_represented_is_one_for_the_truth_and_none_for_the_mean() -> None:
    density = torch.tensor(0.3, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.rand(2, 10**6, generator=generator, dtype=torch.float64)
    x = drawn[0] * (drawn[1] < density)
    assert variance(density).item() == pytest.approx(x.var().item(), rel=0.01)
    errors = torch.stack([variance(density), variance(density) / 4, 0 * density])
    torch.testing.assert_close(
        represented(errors[None], density[None]), torch.tensor([[0.0, 0.75, 1.0]]).double()
    )


def test_a_canonical_model_is_the_same_model() -> None:
    weights = torch.randn(20, 2, 3, generator=torch.Generator().manual_seed(1)).double()
    same = canonical(weights)
    torch.testing.assert_close(same.mT @ same, weights.mT @ weights)


def test_all_rotations_have_one_canonical_form() -> None:
    generator = torch.Generator().manual_seed(2)
    weights = torch.randn(20, 2, 3, generator=generator, dtype=torch.float64)
    turns = torch.linalg.qr(torch.randn(20, 2, 2, generator=generator, dtype=torch.float64)).Q
    torch.testing.assert_close(canonical(turns @ weights), canonical(weights))
    rows = weights[:, :1]
    torch.testing.assert_close(canonical(-rows), canonical(rows))
    assert (canonical(rows).gather(-1, rows.abs().argmax(-1, keepdim=True)) > 0).all()
    assert (canonical(torch.zeros(1, 1, 2)) == 0).all()

"""The numbers of an instance are what the model does, in a forward pass."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from torch import Tensor

from steering_core.absolute_value import ABSOLUTE, Task, find_motifs
from steering_core.absolute_value.motifs import _mean_square
from steering_core.absolute_value.task import BOTTLENECK, STORAGE
from tests.absolute_value.planted import Model, Planted, plant


def pre_activation(model: Model, output: int, feature: int, sizes: Tensor, task: Task) -> Tensor:
    """Of one output, a feature alone at some sizes; neuron by neuron."""
    w_in, w_out, bias = (p.double() for p in model)
    z = bias[output].expand(len(sizes)).clone()
    for k in range(len(w_in)):
        heard = w_in[k, feature] * sizes
        z += w_out[output, k] * (heard.clamp_min(0) if task.hidden_relu else heard)
    return z


@pytest.mark.parametrize("task", [ABSOLUTE, STORAGE, BOTTLENECK], ids=lambda task: task.name)
@pytest.mark.parametrize("inhibition", [(0.55, 0.95), (1.0, 1.5)])
def test_numbers_are_what_the_model_does(task: Task, inhibition: tuple[float, float]) -> None:
    grid = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    causal = []
    for seed in range(15):
        model, _ = plant(seed, inhibition=inhibition, signed=task.signed, count=2)
        for motif in find_motifs(*model, task=task):
            w_in, w_out, bias = model
            cut = w_in.clone()
            cut[motif.inhibitor, motif.strong] = 0.0
            at = motif.weak, motif.strong, motif.strong_sign * grid, task
            whole, without = (pre_activation((w, w_out, bias), *at) for w in (w_in, cut))
            assert motif.alone == pytest.approx(whole[-1].item(), abs=1e-5)
            assert motif.cut == pytest.approx(without[-1].item(), abs=1e-5)
            error, error_cut = (
                torch.trapezoid(z.clamp_min(0).square(), grid).item() for z in (whole, without)
            )
            assert motif.error == pytest.approx(error, rel=1e-4, abs=1e-6)
            assert motif.error_cut == pytest.approx(error_cut, rel=1e-4, abs=1e-6)
            main = torch.tensor([float(motif.main_sign)], dtype=torch.float64)
            moved = pre_activation(model, motif.weak, motif.main, main, task) - bias[motif.weak]
            assert motif.main_alone == pytest.approx(moved.item(), rel=1e-5, abs=1e-5)
            pays = error_cut > error and whole[-1].item() <= 0 < without[-1].item()
            assert motif.causal is pays
            causal.append(pays)
    assert len(causal) >= 25
    assert any(causal) is (inhibition[0] == 1.0)


def test_the_strongest_inhibitor_counts_and_instances_are_in_order() -> None:
    (w_in, w_out, bias), (one,) = plant(3, n=10, count=1, noise=0.0, scales=False)
    twice = torch.cat([w_in, w_in[one.inhibitor, None]])
    outputs = torch.cat([w_out, w_out[:, one.inhibitor, None]], 1)
    outputs[one.weak, one.inhibitor] *= 0.9
    (motif,) = find_motifs(twice, outputs, bias)
    assert motif.inhibitor == len(w_in)
    assert motif.inhibition == pytest.approx(one.inhibition)
    assert motif.cut == pytest.approx(motif.alone + one.inhibition * one.ratio * _own(w_out, one))
    for seed in range(20):
        found = [motif.inhibition for motif in find_motifs(*plant(seed, count=3)[0])]
        assert found == sorted(found, reverse=True)


def _own(w_out: Tensor, one: Planted) -> float:
    return w_out[one.weak, one.neuron].item()


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_the_mean_square_is_that_of_quadrature(bias: float, slope: float) -> None:
    kink = [-bias / slope] if slope and 0 < -bias / slope < 1 else None
    expected, _ = quad(lambda t: max(bias + slope * t, 0.0) ** 2, 0, 1, points=kink)
    assert _mean_square(bias, slope) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("slope", [0.0, 1e-17, -1e-17, 1e-14, 1e-12, 5e-324])
def test_the_mean_square_of_a_line_that_is_nearly_flat(slope: float) -> None:
    assert _mean_square(0.1, slope) == pytest.approx(0.01, rel=1e-9)
    assert _mean_square(0.0, slope) == pytest.approx(0.0, abs=1e-20)
    assert _mean_square(-0.1, slope) == 0.0

"""The numbers of an instance are what the model does, in a forward pass."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from steering_core.absolute_value import ABSOLUTE, Task, find_motifs
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

"""Every optimiser trains each model as if it were alone, also after another has left."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from steering_core.lockstep import Plateau, Trained, train, warm_cosine

from . import batches, chosen, planted, pulled, starts, told

REFUSED: tuple[Any, ...] = (torch.optim.LBFGS, torch.optim.SparseAdam)
RATES = {"Adadelta": 1.0, "SGD": 0.01, "Muon": 0.1}
KINDS: dict[str, Any] = dict(vars(torch.optim))
ACCEPTED: dict[str, Any] = {
    name: partial(KINDS[name], lr=RATES.get(name, 0.05))
    for name, kind in KINDS.items()
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer
    if kind not in REFUSED
}
ACCEPTED |= {
    "AdamW, fused": partial(torch.optim.AdamW, lr=0.05, fused=True),
    "AdamW, amsgrad": partial(torch.optim.AdamW, lr=0.05, amsgrad=True),
    "SGD, momentum": partial(torch.optim.SGD, lr=0.01, momentum=0.9, nesterov=True),
    "RMSprop, centred": partial(torch.optim.RMSprop, lr=0.05, centered=True, momentum=0.5),
}
STRENGTHS = torch.tensor([1.0, 0.3, 0.1, 2.0])
STEPS = 30


def trained(models: list[int], optimiser: str, **options) -> Trained:
    gradients = options.pop("gradients", pulled(STRENGTHS[models]))
    return train(
        gradients,
        chosen(starts(4), models),
        batches(STEPS),
        steps=STEPS,
        optimiser=ACCEPTED[optimiser],
        schedule=warm_cosine(0.2),
        record_every=5,
        **options,
    )


def assert_same(together: Trained, models: list[int], apart: Trained) -> None:
    for name, p in chosen(together.parameters, models).items():
        torch.testing.assert_close(p, apart.parameters[name], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(together.losses[:, models], apart.losses, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_a_model_in_company_ends_where_it_ends_alone(optimiser: str) -> None:
    together = trained([0, 1, 2, 3], optimiser)
    for name, p in together.parameters.items():
        assert ((p - starts(4)[name]).abs().amax((1, 2)) > 1e-5).all()
    for i in range(4):
        assert_same(together, [i], trained([i], optimiser))


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_the_others_go_on_as_if_the_one_that_diverged_had_not_been(optimiser: str) -> None:
    fault = planted(pulled(STRENGTHS), 1, 7, loss=float("nan"), gradient=float("nan"))
    with pytest.warns(RuntimeWarning, match="model 1: not finite from step 7 on"):
        together = trained([0, 1, 2, 3], optimiser, gradients=fault)
    assert together.diverged.tolist() == [False, True, False, False]
    assert_same(together, [0, 2, 3], trained([0, 2, 3], optimiser))


@pytest.mark.parametrize("optimiser", ACCEPTED)
def test_the_others_go_on_as_if_the_one_that_converged_had_not_been(optimiser: str) -> None:
    def loss(model: int, step: int) -> float:
        return 5.0 if model == 2 else 0.9**step

    gradients = told(pulled(STRENGTHS), loss)
    together = trained([0, 1, 2, 3], optimiser, gradients=gradients, plateau=Plateau(5, 0.01))
    assert together.converged.tolist() == [False, False, True, False]
    assert together.steps.tolist() == [30, 30, 10, 30]
    without = trained([0, 1, 3], optimiser)
    for name, p in chosen(together.parameters, [0, 1, 3]).items():
        torch.testing.assert_close(p, without.parameters[name], rtol=1e-5, atol=1e-6)


def test_one_that_has_left_is_where_it_was_then() -> None:
    flat = told(pulled(STRENGTHS), lambda model, step: 1.0 if model == 0 else 0.9**step)
    for optimiser in ("AdamW", "Adafactor"):
        ends = trained([0, 1, 2, 3], optimiser, gradients=flat, plateau=Plateau(5, 0.01))
        ten = train(
            pulled(STRENGTHS),
            starts(4),
            batches(10),
            steps=10,
            optimiser=ACCEPTED[optimiser],
            schedule=lambda done: warm_cosine(0.2)(done * 10 / STEPS),
        )
        for name, p in ends.parameters.items():
            torch.testing.assert_close(p[0], ten.parameters[name][0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", REFUSED)
def test_an_optimiser_that_needs_more_than_gradients_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=f"optimiser: got {kind.__name__}; allowed are"):
        train(pulled(STRENGTHS), starts(4), batches(3), steps=3, optimiser=kind)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("which", ["gradients", "parameters", "both"])
def test_how_numbers_lie_in_memory_makes_no_difference(which: str, fused: bool) -> None:
    def turned(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: t.mT.contiguous().mT for name, t in tensors.items()}

    def gradients(parameters, batch, models):
        losses, by_parameter = pulled(STRENGTHS)(parameters, batch, models)
        return losses, turned(by_parameter) if which != "parameters" else by_parameter

    ends = []
    for function, begin in (
        (pulled(STRENGTHS), starts(4)),
        (gradients, starts(4) if which == "gradients" else turned(starts(4))),
    ):
        fault = planted(function, 1, 7, loss=float("nan"), gradient=float("nan"))
        with pytest.warns(RuntimeWarning, match="model 1"):
            end = train(
                fault,
                begin,
                batches(STEPS),
                steps=STEPS,
                optimiser=partial(torch.optim.AdamW, lr=0.05, fused=fused),
                record_every=5,
            )
        ends.append(end.parameters)
    for name, p in ends[0].items():
        torch.testing.assert_close(ends[1][name], p, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("optimiser", ["AdamW", "AdamW, fused", "Adafactor"])
def test_double_precision_is_kept(optimiser: str) -> None:
    def gradients(parameters, batch, models):
        return pulled(STRENGTHS.double())(parameters, (batch[0], batch[1].double()), models)

    begin = {name: p.double() for name, p in starts(4).items()}
    end = train(gradients, begin, batches(20), steps=20, optimiser=ACCEPTED[optimiser])
    single = train(
        pulled(STRENGTHS), starts(4), batches(20), steps=20, optimiser=ACCEPTED[optimiser]
    )
    for name, p in end.parameters.items():
        assert p.dtype == torch.float64
        torch.testing.assert_close(p.float(), single.parameters[name], rtol=1e-3, atol=1e-4)

"""Latents drawn anew, ghost gradients and the auxiliary loss, against cases made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from steering_core.lockstep import Step
from steering_core.sparse_autoencoders import Recipe
from steering_core.sparse_autoencoders.dead import auxiliary_loss, ghost_loss, resample

NAMES = ("w_enc", "b_enc", "w_dec", "b_dec", "r_mag", "b_mag", "log_threshold")
RECIPE = Recipe(initial_threshold=0.25, initial_bias=0.7)
Loss = Callable[[dict[str, Tensor], Tensor, Tensor, Tensor], Tensor]
LOSSES: list[Loss] = [ghost_loss, auxiliary_loss]
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(models: int = 2, width: int = 3, latents: int = 4) -> Step:
    """Random parameters, with Adam's averages of them."""
    generator = chance(3)

    def some(*shape: int) -> Tensor:
        return torch.randn(models, *shape, generator=generator)

    shapes = {"w_enc": (width, latents), "w_dec": (latents, width), "b_dec": (width,)}
    parameters = {name: some(*shapes.get(name, (latents,))) for name in NAMES}
    moments: dict[str, dict[str, Any]] = {
        name: {
            "exp_avg": torch.randn(p.shape, generator=generator),
            "exp_avg_sq": torch.rand(p.shape, generator=generator) + 0.1,
            "step": torch.tensor(17.0),
        }
        for name, p in parameters.items()
    }
    return Step(17, torch.arange(models), parameters, moments)


def copied(step: Step) -> Step:
    return Step(
        step.number,
        step.models.clone(),
        {name: p.clone() for name, p in step.parameters.items()},
        {name: {key: v.clone() for key, v in one.items()} for name, one in step.moments.items()},
    )


def latents_of(name: str, value: Tensor, model: int, latent: int) -> Tensor:
    """What belongs to one latent."""
    return value[model, :, latent] if name == "w_enc" else value[model, latent]


INPUTS = torch.tensor([[3.0, 0.0, 4.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
DEAD = torch.tensor([[False, True, False, True], [False, False, True, False]])
# The first model errs only at input 0, the second only at input 1.
ERRORS = torch.tensor([[5.0, 0.0, 0.0], [0.0, 1e-3, 0.0]])


def drawn_anew(recipe: Recipe = RECIPE, dead: Tensor = DEAD) -> tuple[Step, Step]:
    """Before and after."""
    before = made()
    after = copied(before)
    resample(after, dead, INPUTS, ERRORS, recipe, [chance(1), chance(2)])
    return before, after


@pytest.mark.parametrize("scale", [0.2, 0.5])
def test_dead_latents_point_to_what_is_badly_reconstructed(scale: float) -> None:
    before, after = drawn_anew(Recipe(initial_threshold=0.25, resample_scale=scale))
    for model, worst in enumerate((0, 1)):
        b_dec = before.parameters["b_dec"][model]
        apart = INPUTS[worst] - b_dec
        direction = apart / apart.square().sum().sqrt()
        sizes = [
            before.parameters["w_enc"][model, :, latent].square().sum().sqrt()
            * before.parameters["w_dec"][model, latent].square().sum().sqrt()
            for latent in range(4)
            if not DEAD[model, latent]
        ]
        size = scale * sum(sizes) / len(sizes)
        for latent in DEAD[model].nonzero()[:, 0].tolist():
            its = after.parameters
            torch.testing.assert_close(its["w_dec"][model, latent], direction)
            torch.testing.assert_close(its["w_enc"][model, :, latent], size * direction)
            for name in ("b_enc", "r_mag", "b_mag"):
                assert its[name][model, latent] == 0
            assert its["log_threshold"][model, latent].item() == pytest.approx(math.log(0.25))


def test_adams_averages_of_the_dead_are_forgotten_and_its_count_is_not() -> None:
    _, after = drawn_anew()
    for model, latent in DEAD.nonzero().tolist():
        for name in NAMES:
            if name != "b_dec":
                for key in ("exp_avg", "exp_avg_sq"):
                    assert not latents_of(name, after.moments[name][key], model, latent).any()
    assert all(one["step"] == 17 for one in after.moments.values())


def test_who_is_alive_is_left_alone() -> None:
    before, after = drawn_anew()
    for name in NAMES:
        pairs = [(before.parameters[name], after.parameters[name])]
        pairs += [
            (before.moments[name][key], after.moments[name][key])
            for key in ("exp_avg", "exp_avg_sq")
        ]
        for old, new in pairs:
            if name == "b_dec":
                assert torch.equal(old, new)
                continue
            for model, latent in (~DEAD).nonzero().tolist():
                assert torch.equal(
                    latents_of(name, old, model, latent), latents_of(name, new, model, latent)
                )


def test_where_nothing_is_dead_nothing_happens() -> None:
    before, after = drawn_anew(dead=torch.zeros_like(DEAD))
    assert all(torch.equal(before.parameters[name], after.parameters[name]) for name in NAMES)
    generators = [chance(1), chance(2)]
    only = torch.tensor([[False] * 4, [True, False, False, False]])
    resample(made(), only, INPUTS, ERRORS, RECIPE, generators)
    assert torch.equal(generators[0].get_state(), chance(1).get_state())


def test_where_all_are_dead_encoders_begin_at_the_scale() -> None:
    _, after = drawn_anew(dead=torch.ones_like(DEAD))
    norms = after.parameters["w_enc"].norm(dim=1)
    torch.testing.assert_close(norms, torch.full_like(norms, 0.2))


def test_an_input_is_drawn_in_proportion_to_its_squared_error_squared() -> None:
    """Errors, already squared, of 1 and 2: one in five is the first."""
    latents = 4_000
    step = made(1, 3, latents)
    step.parameters["b_dec"].zero_()
    dead = torch.ones(1, latents, dtype=torch.bool)
    inputs = torch.eye(3)
    resample(step, dead, inputs, torch.tensor([[1.0, 2.0, 0.0]]), RECIPE, [chance()])
    shares = step.parameters["w_dec"][0].mean(0)
    assert shares[0].item() == pytest.approx(0.2, abs=5 * (0.16 / latents) ** 0.5)
    assert shares[2] == 0


def test_each_model_has_a_chance_of_its_own() -> None:
    dead, errors = torch.ones(2, 20, dtype=torch.bool), torch.ones(2, 3)
    together = made(2, 3, 20)
    alone = copied(together)
    resample(together, dead, INPUTS, errors, RECIPE, [chance(5), chance(6)])
    # the other's generator is of no account
    resample(alone, dead, INPUTS, errors, RECIPE, [chance(9), chance(6)])
    assert torch.equal(together.parameters["w_dec"][1], alone.parameters["w_dec"][1])
    assert not torch.equal(together.parameters["w_dec"][0], alone.parameters["w_dec"][0])


def situation() -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    """Parameters, m and residual of two models, and who is dead."""
    step = made(2, 6, 5)
    generator = chance(8)
    dead = torch.tensor([[True, False, True, True, True], [False, True, False, False, False]])
    m = torch.randn(2, 4, 5, generator=generator)
    residual = torch.randn(2, 4, 6, generator=generator)
    return step.parameters, m, residual, dead


def ghosts_by_hand(p: Any, m: Tensor, residual: Tensor, dead: Tensor) -> list[float]:
    out = []
    for model in range(2):
        errors, ghost_errors = [], []
        for i in range(4):
            left = residual[model, i]
            ghost = torch.zeros(6)
            for j in range(5):
                if dead[model, j]:
                    z = m[model, i, j] + p["b_enc"][model, j]
                    ghost = ghost + z.exp() * p["w_dec"][model, j]
            ghost = ghost / ghost.norm() * left.norm() / 2
            errors.append(float((left**2).sum()))
            ghost_errors.append(float(((left - ghost) ** 2).sum()))
        size = sum(errors) / sum(ghost_errors)
        out.append(size * sum(ghost_errors) / 4)
    return out


def auxiliary_by_hand(p: Any, m: Tensor, residual: Tensor, dead: Tensor) -> list[float]:
    out = []
    for model in range(2):
        total = 0.0
        for i in range(4):
            amounts = sorted(
                (max(float(m[model, i, j] + p["b_enc"][model, j]), 0.0), j)
                for j in range(5)
                if dead[model, j]
            )
            said = sum(amount * p["w_dec"][model, j] for amount, j in amounts[-3:])
            total += float(((residual[model, i] - said) ** 2).sum())
        out.append(total / 4)
    return out


def test_the_ghost_loss_is_that_by_hand() -> None:
    p, m, residual, dead = situation()
    assert ghost_loss(p, m, residual, dead).tolist() == pytest.approx(
        ghosts_by_hand(p, m, residual, dead), rel=1e-4
    )


def test_the_auxiliary_loss_is_that_by_hand() -> None:
    p, m, residual, dead = situation()
    m = m + 1.5  # the first model has more than three to choose from
    assert ((m + p["b_enc"][:, None] > 0) & dead[:, None])[0].sum(-1).max() > 3
    assert auxiliary_loss(p, m, residual, dead).tolist() == pytest.approx(
        auxiliary_by_hand(p, m, residual, dead), rel=1e-4
    )


def test_a_ghost_gradient_is_that_of_its_loss_at_fixed_factors() -> None:
    """The loss is |r - c ghost|² times a size; both factors are numbers to the gradient."""
    p, m, residual, dead = situation()
    m.requires_grad_()
    (got,) = torch.autograd.grad(ghost_loss(p, m, residual, dead).sum(), m)
    with torch.no_grad():
        raw = ((m + p["b_enc"][:, None]).exp() * dead[:, None]) @ p["w_dec"]
        factor = residual.norm(dim=-1, keepdim=True) / (2 * raw.norm(dim=-1, keepdim=True))
        size = residual.square().sum((1, 2)) / (residual - factor * raw).square().sum((1, 2))
    latents = (m + p["b_enc"][:, None]).exp() * dead[:, None]
    left = (residual - factor * (latents @ p["w_dec"])).square().sum(-1).mean(-1)
    (expected,) = torch.autograd.grad((size * left).sum(), m)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@each_loss
def test_without_dead_latents_there_is_no_loss(loss: Loss) -> None:
    p, m, residual, dead = situation()
    assert loss(p, m, residual, torch.zeros_like(dead)).tolist() == [0, 0]
    one = dead.clone()
    one[0] = False
    got = loss(p, m, residual, one)
    assert got[0] == 0
    assert got[1] > 0


@each_loss
def test_only_the_dead_learn_by_it(loss: Loss) -> None:
    p, m, residual, dead = situation()
    leaves = {name: p[name].requires_grad_() for name in ("b_enc", "w_dec")}
    m, residual = (m + 1).requires_grad_(), residual.requires_grad_()
    loss(p, m, residual, dead).sum().backward()
    assert residual.grad is None
    gradients = [m.grad, leaves["b_enc"].grad, leaves["w_dec"].grad]
    for gradient, axis in zip(gradients, ((1,), (), (2,)), strict=True):
        assert gradient is not None
        its = gradient.abs().sum(axis) if axis else gradient.abs()
        assert not its[~dead].any()
        assert its[dead].any()


@each_loss
def test_models_do_not_mix(loss: Loss) -> None:
    p, m, residual, dead = situation()
    together = loss(p, m, residual, dead)
    for i in range(2):
        alone = {name: value[[i]] for name, value in p.items()}
        got = loss(alone, m[[i]], residual[[i]], dead[[i]])
        torch.testing.assert_close(got, together[[i]])


def test_large_pre_activations_of_ghosts_do_not_overflow() -> None:
    p, m, residual, dead = situation()
    m = (m + 200).requires_grad_()
    loss = ghost_loss(p, m, residual, dead)
    (gradient,) = torch.autograd.grad(loss.sum(), m)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()

"""Which way activations push is what the loss says of them, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from steering_core.sparse_autoencoders import Autoencoders, Recipe
from steering_core.sparse_autoencoders import Sample as Inputs
from steering_core.sparse_autoencoders.balance import balances
from steering_core.sparse_autoencoders.evaluate import match
from steering_core.sparse_autoencoders.gradient_signs import pushes
from tests.sparse_autoencoders.test_evaluate import drawn, planted, truth_of

EYE = torch.eye(2)

# Latents are relu(x - 0.25), so outputs fall short by 0.25: a slope of -0.5 at no penalty. On the
# third input latent 1 is wrong; on the fourth latent 0 is; on the last it is silent.
X = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5], [0.5, 1.0], [0.125, 0.0]])
THERE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
SHORT = planted(EYE, -0.25)


@pytest.mark.parametrize(
    ("penalty", "up_right", "down_wrong"), [(0.0, 1, 0), (0.4, 1, 0), (0.6, 0, 1), (99.0, 0, 1)]
)
def test_too_short_is_pushed_up_until_the_penalty_outweighs_it(
    penalty: float, up_right: float, down_wrong: float
) -> None:
    got = pushes(SHORT, Inputs(X, THERE), truth_of(EYE), penalty)
    assert got == {"up_right": up_right, "down_wrong": down_wrong}


def test_what_is_too_long_is_pushed_down() -> None:
    long = planted(EYE, 0.25)
    assert pushes(long, Inputs(X, THERE), truth_of(EYE), 0.0) == {"up_right": 0, "down_wrong": 1}


def test_shares_are_of_right_and_of_wrong_activations_apart() -> None:
    # Latent 0 is too short, latent 1 too long: its output is one and a half times its input.
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.5]])
    one = planted(rows, [-0.25, 0.0], encoders=EYE)
    got = pushes(one, Inputs(X, THERE), truth_of(EYE), 0.0)
    # Right: 0 on inputs 0 and 2, up; 1 on 1 and 3, down. Wrong: 1 on 2, down; 0 on 3, up.
    assert got == {"up_right": 0.5, "down_wrong": 0.5}


def test_the_penalty_weighs_by_the_norm_of_the_decoder() -> None:
    # Slopes at no penalty: 2 (2 (x - 0.5) - x) 2 = -0.8 at x = 0.8; the penalty counts twice.
    one = planted(2 * EYE, -0.5, encoders=EYE)
    sample = Inputs(torch.tensor([[0.8, 0.0]]), torch.tensor([[1.0, 0.0]]))
    assert pushes(one, sample, truth_of(EYE), 0.39)["up_right"] == 1
    assert pushes(one, sample, truth_of(EYE), 0.41)["up_right"] == 0


def test_a_shrunken_target_pulls_down() -> None:
    shrunken = planted(EYE, -0.25, recipe=Recipe(steps=100, target_scale=0.5))
    # Output 0.75, target 0.5; on the third input latent 1 has output 0.25, target 0.25.
    got = pushes(shrunken, Inputs(X, THERE), truth_of(EYE), 0.0)
    assert got == {"up_right": 0, "down_wrong": 0}
    got = pushes(shrunken, Inputs(X, THERE), truth_of(EYE), 0.01)
    assert got == {"up_right": 0, "down_wrong": 1}


def test_without_activations_there_are_no_shares() -> None:
    silent = pushes(planted(EYE, -9.0), Inputs(X, THERE), truth_of(EYE), 0.0)
    assert all(math.isnan(value) for value in silent.values())
    right = pushes(SHORT, Inputs(X[:2], THERE[:2]), truth_of(EYE), 0.0)
    assert right["up_right"] == 1
    assert math.isnan(right["down_wrong"])


def test_latents_of_no_feature_do_not_count() -> None:
    half = 0.5**0.5
    directions = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    rows = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    x = torch.tensor([[1.0, half, half], [0.0, 1.0, 0.0]])
    there = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    got = pushes(planted(rows, -0.25), Inputs(x, there), truth_of(directions), 99.0)
    assert got["down_wrong"] == 1
    assert math.isnan(got["up_right"]), "only the unknown latent was right"


def by_autograd(one: Autoencoders, sample: Inputs, directions: torch.Tensor, penalty: float):
    """The derivative of the loss with respect to each activation of a known latent."""
    acts = one.encode(sample.activations)[0].requires_grad_()
    p = {name: value[0] for name, value in one.parameters.items()}
    target = one.recipe.target_scale * sample.activations * one.scale
    loss = (acts @ p["w_dec"] + p["b_dec"] - target).square().sum()
    loss = loss + penalty * (acts * p["w_dec"].norm(dim=1)).sum()
    (slope,) = torch.autograd.grad(loss, acts)
    shares: dict[str, list[bool]] = {"up_right": [], "down_wrong": []}
    for latent, feature, cosine in zip(*match(one, truth_of(directions)), strict=True):
        if cosine < 0.7:
            continue
        for n in range(len(acts)):
            if acts[n, int(latent)] <= 0:
                continue
            if sample.features[n, int(feature)] > 0:
                shares["up_right"].append(float(slope[n, int(latent)]) < 0)
            else:
                shares["down_wrong"].append(float(slope[n, int(latent)]) > 0)
    return {name: float(np.mean(values)) for name, values in shares.items()}


@pytest.mark.parametrize("architecture", ["relu", "prolu_relu", "prolu_ste"])
@pytest.mark.parametrize("penalty", [0.0, 0.3, 1.0])
def test_pushes_are_those_of_autograd(architecture: str, penalty: float) -> None:
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(6, 5, generator=generator), dim=1)
    features = drawn(100, 6)
    sample = Inputs(features @ directions + 0.2, features)
    one = planted(
        directions * torch.linspace(0.5, 1.5, 6)[:, None],
        -0.1,
        encoders=directions,
        architecture=architecture,
        centre=[0.4, -0.1, 0.2, 0.3, 0.0],
        scale=[1.2] * 5,
        recipe=Recipe(steps=100, target_scale=0.9),
    )
    expected = by_autograd(one, sample, directions, penalty)
    assert 0 < expected["up_right"] < 1
    assert pushes(one, sample, truth_of(directions), penalty) == pytest.approx(expected)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="autoencoders, truth: got 2"):
        pushes(planted(EYE, penalties=(1, 2)), Inputs(X, THERE), truth_of(EYE), 1.0)
    with pytest.raises(ValueError, match="directions of width 3"):
        pushes(SHORT, Inputs(X, THERE), truth_of(torch.eye(2, 3)), 1.0)


@pytest.mark.parametrize("features", [1, 3])
def test_a_truth_of_other_features_is_refused(features: int) -> None:
    with pytest.raises(ValueError, match="features: got"):
        pushes(SHORT, Inputs(X, torch.ones(5, features)), truth_of(EYE), 1.0)


def test_balances_of_a_latent_worked_out_by_hand() -> None:
    """Inputs 1 and 3, latents 2 and 4, outputs 1.4 and 2.8: too long by 0.4, too short by 0.2."""
    one = planted(torch.tensor([[1.0]]), 1.0)
    one.parameters["w_dec"][:] = 0.7
    x = torch.tensor([[1.0], [3.0]])
    table = balances(one, Inputs(x, x), penalty=0.0)
    assert table["bias"].tolist() == pytest.approx([(0.4 - 0.2) / (0.4 + 0.2)], abs=1e-5)
    assert table["encoder"].tolist() == pytest.approx([(0.4 - 0.6) / (0.4 + 0.6)], abs=1e-5)
    with_penalty = balances(one, Inputs(x, x), penalty=2.0)  # g grows by 2 x 0.7
    assert with_penalty["bias"].tolist() == pytest.approx([1.0])
    with pytest.raises(ValueError, match="one: got 2"):
        balances(planted(torch.eye(2), penalties=(1, 2)), Inputs(x, x), penalty=0.0)

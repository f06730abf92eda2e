"""The published candidates, the closed form of the trap, and the measures that decide claims."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from steering_core.publishing import load_study
from steering_core.superposition import expected_loss, measures, phase_diagram, stability, theory
from steering_core.superposition.phase_study import TRAINED_PHASE_DIAGRAMS, first_weights
from steering_core.superposition.phases import EXTRA_ONLY, FIRST_ONLY, OPPOSITE
from steering_core.superposition.trained import TrainedDiagram, diagrams_of

SMOOTH = ("linear", "gelu", "silu", "sigmoid", "tanh")


@pytest.mark.parametrize(
    ("weights", "bias", "phase"),
    [
        ([1.0, 0.0], [0.0, 0.15], FIRST_ONLY),
        ([0.0, 1.0], [0.15, 0.0], EXTRA_ONLY),
        ([1.0, -1.0], [0.0, 0.0], OPPOSITE),
    ],
)
def test_candidates_have_the_losses_that_theory_says(weights, bias, phase) -> None:
    loss = expected_loss(
        torch.tensor([weights]),
        torch.tensor(bias),
        activation="relu",
        density=0.3,
        importance=torch.tensor([1.0, 0.4]),
    )
    losses = theory.candidate_losses(torch.tensor([0.3]), torch.tensor([0.4]))
    assert loss.item() == pytest.approx(losses[phase].item(), rel=1e-6)


def test_boundary_is_where_the_pair_ties_with_the_best_other_candidate() -> None:
    r = torch.logspace(-1, 1, 9, dtype=torch.float64)
    s = theory.superposition_boundary(r)
    losses = theory.candidate_losses(s, r)
    tie = torch.minimum(losses[FIRST_ONLY], losses[EXTRA_ONLY]).diagonal()
    assert torch.allclose(losses[OPPOSITE].diagonal(), tie)
    with pytest.raises(ValueError, match="n_features"):
        theory.candidate_losses(s, r, n_features=4)


def test_three_features_share_as_the_candidates_say() -> None:
    losses = theory.candidate_losses(torch.tensor([0.05]), torch.tensor([0.3]), n_features=3)
    assert theory.best_candidate(losses)[0].item() == "extra shares a dimension"


@pytest.mark.parametrize("name", SMOOTH)
def test_closed_form_curvature_is_that_of_the_exact_hessian(name: str) -> None:
    error = measures.formula_error([name], [0.02, 0.6], [0.2, 2.0])
    assert error.value < 1e-6


@pytest.mark.parametrize("name", SMOOTH)
def test_dedicated_model_is_stationary(name: str) -> None:
    model = stability.dedicated_model(name, torch.tensor([0.2], dtype=torch.float64))
    weights = model.weights[0].requires_grad_()
    bias = model.bias[0].requires_grad_()
    one = torch.ones(2, dtype=torch.float64)
    loss = expected_loss(weights, bias, activation=name, density=0.2, importance=one)
    gradients = torch.autograd.grad(loss, (weights, bias))
    assert max(g.abs().max().item() for g in gradients) < 1e-6


def test_sparse_limit_is_the_limit_of_the_boundary() -> None:
    for name in ("gelu", "silu", "tanh", "linear"):
        boundary = stability.dedicated_model(
            name, torch.tensor([1e-4], dtype=torch.float64)
        ).boundary
        assert boundary.item() == pytest.approx(stability.sparse_limit_boundary(name), abs=1e-3)


@pytest.mark.parametrize("bad", ["relu", "solu"])
def test_closed_form_refuses_kinks_and_mixing(bad: str) -> None:
    with pytest.raises(ValueError, match="activation"):
        stability.dedicated_model(bad, torch.tensor([0.1]))


def test_sparse_limit_refuses_an_activation_that_is_not_zero_at_zero() -> None:
    with pytest.raises(ValueError, match=r"f\(0\)"):
        stability.sparse_limit_boundary("sigmoid")


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str], TrainedDiagram]:
    return diagrams_of(load_study(TRAINED_PHASE_DIAGRAMS).table)


def test_best_restart_has_the_lowest_loss(runs: dict[tuple[str, str], TrainedDiagram]) -> None:
    relu = runs["recipe", "relu"]
    picked = np.take_along_axis(relu.loss.numpy(), relu.best()[..., None], -1)[..., 0]
    assert np.array_equal(picked, relu.loss.numpy().min(-1))
    assert set(np.unique(relu.best(np.array([3, 3, 5])))) <= {3, 5}


def test_starts_of_the_study_are_where_its_runs_began(runs) -> None:
    start = first_weights()[..., 0, :]
    assert start.shape == (11, 12, 10, 2)
    assert 0.4 < (start.prod(-1) > 0).float().mean() < 0.6
    assert torch.equal(start, first_weights()[..., 0, :])


def test_measures_of_exact_diagrams_have_no_interval_and_of_trained_ones_do(runs) -> None:
    linear, tanh = runs["recipe", "linear"], runs["recipe", "tanh"]
    trained = measures.agreement(linear, tanh)
    small = [
        phase_diagram(name, densities=[0.1, 0.5], importances=[0.3, 2.0])
        for name in ("linear", "tanh")
    ]
    exact = measures.agreement(*small)
    assert trained.interval is not None
    assert trained.n == 10
    assert exact.interval is None
    assert exact.n == 4
    with pytest.raises(ValueError, match="grids"):
        measures.agreement(linear, small[1])


def test_tanh_is_a_rescaled_sigmoid_and_no_affine_map_of_it() -> None:
    assert measures.tanh_identity_error().value < 1e-12
    assert 0.1 < measures.tanh_affine_error().value < 0.3

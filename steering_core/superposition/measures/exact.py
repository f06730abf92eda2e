"""What needs no training: the optima against symmetry, theory and the exact Hessian, tanh against
sigmoid.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import brentq, linprog
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import variance
from steering_core.superposition.stability import curvature_along_extra, dedicated_model, hessian
from steering_core.superposition.theory import best_candidate, candidate_losses


def asymmetry(diagram: PhaseDiagram) -> Measured:
    """The largest relative difference between a cell's loss and r times that of its mirror."""
    mirrored = diagram.importances * diagram.loss.flip(1)
    worst = ((diagram.loss - mirrored).abs() / diagram.loss).max().item()
    return Measured(worst, n=diagram.loss.numel())


def gain_over_theory(diagram: PhaseDiagram) -> Float[Tensor, "D I"]:
    """How far the optimum lies below the best candidate, as a share of the candidate's loss."""
    losses = candidate_losses(diagram.densities, diagram.importances, diagram.weights.shape[-1])
    return 1 - diagram.loss / best_candidate(losses)[1]


def agreement_with_theory(diagram: PhaseDiagram) -> Measured:
    """The share of cells whose label is that of the best candidate."""
    losses = candidate_losses(diagram.densities, diagram.importances, diagram.weights.shape[-1])
    return Measured(
        float((diagram.phase == best_candidate(losses)[0]).mean()), diagram.loss.numel()
    )


def deviation(diagram: PhaseDiagram, weights: Sequence[float]) -> Measured:
    """The largest distance of a single cell's weights from given ones, up to their sign."""
    found, expected = diagram.weights[0, 0, 0], torch.tensor(weights, dtype=torch.float64)
    gaps = [(sign * found - expected).abs().max().item() for sign in (1, -1)]
    return Measured(min(gaps), n=1)


def formula_error(
    activations: Sequence[str], densities: Sequence[float], importances: Sequence[float]
) -> Measured:
    """The closed-form curvature against the exact Hessian: largest gap over the formula's terms."""
    worst = 0.0
    for name in activations:
        model = dedicated_model(name, torch.tensor(densities, dtype=torch.float64))
        for i, density in enumerate(densities):
            size = 2 * variance(model.densities[i]) * model.gain[i] * model.stiffness[i]
            for r in importances:
                matrix = hessian(
                    model.weights[i], model.bias[i], activation=name, density=density, importance=r
                )
                gap = curvature_along_extra(matrix) - model.curvature(r)[i].item()
                worst = max(worst, abs(gap) / size.item())
    return Measured(worst, n=len(activations) * len(densities) * len(importances))


def boundary_by_hessian(activation: str, density: float) -> float:
    """The importance at which the exact Hessian's curvature along the extra feature vanishes."""
    model = dedicated_model(activation, torch.tensor([density], dtype=torch.float64))

    def curvature(r: float) -> float:
        matrix = hessian(
            model.weights[0], model.bias[0], activation=activation, density=density, importance=r
        )
        return curvature_along_extra(matrix)

    return float(brentq(curvature, 0.01, 10.0, xtol=1e-10))  # type: ignore[arg-type]


def tanh_identity_error(points: int = 6001) -> Measured:
    """The largest difference between tanh(x) and 2 sigmoid(2x) - 1 on [-3, 3]."""
    x = torch.linspace(-3, 3, points, dtype=torch.float64)
    gap = (x.tanh() - (2 * torch.sigmoid(2 * x) - 1)).abs().max().item()
    return Measured(gap, n=points)


def tanh_affine_error(points: int = 601) -> Measured:
    """The least largest error of a sigmoid(x) + c as tanh(x) on [-3, 3]: a linear programme."""
    x = np.linspace(-3, 3, points)
    s, t, one = 1 / (1 + np.exp(-x)), np.tanh(x), np.ones_like(x)
    above, below = np.stack([s, one, -one], 1), np.stack([-s, -one, -one], 1)
    fit = linprog(
        [0, 0, 1],
        A_ub=np.concatenate([above, below]),
        b_ub=np.concatenate([t, -t]),
        bounds=[(None, None), (None, None), (0, None)],
    )
    return Measured(float(fit.fun), n=points)

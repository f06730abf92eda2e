"""The numbers that decide the claims of part II: from diagrams to `Measured`.

A measurement on exact diagrams has no interval; one on trained diagrams has the 99% bootstrap
interval over restarts. The thresholds are in `phase_claims`, and were there first.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray
from scipy.optimize import brentq, linprog
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.superposition.activations import resolve
from steering_core.superposition.loss import errors_at_order
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import (
    EXTRA_ONLY,
    FIRST_ONLY,
    OPPOSITE,
    label,
    represented,
    variance,
)
from steering_core.superposition.stability import curvature_along_extra, dedicated_model, hessian
from steering_core.superposition.theory import best_candidate, candidate_losses
from steering_core.superposition.trained import TrainedDiagram, over_restarts

Diagram = PhaseDiagram | TrainedDiagram
Phases = Shaped[np.ndarray, "D I"]
ONE_FEATURE = (FIRST_ONLY, EXTRA_ONLY)


def measured(statistic: Callable[..., float], *diagrams: Diagram) -> Measured:
    """A statistic of the diagrams' phases: exact, or with an interval if any was trained.

    Raises:
        ValueError: diagrams on different grids.
    """
    grids = {(tuple(d.densities.tolist()), tuple(d.importances.tolist())) for d in diagrams}
    if len(grids) > 1:
        raise ValueError(f"diagrams: got {len(grids)} different grids; allowed is one")
    trained = [d for d in diagrams if isinstance(d, TrainedDiagram)]
    if not trained:
        exact = [d.phase for d in diagrams if isinstance(d, PhaseDiagram)]
        return Measured(statistic(*exact), n=exact[0].size)
    return over_restarts(
        lambda among: statistic(
            *(d.phase(among) if isinstance(d, TrainedDiagram) else d.phase for d in diagrams)
        ),
        trained[0].restarts,
    )


def one_feature_gap(a: Diagram, b: Diagram, below: float = 0.1) -> Measured:
    """Share of cells sparser than `below` that hold one feature only, in a minus in b."""
    sparse = (a.densities < below).numpy()

    def share(phase: Phases) -> float:
        return float(np.isin(phase[sparse], ONE_FEATURE).mean())

    return measured(lambda p, q: share(p) - share(q), a, b)


def agreement(a: Diagram, b: Diagram) -> Measured:
    """The share of cells with the same label."""
    return measured(lambda p, q: float((p == q).mean()), a, b)


def distance_from_one(a: Diagram, b: Diagram) -> Measured:
    """The largest distance from importance 1, in decades, of a cell in which labels differ."""
    decades = a.importances.log10().abs().numpy()

    def farthest(p: Phases, q: Phases) -> float:
        return float(np.where(p != q, decades, 0.0).max())

    return measured(farthest, a, b)


def important_when_dense(diagram: Diagram, above: float = 0.5) -> Measured:
    """Share of cells denser than `above`, off importance 1, with the weightier feature only."""
    r = diagram.importances.numpy()
    expected = np.where(r < 1, FIRST_ONLY, EXTRA_ONLY)[r != 1]
    dense = (diagram.densities > above).numpy()
    return measured(lambda p: float((p[dense][:, r != 1] == expected).mean()), diagram)


def relabelled(a: Diagram, b: Diagram) -> Measured:
    """The share of cells whose label changes."""
    return measured(lambda p, q: float((p != q).mean()), a, b)


def relabelled_by_averaging(diagram: TrainedDiagram) -> Measured:
    """The share of cells whose label changes when the restarts' weights are averaged."""
    return over_restarts(
        lambda among: float((diagram.phase(among) != _rough_phase(diagram.averaged(among))).mean()),
        diagram.restarts,
        resamples=200,
    )


def _rough_phase(diagram: TrainedDiagram) -> Phases:
    """(D, I) labels of the only restart, on a rule good enough for labels."""
    weights = diagram.weights.flatten(0, 2)
    density = diagram.densities.repeat_interleave(len(diagram.importances))
    f = resolve(diagram.activation)
    errors = errors_at_order(
        weights.mT @ weights, diagram.bias.flatten(0, 2), density, f, 16, split=False
    )
    return label(weights, represented(errors, density)).reshape(diagram.weights.shape[:2])


def largest_relabelled(
    trained: Mapping[str, TrainedDiagram], exact: Mapping[str, PhaseDiagram]
) -> Measured:
    """The share of cells in which training ends in another phase, of the worst activation."""
    any_one = next(iter(trained.values()))
    return over_restarts(
        lambda among: max(
            float((d.phase(among) != exact[name].phase).mean()) for name, d in trained.items()
        ),
        any_one.restarts,
    )


def single_run_gap(a: TrainedDiagram, b: TrainedDiagram, below: float = 0.1) -> Measured:
    """As `one_feature_gap`, for one run a cell: the mean over restarts, not the best of them."""
    sparse = (a.densities < below).numpy()
    ended = [np.isin(d.restart_phase[sparse], ONE_FEATURE) for d in (a, b)]
    return over_restarts(
        lambda among: float(ended[0][..., among].mean() - ended[1][..., among].mean()), a.restarts
    )


def single_run_elsewhere(
    trained: Mapping[str, TrainedDiagram], exact: Mapping[str, PhaseDiagram]
) -> Measured:
    """The share of single runs that end in another phase than the optimum, worst activation."""
    elsewhere = [d.restart_phase != exact[name].phase[..., None] for name, d in trained.items()]
    return over_restarts(
        lambda among: max(float(one[..., among].mean()) for one in elsewhere),
        elsewhere[0].shape[-1],
    )


def stuck_by_start(
    trained: TrainedDiagram,
    exact: PhaseDiagram,
    marked: Bool[np.ndarray, "D I R"],
    density_at_most: float = 0.025,
) -> Measured:
    """The share of marked restarts that end with one feature, where the optimum is superposed."""
    cells = (exact.densities <= density_at_most).numpy()[:, None] & (exact.phase == OPPOSITE)
    ended = np.isin(trained.restart_phase, ONE_FEATURE)[cells]  # (cells, restarts)
    counts = np.broadcast_to(marked, trained.restart_phase.shape)[cells]

    def share(among: NDArray[np.int_]) -> float:
        return float((ended & counts)[:, among].sum() / max(1, counts[:, among].sum()))

    return over_restarts(share, trained.restarts)


def stuck(
    trained: TrainedDiagram,
    exact: PhaseDiagram,
    density_at_most: float = 0.025,
    importance_between: tuple[float, float] = (0.15, 0.5),
) -> Measured:
    """The share of restarts that end with one feature, where the optimum is superposed."""
    r = exact.importances.numpy()
    low, high = importance_between
    sparse = (exact.densities <= density_at_most).numpy()[:, None]
    cells = sparse & ((r >= low) & (r <= high)) & (exact.phase == OPPOSITE)
    ended = np.isin(trained.restart_phase[cells], ONE_FEATURE)  # (cells, restarts)
    return over_restarts(lambda among: float(ended[:, among].mean()), trained.restarts)


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


def superposed_over_dedicated(
    trained: TrainedDiagram, below: float = 0.1
) -> tuple[Measured, Measured]:
    """Loss of trained superposed cells over that of the best dedicated model: median, largest.

    The dedicated model represents the weightier feature exactly and puts out the other's mean: it
    costs min(1, r) Var x with ReLU, which no model with one feature beats.
    """
    dedicated = variance(trained.densities)[:, None] * trained.importances.clamp_max(1.0)
    sparse = (trained.densities < below).numpy()[:, None]

    def ratios(among: NDArray[np.int_]) -> NDArray[np.float64]:
        loss = np.take_along_axis(trained.loss.numpy(), trained.best(among)[..., None], -1)[..., 0]
        return (loss / dedicated.numpy())[(trained.phase(among) == OPPOSITE) & sparse]

    return (
        over_restarts(lambda among: float(np.median(ratios(among))), trained.restarts),
        over_restarts(lambda among: float(ratios(among).max()), trained.restarts),
    )


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

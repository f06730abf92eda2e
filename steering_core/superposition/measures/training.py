"""Where training ends: how often in another phase than the optimum, and at what loss."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from steering_core.publishing.claims import Measured
from steering_core.superposition.activations import resolve
from steering_core.superposition.errors import errors_at_order
from steering_core.superposition.measures.labels import ONE_FEATURE, Phases
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import OPPOSITE, label, represented, variance
from steering_core.superposition.trained import TrainedDiagram, over_restarts


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

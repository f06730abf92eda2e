"""How the labels of two diagrams differ, whether their cells are exact or trained."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

from steering_core.publishing.claims import Measured
from steering_core.superposition.phase_diagram import PhaseDiagram
from steering_core.superposition.phases import EXTRA_ONLY, FIRST_ONLY
from steering_core.superposition.trained import TrainedDiagram, over_restarts

Diagram = PhaseDiagram | TrainedDiagram
Phases = Shaped[np.ndarray, "D I"]
ONE_FEATURE = (FIRST_ONLY, EXTRA_ONLY)


def measured(
    statistic: Callable[..., float], *diagrams: Diagram, cells: int | None = None
) -> Measured:
    """A statistic of the diagrams' phases: exact, or with an interval if any was trained.

    Args:
        statistic: phases (D, I) of each diagram -> a number.
        diagrams: on one grid.
        cells: how many of an exact diagram's enter; all by default.

    Raises:
        ValueError: diagrams on different grids.
    """
    grids = {(tuple(d.densities.tolist()), tuple(d.importances.tolist())) for d in diagrams}
    if len(grids) > 1:
        raise ValueError(f"diagrams: got {len(grids)} different grids; allowed is one")
    trained = [d for d in diagrams if isinstance(d, TrainedDiagram)]
    if not trained:
        exact = [d.phase for d in diagrams if isinstance(d, PhaseDiagram)]
        return Measured(statistic(*exact), n=exact[0].size if cells is None else cells)
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

    cells = int(sparse.sum()) * len(a.importances)
    return measured(lambda p, q: share(p) - share(q), a, b, cells=cells)


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
    return measured(
        lambda p: float((p[dense][:, r != 1] == expected).mean()),
        diagram,
        cells=int(dense.sum()) * len(expected),
    )


def relabelled(a: Diagram, b: Diagram) -> Measured:
    """The share of cells whose label changes."""
    return measured(lambda p, q: float((p != q).mean()), a, b)

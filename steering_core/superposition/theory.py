"""The published theory of the phase diagram: a handful of candidate models, the best of which wins.

Elhage et al. 2022 ("Superposition as a Phase Change") compare models that leave a feature out or
store two as an antipodal pair, with ReLU outputs, and give their losses in closed form. s is the
density, r the importance of the extra feature; the other features have importance 1.

Not here: whether one of the candidates is the optimum. It is not (`phase_diagram`).
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from steering_core.superposition.phases import (
    EXTRA_DEDICATED,
    EXTRA_LEFT_OUT,
    EXTRA_ONLY,
    EXTRA_SHARES,
    FIRST_ONLY,
    OPPOSITE,
    variance,
)

Losses = dict[str, Float[Tensor, "D I"]]


def candidate_losses(
    densities: Float[Tensor, "D"], importances: Float[Tensor, "I"], n_features: int = 2
) -> Losses:
    """The loss of the best candidate of each phase on a grid of s and r.

    A feature left out costs its importance times s/3 - s^2/4; an antipodal pair costs s^2/6 times
    the sum of its importances. With three features in two dimensions the extra one may share with
    another, or leave the others to share.

    Raises:
        ValueError: n_features other than 2 or 3.
    """
    if n_features not in (2, 3):
        raise ValueError(f"n_features: got {n_features}; allowed are 2 and 3")
    s, r = densities.double()[:, None], importances.double()[None]
    left_out, pair = variance(s), s**2 / 6
    one = torch.ones_like(r)
    if n_features == 2:
        return {FIRST_ONLY: r * left_out, EXTRA_ONLY: one * left_out, OPPOSITE: (1 + r) * pair}
    return {
        EXTRA_LEFT_OUT: r * left_out,
        EXTRA_DEDICATED: torch.minimum(one * left_out, 2 * one * pair),
        EXTRA_SHARES: (1 + r) * pair,
    }


def best_candidate(
    losses: Mapping[str, Tensor],
) -> tuple[Shaped[np.ndarray, "D I"], Float[Tensor, "D I"]]:
    """(D, I) names of the phases whose candidate is best, and its loss."""
    lowest, index = torch.stack(list(losses.values())).min(0)
    return np.array(list(losses))[index.numpy()], lowest


def superposition_boundary(importances: Float[Tensor, "I"]) -> Float[Tensor, "I"]:
    """The density below which an antipodal pair is the best candidate (n = 2, m = 1).

    s = 4r / (2 + 5r) for r <= 1, and the same with 1/r, 4 / (5 + 2r), for r >= 1; from equating the
    losses of `candidate_losses`.
    """
    r = importances.double()
    return torch.where(r <= 1, 4 * r / (2 + 5 * r), 4 / (5 + 2 * r))

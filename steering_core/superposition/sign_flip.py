"""The control for the main result on phase diagrams: the same runs, with one initial sign changed.

A run and its twin have the same inputs and the same sizes of initial weights; only the sign of the
extra feature's initial weight differs. So whatever differs at the end, that sign has decided.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from steering_core import lockstep
from steering_core.superposition.loss import expected_errors
from steering_core.superposition.phases import EXTRA_ONLY, FIRST_ONLY, label, represented
from steering_core.superposition.plan import Plan
from steering_core.superposition.recipe import PUBLISHED, Recipe


class _Flipped(Plan):
    """The plan whose initial weights of the last feature have the other sign."""

    def initial(self) -> lockstep.Parameters:
        """As drawn, with that sign changed."""
        parameters = super().initial()
        weights = parameters["weights"].clone()
        weights[..., -1] *= -1
        return parameters | {"weights": weights}


def flip_table(
    activations: Sequence[str],
    *,
    density: float,
    importance: float,
    seeds: Sequence[int],
    recipe: Recipe = PUBLISHED,
) -> pd.DataFrame:
    """How many runs of two features end with one only, as drawn and with the other sign.

    Args:
        activations: names out of `ACTIVATIONS`.
        density: of the inputs.
        importance: of the extra feature; the first has importance 1.
        seeds: a run each, and its twin.
        recipe: how all are trained.

    Returns:
        A row for each activation and kind of start, by the signs of the weights as drawn.

    Raises:
        ValueError: an argument out of range, before any work is done.
    """
    given = (list(activations), 1, density, torch.tensor([1.0, importance]), seeds, recipe, "cpu")
    drawn, flipped = Plan.of(*given), _Flipped.of(*given)
    one_sign = (drawn.folded(drawn.initial()["weights"])[0, 0, 0, :, 0].prod(-1) > 0).numpy()
    kept = _keeps_one(drawn), _keeps_one(flipped)
    return pd.DataFrame(
        [
            {
                "activation": name,
                "signs as drawn": words,
                "runs": int(among.sum()),
                "end with one feature": int(kept[0][a, among].sum()),
                "end with one feature, other sign": int(kept[1][a, among].sum()),
            }
            for a, name in enumerate(drawn.activation_names)
            for words, among in (("one sign", one_sign), ("opposite signs", ~one_sign))
        ]
    )


def _keeps_one(plan: Plan) -> Bool[np.ndarray, "A S"]:
    """Which runs of the plan's only density and row end with one feature."""
    with lockstep.one_thread():
        ends = plan.train(progress=False).parameters
    weights, bias = (plan.folded(ends[part])[:, 0, 0].double() for part in ("weights", "bias"))
    return np.stack(
        [
            np.isin(_phases(name, w, b, plan.densities), (FIRST_ONLY, EXTRA_ONLY))
            for name, w, b in zip(plan.activation_names, weights, bias, strict=True)
        ]
    )


def _phases(activation: str, weights: Tensor, bias: Tensor, density: Tensor) -> np.ndarray:
    """(S,) the phase of each of an activation's runs."""
    density = density.expand(len(weights))
    errors = expected_errors(weights, bias, activation=activation, density=density)
    return label(weights, represented(errors, density))

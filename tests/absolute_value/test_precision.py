"""Models in double precision are measured as those in single precision are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from steering_core.absolute_value import feature_errors, find_motifs, neurons, responses
from steering_core.absolute_value.basis import read_off, rotated_kurtosis, row_kurtosis
from steering_core.absolute_value.conditional import conditional_constant
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.net_numbers import net_numbers
from steering_core.absolute_value.neurons import cutting_costs
from steering_core.absolute_value.nulls import permuted
from steering_core.absolute_value.parts import cutting_losses, norm_shares, take_apart
from tests.absolute_value.planted import Model, plant

ONE: Model = plant(3, n=8, count=1)[0]
MEASURES: dict[str, Callable[[Model], object]] = {
    "errors": lambda model: feature_errors(*model, density=0.2),
    "responses": lambda model: responses(*model),
    "costs": lambda model: cutting_costs(*model, density=0.2),
    "deciles": lambda model: primary_share(neurons(*model, density=0.2), density=0.2),
    "read_off": lambda model: read_off(neurons(*model, density=0.2), density=0.2),
    "kurtosis": lambda model: row_kurtosis(model[0]),
    "rotated": lambda model: rotated_kurtosis(model[0]),
    "permuted": lambda model: permuted(*model, seed=0, keep_main=True),
    "shares": lambda model: norm_shares(take_apart(*model, find_motifs(*model)), *model[:2]),
    "losses": lambda model: cutting_losses(
        take_apart(*model, find_motifs(*model)), *model, density=0.2, importance=torch.ones(8)
    ),
    "constant": lambda model: conditional_constant(take_apart(*model, []), *model, density=0.2),
    "inhibition": lambda model: inhibition_cost(find_motifs(*model)[0], *model, density=0.2),
    "numbers": lambda model: net_numbers(*model, density=0.2, importance=torch.ones(8)),
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
def test_double_precision_makes_no_difference(measure: Callable[[Model], object]) -> None:
    double = ONE[0].double(), ONE[1].double(), ONE[2].double()
    torch.testing.assert_close(
        measure(double), measure(ONE), rtol=1e-3, atol=1e-4, equal_nan=True, check_dtype=False
    )

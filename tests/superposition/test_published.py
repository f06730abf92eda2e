"""The published curves are as the figure's file has them."""

from __future__ import annotations

import numpy as np
import pytest

from steering_core.superposition import ACTIVATIONS
from steering_core.superposition.published import dimensions_per_feature_curves

CURVES = dimensions_per_feature_curves()


def test_there_is_one_of_twenty_densities_for_every_activation() -> None:
    assert list(CURVES) == list(ACTIVATIONS)
    for curve in CURVES.values():
        assert curve.shape == (20,)
        assert np.isfinite(curve).all()
        assert (curve > 0).all()
        assert curve.round(4).tolist() == curve.tolist()


@pytest.mark.parametrize(
    ("activation", "place", "value"),
    [
        ("linear", 0, 1.0040),
        ("linear", -1, 0.9984),
        ("relu", 4, 0.5831),
        ("relu", -1, 0.1358),
        ("gelu", 0, 0.9573),
        ("silu", 0, 0.8365),
        ("solu", 0, 0.5377),
        ("solu", -1, 0.0508),
        ("sigmoid", -1, 0.0556),
        ("tanh", -1, 1.0036),
    ],
)
def test_known_values(activation: str, place: int, value: float) -> None:
    assert CURVES[activation][place] == value


def test_what_one_caller_does_to_them_is_nothing_to_the_next() -> None:
    dimensions_per_feature_curves()["relu"][:] = 0
    assert dimensions_per_feature_curves()["relu"][0] == 1.0036

"""Two seeds beside each other."""

from __future__ import annotations

import pytest

from steering_core.publishing.claims import Measured
from steering_core.steering.stability import stability


def test_a_rule_is_stable_if_both_models_decide_it_alike() -> None:
    low, high = (Measured(v, 100, (v - 0.1, v + 0.1)) for v in (-1.0, 1.0))
    parts = {"own_best": low, "own_best_second": high}
    table = stability({"I-11": parts, "I-15": {"over_first": high, "over_first_second": high}})
    assert table.to_dict("records") == [
        {
            "claim": "I-11",
            "part": "own_best",
            "first seed": -1.0,
            "outcome": "fails",
            "second seed": 1.0,
            "its outcome": "holds",
            "stable": "no",
        },
        {
            "claim": "I-15",
            "part": "over_first",
            "first seed": 1.0,
            "outcome": "holds",
            "second seed": 1.0,
            "its outcome": "holds",
            "stable": "yes",
        },
    ]


def test_what_one_model_alone_has_is_left_out() -> None:
    assert len(stability({"I-11": {"own_best": Measured(1.0, 3)}})) == 0


def test_an_unknown_claim_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^measured: got claim 'I-99', which is not declared"):
        stability({"I-99": {}})

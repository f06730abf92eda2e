"""The sign of one initial weight decides where a run ends, and the table says so."""

from __future__ import annotations

from functools import partial

import pytest

from steering_core.superposition.recipe import Recipe
from steering_core.superposition.sign_flip import flip_table

SHORT = Recipe(steps=800, batch_size=256, learning_rate=5e-3)
table_of = partial(flip_table, importance=0.4, seeds=range(6), recipe=SHORT)


def test_with_the_other_sign_runs_end_where_the_others_did() -> None:
    table = table_of(["silu"], density=0.05)
    assert table["signs as drawn"].tolist() == ["one sign", "opposite signs"]
    one, opposite = table.to_dict("records")
    assert one["runs"] + opposite["runs"] == 6
    assert min(one["runs"], opposite["runs"]) > 0
    drawn, flipped = "end with one feature", "end with one feature, other sign"
    assert (one[drawn], one[flipped]) == (one["runs"], 0)
    assert (opposite[drawn], opposite[flipped]) == (0, opposite["runs"])


def test_an_argument_out_of_range_is_refused_before_training() -> None:
    with pytest.raises(ValueError, match="density"):
        table_of(["silu"], density=2.0)

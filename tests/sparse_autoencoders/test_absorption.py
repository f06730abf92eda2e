"""A parent's latent that goes silent with a child is seen, and one that does not is not."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from steering_core.sparse_autoencoders import Autoencoders, ground_truth
from steering_core.sparse_autoencoders import Sample as Inputs
from steering_core.sparse_autoencoders import absorption as module
from steering_core.sparse_autoencoders.absorption import (
    absorption,
    absorption_by_architecture,
    hierarchy,
)
from tests.sparse_autoencoders.test_evaluate import planted, truth_of

# Two parents, 0 and 1, with children 2 and 4, 3 and 5.
EYE = torch.eye(6)
TRUTH = truth_of(EYE, children=2)
ACTIVE = torch.tensor(
    [
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1, 0, 1, 0, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0],
        [1, 1, 0, 1, 0, 1],
    ]
).float()
SAMPLE = Inputs(ACTIVE @ EYE, ACTIVE)


def encoders(*silenced: tuple[int, int]) -> Tensor:
    """The features' own, but latents that others silence."""
    hears = EYE.clone()
    for latent, by in silenced:
        hears[latent, by] = -5.0
    return hears


def shares(table: Any, parent: int) -> list[float]:
    return table.loc[table["parent"] == parent, ["alone", "with_child"]].to_numpy()[0].tolist()


def test_a_latent_that_its_children_silence() -> None:
    one = planted(EYE, -0.1, encoders=encoders((0, 2), (0, 4)))
    table = absorption(one, SAMPLE, TRUTH)
    assert list(table.columns) == ["parent", "known", "alone", "with_child"]
    assert table["parent"].tolist() == [0, 1]
    assert table["known"].tolist() == [True, True]
    assert shares(table, 0) == [1, 0]
    assert shares(table, 1) == [1, 1]


def test_children_of_another_parent_are_none() -> None:
    one = planted(EYE, -0.1, encoders=encoders((0, 3), (1, 4)))
    table = absorption(one, SAMPLE, TRUTH)
    # Parent 0 is silenced on the last input alone, where no child of its own is.
    assert shares(table, 0) == [pytest.approx(2 / 3), 1]
    assert shares(table, 1) == [1, 1]


def test_one_child_of_two_may_absorb() -> None:
    table = absorption(planted(EYE, -0.1, encoders=encoders((0, 2), (1, 3))), SAMPLE, TRUTH)
    assert shares(table, 0) == [1, 0.5]
    assert shares(table, 1) == [1, 0]


def test_the_order_of_latents_is_of_no_account() -> None:
    order = [4, 0, 5, 2, 1, 3]
    one = planted(EYE[order], -0.1, encoders=encoders((0, 2), (0, 4))[order])
    assert shares(absorption(one, SAMPLE, TRUTH), 0) == [1, 0]


def test_a_parent_without_a_latent_is_not_known() -> None:
    rows = EYE.clone()
    rows[1] = torch.tensor([0.0, 0.6, 0.8, 0.0, 0.0, 0.0])
    table = absorption(planted(rows, -0.1), SAMPLE, TRUTH)
    assert table["known"].tolist() == [True, False]
    assert all(math.isnan(value) for value in shares(table, 1))
    # Fewer latents than features: parent 1 has none at all.
    fewer = absorption(planted(EYE[[0, 2, 4]], -0.1), SAMPLE, TRUTH)
    assert fewer["known"].tolist() == [True, False]
    assert all(math.isnan(value) for value in shares(fewer, 1))


def test_what_does_not_occur_has_no_share() -> None:
    some = Inputs(ACTIVE[2:4], ACTIVE[2:4])
    table = absorption(planted(EYE, -0.1), some, TRUTH)
    assert math.isnan(shares(table, 0)[0])
    assert shares(table, 0)[1] == 1
    assert all(math.isnan(value) for value in shares(table, 1))


def test_one_that_diverged_knows_no_parent() -> None:
    one = planted(EYE)
    for p in one.parameters.values():
        p[:] = math.nan
    table: Any = absorption(one, SAMPLE, TRUTH)
    assert not table["known"].any()


def test_a_drawn_hierarchy_that_is_given_back() -> None:
    truth = ground_truth(12, 12, densities=(0.3, 0.5), noise=0.01, overlap=0.0, children=1)
    sample = truth.sample(300, torch.Generator().manual_seed(0))
    table: Any = absorption(planted(truth.directions, -0.2), sample, truth)
    assert len(table) == truth.parents == 6
    assert table["known"].all()
    assert (table[["alone", "with_child"]] == 1).all(axis=None)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(ValueError, match="truth: got children = 0"):
        absorption(planted(EYE), SAMPLE, truth_of(EYE))
    with pytest.raises(ValueError, match="autoencoders, truth: got 2"):
        absorption(planted(EYE, penalties=(1, 2)), SAMPLE, TRUTH)


def test_every_architecture_is_trained_on_one_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, asked = hierarchy(4), []

    def train(stream: Any, architecture: str, **how: Any) -> Autoencoders:
        assert (stream.truth.directions == truth.directions).all()
        assert (how["n_latents"], how["seeds"], how["recipe"].steps) == (32, (4, 7), 50)
        asked.append((architecture, how["penalties"]))
        rows = truth.directions.expand(2, -1, -1)
        return planted(rows, -0.2, architecture=architecture, penalties=how["penalties"] * 2)

    monkeypatch.setattr(module, "train_autoencoders", train)
    table: Any = absorption_by_architecture({"relu": 1.0, "prolu_relu": 2.0}, (4, 7), steps=50)
    assert asked == [("relu", (1.0,)), ("prolu_relu", (2.0,))]
    assert set(table.columns) == {
        *("parent", "known", "alone", "with_child"),
        *("architecture", "seed", "l0", "f1"),
    }
    assert len(table) == 2 * 2 * truth.parents == 32
    counts = table.groupby(["architecture", "seed"], sort=False).size()
    assert counts.index.tolist() == [(name, s) for name, _ in asked for s in (4, 7)]
    assert table["known"].all()
    assert truth.children == 3

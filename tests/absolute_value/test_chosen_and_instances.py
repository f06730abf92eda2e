"""Which nets are shown, and every instance that trained models have."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import pytest
import torch

from steering_core.absolute_value import (
    feature_errors,
    find_motifs,
    neurons,
    normalised_loss,
    plain_pairs,
    responses,
)
from steering_core.absolute_value.chosen import Net, all_nets, best_nets, held_out, kurtoses
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.instances import first_with, hand_made, list_instances
from steering_core.absolute_value.small_model import best_small, small_measures, small_models
from steering_core.absolute_value.training import TrainedAbsoluteValue
from tests.absolute_value.by_hand import Model, as_trained
from tests.absolute_value.planted import plant

IMPORTANCE = torch.tensor([1.0, 0.5, 0.25])


def pairs(lacking: int = 0, density: float = 0.1) -> Model:
    """Three features and six neurons, of which the last sides are cut."""
    w_in, w_out, bias = plain_pairs(3, 6, density=density)
    w_out[:, 6 - lacking :] = 0.0
    return w_in, w_out, bias


@pytest.fixture(scope="module")
def trained() -> TrainedAbsoluteValue:
    """Two densities and two seeds, of which the better ones differ."""
    rows = [[pairs(3), pairs(1)], [pairs(0), pairs(2)]]
    return as_trained(rows, (1.0, 0.1), (4, 9), importance=IMPORTANCE)


@pytest.fixture(scope="module")
def table(trained: TrainedAbsoluteValue) -> pd.DataFrame:
    return held_out(trained)


def test_every_net_is_weighed_on_held_out_inputs(table: pd.DataFrame) -> None:
    places = table[["density", "seed"]].to_numpy().tolist()
    assert places == [[1.0, 4], [1.0, 9], [0.1, 4], [0.1, 9]]
    assert table["dead_sides"].tolist() == [3, 1, 0, 2]
    for density, lacking, loss in zip((1.0, 1.0, 0.1), (3, 1, 0), table["loss"], strict=False):
        errors = feature_errors(*pairs(lacking), density=density)
        assert loss == pytest.approx(float(normalised_loss(errors, IMPORTANCE)), abs=1e-7)


def test_dead_sides_are_those_of_the_important(trained: TrainedAbsoluteValue) -> None:
    assert held_out(trained, important=2)["dead_sides"].tolist() == [1, 0, 0, 0]


def test_the_best_net_of_each_density_is_chosen(
    trained: TrainedAbsoluteValue, table: pd.DataFrame
) -> None:
    dense, sparse = best_nets(trained, table)
    assert (dense.density, dense.seed) == (1.0, 9)
    assert (sparse.density, sparse.seed) == (0.1, 4)
    for one, other in zip(dense.weights, trained.model(0, 1), strict=True):
        assert torch.equal(one, other)


def test_every_net_is_there_densities_first(trained: TrainedAbsoluteValue) -> None:
    nets = all_nets(trained)
    assert [(net.density, net.seed) for net in nets] == [(1.0, 4), (1.0, 9), (0.1, 4), (0.1, 9)]
    assert torch.equal(nets[2].w_out, trained.w_out[1, 0])


def test_kurtosis_is_of_rescaled_rows_and_of_rotations(trained: TrainedAbsoluteValue) -> None:
    rows = kurtoses(trained)
    assert list(rows.columns) == ["density", "seed", "kurtosis", "kurtosis_rotated"]
    assert rows["seed"].tolist() == [4, 9, 4, 9]
    assert rows["kurtosis"].tolist() == pytest.approx([3.0] * 4)  # one of three is not zero
    assert (rows["kurtosis_rotated"].to_numpy() < 3).all()
    larger = as_trained(
        [[(100 * w_in, w_out / 100, bias) for w_in, w_out, bias in [pairs()]]], (1.0,), (0,)
    )
    assert kurtoses(larger)["kurtosis"].tolist() == pytest.approx([3.0])


def test_a_net_knows_what_its_neurons_carry() -> None:
    net = Net(0.3, 5, *pairs(1))
    assert torch.equal(net.neurons().carried, neurons(*net.weights, density=0.3).carried)
    assert net.neurons().features.tolist() == [1] * 5 + [0]


def test_the_hand_made_model_has_exactly_one_causal_motif() -> None:
    net = hand_made()
    (motif,) = find_motifs(*net.weights)
    assert motif.causal
    assert (motif.neuron, motif.inhibitor) == (0, 3)
    assert (motif.strong, motif.weak, motif.main) == (0, 1, 2)
    assert (motif.ratio, motif.one_way) == (4, 16)
    torch.testing.assert_close(responses(*net.weights), torch.ones(3, 2))


def test_every_instance_is_listed_with_its_model() -> None:
    model, planted = plant(2, n=20, count=2)
    other, _ = plant(3, n=20, count=2)
    rows = list_instances(as_trained([[model, other]], (0.05,), (3, 8)))
    motifs = find_motifs(*model)
    assert len(motifs) == len(planted)
    assert rows["seed"].tolist() == [3] * 2 + [8] * len(find_motifs(*other))
    for row, motif in zip(rows.to_dict("records"), motifs, strict=False):
        cost = inhibition_cost(motif, *model, density=0.05, n_inputs=2_048)
        assert row == {"seed": 3, **asdict(motif), "causal": motif.causal, "cost": cost}


def listed(*counts: tuple[int, int, int]) -> pd.DataFrame:
    """(seed, instances, how many of them are causal)."""
    return pd.DataFrame(
        [{"seed": seed, "causal": k < good} for seed, many, good in counts for k in range(many)]
    )


def test_the_first_model_with_so_many_causal_instances() -> None:
    models = [pairs(k) for k in range(5)]
    trained = as_trained([models], (0.2,), (1, 3, 5, 7, 9))
    rows = listed((1, 3, 3), (3, 2, 1), (7, 2, 2), (9, 2, 2))
    net = first_with(trained, rows, 2)
    assert (net.density, net.seed) == (0.2, 7)
    assert torch.equal(net.w_out, models[3][1])
    assert first_with(trained, rows, 3).seed == 1
    with pytest.raises(ValueError, match="count: got 1"):
        first_with(trained, rows, 1)


def test_models_without_any_instance_are_named() -> None:
    trained = as_trained([[pairs()]], (0.2,), (0,))
    rows = list_instances(trained)
    assert {"seed", "causal", "cost", "alone", "main_alone"} <= set(rows.columns)
    with pytest.raises(ValueError, match="count: got 2"):
        first_with(trained, rows, 2)


@pytest.fixture(scope="module")
def three() -> TrainedAbsoluteValue:
    """Pairs; pairs of which one neuron hears another feature too; and five sides, scaled."""
    blurred, lacking = pairs(0, 1.0), pairs(1, 1.0)
    blurred[0][0] *= 3
    blurred[1][:, 0] /= 3
    blurred[0][0, 2] = 0.3
    lacking[0][5] = torch.tensor([0.0, 1e-3, 0.0])
    return as_trained([[blurred, pairs(0, 1.0), lacking]], (1.0,), (0, 1, 2))


def test_small_models_are_told_apart(three: TrainedAbsoluteValue) -> None:
    rows = small_models(three)
    assert rows["seed"].tolist() == [0, 1, 2]
    assert rows["second"].tolist() == pytest.approx([0.1, 0, 0])
    assert rows["sides"].tolist() == [6, 6, 5]
    errors = feature_errors(*three.model(0, 2), density=1.0)
    assert rows["loss"].tolist()[1:] == pytest.approx([0, float(errors.mean())], abs=1e-9)
    assert rows["loss"].tolist()[0] > 1e-4


def test_the_small_model_of_the_lowest_loss_is_shown(three: TrainedAbsoluteValue) -> None:
    net = best_small(three, small_models(three))
    assert (net.density, net.seed) == (1.0, 1)
    assert torch.equal(net.w_in, three.w_in[0, 1])


def test_a_neuron_without_weights_is_nobodys_side() -> None:
    model = pairs(1, 1.0)
    model[0][5] = 0.0
    assert small_models(as_trained([[model]], (1.0,), (0,)))["sides"].tolist() == [5]


def test_small_measures_are_of_the_best_and_of_the_share() -> None:
    rows = pd.DataFrame(
        [(0.05, 6, 1e-4), (0.051, 6, 1e-5), (0.0, 5, 1e-5), (0.0, 6, 1.1e-4), (0.02, 6, 1e-6)],
        columns=["second", "sides", "loss"],
    )
    got = small_measures(rows)
    values = {name: one.value for name, one in got.items()}
    assert values == {"second": 0.02, "sides": 6, "loss": 1e-6, "share": 0.4}
    assert {one.n for one in got.values()} == {5}

"""Faults that are known and not mended yet: who mends one takes its mark away."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from steering_core.absolute_value import (
    ABSOLUTE,
    Recipe,
    feature_errors,
    find_motifs,
    neurons,
    pairs_loss,
    plain_pairs,
    train_absolute_value,
)
from steering_core.absolute_value.basis import read_off, rotated_kurtosis, row_kurtosis
from steering_core.absolute_value.conditional import conditional_constant
from steering_core.absolute_value.crowd import Crowd
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.inputs import active_batch, share_active
from steering_core.absolute_value.motifs import _mean_square
from steering_core.absolute_value.net_numbers import sharing_numbers
from steering_core.absolute_value.neurons import Neurons
from steering_core.absolute_value.parts import cutting_losses, norm_shares, take_apart
from steering_core.absolute_value.studies import ABSOLUTE_VALUE_NETS
from steering_core.absolute_value.task import STORAGE
from steering_core.publishing.studies import check
from tests.absolute_value.planted import plant

PAIRS = plain_pairs(4, 4, density=0.1)
DOUBLE = tuple(p.double() for p in PAIRS)


def fault(reason: str, raises: type[Exception] | tuple[type[Exception], ...] = AssertionError):
    """What is known to fail, and how."""
    return pytest.mark.xfail(reason=reason, raises=raises, strict=True)


@fault("the main feature may be the weak one, and is no feature of the inhibitor's own")
def test_the_inhibitor_is_about_a_third_feature() -> None:
    w_in = torch.tensor([[4.0, 1, 0], [-1, 0, 0], [0.4, -1, 0], [0, 0, 1], [0, 0, -1]])
    w_out = torch.tensor([[0.25, 1, 0, 0, 0], [1, 0, -11, 0, 0], [0, 0, 0, 1, 1]])
    found = find_motifs(w_in, w_out, torch.zeros(3))
    assert all(motif.main not in (motif.strong, motif.weak) for motif in found)


@fault("in storage an inhibitor's main may be a feature that its neuron never hears")
def test_in_storage_the_main_feature_drives_the_inhibitor() -> None:
    for seed in range(60):
        model, _ = plant(seed, noise=0.0)
        for motif in find_motifs(*model, task=STORAGE):
            assert motif.main_sign * model[0][motif.inhibitor, motif.main] > 0


@fault("a difference of cubes over a slope that is nearly zero")
@pytest.mark.parametrize("slope", [1e-17, -1e-17, 1e-14, 1e-12])
def test_the_mean_square_of_a_line_that_is_nearly_flat(slope: float) -> None:
    assert _mean_square(0.1, slope) == pytest.approx(0.01, rel=1e-6)


@fault("inputs are drawn in single precision whatever the model's", RuntimeError)
@pytest.mark.parametrize(
    "measure",
    [
        lambda: feature_errors(*DOUBLE, density=0.1),
        lambda: conditional_constant(take_apart(*DOUBLE, []), *DOUBLE, density=0.1),
        lambda: primary_share(neurons(*DOUBLE, density=0.1), density=0.1),
        lambda: read_off(neurons(*DOUBLE, density=0.1), density=0.1),
        lambda: rotated_kurtosis(DOUBLE[0]),
        lambda: _double_inhibition(),
    ],
    ids=["errors", "conditional", "deciles", "read_off", "rotated", "inhibition"],
)
def test_models_in_double_precision_are_measured(measure) -> None:
    measure()


def _double_inhibition() -> float:
    model, _ = plant(3, n=8, count=1)
    (motif,) = find_motifs(*model)
    return inhibition_cost(motif, *(p.double() for p in model), density=0.1)


@fault("`topk(2)` of one feature", RuntimeError)
def test_a_model_of_one_feature_has_no_second() -> None:
    found = Neurons(torch.ones(2, 1), torch.ones(2, 1).bool(), torch.zeros(2).long())
    assert found.second_over_first.tolist() == [0, 0]


@fault("the whole is divided by", ZeroDivisionError)
def test_a_model_of_zeros_has_parts() -> None:
    nothing = torch.zeros(2, 3), torch.zeros(3, 2)
    shares = norm_shares(take_apart(*nothing, torch.zeros(3), []), *nothing)
    assert all(np.isnan(share) for share in shares.values())


@fault("a bias without its axis of models is spread over the parts, which are not checked")
def test_parts_are_cut_from_models_that_fit() -> None:
    parts = take_apart(*PAIRS, [])
    with pytest.raises(Exception, match="bias"):  # a type error where types are checked
        cutting_losses(parts, *PAIRS[:2], PAIRS[2][:1], density=0.1, importance=torch.ones(4))


@fault("n_inputs is rounded up to 65,536")
def test_as_many_inputs_are_drawn_as_are_asked_for() -> None:
    found = neurons(*PAIRS, density=0.1)
    few = primary_share(found, density=1e-3, n_inputs=8)  # fewer than ten activate
    assert few.isnan().all()


@fault("neurons of several models are read together")
def test_values_are_read_off_one_model() -> None:
    found = neurons(*(p.expand(2, *p.shape) for p in PAIRS), density=0.1)
    with pytest.raises(ValueError, match="found: got 1 more axes"):
        read_off(found, density=0.1)


@fault("a fourth power of small weights is zero")
def test_kurtosis_does_not_depend_on_scale() -> None:
    assert row_kurtosis(1e-15 * torch.eye(3)).item() == pytest.approx(3.0)


@fault("1 - (1 - p)^n is zero where p is below rounding", (AssertionError, ValueError))
@pytest.mark.parametrize("density", [1e-17, 1e-12])
def test_the_share_of_rare_inputs(density: float) -> None:
    assert share_active(4, density) == pytest.approx(4 * density, rel=1e-6)
    x = active_batch(4, 4_000, density=density, generator=torch.Generator().manual_seed(0))
    assert (x != 0).double().mean(1).tolist() == pytest.approx([0.25] * 4, abs=0.05)


@fault("a number of inputs that is none is not refused", (AssertionError, ZeroDivisionError))
@pytest.mark.parametrize("n_inputs", [0, -5])
def test_a_number_of_inputs_is_checked(n_inputs: int) -> None:
    with pytest.raises(ValueError, match="n_inputs: got"):
        feature_errors(*PAIRS, density=0.1, n_inputs=n_inputs)


@fault("pairs of a negative number of neurons", pytest.fail.Exception)
def test_a_number_of_neurons_is_checked() -> None:
    with pytest.raises(ValueError, match="m: got -2"):
        pairs_loss(torch.ones(5), -2)


@fault("no features at all", ZeroDivisionError)
def test_a_model_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="importance: got"):
        train_absolute_value(importance=torch.ones(0), n_hidden=2, densities=(0.1,))


@fault("the biases of a start from pairs are those of pairs")
def test_initial_biases_are_those_of_the_recipe() -> None:
    recipe = Recipe(start="pairs", initial_bias=0.7)
    begun = Crowd(2, 0.1, torch.ones(3), (0,), recipe, ABSOLUTE).start(0)
    assert (begun["bias"] == 0.7).all()


@fault("a rank correlation with a constant warns", Warning)
def test_neurons_of_one_primary_have_no_rank_correlation() -> None:
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.5], [1.0, 0.4]])
    numbers = sharing_numbers(Neurons(weights, weights != 0, torch.zeros(3).long()))
    assert np.isnan(numbers["rank_correlation"])


@fault("a number that one row of a task lacks makes the slack no number")
def test_a_spot_check_forgives_what_is_missing() -> None:
    rows = pd.DataFrame({"loss": [1.0, np.nan]})
    slack = check._slack(ABSOLUTE_VALUE_NETS, "loss", rows)
    assert check._agree(1.0, 1.0, slack)

"""Models are taken apart into parts that are whole together, and each part's worth is measured."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from steering_core import sparse_features
from steering_core.absolute_value import feature_errors, find_motifs, normalised_loss, plain_pairs
from steering_core.absolute_value.conditional import conditional_constant
from steering_core.absolute_value.errors import variance
from steering_core.absolute_value.inhibition import inhibition_cost
from steering_core.absolute_value.parts import (
    NAMES,
    Parts,
    cutting_losses,
    norm_shares,
    take_apart,
    without,
)
from tests.absolute_value.planted import Model, plant


def parts_of(model: Model) -> Parts:
    return take_apart(*model, find_motifs(*model))


def random_model(n: int = 6, m: int = 4, seed: int = 0) -> Model:
    generator = torch.Generator().manual_seed(seed)
    w_in = torch.randn(m, n, generator=generator)
    w_out = torch.randn(n, m, generator=generator)
    return w_in, w_out, 0.1 * torch.randn(n, generator=generator)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["planted", "random"])
def test_every_weight_is_of_one_part(seed: int, kind: str) -> None:
    model = plant(seed)[0] if kind == "planted" else random_model(seed=seed)
    parts = take_apart(*model, find_motifs(*model, must_compute=kind == "planted"))
    for masks, weights in ((parts.w_in, model[0]), (parts.w_out, model[1])):
        assert tuple(masks) == NAMES
        assert (torch.stack(list(masks.values())).sum(0) == 1).all()
        assert masks["rest"].shape == weights.shape
    shares = norm_shares(parts, *model[:2])
    assert sum(shares.values()) == pytest.approx(1.0)
    assert min(shares.values()) >= 0


@pytest.mark.parametrize("seed", range(12))
def test_parts_of_planted_models_are_what_was_planted(seed: int) -> None:
    model, instances = plant(seed)
    w_in, w_out, _ = plant(seed, noise=0.0)[0]
    parts = parts_of(model)
    of_in, of_out = torch.zeros_like(w_in).bool(), torch.zeros_like(w_out).bool()
    for one in instances:
        of_in[one.neuron, [one.strong, one.weak]] = True
        of_out[[one.strong, one.weak], one.neuron] = True
        of_in[one.inhibitor, one.strong] = True
        of_out[one.weak, one.inhibitor] = True
    assert torch.equal(parts.w_in["motifs"], of_in)
    assert torch.equal(parts.w_out["motifs"], of_out)
    # Strong and weak features: the other side's neuron is plain. A pair's other half may be k.
    plain_in = parts.w_in["pairs"] | parts.w_in["single sides"]
    plain_out = parts.w_out["pairs"] | parts.w_out["single sides"]
    assert torch.equal(plain_in, (w_in != 0) & ~of_in)
    assert torch.equal(plain_out, (w_out != 0) & ~of_out)
    single = {
        feature for feature in range(w_in.shape[1]) if parts.w_in["single sides"][:, feature].any()
    }
    assert single == {one.weak for one in instances}  # its other side is no neuron's largest


def test_pairs_and_single_sides_are_told_apart() -> None:
    w_in = torch.tensor([[2.0, 0.1], [-1.0, 0.0], [0.0, 3.0]])
    w_out = torch.tensor([[0.5, 1.0, 0.0], [0.2, 0.0, 1 / 3]])
    parts = take_apart(w_in, w_out, torch.zeros(2), [])
    assert parts.w_in["pairs"].tolist() == [[True, False], [True, False], [False, False]]
    assert parts.w_in["single sides"].tolist() == [[False] * 2, [False] * 2, [False, True]]
    assert parts.w_out["pairs"].tolist() == [[True, True, False], [False] * 3]
    assert parts.w_out["single sides"].tolist() == [[False] * 3, [False, False, True]]
    assert not parts.w_in["motifs"].any()
    shares = norm_shares(parts, w_in, w_out)
    # Rescaled: inputs 1, 0.05; 1; 1. Outputs 1, 0.4; 1; 1.
    whole = 6 + 0.05**2 + 0.4**2
    assert shares["pairs"] == pytest.approx(4 / whole)
    assert shares["single sides"] == pytest.approx(2 / whole)
    assert shares["rest"] == pytest.approx((0.05**2 + 0.4**2) / whole)
    assert shares["motifs"] == 0


def test_shares_do_not_depend_on_scale() -> None:
    (w_in, w_out, bias), _ = plant(5, count=2)
    scale = 10 ** torch.linspace(-3, 3, len(w_in))
    other = scale[:, None] * w_in, w_out / scale, bias
    for one, its in zip(
        norm_shares(parts_of((w_in, w_out, bias)), w_in, w_out).values(),
        norm_shares(parts_of(other), *other[:2]).values(),
        strict=True,
    ):
        assert one == pytest.approx(its, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_cut_is_gone_and_all_else_stays(name: str) -> None:
    model = plant(3, count=2)[0]
    parts = parts_of(model)
    kept = [p.clone() for p in model[:2]]
    for p, before, cut, mask in zip(
        model[:2], kept, without(parts, name, *model[:2]), (parts.w_in, parts.w_out), strict=True
    ):
        assert torch.equal(p, before)
        assert (cut[mask[name]] == 0).all()
        assert torch.equal(cut[~mask[name]], p[~mask[name]])
        assert mask[name].any()


@pytest.mark.parametrize("density", [1.0, 0.05])
def test_losses_are_those_of_the_model_without_the_part(density: float) -> None:
    model = plant(7, n=10, count=2)[0]
    importance = 0.8 ** torch.arange(10.0)
    parts = parts_of(model)
    how = {"density": density, "n_inputs": 4_096}
    got = cutting_losses(parts, *model, importance=importance, **how)
    before = normalised_loss(feature_errors(*model, **how), importance)
    assert tuple(got) == NAMES
    for name in NAMES:
        inner, outer = (
            torch.where(mask[name], 0.0, p)
            for mask, p in zip((parts.w_in, parts.w_out), model[:2], strict=True)
        )
        after = normalised_loss(feature_errors(inner, outer, model[2], **how), importance)
        assert got[name] == pytest.approx(float(after - before), rel=1e-3, abs=1e-5)
    if density < 1:  # where inputs are dense, planted models are worse than none
        assert got["pairs"] > 0.05
        assert got["motifs"] > 0.01


def one_rest_weight(*, told: float, copies: int = 1) -> Model:
    """Plain sides, and neurons of feature 0's positive side that also write on outputs."""
    w_in = torch.zeros(1 + copies, 1 + copies)
    w_out = torch.zeros(1 + copies, 1 + copies)
    w_in[0, 0] = w_out[0, 0] = 1.0
    for k in range(1, 1 + copies):
        w_in[k, k] = w_out[k, k] = 1.0
        w_out[k, 0] = told
    return w_in, w_out, torch.zeros(1 + copies)


@pytest.mark.parametrize("density", [1.0, 0.3, 0.02])
@pytest.mark.parametrize("told", [0.3, -2.0])
@pytest.mark.parametrize("copies", [1, 3])
def test_an_effect_that_grows_with_a_feature_is_constant_to_three_quarters(
    density: float, told: float, copies: int
) -> None:
    """Of t uniform on [0, 1] with probability q, else 0, a constant leaves q/12 of q/3 - q²/4. A
    model without hidden biases has no other effects of a feature alone."""
    model = one_rest_weight(told=told, copies=copies)
    parts = take_apart(*model, [])
    got = conditional_constant(parts, *model, density=density, n_inputs=100_000)
    q = density / 2
    assert got == pytest.approx(1 - (1 / 12) / (1 / 3 - q / 4), abs=0.02)
    assert got < 0.77


def test_what_features_do_that_are_no_neurons_largest_is_not_explained() -> None:
    w_in, w_out, bias = one_rest_weight(told=0.0, copies=2)
    w_in, w_out = w_in[:2], w_out[:, :2]
    w_in[0, 2] = 0.5  # feature 2 is heard by a neuron that is about feature 0
    model = w_in, w_out, bias
    got = conditional_constant(take_apart(*model, []), *model, density=0.02, n_inputs=50_000)
    assert abs(got) < 0.05


def test_no_effect_has_no_share() -> None:
    model = plain_pairs(3, 4, density=0.1)
    parts = take_apart(*model, [])
    for part in ("rest", "motifs", "single sides"):
        assert torch.tensor(conditional_constant(parts, *model, density=0.1, part=part)).isnan()
    assert conditional_constant(parts, *model, density=0.1, part="pairs") > 0.5


@pytest.mark.parametrize("density", [1.0, 0.2, 0.02])
@pytest.mark.parametrize("seed", [1, 2])
def test_inhibition_is_worth_what_the_model_is_worse_without_it(density: float, seed: int) -> None:
    model, _ = plant(seed, n=8, count=1, inhibition=(0.6, 1.5))
    (motif,) = find_motifs(*model)
    w_in, w_out, bias = (p.double() for p in model)
    x = sparse_features.sample(
        8, 100_000, density=density, axis=0, generator=torch.Generator().manual_seed(3), signed=True
    ).double()
    hidden = (w_in @ x).clamp_min(0)
    deaf = w_in[motif.inhibitor].clone()
    deaf[motif.strong] = 0.0
    cut = hidden.clone()
    cut[motif.inhibitor] = (deaf @ x).clamp_min(0)

    def squares(hidden: Tensor) -> Tensor:
        """Errors of the weak output alone."""
        z = w_out[motif.weak] @ hidden + bias[motif.weak]
        return (z.clamp_min(0) - x[motif.weak].abs()).square()

    rise = (squares(cut) - squares(hidden)) / variance(density)
    error = rise.std().item() / rise.numel() ** 0.5
    got = inhibition_cost(motif, *model, density=density, n_inputs=50_000)
    assert got == pytest.approx(rise.mean().item(), abs=6 * error)
    if density < 1:
        assert got > 10 * error


def test_a_model_of_zeros_has_no_shares() -> None:
    nothing = torch.zeros(2, 3), torch.zeros(3, 2)
    shares = norm_shares(take_apart(*nothing, torch.zeros(3), []), *nothing)
    assert set(shares) == set(NAMES)
    assert all(math.isnan(share) for share in shares.values())

"""The motif is found where it was planted, and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.absolute_value import (
    ABSOLUTE,
    TASKS,
    USUAL,
    Motif,
    Recipe,
    Task,
    find_motifs,
    plain_pairs,
)
from steering_core.absolute_value.crowd import Crowd
from steering_core.absolute_value.task import BOTTLENECK, STORAGE
from tests.absolute_value.planted import Planted, place, plant, signs

SEEDS = range(150)
FEATURES = ("strong", "weak", "main")


def counts(
    task: Task = ABSOLUTE, seeds: range = SEEDS, **how
) -> tuple[int, int, list[tuple[Planted, Motif]]]:
    """How many were planted, how many found, and those that are both."""
    planted, found, both = 0, 0, []
    for seed in seeds:
        model, instances = plant(seed, **how)
        listed = find_motifs(*model, task=task)
        planted, found = planted + len(instances), found + len(listed)
        at = {place(motif): motif for motif in listed}
        both += [(one, at[place(one)]) for one in instances if place(one) in at]
    return planted, found, both


def fields(motif: Motif, *without: str) -> dict[str, float]:
    return {name: value for name, value in asdict(motif).items() if name not in without}


def assert_same(one: list[Motif], other: list[Motif], *without: str, rel: float = 1e-5) -> None:
    """Same instances, in any order, but for some fields."""
    assert len(one) == len(other)
    for a, b in zip(sorted(one, key=place), sorted(other, key=place), strict=True):
        assert fields(a, *without) == pytest.approx(fields(b, *without), rel=rel, abs=1e-5)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.02, 0.03])
def test_what_is_planted_is_found_and_nothing_else(noise: float) -> None:
    planted, found, both = counts(noise=noise)
    assert planted > 200
    assert len(both) >= 0.95 * planted
    assert len(both) >= 0.95 * found
    for one, motif in both:
        assert signs(one) == signs(motif)
        assert motif.ratio == pytest.approx(one.ratio, rel=5 * noise + 1e-6)
        assert motif.inhibition == pytest.approx(one.inhibition, rel=8 * noise + 1e-5)
        away = one.inhibition - 1  # of the inhibition, from where it just balances
        if one.ratio * abs(away) > 0.5:
            assert motif.causal is (away > 0)
        assert motif.main_alone < 0
        own = 1.15 / 0.85  # own effects are between these
        assert 1 / (1.2 * own) < motif.one_way / one.ratio**2 < 1.2 * own


@pytest.mark.parametrize(
    ("task", "how"),
    [(STORAGE, {}), (BOTTLENECK, {}), (BOTTLENECK, {"linear": True})],
    ids=["storage", "bottleneck", "bottleneck, turned neurons"],
)
def test_it_is_found_in_models_of_one_side_too(task: Task, how: dict[str, Any]) -> None:
    planted, found, both = counts(task, signed=False, **how)
    assert planted > 200
    assert len(both) >= 0.95 * planted
    assert len(both) >= 0.95 * found
    assert {signs(motif)[:3] for _, motif in both} == {(1, 1, 1)}


def test_storage_hears_no_negative_side() -> None:
    there, listed = 0, 0
    for seed in SEEDS:
        model, instances = plant(seed)
        ours = [p for p in instances if p.strong_sign == p.weak_sign == 1]
        positive = {place(p) for p in ours if p.main_sign == 1}  # else it hears only the strong one
        motifs = find_motifs(*model, task=STORAGE)
        assert all(model[0][motif.inhibitor, motif.main] > 0 for motif in motifs)
        found = {place(motif) for motif in motifs}
        assert found <= positive
        there, listed = there + len(positive), listed + len(found)
    assert there > 20
    assert listed >= 0.95 * there


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"ratio": (1.0, 1.85)}, id="features alike"),
        pytest.param({"inhibition": (0.1, 0.4)}, id="inhibition too weak"),
        pytest.param({"hears": (0.1, 0.3), "own_main": (1.0, 1.8)}, id="nothing else heard"),
        pytest.param({"inhibition": (-1.5, -0.8)}, id="the inhibitor excites"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_what_lacks_a_part_is_not_found(how: dict[str, Any], noise: float) -> None:
    planted, found, _ = counts(noise=noise, **how)
    assert planted > 200
    assert found == 0


@pytest.mark.parametrize(
    "cut", ["what it hears", "what it writes", "the weak side", "a strong own"]
)
def test_a_planted_part_that_is_cut_takes_its_instance_away(cut: str) -> None:
    for seed in range(40):
        (w_in, w_out, bias), instances = plant(seed)
        for one in instances:
            inner, outer = w_in.clone(), w_out.clone()
            if cut == "what it hears":
                inner[one.inhibitor, one.strong] = 0.0
            elif cut == "what it writes":
                outer[one.weak, one.inhibitor] = 0.0
            elif cut == "the weak side":
                inner[one.neuron, one.weak] = 0.0
            else:
                outer[one.strong, one.neuron] *= 3.0
            left = {place(motif) for motif in find_motifs(inner, outer, bias)}
            assert place(one) not in left
            others = {place(other) for other in instances if other is not one}
            assert left <= others


@pytest.mark.parametrize("factor", [3.0, 1 / 3])
def test_own_effects_that_differ_are_no_arrangement(factor: float) -> None:
    """Of effects that differ threefold one is off by a half at least: no such model computes."""
    for seed in range(40):
        (w_in, w_out, bias), instances = plant(seed, ratio=(2.5, 5.0))
        for one in instances:
            outer = w_out.clone()
            outer[one.strong, one.neuron] *= factor
            left = find_motifs(w_in, outer, bias, must_compute=False)
            assert place(one) not in {place(motif) for motif in left}


def test_a_linear_neuron_by_which_one_lowers_the_other_is_none() -> None:
    planted = 0
    for seed in range(40):
        (w_in, w_out, bias), instances = plant(seed, signed=False, linear=True)
        for one in instances:
            w_in[one.neuron, one.weak] *= -1
            w_out[one.weak, one.neuron] *= -1
        planted += len(instances)
        assert find_motifs(w_in, w_out, bias, task=BOTTLENECK) == []
    assert planted > 40


def test_an_inhibition_that_is_too_weak_to_hide_it_is_listed_and_fails_the_test() -> None:
    planted, _, both = counts(inhibition=(0.6, 0.6))
    assert len(both) >= 0.95 * planted > 200
    for _, motif in both:
        assert motif.causal is False
        assert 0 < motif.alone < motif.cut
        assert 0 < motif.error < motif.error_cut


@pytest.mark.parametrize(("n", "m"), [(3, 6), (8, 16), (20, 10), (30, 60), (5, 1)])
@pytest.mark.parametrize("must_compute", [True, False])
def test_plain_pairs_have_none(n: int, m: int, must_compute: bool) -> None:
    w_in, w_out, bias = plain_pairs(n, m, density=0.1)
    assert find_motifs(w_in, w_out, bias, must_compute=must_compute) == []
    generator = torch.Generator().manual_seed(n)
    noisy = [p + 0.02 * torch.randn(p.shape, generator=generator) for p in (w_in, w_out, bias)]
    assert find_motifs(*noisy, must_compute=must_compute) == []


@pytest.mark.parametrize("start", ["normal", "kaiming", "kaiming, one tensor"])
@pytest.mark.parametrize(("n", "m"), [(8, 16), (20, 10), (20, 40), (60, 40)])
@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_models_before_training_have_none(start: str, n: int, m: int, task: Task) -> None:
    recipe = Recipe(start=start)  # pyright: ignore[reportArgumentType]
    for seed in range(4):
        begun = Crowd(m, 0.1, torch.ones(n), (seed,), recipe, task).start(seed)
        assert find_motifs(begun["w_in"], begun["w_out"], begun["bias"], task=task) == []


@pytest.mark.parametrize("size", [0.1, 1.0])
def test_noise_has_none_though_arrangements_there_are(size: float) -> None:
    generator = torch.Generator().manual_seed(0)
    arrangements = 0
    for _ in range(30):
        w_in, w_out, bias = (
            size * torch.randn(shape, generator=generator) for shape in ((14, 20), (20, 14), (20,))
        )
        assert find_motifs(w_in, w_out, bias) == []
        arrangements += len(find_motifs(w_in, w_out, bias, must_compute=False))
    assert (arrangements > 0) is (size == 1.0)


def test_what_computes_is_among_the_arrangements() -> None:
    more = 0
    for seed in range(40):
        (w_in, w_out, bias), _ = plant(seed, noise=0.04, count=2)
        disturbed = w_out.clone()
        disturbed[:, 0] += 2 / w_in[0].abs().max()
        computing = find_motifs(w_in, disturbed, bias)
        whole = find_motifs(w_in, disturbed, bias, must_compute=False)
        assert all(motif in whole for motif in computing)
        more += len(whole) - len(computing)
    assert more > 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_neither_scale_nor_order_nor_sign_makes_a_difference(seed: int, other: int) -> None:
    (w_in, w_out, bias), _ = plant(seed, inhibition=(0.9, 1.5), ratio=(2.5, 5.0))
    found = find_motifs(w_in, w_out, bias)
    m, n = w_in.shape
    rng = np.random.default_rng(other)

    scale = torch.tensor(2.0 ** rng.integers(-20, 21, m)).float()
    assert_same(find_motifs(scale[:, None] * w_in, w_out / scale, bias), found)

    new, old = (torch.tensor(rng.permutation(size)) for size in (m, n))
    moved = find_motifs(w_in[new][:, old], w_out[old][:, new], bias[old])
    back = [
        replace(
            motif,
            neuron=int(new[motif.neuron]),
            inhibitor=int(new[motif.inhibitor]),
            **{name: int(old[getattr(motif, name)]) for name in FEATURES},
        )
        for motif in moved
    ]
    assert_same(back, found)

    turned = int(rng.integers(n))
    flip = torch.ones(n)
    flip[turned] = -1.0
    expected = [
        replace(
            motif,
            **{
                f"{name}_sign": getattr(motif, f"{name}_sign") * int(flip[getattr(motif, name)])
                for name in FEATURES
            },
        )
        for motif in found
    ]
    assert_same(find_motifs(flip * w_in, w_out, bias), expected)


def test_a_model_is_left_as_it_was_whatever_its_kind() -> None:
    (w_in, w_out, bias), _ = plant(4, count=2)
    leaves = [p.clone().requires_grad_() for p in (w_in, w_out, bias)]
    assert_same(find_motifs(*leaves), find_motifs(w_in.double(), w_out.double(), bias.double()))
    for leaf, p in zip(leaves, (w_in, w_out, bias), strict=True):
        assert torch.equal(leaf, p)


def test_a_recipe_from_pairs_begins_without_the_motif() -> None:
    recipe = replace(USUAL, start="pairs")
    begun = Crowd(40, 0.1, torch.ones(30), (0,), recipe, ABSOLUTE).start(0)
    assert find_motifs(begun["w_in"], begun["w_out"], begun["bias"]) == []


def test_an_inhibitor_about_the_weak_feature_is_none() -> None:
    """A neuron of the weak feature's other side that lowers it: no third feature has a part."""
    w_in = torch.tensor([[4.0, 1, 0], [-1, 0, 0], [0.4, -1, 0], [0, 0, 1], [0, 0, -1]])
    w_out = torch.tensor([[0.25, 1, 0, 0, 0], [1, 0, -11, 0, 0], [0, 0, 0, 1, 1]])
    assert find_motifs(w_in, w_out, torch.zeros(3)) == []
    w_in[2] = torch.tensor([0.4, 0, -1])  # the same about the third
    (motif,) = find_motifs(w_in, w_out, torch.zeros(3))
    assert (motif.main, motif.main_sign, motif.causal) == (2, -1, True)

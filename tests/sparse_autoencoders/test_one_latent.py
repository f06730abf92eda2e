"""Training finds the closed form from below, a member of its family from above, and not that of
noise where noise is asked for."""

from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
import pytest
import torch

from steering_core.sparse_autoencoders.least_error import Situation, least_error
from steering_core.sparse_autoencoders.one_latent import (
    Gate,
    Target,
    TrainedLatents,
    train_latents,
)
from steering_core.sparse_autoencoders.response import fit

from ..bad_input import bad_input_tests

CASES = [(s, share * s) for s in (1.0, 2.0) for share in (0.1, 0.25, 0.5)]
FIXED = [Situation(s, s, n) for s, n in CASES]
VARIED = [Situation(0.7, 1.3, 0.45), Situation(0.5, 1.5, 0.25)]
GATES: tuple[Gate, ...] = get_args(Gate)


@cache
def from_above() -> TrainedLatents:
    """Each with a weight of 3 times the least, then each with 5 times."""
    weights = [times * fit(s, n).weight for times in (3, 5) for s, n in CASES]
    return train_latents(FIXED * 2, weights=weights)


@cache
def on_noisy(penalty: float) -> TrainedLatents:
    situations = [*FIXED, Situation(0.5, 1.5, 0.3), Situation(0.5, 1.5, 1.0, 0.4)]
    return train_latents(situations, target="noisy", penalty=penalty, steps=600)


def short(situations: list[Situation], *, gate: Gate = "relu", seed: int = 0) -> TrainedLatents:
    return train_latents(situations, gate=gate, steps=120, batch_size=64, seed=seed)


def pairs(trained: TrainedLatents) -> list[tuple[float, float]]:
    return [(latent.weight, latent.bias) for latent in trained.latents]


def sampled_loss(trained: TrainedLatents, index: int) -> float:
    """Of the latent that was returned, on inputs of our own."""
    situation, latent = trained.situations[index], trained.latents[index]
    rng = np.random.default_rng(1)
    active = rng.random(1_000_000) < situation.density
    clean = np.where(active, rng.uniform(situation.low, situation.high, size=active.shape), 0.0)
    noise = rng.uniform(-situation.noise, situation.noise, size=active.shape)
    x = np.where(active, clean, noise)
    out = latent(x)
    wanted = clean if trained.target == "clean" else x
    return float(((out - wanted) ** 2 + trained.penalty * out).mean())


def test_from_below_it_finds_the_least_norm() -> None:
    weights = [start for start in (0.25, 0.5, 1.0) for _ in CASES]
    trained = train_latents(FIXED * 3, weights=weights)
    for (s, n), latent in zip(CASES * 3, trained.latents, strict=True):
        assert latent.weight == pytest.approx(s / (s - n), rel=0.05)
        assert latent.bias == pytest.approx(-n * s / (s - n), rel=0.05)
        assert latent.kind == "relu"


def test_a_weight_of_one_is_the_start_where_none_is_given() -> None:
    ones = train_latents(FIXED[:2], weights=[1.0, 1.0], steps=60)
    assert pairs(train_latents(FIXED[:2], steps=60)) == pairs(ones)
    assert pairs(train_latents(FIXED[:2], weights=[1.5, 1.0], steps=60)) != pairs(ones)


def test_from_above_it_keeps_a_member_of_the_family() -> None:
    """No error, but another norm than the least; the bias is then s (1 - w)."""
    trained = from_above()
    for (s, n), situation, latent in zip(CASES * 2, FIXED * 2, trained.latents, strict=True):
        assert latent.weight > 1.1 * s / (s - n)
        assert latent.bias == pytest.approx(s * (1 - latent.weight), rel=1e-3)
        assert situation.error(latent) < 1e-6 * situation.power()
        assert latent(np.array([s])).item() == pytest.approx(s, rel=1e-3)
    assert (trained.losses[-1] < 1e-6).all()


def test_norms_without_error_differ_by_where_they_began() -> None:
    latents = from_above().latents
    for one, other in zip(latents[: len(CASES)], latents[len(CASES) :], strict=True):
        assert other.weight > 1.1 * one.weight


@pytest.mark.parametrize("penalty", [0.0, 0.02, 0.1])
def test_a_noisy_target_asks_for_norm_one_whatever_the_noise(penalty: float) -> None:
    for latent in on_noisy(penalty).latents:
        assert latent.weight == pytest.approx(1, abs=1e-3)
        assert latent.bias == pytest.approx(-penalty / 2, abs=1e-3)


def test_relu_comes_to_the_least_error_where_magnitudes_vary() -> None:
    trained = train_latents(VARIED, steps=600)
    for situation, latent in zip(VARIED, trained.latents, strict=True):
        least = least_error(situation)[0]
        assert least < situation.error(latent) * (1 + 1e-9)
        assert situation.error(latent) < 1.05 * least


@pytest.mark.parametrize("gate", ["scsae", "prolu_relu", "prolu_ste"])
def test_gates_come_to_no_error_where_magnitudes_vary(gate: Gate) -> None:
    trained = train_latents(VARIED, gate=gate, steps=600)
    for situation, latent in zip(VARIED, trained.latents, strict=True):
        assert latent.kind == ("drafted" if gate == "scsae" else "scsae")
        assert latent.weight == pytest.approx(1, abs=0.01)
        assert situation.noise <= latent.threshold * 1.02
        assert latent.threshold <= situation.low
        assert situation.error(latent) < 0.05 * least_error(situation, "relu")[0]


@pytest.mark.parametrize("target", get_args(Target))
def test_losses_are_those_of_the_first_latent(target: Target) -> None:
    """At a rate of nearly 0 it stays at w = 1, b = 0: half of the noise passes, or is missed."""
    situations = [Situation(0.5, 1.5, 0.6, 0.3), Situation(2.0, 2.0, 1.0, 0.1)]
    trained = train_latents(
        situations, target=target, penalty=0.1, steps=1_000, learning_rate=1e-12
    )
    assert trained.losses.shape == (20, 2)
    for situation, latent, loss in zip(
        situations, trained.latents, trained.losses.double().mean(0).tolist(), strict=True
    ):
        assert (latent.weight, latent.bias) == pytest.approx((1, 0), abs=1e-6)
        p, n, mean = situation.density, situation.noise, (situation.low + situation.high) / 2
        expected = (1 - p) * n**2 / 6 + 0.1 * (p * mean + (1 - p) * n / 4)
        assert loss == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("target", get_args(Target))
@pytest.mark.parametrize("gate", GATES)
def test_the_latents_returned_are_those_that_were_trained(gate: Gate, target: Target) -> None:
    """They have the loss that training ended at, on fresh inputs."""
    situations = [Situation(0.7, 1.3, 0.45), Situation(0.5, 1.5, 0.25), Situation(1.0, 1.0, 0.5)]
    trained = train_latents(
        situations, gate=gate, target=target, weights=[0.5, 0.8, 0.5], steps=600
    )
    for index, situation in enumerate(situations):
        loss = trained.losses[-1, index].item()
        slack = 2e-3 * situation.power()
        assert sampled_loss(trained, index) == pytest.approx(loss, rel=0.1, abs=slack)


def test_what_is_returned_says_how_it_came_to_be() -> None:
    trained = train_latents(
        VARIED, gate="prolu_ste", target="noisy", penalty=0.25, steps=120, batch_size=8
    )
    assert (trained.gate, trained.target, trained.penalty) == ("prolu_ste", "noisy", 0.25)
    assert trained.situations == tuple(VARIED)
    assert trained.losses.shape == (3, 2)
    assert trained.losses.isfinite().all()
    assert len(trained.latents) == 2


@pytest.mark.parametrize("gate", GATES)
def test_a_seed_decides_all(gate: Gate) -> None:
    first, again, other = (short(VARIED, gate=gate, seed=seed) for seed in (1, 1, 2))
    assert pairs(first) == pairs(again)
    assert torch.equal(first.losses, again.losses)
    assert pairs(first) != pairs(other)
    assert not torch.equal(first.losses, other.losses)


def test_globals_are_left_alone() -> None:
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    one = short(VARIED)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (dtype, grad)
    torch.manual_seed(4)
    assert pairs(short(VARIED)) == pairs(one)


@pytest.mark.parametrize("gate", GATES)
def test_company_changes_nothing(gate: Gate) -> None:
    situations = [*VARIED, Situation(2.0, 2.0, 1.0, 0.5), Situation(1.0, 3.0, 0.2, 0.05)]
    weights = [0.5, 1.0, 1.5, 2.0]
    together = train_latents(
        situations, gate=gate, weights=weights, penalty=0.01, steps=300, batch_size=64
    )
    for index, (situation, weight) in enumerate(zip(situations, weights, strict=True)):
        alone = train_latents(
            [situation], gate=gate, weights=[weight], penalty=0.01, steps=300, batch_size=64
        )
        assert pairs(alone)[0] == pytest.approx(pairs(together)[index], abs=1e-6)
        torch.testing.assert_close(
            alone.losses[:, 0], together.losses[:, index], rtol=1e-5, atol=1e-6
        )


def test_the_order_of_company_changes_nothing() -> None:
    there, back = pairs(short(VARIED)), pairs(short(VARIED[::-1]))
    for one, other in zip(there, back[::-1], strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_arguments_are_not_changed() -> None:
    situations, weights = list(VARIED), [0.5, 2.0]
    train_latents(situations, weights=weights, steps=60, batch_size=8)
    assert situations == VARIED
    assert weights == [0.5, 2.0]


PREAMBLE = """
from steering_core.sparse_autoencoders import Situation
from steering_core.sparse_autoencoders.one_latent import train_latents

nan, inf = float("nan"), float("inf")
one = Situation(1.0, 2.0, 0.5)
skewed = Situation(1.0, 2.0, 0.5, likelihood=lambda m: m)

def train(situations=(one,), **changed):
    return train_latents(situations, **{"steps": 2, "batch_size": 4, **changed})
"""

GATE = "allowed are relu, scsae, scsae_multiplied, prolu_relu, prolu_ste"
WHOLE, FROM_0 = "allowed are whole numbers from 1", "allowed are finite numbers from 0"
ONE = "allowed are 1 finite numbers, one a situation"
REFUSED = [
    ("train([])", "situations: got none", "allowed is at least one"),
    ("train([skewed])", "situations: got ", ""),
    ("train(gate='tanh')", "gate: got 'tanh'", GATE),
    ("train(gate='jump_relu')", "gate: got 'jump_relu'", GATE),
    ("train(target='dirty')", "target: got 'dirty'", "allowed are clean, noisy"),
    ("train(penalty=-.1)", "penalty: got -0.1", FROM_0),
    ("train(penalty=nan)", "penalty: got nan", FROM_0),
    ("train(penalty=inf)", "penalty: got inf", FROM_0),
    ("train(weights=[])", "weights: got []", ONE),
    ("train(weights=[1., 2.])", "weights: got [1.0, 2.0]", ONE),
    ("train(weights=[nan])", "weights: got [nan]", ONE),
    ("train(weights=[inf])", "weights: got [inf]", ONE),
    (
        "train([one, one], weights=[1.])",
        "weights: got [1.0]",
        "allowed are 2 finite numbers, one a situation",
    ),
    ("train(steps=0)", "steps: got 0", WHOLE),
    ("train(steps=-1)", "steps: got -1", WHOLE),
    ("train(steps=2.5)", "steps: got 2.5", WHOLE),
    ("train(batch_size=0)", "batch_size: got 0", WHOLE),
    ("train(batch_size=-4)", "batch_size: got -4", WHOLE),
    ("train(batch_size=2.5)", "batch_size: got 2.5", WHOLE),
    ("train(learning_rate=-1.)", "learning_rate: got -1.0", ""),
    ("train(learning_rate=nan)", "learning_rate: got nan", ""),
    ("train(learning_rate=inf)", "learning_rate: got inf", ""),
    ("train(seed=-1)", "seed: got -1", "allowed are whole numbers from 0"),
    ("train(seed=1.5)", "seed: got 1.5", "allowed are whole numbers from 0"),
]
ACCEPTED = [
    "len(train().latents) == 1",
    "len(train([one] * 3, weights=(1, 2, 3)).latents) == 3",
    "train(penalty=0).penalty == 0",
    "len(train([Situation(1, 1, 0), Situation(1, 2, 0.5, 0), Situation(1, 2, 3, 1)]).latents) == 3",
    "len(train([Situation(1, 2, 0)]).latents) == 1",
]

(
    test_the_message_says_what_was_got_and_what_is_allowed,
    test_what_makes_sense_is_accepted,
) = bad_input_tests(PREAMBLE, REFUSED, ACCEPTED)

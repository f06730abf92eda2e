"""Every row of the table against a plain re-computation, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from steering_core.sparse_autoencoders.architectures import ARCHITECTURES, batch_cut, gate_latents
from steering_core.sparse_autoencoders.recipe import Recipe

MODELS, BATCH, LATENTS, WIDTH = 3, 7, 10, 4
RECIPE = Recipe(bandwidth=0.6)
ADDED = {"gated": {"r_mag", "b_mag"}, "jumprelu": {"log_threshold"}}
SET_K = ("topk", "batch_topk")


def drawn(seed: int = 0) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Parameters whose decoder rows have norms apart from 1, and m."""
    chance = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(MODELS, *shape, generator=chance)

    names = ("b_enc", "r_mag", "b_mag", "log_threshold")
    parameters = {name: 0.7 * some(LATENTS) for name in names}
    parameters["log_threshold"] -= 0.5
    parameters |= {
        "w_enc": some(WIDTH, LATENTS),
        "w_dec": some(LATENTS, WIDTH),
        "b_dec": some(WIDTH),
    }
    return parameters, some(BATCH, LATENTS)


def one_latent(name: str, m: float, p: dict[str, float]) -> float:
    """What a latent of an input is, where others do not matter."""
    b = p["b_enc"]
    if name in ("relu", "relu_sqrt"):
        return max(m + b, 0.0)
    if name.startswith("scsae"):
        return m if m + b > 0 else 0.0
    if name.startswith("prolu"):
        return m if m + b > 0 and m > 0 else 0.0
    if name == "gated":
        return max(np.exp(p["r_mag"]) * m + p["b_mag"], 0.0) if m + b > 0 else 0.0
    assert name == "jumprelu"
    return m + b if m + b > np.exp(p["log_threshold"]) else 0.0


def expected_latents(name: str, parameters: dict[str, torch.Tensor], m: Any, k: Any) -> np.ndarray:
    out = np.zeros((MODELS, BATCH, LATENTS))
    z = np.maximum(m.double().numpy() + parameters["b_enc"].double().numpy()[:, None], 0)
    for model in range(MODELS):
        if name == "batch_topk":
            order = np.argsort(-z[model], axis=None)[: int(k[model]) * BATCH]
            out[model].flat[order] = z[model].flat[order]
            continue
        for i in range(BATCH):
            if name == "topk":
                order = np.argsort(-z[model, i])[: int(k[model])]
                out[model, i, order] = z[model, i, order]
                continue
            for j in range(LATENTS):
                its = {
                    one: p[model, j].item()
                    for one, p in parameters.items()
                    if p.shape[1:] == (LATENTS,)
                }
                out[model, i, j] = one_latent(name, m[model, i, j].item(), its)
    return out


def test_the_table_has_the_rows_that_are_tested() -> None:
    expected = {"relu", "relu_sqrt", "scsae", "scsae_multiplied", "prolu_relu", "prolu_ste"}
    expected |= {"prolu_l0", "gated", "jumprelu", *SET_K}
    assert set(ARCHITECTURES) == expected
    assert {name for name, row in ARCHITECTURES.items() if row.sets_k} == set(SET_K)
    fixed = {name for name, row in ARCHITECTURES.items() if row.unit_decoder}
    assert fixed == {"gated", *SET_K}
    assert len({row.words for row in ARCHITECTURES.values()}) == len(ARCHITECTURES)
    assert all(row.words and row.source for row in ARCHITECTURES.values())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_latents_are_those_of_a_plain_computation(name: str) -> None:
    k = torch.tensor([1.0, 3.0, 4.0])
    for seed in range(3):
        parameters, m = drawn(seed)
        got = ARCHITECTURES[name].encode(parameters, m, k, RECIPE)
        expected = expected_latents(name, parameters, m, k)
        assert 0.02 < (expected != 0).mean() < 0.9
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def weighted(name: str, parameters: Any, m: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """What the penalty weighs, for each model, by its formula."""
    p = {one: value.double().numpy() for one, value in parameters.items()}
    norms = np.sqrt((p["w_dec"] ** 2).sum(-1))
    out = []
    for model in range(MODELS):
        b, each = p["b_enc"][model], []
        for i in range(BATCH):
            its = latents[model, i] * norms[model]
            if name == "relu_sqrt":
                each.append(np.sum(np.sqrt(its + 1e-4) - 1e-2))
            elif name == "prolu_l0":
                each.append(np.sum(m[model, i] > -b))
            elif name == "gated":
                each.append(np.sum(np.maximum(m[model, i] + b, 0)))
            elif name == "jumprelu":
                each.append(np.sum(m[model, i] + b > np.exp(p["log_threshold"][model])))
            else:
                each.append(np.sum(np.abs(its)))
        out.append(np.mean(each))
    return np.array(out)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in SET_K])
def test_what_is_penalised_is_the_formula(name: str) -> None:
    row = ARCHITECTURES[name]
    assert row.sparsity is not None
    parameters, m = drawn(4)
    latents = row.encode(parameters, m, torch.ones(MODELS), RECIPE)
    got = row.sparsity(parameters, m, latents, RECIPE)
    expected = weighted(name, parameters, m.double().numpy(), latents.double().numpy())
    np.testing.assert_allclose(got, expected, rtol=2e-5)


def test_the_square_root_is_nothing_where_all_is_silent() -> None:
    sparsity = ARCHITECTURES["relu_sqrt"].sparsity
    assert sparsity is not None
    parameters, m = drawn()
    silent = torch.zeros_like(m, requires_grad=True)
    got = sparsity(parameters, m, silent, RECIPE)
    np.testing.assert_allclose(got.detach(), 0, atol=1e-6)
    (slope,) = torch.autograd.grad(got.sum(), silent)
    assert slope.isfinite().all()


def test_the_gates_second_latents_are_relu() -> None:
    parameters, m = drawn(2)
    z = m.double().numpy() + parameters["b_enc"].double().numpy()[:, None]
    np.testing.assert_allclose(gate_latents(parameters, m), np.maximum(z, 0), rtol=1e-5, atol=1e-6)


def positive(seed: int = 0) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Enough positive pre-activations to choose from."""
    parameters, m = drawn(seed)
    return parameters, m.abs() + parameters["b_enc"].abs()[:, None]


def test_topk_keeps_just_k_of_each_input() -> None:
    parameters, m = positive()
    k = torch.tensor([2.0, 10.0, 5.0])
    latents = ARCHITECTURES["topk"].encode(parameters, m, k, RECIPE)
    counts = (latents > 0).sum(-1)
    assert counts.tolist() == [[int(one)] * BATCH for one in k]
    for model in range(MODELS):
        alone = {name: p[model : model + 1] for name, p in parameters.items()}
        its = ARCHITECTURES["topk"].encode(alone, m[[model]], k[[model]], RECIPE)
        assert torch.equal(its[0], latents[model])


def test_topk_lets_nothing_negative_through() -> None:
    parameters, m = drawn()
    latents = ARCHITECTURES["topk"].encode(parameters, -m.abs() - 5, torch.ones(3) * 4, RECIPE)
    assert not latents.any()


def test_batch_topk_keeps_k_times_batch_over_a_batch() -> None:
    parameters, m = positive()
    k = torch.tensor([2.0, 10.0, 5.0])
    latents = ARCHITECTURES["batch_topk"].encode(parameters, m, k, RECIPE)
    assert (latents > 0).flatten(1).sum(1).tolist() == [int(one) * BATCH for one in k]
    each = (latents[0] > 0).sum(-1)
    assert each.min() < each.max()  # free to differ from one input to the next


def test_once_trained_batch_topk_has_a_fixed_threshold() -> None:
    parameters, m = positive()
    parameters["threshold"] = torch.tensor([0.5, 1.5, 100.0])
    got = ARCHITECTURES["batch_topk"].encode(parameters, m, torch.ones(MODELS), RECIPE)
    z = m + parameters["b_enc"][:, None]
    for model, cut in enumerate([0.5, 1.5, 100.0]):
        expected = np.where(z[model] > cut, z[model].clamp_min(0), 0)
        np.testing.assert_allclose(got[model], expected, rtol=1e-6)
    alone = ARCHITECTURES["batch_topk"].encode(parameters, m[:, :1], torch.ones(MODELS), RECIPE)
    assert torch.equal(alone, got[:, :1])


def test_the_cut_is_the_largest_that_is_not_kept() -> None:
    z = torch.tensor([[[5.0, 1.0, 3.0], [2.0, 4.0, 0.0]]] * 3)
    assert batch_cut(z, torch.tensor([1.0, 2.0, 2.5])).tolist() == [3, 1, 0]
    assert (batch_cut(z, torch.tensor([3.0, 3.0, 3.0])) < 0).all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_a_row_adds_begins_as_said(name: str) -> None:
    recipe = Recipe(initial_threshold=0.25)
    extra = ARCHITECTURES[name].extra(5, recipe)
    assert set(extra) == ADDED.get(name, set())
    for one, value in extra.items():
        assert value.shape == (5,)
        expected = np.log(0.25) if one == "log_threshold" else 0.0
        np.testing.assert_allclose(value, expected, rtol=1e-6)


numbers = st.floats(-5, 5, width=32, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_prolu_is_jumprelu_on_pre_activations_without_bias(
    drawn: list[tuple[float, float]],
) -> None:
    """With a threshold of max(-b, 0): JumpReLU's rows can not tell where none is 0."""
    drawn = [(m, b) for m, b in drawn if b < -1e-3] or [(1.0, -0.5)]
    m = torch.tensor([[[one for one, _ in drawn]]])
    b = torch.tensor([[one for _, one in drawn]])
    k = torch.ones(1)
    as_jump = {"b_enc": torch.zeros_like(b), "log_threshold": (-b).double().log()}
    jump = ARCHITECTURES["jumprelu"].encode(as_jump, m.double(), k, RECIPE)
    near = (m[0] + b).abs() < 1e-6  # exp(log t) may miss t
    for name in ("prolu_relu", "prolu_ste", "prolu_l0"):
        prolu = ARCHITECTURES[name].encode({"b_enc": b}, m, k, RECIPE)
        assert torch.equal(prolu.double()[0][~near], jump[0][~near])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_prolu_with_any_bias_is_a_threshold_on_m(drawn: list[tuple[float, float]]) -> None:
    m = torch.tensor([[[one for one, _ in drawn]]])
    b = torch.tensor([[one for _, one in drawn]])
    expected = [one if one > max(-bias, 0.0) else 0.0 for one, bias in drawn]
    for name in ("prolu_relu", "prolu_ste", "prolu_l0"):
        got = ARCHITECTURES[name].encode({"b_enc": b}, m, torch.ones(1), RECIPE)
        assert got.flatten().tolist() == expected

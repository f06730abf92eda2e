"""The logit lens beside the same numbers taken with numpy from the weights themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model
from steering_core.language_model.load import plain_model
from steering_core.steering import steer, top_tokens
from steering_core.steering.lens import Norm, token_logits

from ..language_model import naive
from ..language_model.conftest import N_TOKENS, TEXTS, WIDTH

REFUSED = (ValueError, TypeCheckError)  # types and shapes are checked too while the tests run
NORMS: tuple[Norm, ...] = get_args(Norm)


def final_norm(plain: Any) -> Any:
    body = plain.base_model
    for name in ("ln_f", "norm", "final_layer_norm"):
        if hasattr(body, name):
            return getattr(body, name)
    raise AssertionError("no final norm")


@pytest.fixture(scope="module")
def trained(folder: Path) -> TransformerBridge:
    """Each of the models, with a final norm that does something: a fresh one has gain 1, bias 0."""
    model = load_model(folder)
    norm = final_norm(plain_model(model))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        norm.weight.copy_(1 + 0.7 * torch.randn(WIDTH, generator=generator))
        if getattr(norm, "bias", None) is not None:
            norm.bias.copy_(torch.randn(WIDTH, generator=generator))
    return model


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def naive_logits(model: TransformerBridge, vector: Tensor, norm: Norm) -> np.ndarray:
    """One vector, in float64, from the weights as Hugging Face names them."""
    plain: Any = plain_model(model)
    final, config = final_norm(plain), plain.config
    head = plain.lm_head if hasattr(plain, "lm_head") else plain.embed_out
    x = vector.double().numpy()
    if norm != "none":
        gain = final.weight.detach().double().numpy()
        if config.model_type == "llama":
            x = gain * x / np.sqrt(np.mean(x**2) + config.rms_norm_eps)
        else:
            neox = config.model_type == "gpt_neox"
            eps = config.layer_norm_eps if neox else config.layer_norm_epsilon
            away = x - x.mean()
            x = gain * away / np.sqrt(np.mean(away**2) + eps)
            if norm == "own":
                x = x + final.bias.detach().double().numpy()
    return head.weight.detach().double().numpy() @ x


@pytest.mark.parametrize("norm", NORMS)
def test_logits_and_tokens_are_those_of_the_weights(trained: TransformerBridge, norm: Norm) -> None:
    for seed, scale in ((0, 1.0), (1, 30.0), (2, 0.05)):
        v = scale * drawn(WIDTH, seed=seed)
        expected = naive_logits(trained, v, norm)
        np.testing.assert_allclose(
            token_logits(trained, v, norm=norm).numpy(), expected, rtol=1e-4, atol=1e-4
        )
        order = np.argsort(-expected)
        for k in (1, 8, 20):
            likeliest = [trained.tokenizer.decode([token]) for token in order[:k].tolist()]
            assert top_tokens(trained, v, k, norm=norm) == likeliest
        assert top_tokens(trained, v.double(), norm=norm) == top_tokens(trained, v, 8, norm=norm)


def test_the_three_norms_differ(trained: TransformerBridge) -> None:
    v = drawn(WIDTH)
    own, gain, none = (token_logits(trained, v, norm=norm) for norm in ("own", "gain", "none"))
    assert torch.equal(token_logits(trained, v), gain)
    assert top_tokens(trained, v, 20) == top_tokens(trained, v, 20, norm="gain")
    assert top_tokens(trained, v, 20, norm="none") != top_tokens(trained, v, 20)
    assert not torch.allclose(gain, none, atol=0.1)
    has_bias = getattr(final_norm(plain_model(trained)), "bias", None) is not None
    assert torch.allclose(own, gain, atol=0.1) != has_bias


def test_own_gives_the_last_activation_the_logits_of_the_model(
    trained: TransformerBridge,
) -> None:
    for text in TEXTS:
        row = naive.tokens(trained, text)
        last = naive.residuals(trained, row)[-1]
        with torch.no_grad():
            expected = plain_model(trained)(row).logits[0]
        torch.testing.assert_close(
            token_logits(trained, last, norm="own"), expected, rtol=1e-4, atol=1e-4
        )
        # Its size is lost, its direction is not.
        torch.testing.assert_close(
            token_logits(trained, 1000 * last, norm="own"), expected, rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("norm", ["gain", "none"])
def test_the_opposite_vector_has_the_opposite_logits(
    trained: TransformerBridge, norm: Norm
) -> None:
    v = drawn(4, WIDTH)
    forth, back = token_logits(trained, v, norm=norm), token_logits(trained, -v, norm=norm)
    assert forth.abs().max() > 1
    torch.testing.assert_close(back, -forth, rtol=1e-4, atol=1e-4)
    for one in v:
        assert (
            top_tokens(trained, one, N_TOKENS, norm=norm)
            == top_tokens(trained, -one, N_TOKENS, norm=norm)[::-1]
        )


def test_a_bias_is_no_part_of_a_vector(gpt2: TransformerBridge, folders: dict[str, Path]) -> None:
    biased = load_model(folders["gpt2"])
    with torch.no_grad():
        final_norm(plain_model(biased)).bias.copy_(drawn(WIDTH, seed=4))
    v = drawn(WIDTH)
    own = token_logits(biased, v, norm="own")
    torch.testing.assert_close(token_logits(biased, v), token_logits(gpt2, v))
    assert not torch.allclose(own, token_logits(gpt2, v, norm="own"), atol=0.1)
    assert not torch.allclose(own, -token_logits(biased, -v, norm="own"), atol=0.1)


@pytest.mark.parametrize("norm", NORMS)
def test_all_tokens_are_a_permutation(trained: TransformerBridge, norm: Norm) -> None:
    everything = [trained.tokenizer.decode([token]) for token in range(N_TOKENS)]
    got = top_tokens(trained, drawn(WIDTH), N_TOKENS, norm=norm)
    assert sorted(got) == sorted(everything)
    assert got != everything
    for k in (1, 8, 50):
        assert top_tokens(trained, drawn(WIDTH), k, norm=norm) == got[:k]
    assert any(token.startswith(" ") for token in got)


@pytest.mark.parametrize("norm", NORMS)
def test_a_batch_is_its_vectors(trained: TransformerBridge, norm: Norm) -> None:
    batch = drawn(2, 3, WIDTH)
    got = token_logits(trained, batch, norm=norm)
    assert got.shape == (2, 3, N_TOKENS)
    for i in range(2):
        for j in range(3):
            torch.testing.assert_close(got[i, j], token_logits(trained, batch[i, j], norm=norm))
    assert torch.equal(batch, drawn(2, 3, WIDTH))
    assert not got.requires_grad


def test_an_unembedding_row_is_likeliest_for_its_own_direction(
    folders: dict[str, Path],
) -> None:
    """With one token's row far along a vector, that token comes first; against it, last."""
    for family in ("gpt2", "llama", "gpt_neox"):
        model = load_model(folders[family])
        plain: Any = plain_model(model)
        head = plain.lm_head if hasattr(plain, "lm_head") else plain.embed_out
        v = drawn(WIDTH) - drawn(WIDTH).mean()
        with torch.no_grad():
            head.weight[70] = 50 * v
        for norm in NORMS:
            assert int(token_logits(model, v, norm=norm).argmax()) == 70
            assert int(token_logits(model, -v, norm=norm).argmin()) == 70
        assert top_tokens(model, v, 1) == [model.tokenizer.decode([70])]


def test_steering_does_not_reach_the_lens(gpt2: TransformerBridge) -> None:
    v = drawn(WIDTH)
    for norm in NORMS:
        before = token_logits(gpt2, v, norm=norm)
        for layer in range(gpt2.cfg.n_layers + 1):
            with steer(gpt2, drawn(WIDTH, seed=1), layer=layer, coefficient=9.0):
                assert torch.equal(token_logits(gpt2, v, norm=norm), before)


def not_finite(value: float) -> Tensor:
    v = drawn(WIDTH)
    v[2] = value
    return v


@pytest.mark.parametrize("look", [token_logits, top_tokens])
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"vector": torch.ones(WIDTH + 1)}, rf"vector: got shape \({WIDTH + 1},\); .* {WIDTH}, "),
        ({"vector": torch.ones(1)}, rf"vector: got shape \(1,\); .* {WIDTH}, "),
        ({"vector": not_finite(torch.nan)}, "vector: got numbers that are not finite"),
        ({"vector": not_finite(-torch.inf)}, "vector: got numbers that are not finite"),
        ({"norm": "folded"}, ".*norm"),
        ({"norm": None}, ".*norm"),
    ],
)
def test_what_is_no_vector_of_the_model_is_refused(
    gpt2: TransformerBridge, look: Callable[..., Any], changed: dict[str, Any], says: str
) -> None:
    given: dict[str, Any] = {"vector": drawn(WIDTH)} | changed
    with pytest.raises(REFUSED, match=re.compile(f"^{says}", re.DOTALL)):
        look(gpt2, **given)


def test_one_vector_and_a_number_of_tokens_there_are(gpt2: TransformerBridge) -> None:
    for k in (0, -1, N_TOKENS + 1):
        with pytest.raises(ValueError, match=rf"^k: got {k}; 1 to {N_TOKENS}, the vocabulary"):
            top_tokens(gpt2, drawn(WIDTH), k)
    for shape in ((2, WIDTH), (1, WIDTH)):
        with pytest.raises(REFUSED, match="vector"):
            top_tokens(gpt2, drawn(*shape))

"""Losses with a reconstruction in the residual stream, on a tiny model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.language_setting import shifted
from steering_core.sparse_autoencoders.loss_recovered import Spliced, spliced_losses

from ..language_model.conftest import (
    LAYERS,
    TEXTS,
    WIDTH,
    folder,
    folders,
    gpt2,
    model,
    offline,
    tokenizer,
)

__all__ = ["folder", "folders", "gpt2", "model", "offline", "tokenizer"]


@pytest.fixture(scope="module")
def autoencoders() -> Autoencoders:
    x = torch.randn(200, WIDTH, generator=torch.Generator().manual_seed(0))
    return train_autoencoders(
        x, "topk", n_latents=8, penalties=(2.0, 8.0), recipe=Recipe(steps=3), batch_size=16
    )


def identity() -> Autoencoders:
    """Two latents a dimension, one for each sign: what comes in goes out."""
    x = torch.randn(100, WIDTH, generator=torch.Generator().manual_seed(0))
    recipe = Recipe(steps=1, normalise="none", learning_rate=0.0)
    trained = train_autoencoders(x, "relu", n_latents=2 * WIDTH, penalties=(0.0,), recipe=recipe)
    eye = torch.cat([torch.eye(WIDTH), -torch.eye(WIDTH)])[None]
    zeros = {name: torch.zeros_like(p) for name, p in trained.parameters.items()}
    return replace(trained, parameters=zeros | {"w_enc": eye.mT.contiguous(), "w_dec": eye})


def by_hand(model: TransformerBridge, layer: int, edit: object) -> float:
    """With TransformerLens hooks, text by text."""
    total, count = 0.0, 0
    for text in TEXTS:
        begin = [model.tokenizer.bos_token_id]
        row = model.tokenizer(text, add_special_tokens=False)["input_ids"]
        tokens = torch.tensor([begin + row])

        def hook(x: Tensor, **_: object) -> Tensor:
            return torch.cat([x[:, :1], edit(x[:, 1:])], dim=1)  # type: ignore[operator]

        name = f"blocks.{layer}.hook_in"
        with torch.no_grad():
            logits = model.run_with_hooks(tokens, fwd_hooks=[(name, hook)])
        log_p = logits[0, :-1].log_softmax(-1)
        total -= float(log_p.gather(1, tokens[0, 1:, None]).sum())
        count += tokens.shape[1] - 1
    return total / count


@pytest.mark.parametrize("layer", range(LAYERS))
def test_losses_are_those_of_hooks(
    gpt2: TransformerBridge, autoencoders: Autoencoders, layer: int
) -> None:
    mean = torch.arange(float(WIDTH)) / WIDTH
    found = spliced_losses(gpt2, TEXTS, autoencoders, layer=layer, mean=mean)
    edits = {
        "own": lambda x: x,
        "zero": torch.zeros_like,
        "mean": lambda x: mean.expand_as(x),
        0: lambda x: autoencoders.pick(0)(x[0]),
        1: lambda x: autoencoders.pick(1)(x[0]),
    }
    losses = {name: by_hand(gpt2, layer, edit) for name, edit in edits.items()}
    assert found.own == pytest.approx(losses["own"], abs=1e-4)
    assert found.zero == pytest.approx(losses["zero"], abs=1e-4)
    assert found.mean == pytest.approx(losses["mean"], abs=1e-4)
    assert found.reconstructed == pytest.approx([losses[0], losses[1]], abs=1e-4)


def test_a_perfect_autoencoder_loses_nothing(gpt2: TransformerBridge) -> None:
    found = spliced_losses(gpt2, TEXTS, identity(), layer=1, mean=torch.zeros(WIDTH))
    assert found.reconstructed[0] == pytest.approx(found.own, abs=1e-5)
    assert found.recovered()[0] == pytest.approx(1, abs=1e-3)


def test_a_shift_of_the_inputs_is_one_of_the_bias() -> None:
    mean = torch.linspace(-2, 2, WIDTH)
    x = torch.randn(50, WIDTH, generator=torch.Generator().manual_seed(1))
    for architecture in ("relu", "jumprelu", "gated", "prolu_relu", "topk"):
        trained = train_autoencoders(
            x, architecture, n_latents=8, penalties=(2.0,), recipe=Recipe(steps=5), batch_size=16
        )
        there = shifted(trained, mean)
        torch.testing.assert_close(there.encode(x + mean), trained.encode(x), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(there(x + mean), trained(x) + mean, atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError, match="mean: got shape"):
        shifted(trained, mean[:3])


def test_what_is_recovered_is_a_share() -> None:
    losses = Spliced(own=2.0, zero=6.0, mean=4.0, reconstructed=[2.0, 3.0, 6.0])
    assert losses.recovered() == pytest.approx([1, 0.75, 0])
    assert losses.recovered(over="mean") == pytest.approx([1, 0.5, -1])


def test_bad_input_is_refused(gpt2: TransformerBridge, autoencoders: Autoencoders) -> None:
    mean = torch.zeros(WIDTH)
    for layer in (-1, LAYERS):
        with pytest.raises(ValueError, match=f"layer: got {layer}"):
            spliced_losses(gpt2, TEXTS, autoencoders, layer=layer, mean=mean)
    with pytest.raises(ValueError, match="autoencoders, mean: got widths"):
        spliced_losses(gpt2, TEXTS, autoencoders, layer=1, mean=mean[1:])
    with pytest.raises(ValueError, match="texts: got none"):
        spliced_losses(gpt2, [], autoencoders, layer=1, mean=mean)

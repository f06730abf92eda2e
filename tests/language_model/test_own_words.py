"""Text of a model's own making: drawn from the model, and kept safe."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import own_words as module
from steering_core.language_model.load import SECOND, SHIPPED, load_model
from steering_core.language_model.own_words import (
    FILE,
    WINDOWS,
    activations_of,
    own_words,
    write_own_words,
)
from steering_core.language_model.residual import visit_residuals

from .conftest import CONTEXT, LAYERS, N_TOKENS, TEXTS, WIDTH


def test_windows_begin_a_text_and_fill_the_context(gpt2: TransformerBridge) -> None:
    tokens = write_own_words(gpt2, 7, seed=0)
    assert tokens.shape == (7, CONTEXT)
    assert (tokens[:, 0] == gpt2.tokenizer.bos_token_id).all()
    assert ((tokens >= 0) & (tokens < N_TOKENS)).all()
    assert len({tuple(row) for row in tokens.tolist()}) == 7


def test_a_seed_gives_the_same_and_leaves_the_global_generator(gpt2: TransformerBridge) -> None:
    before = torch.get_rng_state()
    first, again = (write_own_words(gpt2, 2, seed=3) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, write_own_words(gpt2, 2, seed=4))
    assert torch.equal(torch.get_rng_state(), before)


def test_tokens_are_drawn_as_the_model_says(gpt2: TransformerBridge) -> None:
    """The first drawn token has the distribution that the model gives behind the beginning."""
    begin = torch.tensor([[gpt2.tokenizer.bos_token_id]])
    with torch.no_grad():
        p = gpt2(begin)[0, -1].softmax(-1).double()
    drawn = write_own_words(gpt2, 400, seed=1)[:, 1]
    likely = p.topk(20).indices
    share = float(torch.isin(drawn, likely).double().mean())
    expected = float(p[likely].sum())
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 400) ** 0.5


def test_activations_are_those_that_visitors_see(gpt2: TransformerBridge) -> None:
    text = [TEXTS[0]]
    tokens = torch.tensor(gpt2.tokenizer(text, add_special_tokens=False)["input_ids"])
    seen = {}
    visit_residuals(gpt2, text, lambda k, x, _: seen.__setitem__(k, x.clone()))
    for layer in range(LAYERS):
        found = activations_of(gpt2, tokens, layer)
        assert found.shape == (1, tokens.shape[1], WIDTH)
        torch.testing.assert_close(found, seen[layer], rtol=1e-4, atol=1e-5)


def test_the_last_output_is_refused(gpt2: TransformerBridge) -> None:
    for layer in (LAYERS, -1):
        with pytest.raises(ValueError, match=f"layer: got {layer}"):
            activations_of(gpt2, torch.zeros(1, 2, dtype=torch.long), layer)


def test_bad_input_is_refused(gpt2: TransformerBridge, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="n_windows: got 0"):
        write_own_words(gpt2, 0, seed=0)
    with pytest.raises(ValueError, match="has no own_words"):
        own_words(tmp_path)


@pytest.mark.parametrize("folder", [SHIPPED, SECOND], ids=["first", "second"])
def test_the_shipped_words_are_whole_and_of_their_model(folder: Path) -> None:
    tokens = own_words(folder)
    model = load_model(folder)
    assert tokens.shape == (WINDOWS, model.cfg.n_ctx)
    assert (tokens[:, 0] == model.tokenizer.bos_token_id).all()
    with torch.no_grad():
        part = tokens[:8]
        logits = model(part)[:, :-1].log_softmax(-1)
        own = logits.gather(2, part[:, 1:, None]).mean()
        entropy = -(logits.exp() * logits).sum(-1).mean()
    # Of text that a model draws itself the mean surprise is its entropy.
    assert float(-own) == pytest.approx(float(entropy), abs=0.15)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "copy"))
    stored = load_file(folder / FILE)
    stored["tokens"][0, 1] += 1
    save_file(stored, folder / FILE)
    with pytest.raises(ValueError, match=r"own_words\.safetensors: the file is damaged"):
        own_words(folder)


def test_the_command_writes_words_and_their_checksum(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    monkeypatch.setattr(module, "AT_ONCE", 2)
    module.main([str(copy), "--windows", "3", "--seed", "5"])
    expected = write_own_words(load_model(copy), 3, seed=5)
    assert torch.equal(own_words(copy), expected)
    assert FILE in json.loads((copy / "checksums.json").read_text())

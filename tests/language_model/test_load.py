"""Loading: what is loaded computes what transformers computes, and a broken model is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoModelForCausalLM, AutoTokenizer

from steering_core.language_model import load_model, residual_mean
from steering_core.language_model.load import (
    CHECKSUMS,
    ENVIRONMENT_VARIABLE,
    SHIPPED,
    as_bridge,
    plain_model,
)
from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import token_batches

from . import naive
from .conftest import CONTEXT, HEADS, LAYERS, N_TOKENS, TEXTS, WIDTH

WEIGHTS = "model.safetensors"


@pytest.fixture
def altered(tmp_path: Path, folders: dict[str, Path]) -> Path:
    """A copy of a good folder, to break."""
    return Path(shutil.copytree(folders["gpt2"], tmp_path / "altered"))


def assert_same_logits(folder: Path, model: TransformerBridge, texts: list[str]) -> None:
    usual = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        for text in texts:
            row = naive.tokens(model, text)
            torch.testing.assert_close(model(row), usual(row).logits, rtol=0, atol=1e-4)


def test_logits_are_those_of_transformers(folder: Path, model: TransformerBridge) -> None:
    assert_same_logits(folder, model, TEXTS)


def test_the_shape_is_told_as_the_folder_has_it(model: TransformerBridge) -> None:
    config = model.cfg
    assert (config.n_layers, config.d_model, config.n_heads) == (LAYERS, WIDTH, HEADS)
    assert (config.n_ctx, config.d_vocab) == (CONTEXT, N_TOKENS)
    assert not any(module.training for module in model.modules())


@pytest.mark.skipif(not (SHIPPED / WEIGHTS).is_file(), reason="the package has no weights yet")
def test_the_shipped_model_is_what_no_name_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    model = load_model()
    assert_same_logits(SHIPPED, model, TEXTS)
    row = naive.tokens(model, TEXTS[0])
    with torch.no_grad():
        torch.testing.assert_close(plain_model(model)(row).logits, model(row), rtol=0, atol=1e-4)
    assert WEIGHTS in json.loads((SHIPPED / CHECKSUMS).read_text("utf-8"))


def test_batches_of_unequal_length_equal_one_text_at_a_time(model: TransformerBridge) -> None:
    seen = []
    for batch in token_batches(model, TEXTS, batch_tokens=150):
        with torch.no_grad():
            logits = model(batch.tokens)
        for row, text in enumerate(batch.text.tolist()):
            alone = naive.tokens(model, TEXTS[text])
            assert torch.equal(batch.tokens[row][batch.real[row]], alone[0])
            with torch.no_grad():
                expected = model(alone)[0]
            got = logits[row, : alone.shape[1]]
            torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)
            seen.append(text)
        if len(batch.text) > 1:
            assert batch.tokens.numel() <= 150
        assert not batch.real[:, 1:][~batch.real[:, :-1]].any()  # the padding is on the right
    assert sorted(seen) == list(range(len(TEXTS)))


def test_the_environment_names_the_default(
    folder: Path, model: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(folder))
    row = naive.tokens(model, TEXTS[0])
    with torch.no_grad():
        assert torch.equal(load_model()(row), model(row))


def test_a_name_wins_over_the_environment(
    folders: dict[str, Path], gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(folders["llama"]))
    row = naive.tokens(gpt2, TEXTS[0])
    with torch.no_grad():
        assert torch.equal(load_model(str(folders["gpt2"]))(row), gpt2(row))


def test_a_folder_whose_checksums_hold_is_loaded(altered: Path) -> None:
    write_checksums(altered)
    assert load_model(altered).cfg.n_layers == LAYERS


def test_a_model_in_training_is_taken_over_in_evaluation(
    folder: Path, model: TransformerBridge
) -> None:
    usual = AutoModelForCausalLM.from_pretrained(folder).train()
    bridge = as_bridge(usual, AutoTokenizer.from_pretrained(folder))
    row = naive.tokens(model, TEXTS[0])
    with torch.no_grad():
        assert torch.equal(bridge(row), model(row))


def test_the_global_generator_is_left_alone(folder: Path) -> None:
    before = torch.get_rng_state()
    model = load_model(folder)
    assert torch.equal(torch.get_rng_state(), before)
    residual_mean(model, TEXTS)
    assert torch.equal(torch.get_rng_state(), before)


# The plain model


def test_the_plain_model_is_the_bridge_without_hooks(model: TransformerBridge) -> None:
    plain = plain_model(model)
    for text in TEXTS:
        row = naive.tokens(model, text)
        expected = naive.residuals(model, row).float()
        with torch.no_grad():
            torch.testing.assert_close(plain(row).logits, model(row), rtol=0, atol=1e-4)
            between = plain(row, output_hidden_states=True).hidden_states[:-1]  # the last is normed
        torch.testing.assert_close(torch.cat(between), expected[:-1], rtol=1e-5, atol=1e-5)
        visited = []
        visit_residuals(model, [text], lambda _, x, __, to=visited: to.append(x.clone()))
        torch.testing.assert_close(torch.cat(visited), expected, rtol=1e-5, atol=1e-5)


def test_the_plain_model_shares_every_weight(folder: Path) -> None:
    model = load_model(folder)
    plain = plain_model(model)
    theirs = {tensor.data_ptr() for tensor in model.original_model.parameters()}
    ours = dict(plain.named_parameters())
    assert {tensor.data_ptr() for tensor in ours.values()} <= theirs
    assert set(ours) == set(dict(AutoModelForCausalLM.from_pretrained(folder).named_parameters()))
    row = naive.tokens(model, TEXTS[0])
    with torch.no_grad():
        before = model(row)
        naive.embedding(plain).mul_(2)
        assert (model(row) - before).abs().max() > 0.1
        torch.testing.assert_close(model(row), plain(row).logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("fold", ["enable_compatibility_mode", "process_weights"])
def test_a_folded_bridge_is_refused(folder: Path, fold: str) -> None:
    model = load_model(folder)
    getattr(model, fold)()
    with pytest.raises(ValueError, match=r"^model: got a bridge in compat.*load_model gives it"):
        plain_model(model)
    with pytest.raises(ValueError, match=r"^model: got a bridge in compat.*load_model gives it"):
        residual_mean(model, TEXTS)


# What is refused


def write_checksums(folder: Path) -> dict[str, str]:
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }
    (folder / CHECKSUMS).write_text(json.dumps(sums), "utf-8")
    return sums


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
@pytest.mark.parametrize("damage", [cut, flip])
def test_a_file_that_differs_from_its_checksum(
    altered: Path, damage: Callable[[Path], None], name: str
) -> None:
    path = altered / name
    expected = write_checksums(altered)[name]
    damage(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="the file is damaged or altered") as refused:
        load_model(altered)
    assert str(refused.value).startswith(f"{path}: ")
    assert str(refused.value).endswith(f"its SHA-256 is {found}, expected {expected}")


def test_a_shard_that_is_missing_has_its_checksum_named(altered: Path) -> None:
    sums = write_checksums(altered) | {"model-00002-of-00002.safetensors": "0123abcd"}
    (altered / CHECKSUMS).write_text(json.dumps(sums), "utf-8")
    with pytest.raises(ValueError, match=r"00002\.safetensors: missing; its SHA-256 .* 0123abcd"):
        load_model(altered)


@pytest.mark.parametrize("kept", [0, 4, 1000, -1])
def test_weights_cut_short_are_refused_without_checksums(altered: Path, kept: int) -> None:
    path = altered / WEIGHTS
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"no whole safetensors file") as refused:
        load_model(altered)
    assert str(refused.value).startswith(f"{path}: ")


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


def change_config(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        (folder / "config.json").write_text(json.dumps(config | changed), "utf-8")

    return change


def drop_a_weight(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["transformer.h.1.mlp.c_fc.weight"]
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", "utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (drop("tokenizer.json"), r"has no tokenizer \(tokenizer\.json\); save it there first"),
        (drop("config.json"), r"has no config\.json; a folder in Hugging Face's layout has"),
        (drop(WEIGHTS), r"has no \.safetensors weights; save_pretrained writes them"),
        (pickle_weights, r"has no \.safetensors weights; .*pickled weights are not loaded"),
        (drop_a_weight, r"weights lack transformer\.h\.1\.mlp\.c_fc\.weight \(1 lacking in all\)"),
        (change_config(n_layer=4), r"weights lack transformer\.h\.3\..* \(12 lacking in all\)"),
        (change_config(n_embd=64), r"cannot read as a causal language model; allowed are a folder"),
        (change_config(model_type="vit"), r"cannot read as a causal language model; allowed are"),
        (change_config(model_type="none"), r"cannot read as a causal language model; allowed are"),
        (spoil_config, r"cannot read as a causal language model; .*not a valid JSON"),
    ],
)
def test_a_folder_that_is_no_whole_model(
    altered: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(altered)
    with pytest.raises(ValueError, match=message) as refused:
        load_model(altered)
    assert str(refused.value).startswith("name: ")
    assert str(altered) in str(refused.value)


@pytest.mark.parametrize("name", ["nobody/has-this-model", "no-such-folder", "a/b/c", "no such?"])
def test_a_name_that_is_not_at_hand(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        pytest.fail("the network was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ValueError, match=r"is no folder, and no model of that name") as refused:
        load_model(name)
    message = str(refused.value)
    assert message.startswith(f"name: got {name!r}")
    assert "allowed are a folder with config.json, tokenizer and .safetensors" in message
    assert "or None for the shipped model" in message

"""Trained autoencoders work in the units of the activations; their files are whole or refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from steering_core.sparse_autoencoders import (
    ARCHITECTURES,
    Autoencoders,
    Recipe,
    load_autoencoders,
    save_autoencoders,
)

MODELS, WIDTH, LATENTS = 3, 4, 6
TENSORS, WORDS = "autoencoders.safetensors", "autoencoders.json"
RECIPE = Recipe(steps=7, betas=(0.8, 0.9), resample_at=(0.5,), re_warm=3, normalise="std")
FIELDS = ("penalties", "seeds", "scale", "losses", "silent", "redrawn")


def made(name: str = "relu", seed: int = 0) -> Autoencoders:
    """As though trained."""
    chance = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance)

    parameters = {
        "w_enc": some(MODELS, WIDTH, LATENTS),
        "b_enc": some(MODELS, LATENTS),
        "w_dec": some(MODELS, LATENTS, WIDTH),
        "b_dec": some(MODELS, WIDTH),
    }
    parameters |= {one: some(MODELS, LATENTS) for one in ARCHITECTURES[name].extra(1, RECIPE)}
    if name == "batch_topk":
        parameters["threshold"] = torch.tensor([0.1, 0.5, 1.0])
    return Autoencoders(
        name,
        parameters,
        torch.tensor([1.0, 2.0, 3.0]),
        torch.tensor([5, 0, 7]),
        torch.tensor([0.5, 1.0, 2.0, 10.0]),
        RECIPE,
        some(2, MODELS),
        torch.arange(MODELS * LATENTS, dtype=torch.int32).reshape(MODELS, LATENTS),
        torch.tensor([0, 4, 1]),
        12.5,
    )


def inputs(n: int = 5) -> torch.Tensor:
    return torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(9))


def assert_equal(one: Autoencoders, other: Autoencoders) -> None:
    assert one.architecture == other.architecture
    assert one.recipe == other.recipe
    assert one.seconds == other.seconds
    assert one.parameters.keys() == other.parameters.keys()
    pairs = [(p, other.parameters[name]) for name, p in one.parameters.items()]
    pairs += [(getattr(one, name), getattr(other, name)) for name in FIELDS]
    for mine, its in pairs:
        assert mine.dtype == its.dtype
        torch.testing.assert_close(mine, its, rtol=0, atol=0, equal_nan=True)


def test_the_normalisation_lies_inside() -> None:
    it, x = made(), inputs()
    p = {name: value.double().numpy() for name, value in it.parameters.items()}
    scale, by_hand = it.scale.double().numpy(), x.double().numpy()
    m, latents, outputs = it.pre_activations(x), it.encode(x), it(x)
    assert m.shape == latents.shape == (MODELS, 5, LATENTS)
    assert outputs.shape == (MODELS, 5, WIDTH)
    for model in range(MODELS):
        its_m = (by_hand * scale - p["b_dec"][model]) @ p["w_enc"][model]
        its = np.maximum(its_m + p["b_enc"][model], 0)
        out = (its @ p["w_dec"][model] + p["b_dec"][model]) / scale
        np.testing.assert_allclose(m[model], its_m, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(latents[model], its, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(outputs[model], out, rtol=1e-4, atol=1e-4)
    assert torch.equal(outputs, it.decode(latents))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_inputs_do_not_know_of_each_other(name: str) -> None:
    it, x = made(name), inputs()
    for i in range(5):
        torch.testing.assert_close(it.encode(x[[i]])[:, 0], it.encode(x)[:, i])
        torch.testing.assert_close(it(x[[i]])[:, 0], it(x)[:, i])


def test_no_gradient_is_kept_and_nothing_is_changed() -> None:
    it = made()
    x = inputs().requires_grad_()
    before = x.detach().clone()
    assert not it(x).requires_grad
    assert not it.pre_activations(x).requires_grad
    assert torch.equal(x.detach(), before)
    assert_equal(it, made())


@pytest.mark.parametrize("call", ["pre_activations", "encode", "__call__"])
def test_bad_activations_are_named(call: str) -> None:
    reads = getattr(made(), call)
    with pytest.raises(
        ValueError, match=r"^activations: got shape \(5, 3\); allowed is \(inputs, 4"
    ):
        reads(torch.ones(5, 3))
    x = torch.ones(5, WIDTH)
    x[3, 1] = float("nan")
    with pytest.raises(ValueError, match=r"^activations: got a number that is not finite in row 3"):
        reads(x)


@pytest.mark.parametrize("places", [(0,), (2, 0), (1, 1), (-1,)])
def test_some_can_be_picked(places: tuple[int, ...]) -> None:
    for name in ("gated", "batch_topk", "topk"):
        whole, x = made(name), inputs()
        some = whole.pick(*places)
        chosen = list(places)
        assert len(some) == len(places)
        assert torch.equal(some.penalties, whole.penalties[chosen])
        assert torch.equal(some.seeds, whole.seeds[chosen])
        assert torch.equal(some.losses, whole.losses[:, chosen])
        assert torch.equal(some.silent, whole.silent[chosen])
        assert torch.equal(some.redrawn, whole.redrawn[chosen])
        assert torch.equal(some.scale, whole.scale)
        torch.testing.assert_close(some.encode(x), whole.encode(x)[chosen])
        torch.testing.assert_close(some(x), whole(x)[chosen])
    assert_equal(whole, made("topk"))


def test_they_know_their_sizes_and_who_diverged() -> None:
    it = made()
    assert (len(it), it.width, it.n_latents) == (MODELS, WIDTH, LATENTS)
    assert it.diverged == [False] * MODELS
    parameters = {name: p.clone() for name, p in it.parameters.items()}
    for p in parameters.values():
        p[1] = float("nan")
    broken = replace(it, parameters=parameters)
    assert broken.diverged == [False, True, False]
    assert broken.pick(1, 2).diverged == [True, False]
    x = inputs()
    torch.testing.assert_close(broken(x)[0], it(x)[0])
    assert broken(x)[1].isnan().all()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_is_written_is_what_is_read(name: str, tmp_path: Path) -> None:
    it, x = made(name), inputs()
    save_autoencoders(it, tmp_path / "new" / "folder")
    again = load_autoencoders(str(tmp_path / "new" / "folder"))
    assert_equal(it, again)
    assert torch.equal(again(x), it(x))
    assert torch.equal(again.encode(x), it.encode(x))


def test_one_that_was_picked_or_diverged_is_written_too(tmp_path: Path) -> None:
    it = made("gated")
    it.parameters["w_enc"][0] = float("nan")
    for some in (it, it.pick(2, 0)):
        save_autoencoders(some, tmp_path)
        assert_equal(load_autoencoders(tmp_path), some)
    default = replace(it, recipe=Recipe())
    save_autoencoders(default, tmp_path)
    assert load_autoencoders(tmp_path).recipe == Recipe()


def test_files_are_the_two_alone(tmp_path: Path) -> None:
    for seed in (0, 1):
        save_autoencoders(made(seed=seed), tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == [WORDS, TENSORS]
    assert_equal(load_autoencoders(tmp_path), made(seed=1))


@pytest.mark.parametrize("fails_at", [1, 2])
def test_what_fails_midway_leaves_nothing_half(
    fails_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_autoencoders(made(), tmp_path)
    right, done = os.replace, []

    def failing(*paths: Any) -> None:
        done.append(paths)
        if len(done) == fails_at:
            raise OSError("the disk is full")
        right(*paths)

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", failing)
        with pytest.raises(OSError, match="full"):
            save_autoencoders(made(seed=1), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [WORDS, TENSORS]
    if fails_at == 1:
        assert_equal(load_autoencoders(tmp_path), made())
    else:  # the one is new and the other old, which is seen
        with pytest.raises(ValueError, match="is damaged"):
            load_autoencoders(tmp_path)


@pytest.mark.parametrize("gone", [TENSORS, WORDS])
def test_a_file_that_is_missing_is_named(gone: str, tmp_path: Path) -> None:
    save_autoencoders(made(), tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(ValueError, match="without") as refused:
        load_autoencoders(tmp_path)
    expected = f"folder: got {str(tmp_path)!r} without {gone}; both are needed"
    assert str(refused.value) == expected
    with pytest.raises(ValueError, match=r"folder: got .* without autoencoders"):
        load_autoencoders(tmp_path / "nowhere")


def test_every_part_of_the_tensors_that_is_damaged_is_seen(tmp_path: Path) -> None:
    save_autoencoders(made("gated"), tmp_path)
    path = tmp_path / TENSORS
    whole = path.read_bytes()
    for place in (0, 9, 40, len(whole) // 2, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 0x15
        path.write_bytes(bytes(changed))
        with pytest.raises(ValueError, match="is damaged") as refused:
            load_autoencoders(tmp_path)
        assert str(tmp_path) in str(refused.value)
    for size in (0, 5, 100, len(whole) - 4):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is damaged"):
            load_autoencoders(tmp_path)
    path.write_bytes(whole)
    assert_equal(load_autoencoders(tmp_path), made("gated"))


def test_tensors_of_others_are_seen(tmp_path: Path) -> None:
    save_autoencoders(made(), tmp_path / "one")
    save_autoencoders(made(seed=1), tmp_path / "other")
    (tmp_path / "one" / TENSORS).write_bytes((tmp_path / "other" / TENSORS).read_bytes())
    with pytest.raises(ValueError, match="is damaged"):
        load_autoencoders(tmp_path / "one")


@pytest.mark.parametrize("text", ["", "{", "no words", "\udcff", "{}", "null", "[]", '"words"'])
def test_words_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    save_autoencoders(made(), tmp_path)
    (tmp_path / WORDS).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match="damaged") as refused:
        load_autoencoders(tmp_path)
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize("name", ["architecture", "recipe", "seconds", "sha256"])
def test_words_of_which_some_are_missing_are_refused(name: str, tmp_path: Path) -> None:
    save_autoencoders(made(), tmp_path)
    path = tmp_path / WORDS
    words = json.loads(path.read_text())
    del words[name]
    path.write_text(json.dumps(words))
    with pytest.raises(ValueError, match=r"damaged|recipe|architecture|seconds"):
        load_autoencoders(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("architecture", "tanh", "is damaged"),
        ("sha256", "0" * 64, "is damaged"),
        ("recipe", {"steps": 0}, "is damaged"),
        ("recipe", {"no such": 1}, r"damaged|recipe"),
    ],
)
def test_words_that_were_changed_are_refused(
    name: str, value: Any, message: str, tmp_path: Path
) -> None:
    save_autoencoders(made(), tmp_path)
    path = tmp_path / WORDS
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(ValueError, match=message):
        load_autoencoders(tmp_path)

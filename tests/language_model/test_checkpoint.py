"""A checkpoint gives the run back exactly, or says that it is damaged."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from steering_core.language_model import checkpoint
from steering_core.language_model.checkpoint import load_checkpoint, read_tensors, save_checkpoint

NOTES = {"step": "3", "recipe": '{"width": 6}'}


class Toy(nn.Module):
    """Two matrices and a bias; the first matrix has two names, as in a language model."""

    def __init__(self, width: int = 6, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embed = nn.Parameter(torch.randn(4, width, generator=generator))
        self.matrix = nn.Parameter(torch.randn(width, width, generator=generator))
        self.bias = nn.Parameter(torch.randn(width, generator=generator))
        self.head = self.embed

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(x @ self.embed @ self.matrix + self.bias)
        return hidden @ self.head.T


def optimizers_of(model: Toy) -> dict[str, Optimizer]:
    return {
        "muon": Muon([model.matrix], lr=0.02),
        "adamw": AdamW([model.embed, model.bias], lr=0.01),
    }


def train(model: Toy, optimizers: Mapping[str, Optimizer], steps: int, seed: int = 0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        model(torch.randn(5, 4, generator=generator)).square().mean().backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad()


def assert_same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert sorted(one) == sorted(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Toy, dict[str, Optimizer]]:
    """A run of three steps, and where it was saved."""
    model = Toy()
    optimizers = optimizers_of(model)
    train(model, optimizers, 3)
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, model, optimizers, NOTES)
    return path, model, optimizers


Saved = tuple[Path, Toy, dict[str, Optimizer]]


def test_weights_and_states_come_back_exactly(saved: Saved) -> None:
    path, model, optimizers = saved
    other = Toy(seed=1)
    theirs = optimizers_of(other)
    assert load_checkpoint(path, other, theirs) == NOTES
    assert_same(model.state_dict(), other.state_dict())
    assert other.head is other.embed
    for which, optimizer in optimizers.items():
        mine, other_states = optimizer.state_dict()["state"], theirs[which].state_dict()["state"]
        assert list(mine) == list(other_states)
        for index, state in mine.items():
            assert_same(state, other_states[index])
    train(model, optimizers, 4, seed=2)
    train(other, theirs, 4, seed=2)
    assert_same(model.state_dict(), other.state_dict())


def test_the_rates_stay_those_of_the_new_optimizers(saved: Saved) -> None:
    path, *_ = saved
    model = Toy()
    optimizers = optimizers_of(model)
    for group in optimizers["muon"].param_groups:
        group["lr"] = 0.5
    load_checkpoint(path, model, optimizers)
    assert optimizers["muon"].param_groups[0]["lr"] == 0.5


def test_a_checkpoint_before_the_first_step(tmp_path: Path) -> None:
    model, other = Toy(), Toy(seed=1)
    save_checkpoint(tmp_path / "c.safetensors", model, optimizers_of(model), {})
    assert load_checkpoint(tmp_path / "c.safetensors", other, optimizers_of(other)) == {}
    assert_same(model.state_dict(), other.state_dict())


@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, -1])
def test_a_truncated_file_is_refused_by_name(saved: Saved, kept: float) -> None:
    path, *_ = saved
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if 0 < kept < 1 else int(kept)])
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors: the checkpoint is damaged"):
        read_tensors(path)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 1.0])
def test_an_altered_file_is_refused_by_name(saved: Saved, place: float) -> None:
    path, *_ = saved
    content = bytearray(path.read_bytes())
    first = 8 + int.from_bytes(content[:8], "little")  # of the tensors, after the header
    content[first + int(place * (len(content) - 1 - first))] ^= 1
    path.write_bytes(content)
    model = Toy(seed=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors: .*damaged \(digest .*delete"):
        load_checkpoint(path, model, optimizers_of(model))
    assert_same(model.state_dict(), before)


def test_a_header_that_is_none_and_a_file_of_others_are_refused(saved: Saved) -> None:
    path, *_ = saved
    content = bytearray(path.read_bytes())
    content[8] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        read_tensors(path)
    save_file({"model/embed": torch.zeros(4, 6)}, path)
    with pytest.raises(ValueError, match="expected none"):
        read_tensors(path)


def test_another_model_is_refused(saved: Saved) -> None:
    path, *_ = saved
    model = Toy(width=7)
    with pytest.raises(ValueError, match=r"safetensors: .*another model; bias has shape \(6,\)"):
        load_checkpoint(path, model, optimizers_of(model))
    part = nn.ParameterDict({"embed": nn.Parameter(torch.zeros(4, 6))})
    with pytest.raises(ValueError, match=r"bias has shape \(6,\) there and None here"):
        load_checkpoint(path, part, {})


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_an_interrupted_write_leaves_the_old_file(
    saved: Saved, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path, model, optimizers = saved
    old = path.read_bytes()
    train(model, optimizers, 1)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.os, function, interrupt)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(path, model, optimizers, NOTES | {"step": "4"})
    assert path.read_bytes() == old
    assert read_tensors(path)[0] == NOTES
    save_checkpoint(path, model, optimizers, NOTES | {"step": "4"})
    assert read_tensors(path)[0]["step"] == "4"
    assert os.listdir(path.parent) == [path.name]


def test_no_pickle(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    path, model, optimizers = saved

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pickle is used")

    for name in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    for name in ("load", "save"):
        monkeypatch.setattr(torch, name, refuse)
    save_checkpoint(path, model, optimizers, NOTES)
    assert load_checkpoint(path, model, optimizers) == NOTES

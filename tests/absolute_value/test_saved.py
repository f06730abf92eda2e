"""Nets come back as they were saved, or not at all; and those that are shipped are good ones."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from steering_core.absolute_value import feature_errors, find_motifs, normalised_loss, saved
from steering_core.absolute_value.chosen import Net
from steering_core.absolute_value.density_claims import PAIRS
from steering_core.absolute_value.density_study import DENSITIES, IMPORTANCE
from steering_core.absolute_value.errors import dead_sides
from steering_core.absolute_value.instances import hand_made
from steering_core.absolute_value.saved import SHIPPED, load_net, save_net, train_shipped
from tests.absolute_value.by_hand import as_trained
from tests.absolute_value.planted import plant

NET = replace(hand_made(), density=0.1 + 0.2, seed=17)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of a saved net."""
    path = tmp_path / "nets" / "one.safetensors"
    save_net(NET, path)
    return path


def assert_same(one: Net, other: Net) -> None:
    assert (one.density, one.seed) == (other.density, other.seed)
    for ours, its in zip(one.weights, other.weights, strict=True):
        assert ours.dtype == its.dtype
        assert torch.equal(ours, its)


def test_a_net_comes_back_as_it_was(file: Path) -> None:
    assert_same(load_net(file), NET)
    assert_same(load_net(str(file)), NET)


def test_views_gradients_and_double_precision_come_back(tmp_path: Path) -> None:
    w_in = torch.arange(12.0).reshape(2, 3, 2)[1].double().requires_grad_()
    net = Net(
        0.5, 3, w_in, torch.ones(3, 2).double().mT.contiguous().mT.mT, torch.zeros(2).double()
    )
    save_net(net, tmp_path / "net")
    assert_same(load_net(tmp_path / "net"), replace(net, w_in=w_in.detach()))


def test_tied_weights_come_back(tmp_path: Path) -> None:
    same = torch.eye(3)
    save_net(Net(0.5, 0, same, same, torch.zeros(3)), tmp_path / "net")
    assert torch.equal(load_net(tmp_path / "net").w_out, same)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["w_in", "w_out", "bias"])
def test_numbers_that_are_not_finite_are_not_saved(file: Path, name: str, bad: float) -> None:
    before = file.read_bytes()
    with pytest.raises(ValueError, match=f"{name}: got {bad}"):
        save_net(replace(NET, **{name: torch.full_like(getattr(NET, name), bad)}), file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("at", ["before", "amid"])
def test_an_interrupted_write_leaves_the_old_file(
    file: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def interrupted(*args: Any) -> None:
        if at == "amid" and isinstance(args[1], bytes):
            write(args[0], args[1][:40])
        raise KeyboardInterrupt

    if at == "amid":
        monkeypatch.setattr(Path, "write_bytes", interrupted)
    else:
        monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_net(replace(NET, seed=99), file)
    assert_same(load_net(file), NET)
    assert list(file.parent.iterdir()) == [file]


def header_length(data: bytes) -> int:
    """Bytes before the tensors."""
    return 8 + int.from_bytes(data[:8], "little")


def damaged(file: Path, data: bytes) -> Path:
    path = file.with_name("damaged")
    path.write_bytes(data)
    return path


def test_a_flipped_byte_anywhere_in_the_tensors_is_noticed(file: Path) -> None:
    data = file.read_bytes()
    for place in range(header_length(data), len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1
        with pytest.raises(ValueError, match="is damaged: its tensors are not"):
            load_net(damaged(file, bytes(flipped)))


def test_a_flipped_byte_anywhere_in_the_header_is_noticed(file: Path) -> None:
    data = file.read_bytes()
    for place in range(header_length(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1
        with pytest.raises(ValueError, match=r"damaged|holds"):
            load_net(damaged(file, bytes(flipped)))


@pytest.mark.parametrize("left", [0, 3, 8, 60, -100, -1])
def test_a_cut_file_is_damaged(file: Path, left: int) -> None:
    with pytest.raises(ValueError, match="is damaged or not safetensors"):
        load_net(damaged(file, file.read_bytes()[:left]))


@pytest.mark.parametrize("text", [b"density,seed\n0.1,0\n", b"{}", b"hello, " * 1000])
def test_a_text_file_is_no_net(file: Path, text: bytes) -> None:
    with pytest.raises(ValueError, match="is damaged or not safetensors"):
        load_net(damaged(file, text))


TENSORS: dict[str, torch.Tensor] = dict(zip(("w_in", "w_out", "bias"), NET.weights, strict=True))
HEADER = {"density": "0.1", "seed": "0", "digest": "0" * 64}


@pytest.mark.parametrize(
    ("tensors", "header"),
    [
        ({"embedding": torch.ones(2)}, HEADER),
        ({}, HEADER),
        ({name: TENSORS[name] for name in ("w_in", "bias")}, HEADER),
        (TENSORS | {"more": torch.ones(1)}, HEADER),
        (TENSORS, None),
        (TENSORS, {"density": "0.1", "seed": "0"}),
    ],
    ids=["others", "none", "one lacks", "one more", "no header", "no digest"],
)
def test_a_file_of_something_else_is_no_net(tmp_path: Path, tensors: dict, header: Any) -> None:
    (tmp_path / "other").write_bytes(save(tensors, metadata=header))
    with pytest.raises(ValueError, match=r"holds .*; a net has"):
        load_net(tmp_path / "other")


def test_a_digest_of_other_tensors_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(save(TENSORS, metadata=HEADER))
    with pytest.raises(ValueError, match="is damaged: its tensors are not"):
        load_net(tmp_path / "other")


def test_a_file_whose_weights_make_no_net_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unchecked:
        unchecked.setattr(saved, "check_model", lambda *_: None)
        save_net(replace(NET, bias=torch.full((3,), float("nan"))), tmp_path / "net")
    with pytest.raises(ValueError, match="bias"):
        load_net(tmp_path / "net")


@pytest.mark.parametrize("name", ["density-0.2", "Motif", "nets/none.safetensors", "", "."])
def test_what_is_neither_a_name_nor_a_file_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=r"name: got .*; allowed are motif, density-1, .* a file"):
        load_net(name)


def test_what_is_shipped_is_a_motif_and_a_net_for_each_density() -> None:
    sparse = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
    expected = ["motif", "density-1", *(f"density-{density}" for density in sparse)]
    assert list(SHIPPED) == expected


def test_what_is_trained_is_what_is_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*, densities: tuple[float, ...], seeds: range, n_hidden: int, **_: Any) -> Any:
        model = plant(2, n=20, count=2 if n_hidden == 10 else 0)[0]
        return as_trained([[model] * len(seeds)] * len(densities), densities, seeds)

    monkeypatch.setattr(saved, "train_absolute_value", made)
    monkeypatch.setattr("steering_core.absolute_value.chosen.feature_errors", few_errors)
    nets = train_shipped(seeds=2)
    assert set(nets) == set(SHIPPED)
    assert nets["motif"].density == 0.2
    assert [nets[f"density-{density:g}"].density for density in DENSITIES] == list(DENSITIES)


def few_errors(*model: torch.Tensor, density: float, **_: Any) -> torch.Tensor:
    """On few inputs."""
    return feature_errors(*model, density=density, n_inputs=64)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_net_loads(name: str) -> None:
    net = load_net(name)
    assert net.w_in.shape == ((10, 20) if name == "motif" else (40, 100))
    assert all(tensor.dtype == torch.float32 for tensor in net.weights)
    if name != "motif":
        assert name == f"density-{net.density:g}"


@pytest.mark.parametrize("density", DENSITIES)
def test_every_shipped_net_is_as_good_as_the_claims_ask(density: float) -> None:
    net = load_net(f"density-{density:g}")
    loss = float(normalised_loss(feature_errors(*net.weights, density=density), IMPORTANCE))
    assert loss <= 1.02 * PAIRS if density >= 0.1 else loss < PAIRS
    assert not dead_sides(*net.weights)[:20].all(-1).any()


def test_the_shipped_motifs_are_two_and_causal() -> None:
    assert [motif.causal for motif in find_motifs(*load_net("motif").weights)] == [True, True]

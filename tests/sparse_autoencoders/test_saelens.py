"""What is written for SAELens, read back and put into the formulas that SAELens documents.

`make bench-peers` gives the same files to SAELens itself.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from steering_core.sparse_autoencoders import ARCHITECTURES, Autoencoders, Recipe, save_for_saelens

MODELS, WIDTH, LATENTS, INPUTS = 3, 5, 12, 40
K = (2.0, 3.0, 4.0)
CUTS = (0.1, 0.5, -1.0)  # the last: a batch in which all latents were among the largest
NAMES = {"model_name": "gpt2", "hook_name": "blocks.6.hook_resid_pre"}
THEIRS = {
    "relu": "standard",
    "relu_sqrt": "standard",
    "scsae": "jumprelu",
    "scsae_multiplied": "jumprelu",
    "prolu_relu": "jumprelu",
    "prolu_ste": "jumprelu",
    "prolu_l0": "jumprelu",
    "gated": "gated",
    "jumprelu": "jumprelu",
    "topk": "topk",
    "batch_topk": "jumprelu",
}
HELD = {
    "standard": {"b_enc"},
    "topk": {"b_enc"},
    "jumprelu": {"b_enc", "threshold"},
    "gated": {"b_gate", "b_mag", "r_mag"},
}


def made(name: str) -> Autoencoders:
    """As though trained: a scale for each coordinate, biases of both signs (SCSAE's: none above 0),
    and of the first model one latent whose bias is 0."""
    chance = torch.Generator().manual_seed(3)

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance)

    p = {
        "w_enc": some(MODELS, WIDTH, LATENTS),
        "b_enc": some(MODELS, LATENTS),
        "w_dec": some(MODELS, LATENTS, WIDTH),
        "b_dec": some(MODELS, WIDTH),
    }
    p |= {one: some(MODELS, LATENTS) for one in ARCHITECTURES[name].extra(1, Recipe())}
    p["b_enc"][0, 0] = 0.0
    if name.startswith("scsae"):
        p["b_enc"] = -p["b_enc"].abs()
    if name == "batch_topk":
        p["threshold"] = torch.tensor(CUTS)
    return Autoencoders(
        name,
        p,
        torch.tensor(K),
        torch.tensor([5, 0, 7]),
        torch.tensor([0.5, 1.0, 2.0, 10.0, 0.01]),
        Recipe(steps=7),
        some(2, MODELS),
        torch.zeros(MODELS, LATENTS, dtype=torch.int32),
        torch.zeros(MODELS, dtype=torch.long),
        1.0,
    )


def inputs(it: Autoencoders) -> torch.Tensor:
    """About as large as 1 once scaled."""
    return torch.randn(INPUTS, WIDTH, generator=torch.Generator().manual_seed(9)) / it.scale


def theirs(folder: Path, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Latents and reconstructions as SAELens has them, out of the two files, in float64."""
    config = json.loads((folder / "cfg.json").read_text())
    w = {n: a.astype(float) for n, a in load_file(folder / "sae_weights.safetensors").items()}
    m = (x.double().numpy() - w["b_dec"]) @ w["W_enc"]
    if config["architecture"] == "gated":
        magnitudes = np.maximum(m * np.exp(w["r_mag"]) + w["b_mag"], 0)
        latents = magnitudes * (m + w["b_gate"] > 0)
    else:
        h = m + w["b_enc"]
        latents = np.maximum(h, 0)
        if config["architecture"] == "jumprelu":
            latents = latents * (h > w["threshold"])
        if config["architecture"] == "topk":
            kth = np.sort(h, axis=1)[:, -config["k"], None]
            latents = latents * (h >= kth)
    return latents, latents @ w["W_dec"] + w["b_dec"]


@pytest.mark.parametrize("place", range(MODELS))
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_their_formulas_give_our_latents_and_outputs(name: str, place: int, tmp_path: Path) -> None:
    it = made(name)
    x = inputs(it)
    save_for_saelens(it, place, tmp_path, **NAMES)
    latents, outputs = theirs(tmp_path, x)
    ours = it.encode(x)[place].double().numpy()
    assert 0 < (ours > 0).mean() < 1
    np.testing.assert_array_equal(latents != 0, ours != 0)
    np.testing.assert_allclose(latents, ours, rtol=1e-4, atol=1e-5)
    # Coordinates are of very different size; each is compared in its own.
    scale = it.scale.double().numpy()
    np.testing.assert_allclose(
        outputs * scale, it(x)[place].double().numpy() * scale, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_files_hold_what_the_class_of_saelens_holds(name: str, tmp_path: Path) -> None:
    save_for_saelens(made(name), 1, str(tmp_path / "new" / "folder"), **NAMES)
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["cfg.json", "sae_weights.safetensors"]
    config: dict[str, Any] = json.loads((folder / "cfg.json").read_text())
    weights = load_file(folder / "sae_weights.safetensors")
    assert config["architecture"] == THEIRS[name]
    assert set(weights) == {"W_enc", "W_dec", "b_dec"} | HELD[THEIRS[name]]
    shapes = {"W_enc": (WIDTH, LATENTS), "W_dec": (LATENTS, WIDTH), "b_dec": (WIDTH,)}
    for key, weight in weights.items():
        assert weight.shape == shapes.get(key, (LATENTS,))
        assert weight.dtype == np.float32
    assert (config["d_in"], config["d_sae"]) == (WIDTH, LATENTS)
    assert config["apply_b_dec_to_input"] is True
    assert config["normalize_activations"] == "none"
    assert config["metadata"]["hook_name"] == NAMES["hook_name"]
    assert config["metadata"]["model_name"] == NAMES["model_name"]
    # Without it, SAELens takes the file for one of its fifth version or before.
    assert int(config["metadata"]["sae_lens_version"].split(".")[0]) >= 6
    assert (config.get("k") == K[1]) == (name == "topk")


@pytest.mark.parametrize("place", [-1, MODELS])
def test_a_place_that_is_none_is_refused(place: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^place: got {place}; allowed is 0 to {MODELS - 1}$"):
        save_for_saelens(made("relu"), place, tmp_path, **NAMES)
    assert list(tmp_path.iterdir()) == []


def test_one_that_diverged_is_refused_and_its_neighbour_is_not(tmp_path: Path) -> None:
    it = made("relu")
    it.parameters["w_enc"][1] = float("nan")
    with pytest.raises(ValueError, match=r"^place: got 1, which diverged; allowed"):
        save_for_saelens(it, 1, tmp_path, **NAMES)
    assert list(tmp_path.iterdir()) == []
    save_for_saelens(it, 2, tmp_path, **NAMES)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["scsae", "scsae_multiplied"])
def test_scsae_that_lets_negative_latents_through_is_refused(name: str, tmp_path: Path) -> None:
    it = made(name)
    it.parameters["b_enc"][0, :3] = 0.5
    with pytest.raises(ValueError, match=r"^autoencoders: got SCSAE with 3 biases above 0") as said:
        save_for_saelens(it, 0, tmp_path, **NAMES)
    assert "prolu_ste" in str(said.value)
    assert list(tmp_path.iterdir()) == []
    assert (it.encode(inputs(it))[0] < 0).any()  # as it says
    save_for_saelens(it, 1, tmp_path, **NAMES)


def test_what_stood_there_is_replaced_whole(tmp_path: Path, monkeypatch: Any) -> None:
    save_for_saelens(made("gated"), 0, tmp_path, **NAMES)
    before = (tmp_path / "sae_weights.safetensors").read_bytes()

    def failing(*paths: Any) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(os, "replace", failing)
        with pytest.raises(OSError, match="full"):
            save_for_saelens(made("topk"), 0, tmp_path, **NAMES)
    assert (tmp_path / "sae_weights.safetensors").read_bytes() == before
    save_for_saelens(made("topk"), 0, tmp_path, **NAMES)
    assert set(load_file(tmp_path / "sae_weights.safetensors")) == {
        "W_enc",
        "W_dec",
        "b_dec",
        "b_enc",
    }

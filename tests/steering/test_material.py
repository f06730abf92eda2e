"""Means of sets, halves and texts beside those over every token, and the centre of a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model
from steering_core.language_model.record import centre_of, position_centre_of
from steering_core.steering import material as module
from steering_core.steering.material import OTHER, SETS, Half, Material, read_material

from ..language_model import naive
from ..language_model.conftest import CONTEXT, LAYERS, TEXTS, WIDTH
from .handmade import N_TEXTS, drawn, half_of, material_of, random_sets, token_mean

HALVES: tuple[Half, Half] = ("even", "odd")


@pytest.fixture(scope="module")
def texts() -> dict[str, list[Tensor]]:
    return random_sets()


@pytest.fixture(scope="module")
def material(texts: dict[str, list[Tensor]]) -> Material:
    return material_of(texts)


def test_a_mean_is_over_all_tokens_of_a_set(
    texts: dict[str, list[Tensor]], material: Material
) -> None:
    for name, own in texts.items():
        np.testing.assert_allclose(material.mean(name), token_mean(own))
        by_text = np.mean([token_mean([text]) for text in own], axis=0)
        assert not np.allclose(material.mean(name), by_text)  # texts differ in length
        for half in HALVES:
            np.testing.assert_allclose(material.mean(name, half), token_mean(half_of(own, half)))


def test_halves_share_no_text_and_leave_none_out(material: Material) -> None:
    assert OTHER == {"even": "odd", "odd": "even"}
    for name, span in material.spans.items():
        rows = [set(range(material.sums.n_texts)[material._rows(name, half)]) for half in HALVES]
        assert not rows[0] & rows[1]
        assert rows[0] | rows[1] == set(range(material.sums.n_texts)[span])
        assert span.start in rows[0]


def test_a_mean_of_each_text(texts: dict[str, list[Tensor]], material: Material) -> None:
    for name, own in texts.items():
        expected = [token_mean([text]) for text in own]
        got = material.text_means(name)
        assert got.shape == (N_TEXTS[name], 3, 6)
        np.testing.assert_allclose(got, expected)
        np.testing.assert_allclose(material.text_means(name, "even"), expected[::2])
        np.testing.assert_allclose(material.text_means(name, "odd"), expected[1::2])


def test_a_mean_of_any_texts(texts: dict[str, list[Tensor]], material: Material) -> None:
    everything = [text for own in texts.values() for text in own]
    np.testing.assert_allclose(material.all_texts, token_mean(everything))
    for places in ([0], [3, 17, 40], range(len(everything))):
        got = material.mean_of_texts(places)
        np.testing.assert_allclose(got, token_mean([everything[i] for i in places]))


def test_an_unknown_set_is_refused(material: Material) -> None:
    for call in (material.mean, material.text_means):
        with pytest.raises(ValueError, match=r"^set: got 'poems'; allowed are fantasy, scifi, "):
            call("poems")


def shipped(monkeypatch: pytest.MonkeyPatch, sets: dict[str, list[str]]) -> list[str]:
    """Other texts in place of the shipped; gives the names that are asked for."""
    asked: list[str] = []

    def load(name: str) -> list[str]:
        asked.append(name)
        return sets[name]

    monkeypatch.setattr(module, "load_texts", load)
    return asked


def test_texts_are_read_once_and_the_first_token_is_left_out(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {name: TEXTS[i % 3 :: 3] for i, name in enumerate(SETS)} | {"stories": TEXTS}
    asked = shipped(monkeypatch, sets)
    got = read_material(gpt2)
    assert asked == list(SETS)
    for name, own in sets.items():
        expected = naive.mean(naive.all_residuals(gpt2, own), skip_first=True)
        torch.testing.assert_close(got.mean(name), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(got.centre, got.all_texts)  # nothing is known of its training text
    assert set(got.matched) == set(SETS)


def test_matched_to_its_own_texts_a_centre_is_their_mean(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(monkeypatch, dict.fromkeys(SETS, TEXTS))
    got = read_material(gpt2)
    for name in SETS:
        torch.testing.assert_close(got.matched[name], got.mean(name), rtol=1e-5, atol=1e-5)


def test_other_texts_may_be_longer_than_the_stories(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the shipped scenes are: 276 tokens beside 208. Of a model without means of its own."""
    longest = max(TEXTS, key=len)
    shipped(monkeypatch, dict.fromkeys(SETS, TEXTS[2:4]) | {"shakespeare": [longest, TEXTS[0]]})
    assert read_material(gpt2).matched["shakespeare"].isfinite().all()


def test_a_model_with_means_brings_its_centre(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(folders["gpt2"], tmp_path / "copy"))
    tokens = drawn(LAYERS + 1, WIDTH).float()
    positions = drawn(LAYERS + 1, CONTEXT, WIDTH, seed=1).float()
    save_file({"tokens": tokens, "positions": positions}, folder / "means.safetensors")
    model = load_model(folder)
    got = centre_of(model, torch.zeros(LAYERS + 1, WIDTH, dtype=torch.float64))
    assert got.dtype == torch.float64
    assert torch.equal(got, tokens.double())
    assert torch.equal(position_centre_of(model, TEXTS), positions)

    sets = dict.fromkeys(SETS, TEXTS[:3]) | {"sports": TEXTS[4:]}
    shipped(monkeypatch, sets)
    material = read_material(model)
    assert torch.equal(material.centre, tokens.double())
    assert not torch.allclose(material.centre, material.all_texts, atol=0.1)
    for name, own in sets.items():
        lengths = [naive.tokens(model, text).shape[1] for text in own]
        each = [positions[:, place] for n in lengths for place in range(1, n)]
        expected = torch.stack(each).double().mean(0)
        torch.testing.assert_close(material.matched[name], expected)


def test_means_of_positions_are_of_the_texts_at_hand(gpt2: TransformerBridge) -> None:
    got = position_centre_of(gpt2, TEXTS)
    each = naive.all_residuals(gpt2, TEXTS)
    expected = naive.mean_by_position(each, CONTEXT, skip_first=False)
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=1e-5, equal_nan=True)


def test_a_model_without_means_takes_what_is_at_hand(gpt2: TransformerBridge) -> None:
    otherwise = drawn(LAYERS + 1, WIDTH)
    assert centre_of(gpt2, otherwise) is otherwise

"""What latents read is where they fire, and the page shows it; the controls are what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.counterparts import (
    counterparts,
    directions,
    nearest,
    random_like,
    stacked,
)
from steering_core.sparse_autoencoders.reading import (
    LatentReading,
    Passage,
    html,
    top_contexts,
)

from ..language_model.conftest import TEXTS, WIDTH, folder, folders, gpt2, model, offline, tokenizer

__all__ = ["folder", "folders", "gpt2", "model", "offline", "tokenizer"]

LAYER, LATENTS = 1, 8


@pytest.fixture(scope="module")
def autoencoders() -> Autoencoders:
    x = torch.randn(200, WIDTH, generator=torch.Generator().manual_seed(0))
    return train_autoencoders(
        x,
        "topk",
        n_latents=LATENTS,
        penalties=(2.0,),
        seeds=(0, 1),
        recipe=Recipe(steps=3),
        batch_size=16,
    )


def by_hand(model: TransformerBridge, one: Autoencoders, latent: int) -> list[Tensor]:
    """The activations of a latent over each text but its first position, text by text."""
    found = []
    for text in TEXTS:
        tokens = model.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            _, cache = model.run_with_cache(tokens)
        x = cache[f"blocks.{LAYER}.hook_in"][0, 1:]
        found.append(one.encode(x)[0][:, latent] if len(x) else torch.zeros(0))
    return found


def test_passages_are_those_where_the_latent_fires_most(
    model: TransformerBridge, autoencoders: Autoencoders
) -> None:
    latents = [5, 0, 3]
    readings = top_contexts(model, autoencoders, 1, latents, TEXTS, 2, layer=LAYER, around=3)
    assert [one.latent for one in readings] == latents
    for one in readings:
        each = by_hand(model, autoencoders.pick(1), one.latent)
        peaks = [float(values.max()) if len(values) else 0.0 for values in each]
        order = sorted(range(len(TEXTS)), key=lambda n: -peaks[n])
        wanted = [n for n in order if peaks[n] > 0][:2]
        assert [passage.text for passage in one.passages] == wanted
        assert one.largest == pytest.approx(max(0.0, *peaks), abs=1e-4)
        assert one.fires == pytest.approx(float((torch.cat(each) > 0).float().mean()))
        for passage in one.passages:
            top = int(each[passage.text].argmax())
            expected = each[passage.text][max(0, top - 3) : top + 4]
            np.testing.assert_allclose(passage.activations, expected, atol=1e-4)
            if TEXTS[passage.text].isascii():  # else a token may be a part of a letter
                assert "".join(passage.tokens) in TEXTS[passage.text]
            assert len(passage.tokens) == len(passage.activations) <= 7


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"place": 2}, "place: got 2; 0 to 1"),
        ({"latents": [0, LATENTS]}, f"latents: got {LATENTS}; 0 to {LATENTS - 1}"),
        ({"k": 0}, "k: got 0"),
        ({"around": -1}, "around: got -1"),
    ],
)
def test_bad_input_is_named(
    model: TransformerBridge, autoencoders: Autoencoders, wrong: dict[str, Any], named: str
) -> None:
    asked = {"place": 0, "latents": [0], "texts": TEXTS, "layer": LAYER} | wrong
    with pytest.raises(ValueError, match=named):
        top_contexts(model, autoencoders, **asked)


def read(name: str = "wizard") -> LatentReading:
    values = torch.tensor([0.0, 4.0, 1.0])
    tokens = (" a", f" {name}", "<b>\n")
    other = Passage(3, (" the", " hat"), torch.tensor([2.0, 0.0]))
    return LatentReading(7, 0.125, (Passage(0, tokens, values), other))


def test_a_reading_names_its_peaks() -> None:
    assert read().largest == 4.0
    assert read().tokens == ("wizard", "the")
    assert read("\n\n").tokens == ("↵↵", "the")
    silent = LatentReading(1, 0.0, ())
    assert (silent.largest, silent.tokens) == (0.0, ())


def test_the_page_shades_tokens_and_says_their_activation() -> None:
    page: Any = BeautifulSoup(html({"one & only": read(), "other": read("elf")}), "html.parser")
    boxes = page.find_all("details")
    assert [box.has_attr("open") for box in boxes] == [True, False]
    summary = boxes[0].find("summary").get_text()
    assert summary == "one & only, fires at 12.5% of tokens: wizard, the"
    spans = boxes[0].find_all("span")
    assert [span.get_text() for span in spans] == [" a", " wizard", "<b>↵ ", " the", " hat"]
    assert [span["title"] for span in spans] == ["0.00", "4.00", "1.00", "2.00", "0.00"]
    shades = [span.get("style") for span in spans]
    opacity = ["1.00", "0.25", "0.50"]
    assert shades == [None, *(f"background:rgba(230,159,0,{o})" for o in opacity), None]
    assert not BeautifulSoup(html({"one": read()}, opened=False), "html.parser").find(open=True)
    silent: Any = BeautifulSoup(html({"one": LatentReading(1, 0.0, ())}), "html.parser")
    assert silent.find("summary").get_text().endswith("0.0% of tokens: nowhere")
    with pytest.raises(ValueError, match="readings: got none"):
        html({})


def luminance(colour: list[float]) -> float:
    """WCAG 2's relative luminance of a colour in [0, 255]."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_text_can_be_read_on_every_shade(opacity: float) -> None:
    ink = luminance([0x1A] * 3)
    shade = [255 - opacity * (255 - c) for c in (230, 159, 0)]
    assert (luminance(shade) + 0.05) / (ink + 0.05) >= 4.5


def test_random_latents_keep_lengths_and_the_mean(autoencoders: Autoencoders) -> None:
    drawn = random_like(autoencoders, seed=3)
    old, new = autoencoders.parameters, drawn.parameters
    torch.testing.assert_close(new["w_enc"].norm(dim=1), old["w_enc"].norm(dim=1))
    torch.testing.assert_close(new["w_dec"].norm(dim=2), old["w_dec"].norm(dim=2))
    assert torch.equal(new["b_dec"], old["b_dec"])
    assert not new["b_enc"].any()
    cosine = torch.nn.functional.cosine_similarity(new["w_enc"].mT, new["w_dec"], dim=-1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))
    assert not torch.allclose(new["w_dec"], random_like(autoencoders, seed=4).parameters["w_dec"])
    same = random_like(autoencoders, seed=3).parameters["w_dec"]
    assert torch.equal(new["w_dec"], same)
    x = torch.randn(20, WIDTH, generator=torch.Generator().manual_seed(1))
    assert ((drawn.encode(x) > 0).sum(-1) <= 2).all()
    with pytest.raises(ValueError, match="autoencoders: got 'relu'; topk"):
        random_like(replace(autoencoders, architecture="relu"))


def test_a_latent_finds_itself_in_another_order(autoencoders: Autoencoders) -> None:
    one = autoencoders.pick(0)
    order = torch.randperm(LATENTS, generator=torch.Generator().manual_seed(0))
    moved = {**one.parameters, "w_dec": 3.0 * one.parameters["w_dec"][:, order]}
    torch.testing.assert_close(
        counterparts(one, replace(one, parameters=moved)), torch.ones(LATENTS)
    )
    other = autoencoders.pick(1)
    rows = [directions(a).numpy() for a in (one, other)]
    unit = [r / np.linalg.norm(r, axis=1, keepdims=True) for r in rows]
    np.testing.assert_allclose(
        counterparts(one, other), (unit[0] @ unit[1].T).max(1), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="one, other: got 2 and 1"):
        counterparts(autoencoders, one)


def test_the_nearest_of_rows() -> None:
    one = torch.tensor([[2.0, 0.0], [0.0, -1.0]])
    other = torch.tensor([[1.0, 1.0], [0.0, 5.0]])
    torch.testing.assert_close(nearest(one, other), torch.tensor([0.5**0.5, -(0.5**0.5)]))


def test_stacked_autoencoders_encode_as_each_does(autoencoders: Autoencoders) -> None:
    other = random_like(autoencoders.pick(1))
    both = stacked(autoencoders, other)
    assert len(both) == 3
    x = torch.randn(20, WIDTH, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(both.encode(x)[:2], autoencoders.encode(x))
    torch.testing.assert_close(both.encode(x)[2:], other.encode(x))
    assert both.losses.shape[1] == len(both.seeds) == len(both.penalties) == 3
    with pytest.raises(ValueError, match="one, other: got"):
        stacked(autoencoders, replace(other, scale=2 * other.scale))

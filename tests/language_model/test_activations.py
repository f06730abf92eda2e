"""Statistics of the residual stream beside the same numbers taken the slow way."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import (
    load_model,
    mean_cosine,
    residual_mean,
    residual_norms,
    top_dimensions,
)
from steering_core.language_model import residual as residual_module
from steering_core.language_model.load import plain_model
from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import CHUNK, TokenBatch, token_batches

from . import naive
from .conftest import CONTEXT, LAYERS, TEXTS, WIDTH

LONG = " ".join(TEXTS)
close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5, equal_nan=True)

both = pytest.mark.parametrize(
    ("skip_first", "prepend_bos"), [(True, False), (False, False), (True, True), (False, True)]
)
devices = pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
        ),
    ],
)


# Means


@both
def test_the_mean_over_tokens(
    model: TransformerBridge, skip_first: bool, prepend_bos: bool
) -> None:
    each = naive.all_residuals(model, TEXTS, prepend_bos=prepend_bos)
    got = residual_mean(model, TEXTS, skip_first=skip_first, prepend_bos=prepend_bos)
    assert got.shape == (LAYERS + 1, WIDTH)
    close(got, naive.mean(each, skip_first=skip_first))


@both
def test_the_mean_at_each_position(
    model: TransformerBridge, skip_first: bool, prepend_bos: bool
) -> None:
    each = naive.all_residuals(model, TEXTS, prepend_bos=prepend_bos)
    got = residual_mean(
        model, TEXTS, centre="positions", skip_first=skip_first, prepend_bos=prepend_bos
    )
    assert got.shape == (LAYERS + 1, CONTEXT, WIDTH)
    close(got, naive.mean_by_position(each, CONTEXT, skip_first=skip_first))
    reached = max(one.shape[1] for one in each)
    assert reached < CONTEXT
    assert got[:, reached:].isnan().all()
    assert got[:, 0].isnan().all().item() is skip_first
    assert got[:, int(skip_first) : reached].isfinite().all()


def test_the_texts_tell_the_ways_apart(model: TransformerBridge) -> None:
    """Or the tests above could not fail. The embeddings alone may know no positions."""
    means = [
        residual_mean(model, TEXTS, skip_first=skip, prepend_bos=bos)
        for skip, bos in itertools.product((True, False), repeat=2)
    ]
    by_text = torch.stack([one.mean(1) for one in naive.all_residuals(model, TEXTS)]).mean(0)
    for one, other in itertools.combinations([*means, by_text], 2):
        assert ((one - other)[1:].norm(dim=-1) > 0.01).all()
    assert (means[0].diff(dim=0).norm(dim=-1) > 0.5).all()  # each block adds something


def test_a_token_weighs_the_same_in_any_text(gpt2: TransformerBridge) -> None:
    one = residual_mean(gpt2, [TEXTS[0]])
    close(residual_mean(gpt2, [TEXTS[0]] * 5), one)
    close(residual_mean(gpt2, TEXTS[0]), one)


# Cosines


@both
def test_the_mean_cosine_is_that_of_all_pairs(
    model: TransformerBridge, skip_first: bool, prepend_bos: bool
) -> None:
    each = naive.all_residuals(model, TEXTS, prepend_bos=prepend_bos)
    got = mean_cosine(model, TEXTS, skip_first=skip_first, prepend_bos=prepend_bos)
    assert got.shape == (LAYERS + 1,)
    close(got, naive.mean_cosine(each, skip_first=skip_first))
    assert (got.abs() < 0.9).all()


def test_equal_activations_have_cosine_one(folder: Path) -> None:
    model = load_model(folder)
    plain = plain_model(model)
    with torch.no_grad():
        words = naive.embedding(plain)
        words[:] = words[5].clone()
        positions = dict(plain.named_parameters()).get("transformer.wpe.weight")
        if positions is not None:
            positions.zero_()
    close(mean_cosine(model, TEXTS), torch.ones(LAYERS + 1, dtype=torch.float64))
    everywhere = naive.residuals(model, naive.tokens(model, TEXTS[1]))[:, 0]
    close(residual_mean(model, TEXTS), everywhere)


def test_opposite_activations_have_cosine_minus_one(folders: dict[str, Path]) -> None:
    model = load_model(folders["llama"])
    words = naive.embedding(plain_model(model))
    first, second = naive.tokens(model, "qz")[0].tolist()
    with torch.no_grad():
        words[second] = -3 * words[first]
    got = mean_cosine(model, ["qz"], skip_first=False)
    assert got[0].item() == pytest.approx(-1, abs=1e-12)
    # Two of each: of the six pairs, two have cosine 1 and four have -1.
    got = mean_cosine(model, ["qz", "zq"], skip_first=False)
    assert got[0].item() == pytest.approx(-1 / 3, abs=1e-12)


# Norms and large dimensions


@pytest.mark.parametrize("prepend_bos", [False, True])
def test_norms_at_each_position(model: TransformerBridge, prepend_bos: bool) -> None:
    each = naive.all_residuals(model, TEXTS, prepend_bos=prepend_bos)
    norms = [one.norm(dim=-1, keepdim=True) for one in each]
    got = residual_norms(model, TEXTS, prepend_bos=prepend_bos)
    assert got.shape == (LAYERS + 1, CONTEXT)
    close(got, naive.mean_by_position(norms, CONTEXT, skip_first=False)[..., 0])


@pytest.mark.parametrize("layer", range(LAYERS + 1))
@pytest.mark.parametrize("skip_first", [True, False])
def test_the_largest_dimensions(model: TransformerBridge, layer: int, skip_first: bool) -> None:
    each = naive.all_residuals(model, TEXTS)
    squares = torch.cat([one[layer, int(skip_first) :] for one in each]).square().mean(0)
    shares, dimensions = (squares / squares.sum()).sort(descending=True)
    got_dimensions, got_shares = top_dimensions(model, TEXTS, layer, k=5, skip_first=skip_first)
    assert got_dimensions.tolist() == dimensions[:5].tolist()
    close(got_shares, shares[:5])
    _, all_shares = top_dimensions(model, TEXTS, layer, k=WIDTH)
    assert all_shares.sum().item() == pytest.approx(1)


def test_a_planted_dimension_is_the_largest(folder: Path) -> None:
    model = load_model(folder)
    with torch.no_grad():
        naive.embedding(plain_model(model))[:, 7] += 100
    for layer in range(LAYERS + 1):
        dimensions, shares = top_dimensions(model, TEXTS, layer, k=3)
        assert dimensions[0] == 7
        assert shares[0] > 0.9


# Streams, batches, windows


def test_the_order_of_the_texts_makes_no_difference(model: TransformerBridge) -> None:
    reverse = TEXTS[::-1]
    for centre in ("tokens", "positions"):
        got = residual_mean(model, TEXTS, centre=centre)
        close(residual_mean(model, reverse, centre=centre), got)
    close(mean_cosine(model, reverse), mean_cosine(model, TEXTS))
    close(residual_norms(model, reverse), residual_norms(model, TEXTS))


@pytest.mark.parametrize("batch_tokens", [1, 100, 10**6])
def test_the_size_of_the_batches_makes_no_difference(
    model: TransformerBridge, batch_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [residual_mean(model, TEXTS), mean_cosine(model, TEXTS)]
    smaller = partial(token_batches, batch_tokens=batch_tokens)
    monkeypatch.setattr(residual_module, "token_batches", smaller)
    close([residual_mean(model, TEXTS), mean_cosine(model, TEXTS)], expected)


@both
def test_a_text_longer_than_the_context_is_read_in_windows(
    model: TransformerBridge, skip_first: bool, prepend_bos: bool
) -> None:
    begin = [model.tokenizer.bos_token_id] if prepend_bos else []
    ids = naive.tokens(model, LONG)[0].tolist()
    room = CONTEXT - len(begin)
    windows = [begin + ids[start : start + room] for start in range(0, len(ids), room)]
    assert len(windows) > 2
    assert 1 < len(windows[-1]) < CONTEXT
    rows = [*windows, *(begin + naive.tokens(model, text)[0].tolist() for text in TEXTS)]
    each = [naive.residuals(model, torch.tensor([row])) for row in rows]

    texts = [TEXTS[0], LONG, *TEXTS[1:]]
    how: dict[str, Any] = {"skip_first": skip_first, "prepend_bos": prepend_bos}
    said = rf"^1 of 9 texts are longer than the context of 64 .* into {len(windows)} windows"
    with pytest.warns(UserWarning, match=said):
        got = residual_mean(model, texts, **how)
    close(got, naive.mean(each, skip_first=skip_first))
    with pytest.warns(UserWarning, match=said):
        got = residual_mean(model, texts, centre="positions", **how)
    close(got, naive.mean_by_position(each, CONTEXT, skip_first=skip_first))


def test_the_warning_counts_over_the_whole_stream(gpt2: TransformerBridge) -> None:
    windows = -(-naive.tokens(gpt2, LONG).shape[1] // CONTEXT)
    texts = [LONG, *["Rain."] * CHUNK, LONG]
    said = rf"^2 of {CHUNK + 2} texts .* into {2 * windows} windows"
    with pytest.warns(UserWarning, match=said):
        seen = list(token_batches(gpt2, texts))
    assert sorted(torch.cat([batch.text for batch in seen]).unique().tolist()) == [
        *range(CHUNK + 2)
    ]
    assert sum(len(batch.text) for batch in seen) == CHUNK + 2 * windows


def test_a_text_that_fills_the_context_is_no_long_one(gpt2: TransformerBridge) -> None:
    full = gpt2.tokenizer.decode(naive.tokens(gpt2, LONG)[0, :CONTEXT])
    (batch,) = token_batches(gpt2, [full])
    assert batch.tokens.shape == (1, CONTEXT)


def test_texts_are_read_as_they_are_needed(gpt2: TransformerBridge) -> None:
    n_texts, read = 2 * CHUNK + 100, 0
    read_at_visit: list[int] = []

    def stream() -> Iterator[str]:
        nonlocal read
        for read in range(1, n_texts + 1):
            yield TEXTS[read % len(TEXTS)]

    def visit(_layer: int, _activations: Tensor, _batch: TokenBatch) -> None:
        read_at_visit.append(read)

    visit_residuals(gpt2, stream(), visit, layers=[0])
    assert set(read_at_visit) == {CHUNK, 2 * CHUNK, n_texts}
    assert read_at_visit[0] == CHUNK


def test_a_generator_is_as_good_as_a_list(gpt2: TransformerBridge) -> None:
    texts = [TEXTS[index % len(TEXTS)] + " q" * (index % 7) for index in range(CHUNK + 50)]
    each = naive.all_residuals(gpt2, texts[:60])
    close(residual_mean(gpt2, (text for text in texts[:60])), naive.mean(each, skip_first=True))
    torch.testing.assert_close(residual_mean(gpt2, iter(texts)), residual_mean(gpt2, texts))


@pytest.mark.parametrize("layers", [[0], [LAYERS], [2, 0], [1, 3, 1], None])
def test_only_the_layers_asked_for_are_visited(
    model: TransformerBridge, layers: list[int] | None
) -> None:
    visited: list[tuple[int, Tensor]] = []
    visit_residuals(
        model, [TEXTS[0]], lambda k, x, _: visited.append((k, x.clone())), layers=layers
    )
    expected = naive.residuals(model, naive.tokens(model, TEXTS[0]))
    assert [layer for layer, _ in visited] == sorted(set(layers or range(LAYERS + 1)))
    for layer, activations in visited:
        close(activations[0].double(), expected[layer])
        assert not activations.requires_grad


def test_it_stops_at_the_last_layer_asked_for(folder: Path, tmp_path: Path) -> None:
    model = load_model(Path(shutil.copytree(folder, tmp_path / "model")))
    before = residual_mean(model, TEXTS)
    with torch.no_grad():
        for weight in model.blocks[2].parameters():
            weight.fill_(torch.nan)
    close(top_dimensions(model, TEXTS, 2, k=WIDTH)[1].sum().item(), 1.0)
    after = residual_mean(model, TEXTS)
    assert torch.equal(after[:3], before[:3])
    assert after[3].isnan().all()


def test_the_model_is_as_it_was(model: TransformerBridge) -> None:
    row = naive.tokens(model, TEXTS[0])
    with torch.no_grad():
        before = model(row)
        residual_mean(model, TEXTS)
        mean_cosine(model, TEXTS)
        assert torch.equal(model(row), before)
    assert len(model.blocks) == LAYERS
    assert not any(point.fwd_hooks for point in model.hook_dict.values())


@devices
def test_results_stay_where_the_model_is(folder: Path, device: str) -> None:
    model = load_model(folder, device=device)
    results = [
        residual_mean(model, TEXTS),
        residual_mean(model, TEXTS, centre="positions"),
        mean_cosine(model, TEXTS),
        residual_norms(model, TEXTS),
        *top_dimensions(model, TEXTS, 1),
    ]
    assert {result.device.type for result in results} == {device}
    assert {weight.device.type for weight in model.parameters()} == {device}
    expected = residual_mean(load_model(folder), TEXTS)
    torch.testing.assert_close(results[0].cpu(), expected, rtol=1e-4, atol=1e-4)

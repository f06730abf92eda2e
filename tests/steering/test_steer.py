"""Steering beside a vector added by hand to the tokens of one text, without cache and padding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model, residual_mean, top_dimensions
from steering_core.language_model.load import plain_model
from steering_core.language_model.residual import visit_residuals
from steering_core.steering import generate, steer
from steering_core.steering.sampling import pad_left, prompt_tokens, sample_tokens
from steering_core.steering.steer import Position, is_steered, prompt_of, steered_tokens

from ..language_model import naive
from ..language_model.conftest import LAYERS, TEXTS, WIDTH
from .test_sampling import PROMPTS, naive_draw, naive_text

REFUSED = (ValueError, TypeCheckError)  # types are checked too while the tests run
POSITIONS: tuple[Position, ...] = get_args(Position)
ALL_LAYERS = range(LAYERS + 1)
SIZE = 6.0  # enough to change what is drawn
NEW = 5
LIBRARIES = ("transformers.", "transformer_lens.")


class Added(NamedTuple):
    """What the naive reference adds: a vector as it is, without a coefficient."""

    vector: Tensor
    layer: int
    position: Position = "every"


def drawn_vector(seed: int = 0, *, texts: int | None = None) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*([] if texts is None else [texts]), WIDTH, generator=generator)


def chosen(position: Position, prompt: int, length: int) -> list[int]:
    """The places of one text that a position means."""
    return {
        "first": [0],
        "last_prompt": [prompt - 1],
        "generated": list(range(prompt, length)),
        "every": list(range(length)),
    }[position]


def inputs_of_layers(plain: Any) -> list[nn.Module]:
    """The blocks of each family's model, then the final norm, which reads what the last wrote."""
    body = plain.base_model
    blocks = body.h if hasattr(body, "h") else body.layers
    for name in ("ln_f", "norm", "final_layer_norm"):
        if hasattr(body, name):
            return [*blocks, getattr(body, name)]
    raise AssertionError("no final norm")


@cache
def plain_of(model: TransformerBridge) -> Any:
    """Made once for each of the models that all tests share."""
    return plain_model(model)


def naive_read(
    model: TransformerBridge, row: Tensor, prompt: int, added: Sequence[Added]
) -> tuple[Tensor, Tensor]:
    """(layers, positions, d_model) and (positions, vocabulary) of one text, (1, positions)."""
    plain = plain_of(model)
    seen: dict[int, Tensor] = {}

    def hook(layer: int) -> Callable[[nn.Module, tuple, dict], tuple[tuple, dict]]:
        def act(_module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            x = (args[0] if args else kwargs["hidden_states"]).clone()
            for each in added:
                if each.layer == layer:
                    for place in chosen(each.position, prompt, x.shape[1]):
                        x[0, place] += each.vector
            seen[layer] = x[0].clone()
            return ((x, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": x})

        return act

    with torch.no_grad(), ExitStack() as stack:
        for layer, module in enumerate(inputs_of_layers(plain)):
            handle = module.register_forward_pre_hook(hook(layer), with_kwargs=True)
            stack.callback(handle.remove)
        logits = plain(row).logits[0]
    return torch.stack([seen[layer] for layer in ALL_LAYERS]), logits


def naive_continuation(
    model: TransformerBridge, text: str, added: Sequence[Added], *, seed: int, row: int = 0
) -> list[int]:
    """Drawn with the numbers of `generate`, the whole text read anew for each token."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + row)
    uniforms = torch.rand(NEW, generator=generator, dtype=torch.float64).tolist()
    tokens = naive.tokens(model, text, prepend_bos=True)
    prompt = tokens.shape[1]
    for uniform in uniforms:
        _, logits = naive_read(model, tokens, prompt, added)
        token = naive_draw(logits[-1].softmax(-1).tolist(), 1.0, uniform)
        tokens = torch.cat([tokens, torch.tensor([[token]])], 1)
    return tokens[0, prompt:].tolist()


def naive_greedy(
    model: TransformerBridge, row: Sequence[int], added: Sequence[Added], new: int
) -> list[int]:
    tokens = torch.tensor([row])
    for _ in range(new):
        _, logits = naive_read(model, tokens, len(row), added)
        tokens = torch.cat([tokens, logits[-1].argmax()[None, None]], 1)
    return tokens[0, len(row) :].tolist()


def ragged(model: TransformerBridge) -> tuple[list[list[int]], Tensor, Tensor]:
    """Prompts as rows, and as one batch padded on the left with its mask."""
    rows = prompt_tokens(model, PROMPTS, prepend_bos=True)
    return rows, *pad_left(rows)


def read(
    model: TransformerBridge, tokens: Tensor, real: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(layers, texts, columns, d_model) and the logits, through the hooks of the bridge."""
    names = [*(f"blocks.{k}.hook_in" for k in range(LAYERS)), "ln_final.hook_in"]
    told: dict[str, Any] = {} if real is None else {"attention_mask": real.long()}
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens, names_filter=names, **told)
    assert isinstance(logits, Tensor)
    return torch.stack([cache[name] for name in names]), logits


def hooks_on(model: TransformerBridge) -> dict[str, list[Any]]:
    """Every hook on every module of the bridge and of the model in it, but for those that
    transformers and TransformerLens leave there for themselves at a model's first call.
    """
    found = {}
    for module in (model, model.original_model):
        for name, part in module.named_modules():
            hooks = [
                hook
                for table in (
                    part._forward_hooks,
                    part._forward_pre_hooks,
                    part._backward_hooks,
                    part._backward_pre_hooks,
                )
                for hook in table.values()
            ]
            own = [hook for hook in hooks if not hook.__module__.startswith(LIBRARIES)]
            if own:
                found[f"{type(module).__name__}.{name}"] = own
    for name, point in model.hook_dict.items():
        if point.fwd_hooks or point.bwd_hooks:
            found[name] = [len(point.fwd_hooks), len(point.bwd_hooks)]
    return found


def assert_as_it_was(model: TransformerBridge) -> None:
    assert hooks_on(model) == {}
    assert not is_steered(model)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_it_writes_what_a_vector_added_by_hand_to_each_text_alone_does(
    model: TransformerBridge, layer: int, position: Position
) -> None:
    v = SIZE * drawn_vector()
    expected = [
        naive_continuation(model, prompt, [Added(v, layer, position)], seed=2, row=row)
        for row, prompt in enumerate(PROMPTS)
    ]
    plain = sample_tokens(model, PROMPTS, max_new_tokens=NEW, seed=2).drawn.tolist()
    for use_cache in (True, False):
        with steer(model, v / 2, layer=layer, coefficient=2.0, position=position):
            got = sample_tokens(
                model, PROMPTS, max_new_tokens=NEW, seed=2, use_cache=use_cache
            ).drawn.tolist()
            texts = generate(model, PROMPTS, max_new_tokens=NEW, seed=2, use_cache=use_cache)
        assert got == expected, use_cache
        assert texts == [naive_text(model, tokens) for tokens in expected]
    # What is written after the last block at the first token is read by no later one.
    reaches = not (layer == LAYERS and position == "first")
    assert (expected != plain) == reaches
    assert_as_it_was(model)


@pytest.mark.parametrize("position", POSITIONS)
def test_exactly_the_vector_is_added_at_the_right_tokens_of_a_ragged_batch(
    model: TransformerBridge, position: Position
) -> None:
    rows, tokens, real = ragged(model)
    v = SIZE * drawn_vector(1)
    before, logits_before = read(model, tokens, real)
    for layer in ALL_LAYERS:
        with steer(model, v, layer=layer, coefficient=1.0, position=position):
            after, logits = read(model, tokens, real)
        assert torch.equal(after[:layer], before[:layer])
        for index, row in enumerate(rows):
            padding = tokens.shape[1] - len(row)
            places = [padding + k for k in chosen(position, len(row), len(row))]
            expected = before[layer, index].clone()
            expected[places] = before[layer, index, places] + v
            assert torch.equal(after[layer, index], expected)
            naive_states, naive_logits = naive_read(
                model, torch.tensor([row]), len(row), [Added(v, layer, position)]
            )
            torch.testing.assert_close(
                after[:, index, padding:], naive_states, rtol=1e-4, atol=1e-4
            )
            torch.testing.assert_close(logits[index, padding:], naive_logits, rtol=1e-4, atol=1e-4)
        changed = not torch.equal(logits, logits_before)
        assert changed == (position != "generated")


def test_padding_is_left_alone_only_where_a_mask_tells_it(gpt2: TransformerBridge) -> None:
    _, tokens, real = ragged(gpt2)
    assert not real.all()
    v = SIZE * drawn_vector(1)
    for mask, steered in ((real, real), (None, torch.ones_like(real))):
        before = read(gpt2, tokens, mask)[0][1]
        with steer(gpt2, v, layer=1, coefficient=1.0):
            after = read(gpt2, tokens, mask)[0][1]
        assert torch.equal((after != before).any(-1), steered)


def test_a_mask_that_is_given_by_its_place_is_a_mask_too(gpt2: TransformerBridge) -> None:
    _, tokens, real = ragged(gpt2)
    inside: Any = gpt2.original_model
    with torch.no_grad(), steer(gpt2, SIZE * drawn_vector(), layer=1, coefficient=1.0):
        by_name = inside(tokens, attention_mask=real.long(), output_hidden_states=True)
        by_place = inside(tokens, None, real.long(), output_hidden_states=True)
    for one, other in zip(by_place.hidden_states, by_name.hidden_states, strict=True):
        assert torch.equal(one, other)


def test_a_call_of_the_body_alone_is_told_nothing_of_the_call_before(
    model: TransformerBridge,
) -> None:
    _, tokens, real = ragged(model)
    row = naive.tokens(model, TEXTS[0])
    inside: Any = model.original_model
    v = SIZE * drawn_vector()
    expected, _ = naive_read(model, row, row.shape[1], [Added(v, 1)])
    with torch.no_grad(), steer(model, v, layer=1, coefficient=1.0):
        inside(tokens, attention_mask=real.long())
        states = inside.base_model(row, output_hidden_states=True).hidden_states
    torch.testing.assert_close(states[2][0], expected[2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_calls_of_the_bridge_and_of_the_model_inside_are_steered(
    model: TransformerBridge, layer: int
) -> None:
    row = naive.tokens(model, TEXTS[0])
    v = SIZE * drawn_vector()
    _, expected = naive_read(model, row, row.shape[1], [Added(v, layer)])
    with torch.no_grad(), steer(model, v, layer=layer, coefficient=1.0):
        bridged: Any = model(row)
        inside: Any = model.original_model(row).logits
        by_keyword: Any = model.original_model(input_ids=row).logits
    for logits in (bridged, inside, by_keyword):
        torch.testing.assert_close(logits[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_cache_handed_on_by_hand_is_counted(model: TransformerBridge, position: Position) -> None:
    """A prompt, then two more tokens at once, then one: each place is steered as in one text."""
    row = naive.tokens(model, TEXTS[0])
    prompt = row.shape[1] - 3
    v = SIZE * drawn_vector()
    for layer in ALL_LAYERS:
        _, expected = naive_read(model, row, prompt, [Added(v, layer, position)])
        parts: list[Tensor] = []
        cache = None
        with torch.no_grad(), steer(model, v, layer=layer, coefficient=1.0, position=position):
            for part in row.split([prompt, 2, 1], 1):
                output: Any = model.original_model(part, past_key_values=cache, use_cache=True)
                cache = output.past_key_values
                parts.append(output.logits[0])
        torch.testing.assert_close(torch.cat(parts), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", POSITIONS)
def test_each_new_text_in_a_block_has_a_prompt_of_its_own(
    gpt2: TransformerBridge, position: Position
) -> None:
    v = SIZE * drawn_vector()
    with steer(gpt2, v, layer=1, coefficient=1.0, position=position):
        for text in (TEXTS[4], "q", TEXTS[0]):
            row = naive.tokens(gpt2, text)
            expected, _ = naive_read(gpt2, row, row.shape[1], [Added(v, 1, position)])
            generate(gpt2, PROMPTS, max_new_tokens=2, seed=0)  # of another width
            torch.testing.assert_close(read(gpt2, row)[0][:, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_text_may_be_read_past_its_prompt(gpt2: TransformerBridge, position: Position) -> None:
    row = naive.tokens(gpt2, TEXTS[0])
    v = SIZE * drawn_vector()
    expected, _ = naive_read(gpt2, row, 4, [Added(v, 2, position)])
    with prompt_of(4), steer(gpt2, v, layer=2, coefficient=1.0, position=position):
        torch.testing.assert_close(read(gpt2, row)[0][:, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", POSITIONS)
def test_hugging_faces_own_generate_is_steered(
    model: TransformerBridge, position: Position
) -> None:
    rows, tokens, real = ragged(model)
    v = SIZE * drawn_vector()
    inside: Any = model.original_model
    for layer in ALL_LAYERS:
        added = [Added(v, layer, position)]
        expected = [naive_greedy(model, row, added, NEW) for row in rows]
        # Uncached, Hugging Face does not say where the prompt ended.
        for use_cache in (True, False) if position in ("first", "every") else (True,):
            with steer(model, v, layer=layer, coefficient=1.0, position=position):
                got = inside.generate(
                    tokens,
                    attention_mask=real.long(),
                    do_sample=False,
                    max_new_tokens=NEW,
                    min_new_tokens=NEW,
                    suppress_tokens=None,
                    eos_token_id=None,
                    pad_token_id=0,
                    use_cache=use_cache,
                )
            assert got[:, tokens.shape[1] :].tolist() == expected, (layer, use_cache)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_row_does_not_depend_on_its_neighbours(
    model: TransformerBridge, position: Position
) -> None:
    """A list of seeds gives each prompt its own, whatever the row."""
    seeds = [11, 5, 3, 8]
    with steer(model, drawn_vector(), layer=1, coefficient=SIZE, position=position):
        together = sample_tokens(model, PROMPTS, max_new_tokens=NEW, seed=seeds).drawn
        back = sample_tokens(model, PROMPTS[::-1], max_new_tokens=NEW, seed=seeds[::-1]).drawn
        alone = [
            sample_tokens(model, [prompt], max_new_tokens=NEW, seed=[seed]).drawn[0]
            for prompt, seed in zip(PROMPTS, seeds, strict=True)
        ]
    assert torch.equal(together, torch.stack(alone))
    assert torch.equal(back.flip(0), together)
    added = [Added(SIZE * drawn_vector(), 1, position)]
    for prompt, seed, found in zip(PROMPTS, seeds, together.tolist(), strict=True):
        assert found == naive_continuation(model, prompt, added, seed=seed)


def test_as_many_seeds_as_prompts(gpt2: TransformerBridge) -> None:
    for seeds in ([], [1], [1, 2, 3]):
        with pytest.raises(ValueError, match=rf"^seed: got {len(seeds)} of them; one, or 2"):
            generate(gpt2, PROMPTS[:2], max_new_tokens=2, seed=seeds)
    same = generate(gpt2, PROMPTS[:1] * 2, max_new_tokens=NEW, seed=[4, 4])
    assert same[0] == same[1] != generate(gpt2, PROMPTS[:1], max_new_tokens=NEW, seed=[5])[0]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("use_cache", [True, False])
def test_each_text_may_have_a_vector_of_its_own(
    model: TransformerBridge, position: Position, use_cache: bool
) -> None:
    vectors = drawn_vector(3, texts=len(PROMPTS))
    vectors[1] = 0.0
    for layer in (0, 2, LAYERS):
        with steer(model, vectors, layer=layer, coefficient=SIZE, position=position):
            got = sample_tokens(
                model, PROMPTS, max_new_tokens=NEW, seed=4, use_cache=use_cache
            ).drawn
        for row, (prompt, vector) in enumerate(zip(PROMPTS, vectors, strict=True)):
            added = [Added(SIZE * vector, layer, position)]
            assert got[row].tolist() == naive_continuation(model, prompt, added, seed=4, row=row)


def test_vectors_of_texts_are_those_of_the_batch(gpt2: TransformerBridge) -> None:
    row = naive.tokens(gpt2, TEXTS[0]).expand(3, -1)
    vectors = drawn_vector(3, texts=3)
    before = read(gpt2, row)[0][1]
    with steer(gpt2, vectors, layer=1, coefficient=2.0):
        after = read(gpt2, row)[0][1]
        for n in (1, 2, 4):
            with pytest.raises(ValueError, match=f"^vector: got 3 of them for a batch of {n} "):
                gpt2(row[:1].expand(n, -1))
    torch.testing.assert_close(after - before, 2 * vectors[:, None].expand_as(after))
    assert_as_it_was(gpt2)


def test_blocks_add_up(model: TransformerBridge) -> None:
    """In either order, at one layer or two, at positions that overlap or not."""
    v, w = SIZE * drawn_vector(0), SIZE * drawn_vector(1)
    for a, b in [
        (Added(v, 1), Added(w, 1)),
        (Added(v, 0, "first"), Added(w, LAYERS)),
        (Added(v, 2, "generated"), Added(w, 1, "last_prompt")),
        (Added(v, LAYERS, "generated"), Added(w, LAYERS)),
    ]:
        expected = [
            naive_continuation(model, prompt, [a, b], seed=6, row=row)
            for row, prompt in enumerate(PROMPTS)
        ]
        for first, second in ((a, b), (b, a)):
            with ExitStack() as stack:
                for each in (first, second):
                    stack.enter_context(
                        steer(
                            model,
                            each.vector,
                            layer=each.layer,
                            coefficient=1.0,
                            position=each.position,
                        )
                    )
                got = sample_tokens(model, PROMPTS, max_new_tokens=NEW, seed=6).drawn.tolist()
            assert got == expected


def test_an_inner_block_ends_alone(gpt2: TransformerBridge) -> None:
    row = naive.tokens(gpt2, TEXTS[0])
    v, w = drawn_vector(0), drawn_vector(1)
    with steer(gpt2, v, layer=1, coefficient=1.0):
        outer = read(gpt2, row)[1]
        with steer(gpt2, w, layer=1, coefficient=1.0):
            assert not torch.equal(read(gpt2, row)[1], outer)
        assert is_steered(gpt2)
        assert torch.equal(read(gpt2, row)[1], outer)
        text = generate(gpt2, PROMPTS, max_new_tokens=NEW, seed=0)
        with pytest.raises(RuntimeError), steer(gpt2, w, layer=2, coefficient=1.0):
            raise RuntimeError
        assert torch.equal(read(gpt2, row)[1], outer)
        assert generate(gpt2, PROMPTS, max_new_tokens=NEW, seed=0) == text
    assert_as_it_was(gpt2)


@pytest.mark.parametrize("position", POSITIONS)
def test_a_negative_coefficient_undoes(model: TransformerBridge, position: Position) -> None:
    _, tokens, real = ragged(model)
    v = drawn_vector()
    plain = read(model, tokens, real)[1]
    texts = generate(model, PROMPTS, max_new_tokens=NEW, seed=1)
    for layer in ALL_LAYERS:
        with (
            steer(model, v, layer=layer, coefficient=SIZE, position=position),
            steer(model, v, layer=layer, coefficient=-SIZE, position=position),
        ):
            torch.testing.assert_close(read(model, tokens, real)[1], plain, rtol=1e-3, atol=1e-3)
            assert generate(model, PROMPTS, max_new_tokens=NEW, seed=1) == texts


def test_nothing_times_a_vector_changes_nothing(model: TransformerBridge) -> None:
    _, tokens, real = ragged(model)
    before = read(model, tokens, real)
    texts = generate(model, PROMPTS, max_new_tokens=NEW, seed=1)
    for layer in ALL_LAYERS:
        for vector, coefficient in ((drawn_vector(), 0.0), (torch.zeros(WIDTH), 5.0)):
            with steer(model, vector, layer=layer, coefficient=coefficient):
                after = read(model, tokens, real)
                assert generate(model, PROMPTS, max_new_tokens=NEW, seed=1) == texts
            assert torch.equal(after[0], before[0])
            assert torch.equal(after[1], before[1])


def test_the_coefficient_is_how_many_times(gpt2: TransformerBridge) -> None:
    row = naive.tokens(gpt2, TEXTS[0])
    v = drawn_vector()
    before = read(gpt2, row)[0]
    for coefficient in (-3.0, 0.5, 20.0):
        with steer(gpt2, v, layer=1, coefficient=coefficient):
            difference = read(gpt2, row)[0][1] - before[1]
        torch.testing.assert_close(
            difference, (coefficient * v).expand_as(difference), rtol=1e-4, atol=1e-4
        )


def test_a_vector_may_be_of_another_precision_and_is_taken_as_it_was(
    gpt2: TransformerBridge,
) -> None:
    row = naive.tokens(gpt2, TEXTS[0])
    v = drawn_vector()
    with steer(gpt2, v, layer=1, coefficient=1.0):
        expected = read(gpt2, row)[1]
    double = v.double().requires_grad_()
    with steer(gpt2, double, layer=1, coefficient=1.0):
        double.data.zero_()
        states, logits = read(gpt2, row)
        output: Any = gpt2(row)
    assert logits.dtype == states.dtype == torch.float32
    torch.testing.assert_close(logits, expected)
    output.sum().backward()
    assert double.grad is None
    gpt2.zero_grad(set_to_none=True)


@pytest.mark.parametrize("use_cache", [True, False])
def test_hooks_of_the_bridge_act_beside_it(model: TransformerBridge, use_cache: bool) -> None:
    v, w = SIZE * drawn_vector(0), SIZE * drawn_vector(1)

    def shift(activations: Tensor, hook: object) -> Tensor:
        return activations + w

    for layer in ALL_LAYERS:
        for position in POSITIONS:
            added = [Added(w, 2), Added(v, layer, position)]
            expected = [
                naive_continuation(model, prompt, added, seed=9, row=row)
                for row, prompt in enumerate(PROMPTS[:2])
            ]
            with (
                model.hooks(fwd_hooks=[("blocks.1.hook_out", shift)]),
                steer(model, v, layer=layer, coefficient=1.0, position=position),
            ):
                got = sample_tokens(
                    model, PROMPTS[:2], max_new_tokens=NEW, seed=9, use_cache=use_cache
                ).drawn.tolist()
            assert got == expected, (layer, position)
    assert_as_it_was(model)


def test_another_model_is_not_steered(gpt2: TransformerBridge, folders: dict[str, Path]) -> None:
    other = load_model(folders["gpt2"])
    row = naive.tokens(gpt2, TEXTS[0])
    before = read(other, row)[1]
    texts = generate(other, PROMPTS, max_new_tokens=NEW, seed=0)
    with steer(gpt2, drawn_vector(), layer=1, coefficient=SIZE):
        assert is_steered(gpt2)
        assert not is_steered(other)
        assert hooks_on(other) == {}
        assert torch.equal(read(other, row)[1], before)
        assert generate(other, PROMPTS, max_new_tokens=NEW, seed=0) == texts


def test_after_the_block_the_model_is_as_it_was(model: TransformerBridge) -> None:
    _, tokens, real = ragged(model)
    assert_as_it_was(model)
    before = read(model, tokens, real)
    texts = generate(model, PROMPTS, max_new_tokens=NEW, seed=0)
    for layer in ALL_LAYERS:
        with steer(model, drawn_vector(), layer=layer, coefficient=SIZE):
            assert is_steered(model)
            assert hooks_on(model) != {}
            assert not torch.equal(read(model, tokens, real)[1], before[1])
            generate(model, PROMPTS, max_new_tokens=NEW, seed=0)
        assert_as_it_was(model)
    assert torch.equal(read(model, tokens, real)[0], before[0])
    assert torch.equal(read(model, tokens, real)[1], before[1])
    assert generate(model, PROMPTS, max_new_tokens=NEW, seed=0) == texts


class Stopped(Exception):
    """Raised by the tests alone."""


def in_the_body(error: type[BaseException]) -> Callable[[TransformerBridge], None]:
    def act(_model: TransformerBridge) -> None:
        raise error

    return act


def in_the_forward(model: TransformerBridge) -> None:
    model(torch.tensor([[10**6]]))  # no such token


def in_the_forward_inside(model: TransformerBridge) -> None:
    model.original_model(torch.tensor([[10**6]]))


def in_a_hook_of_the_bridge(model: TransformerBridge) -> None:
    def stop(activations: Tensor, hook: object) -> Tensor:
        raise Stopped

    with model.hooks(fwd_hooks=[("blocks.1.hook_out", stop)]):
        generate(model, PROMPTS, max_new_tokens=2, seed=0)


def in_the_count(model: TransformerBridge) -> None:
    with steer(model, drawn_vector(texts=3), layer=1, coefficient=1.0):
        model(naive.tokens(model, TEXTS[0]))


def in_the_count_while_it_writes(model: TransformerBridge) -> None:
    with steer(model, drawn_vector(texts=3), layer=LAYERS, coefficient=1.0):
        generate(model, PROMPTS, max_new_tokens=2, seed=0)


def in_a_refusal_inside(model: TransformerBridge) -> None:
    with steer(model, drawn_vector(), layer=LAYERS + 1, coefficient=1.0):
        pass


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (in_the_body(Stopped), Stopped),
        (in_the_body(KeyboardInterrupt), KeyboardInterrupt),
        (in_the_body(SystemExit), SystemExit),
        (in_the_body(GeneratorExit), GeneratorExit),
        (in_the_body(StopIteration), StopIteration),
        (in_the_forward, IndexError),
        (in_the_forward_inside, IndexError),
        (in_a_hook_of_the_bridge, Stopped),
        (in_the_count, ValueError),
        (in_the_count_while_it_writes, ValueError),
        (in_a_refusal_inside, ValueError),
    ],
)
@pytest.mark.parametrize("layer", [0, 1, LAYERS])
def test_however_the_block_ends_no_hook_is_left(
    gpt2: TransformerBridge,
    act: Callable[[TransformerBridge], None],
    error: type[BaseException],
    layer: int,
) -> None:
    row = naive.tokens(gpt2, TEXTS[0])
    v = drawn_vector()
    before = read(gpt2, row)[1]
    with steer(gpt2, v, layer=layer, coefficient=SIZE, position="last_prompt"):
        expected = read(gpt2, row)[1]
    with (
        pytest.raises(error),
        steer(gpt2, v, layer=layer, coefficient=SIZE),
        steer(gpt2, v, layer=1, coefficient=1.0, position="generated"),
    ):
        act(gpt2)
    assert_as_it_was(gpt2)
    assert torch.equal(read(gpt2, row)[1], before)
    with steer(gpt2, v, layer=layer, coefficient=SIZE, position="last_prompt"):
        assert torch.equal(read(gpt2, row)[1], expected)


def test_a_generator_that_is_closed_in_a_block_leaves_it(gpt2: TransformerBridge) -> None:
    def read_on() -> Iterator[Tensor]:
        with steer(gpt2, drawn_vector(), layer=1, coefficient=1.0):
            for text in TEXTS:
                yield read(gpt2, naive.tokens(gpt2, text))[1]

    reading = read_on()
    next(reading)
    assert is_steered(gpt2)
    del reading
    assert_as_it_was(gpt2)


def test_a_failed_call_is_forgotten_by_the_next(gpt2: TransformerBridge) -> None:
    """The prompt's width and the cache of a call that broke off do not reach the call after it."""
    row = naive.tokens(gpt2, TEXTS[0])
    v = SIZE * drawn_vector()
    expected, _ = naive_read(gpt2, row, row.shape[1], [Added(v, 1, "last_prompt")])
    with steer(gpt2, v, layer=1, coefficient=1.0, position="last_prompt"):
        with pytest.raises(ValueError, match=r"^vector: got 3 of them for a batch of 4"):
            in_the_count_while_it_writes(gpt2)
        with pytest.raises(Stopped):
            in_a_hook_of_the_bridge(gpt2)
        torch.testing.assert_close(read(gpt2, row)[0][:, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layer", ALL_LAYERS)
def test_statistics_of_a_steered_model_are_refused(model: TransformerBridge, layer: int) -> None:
    before = residual_mean(model, TEXTS)
    with steer(model, drawn_vector(), layer=layer, coefficient=1.0):
        with pytest.raises(ValueError, match=r"^model: a hook is attached .* leave the steering"):
            visit_residuals(model, TEXTS, lambda *_: None)
        with pytest.raises(ValueError, match=r"^model: "):
            residual_mean(model, TEXTS)
        with pytest.raises(ValueError, match=r"^model: "):
            top_dimensions(model, TEXTS, 0)
    assert torch.equal(residual_mean(model, TEXTS), before)


def test_the_global_generators_are_left_alone(model: TransformerBridge) -> None:
    def states() -> tuple[list[int], str]:
        return torch.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002

    before = states()
    with steer(model, drawn_vector(texts=4), layer=1, coefficient=1.0):
        generate(model, PROMPTS, max_new_tokens=NEW, seed=0)
        model(naive.tokens(model, TEXTS[0]).expand(4, -1))
    assert states() == before


def not_a_number(value: float) -> Tensor:
    v = drawn_vector()
    v[3] = value
    return v


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"layer": -1}, rf"layer: got -1; 0 \(the embeddings\) to {LAYERS} "),
        ({"layer": LAYERS + 1}, rf"layer: got {LAYERS + 1}; 0 \(the embeddings\) to {LAYERS} "),
        ({"vector": torch.ones(WIDTH - 1)}, rf"vector: got shape \({WIDTH - 1},\); \({WIDTH},\)"),
        (
            {"vector": torch.ones(2, WIDTH + 1)},
            rf"vector: got shape \(2, {WIDTH + 1}\); \({WIDTH},\)",
        ),
        ({"vector": torch.ones(WIDTH, 1)}, rf"vector: got shape \({WIDTH}, 1\); \({WIDTH},\)"),
        ({"vector": torch.tensor(1.0)}, ".*vector"),
        (
            {"vector": torch.ones(1, 1, WIDTH)},
            rf"vector: got shape \(1, 1, {WIDTH}\); \({WIDTH},\)",
        ),
        ({"vector": not_a_number(torch.nan)}, "vector: got numbers that are not finite"),
        ({"vector": not_a_number(torch.inf)}, "vector: got numbers that are not finite"),
        ({"coefficient": torch.inf}, "coefficient: got inf; a finite number"),
        ({"coefficient": -torch.inf}, "coefficient: got -inf; a finite number"),
        ({"coefficient": torch.nan}, "coefficient: got nan; a finite number"),
        ({"position": "last"}, ".*position"),
        ({"position": ""}, ".*position"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_hooked(
    gpt2: TransformerBridge, changed: dict[str, Any], says: str
) -> None:
    settings: dict[str, Any] = {
        "vector": drawn_vector(),
        "layer": 1,
        "coefficient": 1.0,
        "position": "every",
    } | changed
    says_so = re.compile(f"^{says}", re.DOTALL)
    with pytest.raises(REFUSED, match=says_so), steer(gpt2, **settings):
        pass
    assert_as_it_was(gpt2)


def test_a_product_that_is_not_finite_is_refused(gpt2: TransformerBridge) -> None:
    with (
        pytest.raises(ValueError, match="not finite"),
        steer(gpt2, 1e30 * drawn_vector(), layer=1, coefficient=1e30),
    ):
        pass
    assert_as_it_was(gpt2)


masks = st.integers(1, 4).flatmap(
    lambda texts: st.integers(1, 7).flatmap(
        lambda columns: st.lists(
            st.lists(st.booleans(), min_size=columns, max_size=columns),
            min_size=texts,
            max_size=texts,
        )
    )
)


@settings(deadline=None)
@given(masks, st.integers(1, 7), st.sampled_from(POSITIONS))
def test_positions_are_counted_among_the_tokens_that_are_no_padding(
    mask: list[list[bool]], width: int, position: Position
) -> None:
    """Padding may stand anywhere: on the left, on the right, between."""
    width = min(width, len(mask[0]))
    got = steered_tokens(torch.tensor(mask), position, width)
    assert got.shape == (len(mask), len(mask[0]))
    for row, found in zip(mask, got.tolist(), strict=True):
        prompt = [place for place, real in enumerate(row[:width]) if real]
        new = [place for place, real in enumerate(row) if real and place >= width]
        expected = {
            "first": prompt[:1],
            "last_prompt": prompt[-1:],
            "generated": new,
            "every": prompt + new,
        }[position]
        assert [place for place, steered in enumerate(found) if steered] == expected

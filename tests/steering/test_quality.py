"""What steering costs, beside each continuation scored alone, without padding."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import load_model
from steering_core.language_model.load import plain_model
from steering_core.steering import distinct_2, perplexity, quality, steer
from steering_core.steering.quality import surprise
from steering_core.steering.sampling import Continuations, pad_left, prompt_tokens, sample_tokens

from ..language_model import naive
from ..language_model.conftest import CONTEXT, N_TOKENS, WIDTH
from .test_sampling import PROMPTS


def naive_nats(model: TransformerBridge, found: Continuations, row: int) -> list[float]:
    """-log p of each kept token of one continuation, from a text of its own."""
    prompt = found.prompts[row][found.real[row]].tolist()
    kept = found.drawn[row][found.kept[row]].tolist()
    if not kept:
        return []
    with torch.no_grad():
        logits = plain_model(model)(torch.tensor([prompt + kept])).logits[0].double()
    nats = []
    for place, token in enumerate(kept, len(prompt)):
        before = logits[place - 1]
        nats.append(float(before.exp().sum().log() - before[token]))
    return nats


def continued(
    model: TransformerBridge, drawn: list[list[int]], kept: list[int] | None = None
) -> Continuations:
    """The prompts with given tokens behind them, the first so many of each kept."""
    rows = prompt_tokens(model, PROMPTS[: len(drawn)], prepend_bos=True)
    tokens, real = pad_left(rows)
    new = torch.tensor(drawn, dtype=torch.int64).reshape(len(drawn), -1)
    n_kept = torch.tensor([new.shape[1]] * len(drawn) if kept is None else kept)
    return Continuations(tokens, real, new, torch.arange(new.shape[1]) < n_kept[:, None])


def random_rows(n: int, new: int, *, seed: int = 0) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, N_TOKENS, (n, new), generator=generator).tolist()


def one_text(row: list[int], kept: int | None = None) -> Continuations:
    """Tokens behind a prompt of one token, where no model is asked."""
    n = len(row) if kept is None else kept
    return Continuations(
        torch.zeros(1, 1, dtype=torch.int64),
        torch.ones(1, 1, dtype=torch.bool),
        torch.tensor([row], dtype=torch.int64),
        (torch.arange(len(row)) < n)[None],
    )


@pytest.mark.parametrize("prepend_bos", [True, False])
def test_surprise_is_that_of_each_text_alone(model: TransformerBridge, prepend_bos: bool) -> None:
    found = sample_tokens(model, PROMPTS, max_new_tokens=9, seed=3, prepend_bos=prepend_bos)
    assert not found.real.all()
    got = surprise(model, found)
    assert got.dtype == torch.float64
    nats = [naive_nats(model, found, row) for row in range(len(PROMPTS))]
    expected = torch.tensor([sum(own) / max(len(own), 1) for own in nats], dtype=torch.float64)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    flat = [each for own in nats for each in own]
    assert perplexity(model, found) == pytest.approx(math.exp(sum(flat) / len(flat)), rel=1e-4)


def test_only_kept_tokens_count(model: TransformerBridge) -> None:
    kept = [5, 1, 0, 3]
    found = continued(model, random_rows(4, 5), kept)
    got = surprise(model, found)
    nats = [naive_nats(model, found, row) for row in range(4)]
    assert [len(own) for own in nats] == kept
    expected = torch.tensor([sum(own) / max(len(own), 1) for own in nats], dtype=torch.float64)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert got[2] == 0
    # Every token weighs the same, so a long continuation weighs more than a short one.
    assert perplexity(model, found) == pytest.approx(
        math.exp(sum(map(sum, nats)) / sum(kept)), rel=1e-4
    )
    assert perplexity(model, found) != pytest.approx(math.exp(float(got.mean())), rel=1e-3)


def test_what_stands_behind_the_end_does_not_matter(gpt2: TransformerBridge) -> None:
    kept = [2, 4, 0]
    one, two = (continued(gpt2, random_rows(3, 6, seed=seed), kept) for seed in (0, 1))
    drawn = torch.where(one.kept, one.drawn, two.drawn)
    changed = Continuations(one.prompts, one.real, drawn, one.kept)
    assert not torch.equal(drawn, one.drawn)
    torch.testing.assert_close(surprise(gpt2, changed), surprise(gpt2, one))
    assert perplexity(gpt2, changed) == pytest.approx(perplexity(gpt2, one))
    assert torch.equal(distinct_2(changed), distinct_2(one))


def test_a_text_that_the_model_ended_is_scored_up_to_its_end(gpt2: TransformerBridge) -> None:
    """At so high a temperature every token is as likely as any other, the last one too."""
    found = sample_tokens(gpt2, ["q"] * 12, max_new_tokens=CONTEXT - 2, seed=1, temperature=1e3)
    n = found.kept.sum(1)
    assert (n < found.drawn.shape[1]).any()
    assert (n == found.drawn.shape[1]).any()
    nats = [naive_nats(gpt2, found, row) for row in range(12)]
    for row, (own, count) in enumerate(zip(nats, n.tolist(), strict=True)):
        assert len(own) == count
        assert gpt2.tokenizer.eos_token_id not in found.drawn[row, :count].tolist()
    expected = torch.tensor([sum(own) / len(own) for own in nats], dtype=torch.float64)
    torch.testing.assert_close(surprise(gpt2, found), expected, rtol=1e-4, atol=1e-4)


def test_a_text_does_not_depend_on_its_neighbours(
    model: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = continued(model, random_rows(4, 6))
    together = surprise(model, found)
    for row in range(4):
        alone = Continuations(
            *(part[row : row + 1] for part in (found.prompts, found.real, found.drawn, found.kept))
        )
        torch.testing.assert_close(surprise(model, alone)[0], together[row], rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(quality, "AT_ONCE", 3)
    torch.testing.assert_close(surprise(model, found), together, rtol=1e-4, atol=1e-5)


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary(
    folders: dict[str, Path],
) -> None:
    ignorant = load_model(folders["gpt2"])
    with torch.no_grad():
        naive.embedding(plain_model(ignorant)).zero_()  # tied: the unembedding too
    found = continued(ignorant, random_rows(4, 6), [6, 2, 5, 1])
    assert perplexity(ignorant, found) == pytest.approx(N_TOKENS, rel=1e-5)
    torch.testing.assert_close(
        surprise(ignorant, found), torch.full((4,), math.log(N_TOKENS), dtype=torch.float64)
    )


def test_greedy_texts_are_the_least_surprising(gpt2: TransformerBridge) -> None:
    settings: dict[str, Any] = {"max_new_tokens": 1, "seed": 0}
    greedy = sample_tokens(gpt2, PROMPTS, top_p=1e-6, **settings)
    least = surprise(gpt2, greedy)
    for seed in range(4):
        other = continued(gpt2, random_rows(4, 1, seed=seed))
        assert (surprise(gpt2, other) >= least - 1e-6).all()


def test_another_model_may_score(gpt2: TransformerBridge, folders: dict[str, Path]) -> None:
    llama = load_model(folders["llama"])
    found = sample_tokens(llama, PROMPTS, max_new_tokens=6, seed=0)
    nats = [naive_nats(gpt2, found, row) for row in range(4)]
    flat = [each for own in nats for each in own]
    assert perplexity(gpt2, found) == pytest.approx(math.exp(sum(flat) / len(flat)), rel=1e-4)
    assert perplexity(gpt2, found) != pytest.approx(perplexity(llama, found), rel=0.01)


def test_the_model_that_judges_is_not_steered(
    gpt2: TransformerBridge, folders: dict[str, Path]
) -> None:
    v = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    other = load_model(folders["gpt2"])
    for layer in range(gpt2.cfg.n_layers + 1):
        with steer(gpt2, v, layer=layer, coefficient=8.0):
            found = sample_tokens(gpt2, PROMPTS, max_new_tokens=6, seed=0)
            for refused in (surprise, perplexity):
                with pytest.raises(ValueError, match=r"^model: it is being steered; "):
                    refused(gpt2, found)
            elsewhere = surprise(other, found)
            distinct_2(found)
        torch.testing.assert_close(surprise(gpt2, found), elsewhere)
        nats = [naive_nats(gpt2, found, row) for row in range(4)]
        flat = [each for own in nats for each in own]
        assert perplexity(gpt2, found) == pytest.approx(math.exp(sum(flat) / len(flat)), rel=1e-4)


def test_what_steering_writes_surprises_the_plain_model(gpt2: TransformerBridge) -> None:
    v = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    plain = sample_tokens(gpt2, PROMPTS * 4, max_new_tokens=12, seed=0)
    with steer(gpt2, v, layer=3, coefficient=20.0):
        steered = sample_tokens(gpt2, PROMPTS * 4, max_new_tokens=12, seed=0)
    assert perplexity(gpt2, steered) > 2 * perplexity(gpt2, plain)


def test_hooks_of_the_bridge_do_not_reach_the_judge(gpt2: TransformerBridge) -> None:
    found = continued(gpt2, random_rows(4, 6))
    before = surprise(gpt2, found)

    def shift(activations: Tensor, hook: object) -> Tensor:
        return activations + 5.0 * torch.arange(activations.shape[-1]).cos()

    with gpt2.hooks(fwd_hooks=[("blocks.1.hook_out", shift)]):
        assert torch.equal(surprise(gpt2, found), before)


def test_perplexity_needs_a_token(gpt2: TransformerBridge) -> None:
    nothing = continued(gpt2, random_rows(3, 4), [0, 0, 0])
    assert surprise(gpt2, nothing).tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"^found: no continuation has a token; "):
        perplexity(gpt2, nothing)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([7, 7, 7, 7], 1 / 3),
        ([7] * 11, 1 / 10),
        ([1, 2, 3, 4], 1.0),
        ([1, 2, 1, 2, 1], 1 / 2),
        ([1, 2, 1], 1.0),  # 1 2 is not 2 1
        ([1, 1], 1.0),
        ([1], 1.0),
    ],
)
def test_distinct_2_by_hand(row: list[int], expected: float) -> None:
    assert distinct_2(one_text(row)).tolist() == pytest.approx([expected])


def test_distinct_2_counts_up_to_the_end() -> None:
    row = [7, 7, 7, 7, 1, 2, 3]
    expected = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1 / 2, 4: 1 / 3, 5: 2 / 4, 7: 4 / 6}
    for kept, share in expected.items():
        assert distinct_2(one_text(row, kept)).tolist() == pytest.approx([share]), kept


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=4))
def test_distinct_2_is_a_count_of_pairs(rows: list[list[int]]) -> None:
    many = Continuations(
        torch.zeros(len(rows), 1, dtype=torch.int64),
        torch.ones(len(rows), 1, dtype=torch.bool),
        torch.tensor(rows),
        torch.ones(len(rows), 6, dtype=torch.bool),
    )
    for row, got in zip(rows, distinct_2(many).tolist(), strict=True):
        pairs = [f"{row[n]} {row[n + 1]}" for n in range(5)]
        first_seen = [n for n, pair in enumerate(pairs) if pair not in pairs[:n]]
        assert got == pytest.approx(len(first_seen) / 5)

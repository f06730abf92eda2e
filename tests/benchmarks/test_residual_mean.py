"""`residual_mean` beside the bare forward pass of transformers, and beside caches of activations.

The usual way to a mean activation runs TransformerLens with a cache and adds up what it holds; here
it is given the benefit of keeping the residual stream alone. The bare pass is what the numbers cost
at the least: no tokenizer, no hook, no sum, though with the logits, which `residual_mean` leaves
out. All read the same batches on one thread, in turns, and seconds are the processor's.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

TEXTS = 200
FULL = 600  # texts from which memory is at its height: more than are sorted at a time
WORDS = (60, 180)  # of a text, evenly spread: about 150 tokens, within the context
REPETITIONS = 5
WIDTH, LAYERS, HEADS, CONTEXT, N_TOKENS = 192, 6, 6, 256, 12_000
"""The shipped model's; a random one of this shape stands in where its weights are not there."""

pytestmark = [pytest.mark.benchmark, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(
    in_fresh_process: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Any]:
    """Runs one of the functions below in a fresh process, on one thread."""
    call = partial(in_fresh_process, OMP_NUM_THREADS="1")
    folder = call("model", str(tmp_path_factory.mktemp("model")))
    return lambda what, *more: call(what, folder, *more)


@pytest.fixture(scope="module")
def measured(run: Callable[..., Any]) -> dict[str, Any]:
    """Seconds of each way, and how far the two means are apart."""
    return run("seconds", str(REPETITIONS))


def test_it_costs_no_more_than_the_bare_forward_pass(measured: dict[str, Any]) -> None:
    ratio = report(measured, "bare")
    assert ratio >= 0.9


def test_it_is_faster_than_caches(measured: dict[str, Any]) -> None:
    ratio = report(measured, "cached")
    assert measured["difference"] < 1e-4
    assert ratio >= 1.5


def test_memory_does_not_grow_with_the_texts(run: Callable[..., Any]) -> None:
    few, many = run("memory", str(FULL)), run("memory", str(10 * FULL))
    kept = 10 * FULL * 150 * WIDTH * (LAYERS + 1) * 4
    print(f"peak memory of {FULL:5} texts {few / 2**20:6.0f} MiB")
    print(f"peak memory of {10 * FULL:5} texts {many / 2**20:6.0f} MiB, {many / few:.3f} times")
    print(f"the activations alone    {kept / 2**20:6.0f} MiB, were they kept")
    assert many < 1.1 * few


def report(measured: dict[str, Any], way: str) -> float:
    """How many times the texts a second of `way`: the median over the repetitions."""
    pairs = zip(measured["seconds"][way], measured["seconds"]["ours"], strict=True)
    ratios = [usual / ours for usual, ours in pairs]
    ratio = statistics.median(ratios)
    per_second = measured["tokens"] / statistics.median(measured["seconds"]["ours"])
    print(
        f"residual_mean: {per_second:.0f} tokens/s, {ratio:.2f} times the {way} pass "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} repetitions)"
    )
    return ratio


# What follows runs in processes of its own.


def model(folder: str) -> str:
    """The shipped model's folder, or `folder` with a random model in it."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from steering_core.language_model import load_texts
    from steering_core.language_model.load import SHIPPED
    from steering_core.language_model.tokenizer import train_tokenizer

    if (SHIPPED / "model.safetensors").is_file():
        return str(SHIPPED)
    if not (Path(folder) / "model.safetensors").is_file():
        train_tokenizer(load_texts("stories"), N_TOKENS, context=CONTEXT).save_pretrained(folder)
        shape: dict[str, Any] = {
            "n_embd": WIDTH,
            "n_layer": LAYERS,
            "n_head": HEADS,
            "n_positions": CONTEXT,
        }
        torch.manual_seed(0)
        GPT2LMHeadModel(GPT2Config(vocab_size=N_TOKENS, **shape)).save_pretrained(folder)
    return folder


def texts(n: int) -> Iterator[str]:
    """Beginnings of stories, of ragged lengths."""
    from steering_core.language_model import load_texts

    words = " ".join(load_texts("stories")).split()
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(WORDS[0], WORDS[1] + 1, (n,), generator=generator)
    starts = torch.randint(len(words) - WORDS[1], (n,), generator=generator)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        yield " ".join(words[start : start + length])


@torch.no_grad()
def seconds(folder: str, repetitions: str) -> dict[str, Any]:
    """Of each way in turns, whose order goes round."""
    from transformers import AutoModelForCausalLM

    from steering_core.language_model import load_model, residual_mean
    from steering_core.language_model.token_batches import token_batches

    bridge = load_model(folder)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    some = list(texts(TEXTS))
    batches = list(token_batches(bridge, some))
    names = ["blocks.0.hook_in", *(f"blocks.{k}.hook_out" for k in range(LAYERS))]

    def bare() -> None:
        for batch in batches:
            plain(batch.tokens, use_cache=False)

    def cached() -> torch.Tensor:
        sums, count = torch.zeros(len(names), WIDTH, dtype=torch.float64), 0
        for batch in batches:
            _, cache = bridge.run_with_cache(batch.tokens, names_filter=names)
            real = batch.real[:, 1:]
            count += int(real.sum())
            for layer, name in enumerate(names):
                sums[layer] += cache[name][:, 1:][real].sum(0, dtype=torch.float64)
        return sums / count

    def ours() -> torch.Tensor:
        return residual_mean(bridge, some)

    ways: list[Callable[[], Any]] = [bare, ours, cached]
    taken: dict[str, list[float]] = {way.__name__: [] for way in ways}
    found = {}
    for network in (plain, bridge):
        network(batches[-1].tokens)  # what is done once a process
    for _ in range(int(repetitions)):
        for way in ways:
            begin = time.process_time()
            found[way.__name__] = way()
            taken[way.__name__].append(time.process_time() - begin)
        ways = [*ways[1:], ways[0]]
    return {
        "seconds": taken,
        "tokens": sum(int(batch.real.sum()) for batch in batches),
        "difference": (found["ours"] - found["cached"]).abs().max().item(),
    }


def memory(folder: str, n: str) -> int:
    """Peak of the process, in bytes."""
    from steering_core.language_model import load_model, residual_mean

    residual_mean(load_model(folder), texts(int(n)))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps({"model": model, "seconds": seconds, "memory": memory}[what](*arguments)))

"""What is measured: settings of growing size, for each call that a reader may wish to scale up.

Weights and inputs are random, which cost what others do.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from steering_core.absolute_value import find_motifs
from steering_core.language_model import load_texts, residual_mean
from steering_core.language_model.load import SHIPPED, as_bridge
from steering_core.sparse_autoencoders import Recipe, train_autoencoders
from steering_core.steering import generate
from steering_core.superposition import phase_diagram

REPETITIONS = 3

Prepare = Callable[[], Callable[[], object]]
"""Makes models and inputs ready, and gives what is to be timed."""


@dataclass(frozen=True)
class Setting:
    """One size of a series.

    words: what it is.
    size: what the seconds are taken to grow with.
    prepare: None where it is too large to be run here; its seconds are extrapolated.
    """

    words: str
    size: float
    prepare: Prepare | None = None


@dataclass(frozen=True)
class Series:
    """Settings of one call.

    name: of the table.
    call: as a reader would write it.
    setting: what the settings are.
    size: what their sizes count.
    unit: what seconds are given for.
    units: how many of these one call does.
    settings: at least four that are run, and any number beyond.
    """

    name: str
    call: str
    setting: str
    size: str
    unit: str
    units: float
    settings: tuple[Setting, ...]


def least_seconds(prepare: Prepare, repetitions: int = REPETITIONS) -> float:
    """Of a call that has run once to warm up: the least counts, as whatever else the machine does
    can only add.
    """
    run = prepare()
    run()
    taken = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        run()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def all_series() -> tuple[Series, ...]:
    """Every series; nothing is run yet."""
    return (reading(), writing(), autoencoders(), phase_diagrams(), motifs())


# --- language models

STORIES, PROMPTS, NEW_TOKENS = 4, 16, 10
RUN = (("", 256, 6), ("", 512, 6), ("GPT-2 small: ", 768, 12), ("GPT-2 medium: ", 1024, 24))
BEYOND = (("GPT-2 XL: ", 1600, 48),)


def reading() -> Series:
    """`residual_mean` over a few stories."""
    texts = load_texts("stories")[:STORIES]
    rows = AutoTokenizer.from_pretrained(SHIPPED)(texts)["input_ids"]

    def prepare(width: int, blocks: int) -> Callable[[], object]:
        return partial(residual_mean, random_gpt2(width, blocks), texts)

    tokens = sum(len(row) for row in rows)
    return _of_gpt2("reading", "residual_mean", "a thousand tokens", tokens / 1_000, prepare)


def writing() -> Series:
    """`generate`, sixteen prompts at once."""

    def prepare(width: int, blocks: int) -> Callable[[], object]:
        model, prompts = random_gpt2(width, blocks), ["Once there was"] * PROMPTS
        return partial(generate, model, prompts, max_new_tokens=NEW_TOKENS, seed=0)

    thousands = PROMPTS * NEW_TOKENS / 1_000
    return _of_gpt2("writing", "generate", "a thousand new tokens", thousands, prepare)


def random_gpt2(width: int, blocks: int) -> TransformerBridge:
    """A GPT-2 with random weights and the shipped tokenizer; `width` is a multiple of 64."""
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=width,
        n_layer=blocks,
        n_head=width // 64,
        n_positions=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return as_bridge(GPT2LMHeadModel(config), tokenizer)


def _of_gpt2(
    name: str,
    call: str,
    unit: str,
    units: float,
    prepare: Callable[[int, int], Callable[[], object]],
) -> Series:
    def setting(title: str, width: int, blocks: int, run: bool) -> Setting:
        words = f"{title}{blocks} blocks of {width}"
        weights = 12.0 * blocks * width**2  # 4 matrices of attention, 8 of the MLP, d x d each
        return Setting(words, weights, partial(prepare, width, blocks) if run else None)

    settings = [setting(*shape, run=True) for shape in RUN]
    settings += [setting(*shape, run=False) for shape in BEYOND]
    return Series(name, call, "model", "weights in blocks", unit, units, tuple(settings))


# --- the toys and the autoencoders

STEPS, BATCH = 50, 128


def autoencoders() -> Series:
    """One JumpReLU autoencoder, a few steps."""

    def setting(width: int, times: int, run: bool) -> Setting:
        latents = times * width
        prepare = partial(_train, width, latents) if run else None
        return Setting(f"d = {width}, {latents:,} latents", float(width * latents), prepare)

    settings = [setting(width, 4, run=True) for width in (64, 192, 512)]
    settings += [setting(768, 8, run=True), setting(768, 32, run=False)]
    millions = STEPS * BATCH / 1e6
    return Series(
        "autoencoder",
        "train_autoencoders",
        "autoencoder",
        "d times latents",
        "a million inputs",
        millions,
        tuple(settings),
    )


def _train(width: int, latents: int) -> Callable[[], object]:
    x = torch.randn(4_096, width, generator=torch.Generator().manual_seed(0))
    recipe = Recipe(steps=STEPS, dead="none")

    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # latents that noise leaves dead
            train_autoencoders(
                x, "jumprelu", n_latents=latents, penalties=(1.0,), recipe=recipe, batch_size=BATCH
            )

    return run


def phase_diagrams() -> Series:
    """GELU's, of growing grids."""

    def setting(side: int, run: bool) -> Setting:
        prepare = partial(_diagram, side) if run else None
        return Setting(f"{side} x {side} cells", float(side**2), prepare)

    settings = [setting(side, run=True) for side in (11, 31, 51, 101)] + [setting(201, run=False)]
    return Series(
        "phase_diagram", "phase_diagram", "grid", "cells", "a diagram", 1.0, tuple(settings)
    )


def _diagram(side: int) -> Callable[[], object]:
    densities, importances = torch.logspace(-2, 0, side), torch.logspace(-1, 1, side)
    return partial(phase_diagram, "gelu", densities=densities, importances=importances)


def motifs() -> Series:
    """`find_motifs` in random weights."""

    def setting(features: int, neurons: int, run: bool) -> Setting:
        prepare = partial(_search, features, neurons) if run else None
        words = f"{features} features, {neurons} neurons"
        return Setting(words, float(neurons * features**2), prepare)

    settings = [setting(n, 2 * n // 5, run=True) for n in (50, 100, 200, 300)]
    settings += [setting(600, 240, run=False)]
    return Series(
        "motifs",
        "find_motifs",
        "network",
        "neurons times features squared",
        "a network",
        1.0,
        tuple(settings),
    )


def _search(features: int, neurons: int) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    w_in = torch.randn(neurons, features, generator=generator)
    w_out = torch.randn(features, neurons, generator=generator)
    return partial(find_motifs, w_in, w_out, torch.zeros(features))

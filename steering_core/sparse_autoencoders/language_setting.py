"""Autoencoders on a language model: the setting of the study and of what comes with the package.

The residual stream in the middle of a shipped model, over text of the model's own making, less its
mean. The mean goes into the decoders' biases afterwards, so that an autoencoder reads activations
as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core import lockstep
from steering_core.language_model.load import SECOND, SHIPPED, load_model
from steering_core.language_model.own_words import activations_of, own_words
from steering_core.language_model.texts import load_texts
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.training import train_autoencoders

MODELS = {"first": SHIPPED, "second": SECOND}
LAYER, N_LATENTS = 3, 512
BATCH_SIZE, STEPS, HELD_OUT = 256, 4_000, 100
SETS = ("fantasy", "scifi", "sports", "stories", "shakespeare", "neutral", "loving", "hateful")
TEXTS_A_SET = 20


@dataclass(frozen=True)
class Reading:
    """A model and its activations at the layer.

    Attributes:
        model: as `load_model` gives it.
        mean: of the activations that are trained on.
        trained_on: every position but the first of each window but the last ones, less the mean.
        held_out: of the last windows, as they are.
    """

    model: TransformerBridge
    mean: Float[Tensor, " d"]
    trained_on: Float[Tensor, "n d"]
    held_out: Float[Tensor, "k d"]


@cache
def reading(name: str) -> Reading:
    """The activations of a shipped model; read once a process.

    Raises:
        ValueError: a name that is not in `MODELS`.
    """
    if name not in MODELS:
        raise ValueError(f"name: got {name!r}; allowed are {', '.join(MODELS)}")
    model = load_model(MODELS[name])
    x = activations_of(model, own_words(MODELS[name]), LAYER)[:, 1:]
    ours, others = (part.flatten(0, 1) for part in (x[:-HELD_OUT], x[-HELD_OUT:]))
    mean = ours.double().mean(0).float()
    return Reading(model, mean, ours - mean, others)


def batches(x: Float[Tensor, "n d"], seed: int) -> Iterator[Float[Tensor, "batch d"]]:
    """Batches without end: all inputs in a random order, and again in another."""
    chance = lockstep.stream(seed, "order")
    while True:
        for places in torch.randperm(len(x), generator=chance).split(BATCH_SIZE):
            yield x[places]


def train_on_language(
    name: str,
    architecture: str,
    penalties: tuple[float, ...],
    recipe: Recipe,
    *,
    seeds: tuple[int, ...],
    progress: bool = False,
) -> Autoencoders:
    """The autoencoders of one model and architecture, for activations as they are.

    Args:
        name: of the model, out of `MODELS`.
        architecture: out of `ARCHITECTURES`.
        penalties: as `train_autoencoders` takes them.
        recipe: how they are trained.
        seeds: of initial weights; the first is that of the order of inputs, too.
        progress: show a bar.
    """
    read = reading(name)
    trained = train_autoencoders(
        batches(read.trained_on, seeds[0]),
        architecture,
        n_latents=N_LATENTS,
        penalties=penalties,
        seeds=seeds,
        recipe=recipe,
        progress=progress,
    )
    return shifted(trained, read.mean)


def shifted(autoencoders: Autoencoders, mean: Float[Tensor, " d"]) -> Autoencoders:
    """What was trained on activations less a mean, for activations as they are.

    Encoders read x - b_d and decoders add b_d, so that a shift of the inputs is one of b_d.

    Raises:
        ValueError: a mean of another width.
    """
    if mean.shape != autoencoders.scale.shape:
        raise ValueError(f"mean: got shape {tuple(mean.shape)}; ({autoencoders.width},) is allowed")
    moved = autoencoders.parameters["b_dec"] + mean * autoencoders.scale
    return replace(autoencoders, parameters={**autoencoders.parameters, "b_dec": moved})


def judged_texts() -> list[str]:
    """The first texts of each set, over which losses are measured."""
    return [text for name in SETS for text in load_texts(name)[:TEXTS_A_SET]]

"""Which tells a genre's texts from others: a mean-centred vector, or a latent?

A text's score is the mean over its tokens but the first: of the activation along a vector, or of a
latent. Whatever is chosen or averaged is so on even texts; the area under the ROC curve is that of
odd texts, those of the genre against those of all other sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from scipy.stats import rankdata
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.texts import load_texts
from steering_core.language_model.token_batches import TokenBatch
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.steering.lexicon import GENRES
from steering_core.steering.material import SETS, Half, Material
from steering_core.steering.vectors import isolate, mean_centre

TOP = 8
"""How many latents are summed where several may speak."""
METHODS = ("centred", "isolated", "latent", "eight latents", "random direction")
Scores = Float64[np.ndarray, " texts"]


@dataclass(frozen=True)
class Labelled:
    """Texts of eight sets, as the means of their activations at a layer and of their latents.

    Attributes:
        material: what vectors are made of.
        layer: of the autoencoders.
        latents: (seeds, texts, latents) mean over a text's tokens but the first, of autoencoders
            that differ in their seeds.
    """

    material: Material
    layer: int
    latents: Float64[Tensor, "seeds texts latents"]

    @property
    def set_of(self) -> list[str]:
        """The set of each text."""
        return [
            name
            for name, span in self.material.spans.items()
            for _ in range(span.stop - span.start)
        ]

    def half(self, half: Half) -> Bool[np.ndarray, " texts"]:
        """Which texts have an even, or an odd, number in their set."""
        numbers = [
            n for span in self.material.spans.values() for n in range(span.stop - span.start)
        ]
        return np.array(numbers) % 2 == (half == "odd")

    def activations(self) -> Float64[Tensor, "texts d_model"]:
        """The mean activation of each text at the layer."""
        sums = self.material.sums
        return sums.total[self.layer] / sums.tokens[:, None]


def read_latents(
    model: TransformerBridge, autoencoders: Autoencoders, material: Material, layer: int
) -> Labelled:
    """Read the eight sets of texts once more, through autoencoders.

    Args:
        model: from `load_model`.
        autoencoders: of the input of block `layer`.
        material: `read_material(model)`.
        layer: the block whose input they were trained on; 0 reads the embeddings.
    """
    texts = [text for name in SETS for text in load_texts(name)]
    sums = torch.zeros(len(autoencoders), len(texts), autoencoders.n_latents, dtype=torch.float64)

    def add(_layer: int, x: Tensor, batch: TokenBatch) -> None:
        real = batch.real[:, 1:]
        latents = autoencoders.encode(x[:, 1:][real].cpu()).double()
        owner = batch.text[:, None].expand_as(real)[real].cpu()
        sums.index_add_(1, owner, latents)

    visit_residuals(model, texts, add, layers=[layer])
    return Labelled(material, layer, sums / material.sums.tokens[:, None])


def auroc(
    scores: Float64[np.ndarray, "texts ..."], target: Bool[np.ndarray, " texts"]
) -> Float64[np.ndarray, ...]:
    """The share of pairs of a target and another text that a score puts in order; ties count half.

    Args:
        scores: (texts, ...) one number a text; any axes behind it are scores of their own.
        target: (texts,) which of them are to score high.

    Raises:
        ValueError: no target among the texts, or nothing else.
    """
    n, others = int(target.sum()), int((~target).sum())
    if not n or not others:
        raise ValueError(f"target: got {n} targets and {others} others; both are needed")
    ranks = rankdata(scores, axis=0)
    return np.asarray((ranks[target].sum(0) - n * (n + 1) / 2) / (n * others), dtype=np.float64)


def vector(labelled: Labelled, genre: str, kind: str) -> Float64[Tensor, " d_model"]:
    """The centred or isolated vector of a genre's even texts at the layer.

    Raises:
        ValueError: another kind.
    """
    material = labelled.material
    mean = material.mean(genre, "even")
    if kind == "centred":
        return mean_centre(mean, material.centre)[labelled.layer]
    if kind == "isolated":
        return isolate(mean, material.mean("stories", "even"))[labelled.layer]
    raise ValueError(f"kind: got {kind!r}; allowed are centred, isolated")


def ranked_latents(labelled: Labelled, seed: int, genre: str) -> Int64[np.ndarray, " latents"]:
    """The latents of one autoencoder, the best at telling a genre's even texts first.

    Args:
        labelled: the texts, from `read_latents`.
        seed: which of the autoencoders.
        genre: the one that is to be told from the others.
    """
    return np.argsort(-_even_auroc(labelled, labelled.latents[seed].numpy(), genre), kind="stable")


def scores_of(labelled: Labelled, method: str, seed: int, genre: str) -> Scores:
    """Every text's score by a method out of `METHODS`.

    Args:
        labelled: the texts, from `read_latents`.
        method: one of `METHODS`.
        seed: which of the autoencoders; for a random direction, of the draw.
        genre: the one that is to be told from the others.

    Raises:
        ValueError: a method that is none.
    """
    if method in ("centred", "isolated"):
        return (labelled.activations() @ vector(labelled, genre, method)).numpy()
    latents = labelled.latents[seed].numpy()
    if method == "latent":
        return latents[:, ranked_latents(labelled, seed, genre)[0]]
    if method == "eight latents":
        few = latents[:, ranked_latents(labelled, seed, genre)[:TOP]]
        spread = few[labelled.half("even")].std(0)
        return (few / np.maximum(spread, 1e-12)).sum(1)
    if method == "random direction":
        return _best_random(labelled, seed, genre)
    raise ValueError(f"method: got {method!r}; allowed are {', '.join(METHODS)}")


def is_genre(labelled: Labelled, genre: str) -> Bool[np.ndarray, " texts"]:
    """Which texts are of the genre.

    Raises:
        ValueError: a genre that is none of the four.
    """
    if genre not in GENRES:
        raise ValueError(f"genre: got {genre!r}; allowed are {', '.join(GENRES)}")
    return np.array([name == genre for name in labelled.set_of])


def _best_random(labelled: Labelled, seed: int, genre: str) -> Scores:
    """The best of as many random directions as there are latents, chosen as a latent is."""
    chance = np.random.default_rng([seed, GENRES.index(genre)])
    x = labelled.activations().numpy()
    along = (x - x.mean(0)) @ chance.standard_normal((x.shape[1], labelled.latents.shape[2]))
    return along[:, _even_auroc(labelled, along, genre).argmax()]


def _even_auroc(
    labelled: Labelled, scores: Float64[np.ndarray, "texts columns"], genre: str
) -> Float64[np.ndarray, " columns"]:
    even = labelled.half("even")
    return auroc(scores[even], is_genre(labelled, genre)[even])

"""What vectors read like: how alike columns of tokens are, how much of a genre they hold.

Tokens come from the logit lens (`lens`); intervals are over texts, which are drawn again within
each set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.publishing.claims import Measured
from steering_core.steering.anisotropy import interval
from steering_core.steering.lens import Norm, token_logits, unembedding
from steering_core.steering.lexicon import shipped_lexicons, stems
from steering_core.steering.material import Material

STORY_GENRES = ("fantasy", "scifi", "sports")
K = 8
RESAMPLES = 400

Columns = Mapping[str, Int64[Tensor, "layers k"]]
"""The tokens of each name, the likeliest first, at every layer."""


@dataclass(frozen=True)
class Reader:
    """A model, what its vectors are made of, and its tokens' stems."""

    model: TransformerBridge
    material: Material
    norm: Norm = "gain"

    @property
    def middle(self) -> range:
        """Layers of the middle third."""
        n = self.model.cfg.n_layers
        return range(math.ceil(n / 3), 2 * n // 3 + 1)

    @cached_property
    def in_lexicon(self) -> Mapping[str, Float64[Tensor, " vocabulary"]]:
        """For each genre, 1 at tokens whose stem is in its wide lexicon, else 0."""
        size = unembedding(self.model).shape[0]
        known = range(min(size, len(self.model.tokenizer)))
        words = [self.model.tokenizer.decode([token]) for token in known]
        found = {}
        for genre, lexicon in shipped_lexicons(wide=True).items():
            flags = torch.zeros(size, dtype=torch.float64)
            flags[: len(words)] = torch.tensor([float(_tells(word, lexicon)) for word in words])
            found[genre] = flags
        return found

    def columns(
        self, vectors: Mapping[str, Float64[Tensor, "layers d_model"]], k: int = K
    ) -> Columns:
        """The k likeliest tokens of each vector at every layer."""
        return {
            name: token_logits(self.model, v, norm=self.norm).topk(k).indices
            for name, v in vectors.items()
        }

    def words(self, columns: Columns) -> dict[str, list[list[str]]]:
        """The tokens as text, layer by layer."""
        decode = self.model.tokenizer.decode
        return {
            name: [[decode([token]) for token in row] for row in column.tolist()]
            for name, column in columns.items()
        }

    def of_genre(self, columns: Columns) -> dict[str, Float64[Tensor, " layers"]]:
        """How many of each genre's tokens are in its lexicon, at every layer."""
        return {name: self.in_lexicon[name][column].sum(-1) for name, column in columns.items()}


def _tells(token: str, lexicon: frozenset[str]) -> bool:
    """Whether a token is a whole word, or begins one, whose stem is in the lexicon."""
    return token.startswith(" ") and bool(stems(token) & lexicon)


def jaccard(
    a: Int64[Tensor, "layers k"], b: Int64[Tensor, "layers k"]
) -> Float64[Tensor, " layers"]:
    """Size of the intersection over size of the union of two columns, at every layer."""
    shared = (a[:, :, None] == b[:, None, :]).any(-1).sum(-1).double()
    return shared / (a.shape[1] + b.shape[1] - shared)


def mean_jaccard(columns: Columns) -> Float64[Tensor, " layers"]:
    """Mean over all pairs of columns."""
    pairs = [jaccard(a, b) for a, b in combinations(columns.values(), 2)]
    return torch.stack(pairs).mean(0)


def resampled_means(
    material: Material, sets: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Float64[Tensor, "resamples layers d_model"]]:
    """The mean of each set with its texts drawn again with replacement."""
    generator = np.random.default_rng(seed)
    means = {}
    for name in sets:
        span = material.spans[name]
        n = span.stop - span.start
        drawn = generator.multinomial(n, np.full(n, 1 / n), size=resamples)
        weights = torch.from_numpy(drawn).double()
        tokens = weights @ material.sums.tokens[span]
        total = torch.einsum("rt,ltd->rld", weights, material.sums.total[:, span])
        means[name] = total / tokens[:, None, None]
    return means


def measured(
    material: Material,
    sets: Sequence[str],
    statistic: Callable[[Mapping[str, Float64[Tensor, "layers d_model"]]], float],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """A number that follows from the means of some sets, with its 99% interval over their texts."""
    drawn = resampled_means(material, sets, resamples=resamples, seed=seed)
    values = torch.tensor(
        [statistic({name: own[r] for name, own in drawn.items()}) for r in range(resamples)],
        dtype=torch.float64,
    )
    value = statistic({name: material.mean(name) for name in sets})
    n = sum(material.spans[name].stop - material.spans[name].start for name in sets)
    return Measured(value, n, _ends(values))


def alike(reader: Reader, *, centred: bool) -> Measured:
    """I-3, I-4: mean Jaccard index of the genres' top tokens, over pairs and middle layers."""

    def statistic(means: Mapping[str, Tensor]) -> float:
        columns = reader.columns(_at(reader, means, centred))
        return float(mean_jaccard(columns).mean())

    return measured(reader.material, STORY_GENRES, statistic)


def genre_words(reader: Reader, *, centred: bool, layers: Sequence[int] | None = None) -> Measured:
    """I-4: tokens of the top that are in the genre's lexicon, mean over genres and layers."""

    def statistic(means: Mapping[str, Tensor]) -> float:
        columns = reader.columns(_at(reader, means, centred, layers))
        return float(torch.stack(list(reader.of_genre(columns).values())).mean())

    return measured(reader.material, STORY_GENRES, statistic)


def alike_with(reader: Reader, tokens: Int64[Tensor, "layers k"]) -> Measured:
    """I-3: mean Jaccard index of the uncentred genres' top tokens with given ones.

    Args:
        reader: the model.
        tokens: at each of the middle layers.
    """

    def statistic(means: Mapping[str, Tensor]) -> float:
        columns = reader.columns(_at(reader, means, False))
        return float(torch.stack([jaccard(own, tokens) for own in columns.values()]).mean())

    return measured(reader.material, STORY_GENRES, statistic)


def projection_falls(reader: Reader) -> Measured:
    """I-5: how much less of (stories - m) is left in sports - stories than in sports - m."""

    def statistic(means: Mapping[str, Tensor]) -> float:
        layers = list(reader.middle)
        centre = reader.material.centre[layers]
        sports, stories = means["sports"][layers], means["stories"][layers]
        towards = torch.nn.functional.normalize(stories - centre, dim=-1)
        before, after = (((sports - off) * towards).sum(-1).abs() for off in (centre, stories))
        return float((1 - after / before).mean())

    return measured(reader.material, ("sports", "stories"), statistic)


def lexicon_kept(reader: Reader) -> Measured:
    """I-5: sports tokens among the top of sports - stories, less those of sports - m."""

    def statistic(means: Mapping[str, Tensor]) -> float:
        layers = list(reader.middle)
        offs = {"isolated": means["stories"][layers], "centred": reader.material.centre[layers]}
        found = {
            name: reader.of_genre(reader.columns({"sports": means["sports"][layers] - off}))
            for name, off in offs.items()
        }
        return float((found["isolated"]["sports"] - found["centred"]["sports"]).mean())

    return measured(reader.material, ("sports", "stories"), statistic)


def _at(
    reader: Reader,
    means: Mapping[str, Tensor],
    centred: bool,
    layers: Sequence[int] | None = None,
) -> dict[str, Float64[Tensor, "layers d_model"]]:
    """The means at some layers, the middle ones if none are named, centred or not."""
    chosen = list(reader.middle if layers is None else layers)
    off = reader.material.centre[chosen] if centred else 0.0
    return {name: mean[chosen] - off for name, mean in means.items()}


def centre_from_few(
    material: Material, sizes: Sequence[int], *, draws: int = 100, seed: int = 0
) -> Float64[Tensor, "sizes draws layers"]:
    """Cosine of the mean of a few texts, drawn without return, with the mean of all texts.

    Args:
        material: of a model.
        sizes: how many texts are drawn, each from 1 to all.
        draws: of each size.
        seed: of the draws.

    Raises:
        ValueError: a size out of range.
    """
    n = material.sums.n_texts
    if bad := [size for size in sizes if not 1 <= size <= n]:
        raise ValueError(f"sizes: got {bad[0]}; 1 to {n} are allowed")
    generator = np.random.default_rng(seed)
    whole = material.all_texts
    rows = []
    for size in sizes:
        means = [
            material.mean_of_texts(generator.choice(n, size, replace=False).tolist())
            for _ in range(draws)
        ]
        rows.append(torch.cosine_similarity(torch.stack(means), whole[None], dim=-1))
    return torch.stack(rows)


def love_and_mean(
    material: Material, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Measured]:
    """I-9: cosines of love, of love less hate with m, and of love less m with hate less m.

    Each is a mean over the outputs of the blocks. Text n of the loving and of the hateful set are
    on one subject and drawn together.
    """
    love, hate, m = material.mean("loving"), material.mean("hateful"), material.centre
    spans = [material.spans[name] for name in ("loving", "hateful")]
    n = spans[0].stop - spans[0].start
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=resamples)
    weights = torch.from_numpy(drawn).double()
    again = []
    for span in spans:
        tokens = weights @ material.sums.tokens[span]
        total = torch.einsum("rt,ltd->rld", weights, material.sums.total[:, span])
        again.append(total / tokens[:, None, None])

    def cosines(love: Tensor, hate: Tensor) -> dict[str, Tensor]:
        return {
            "mean_in_love": _cosine_over_blocks(love, m),
            "mean_in_pair": _cosine_over_blocks(love - hate, m),
            "opposite": _cosine_over_blocks(love - m, hate - m),
        }

    values, spread = cosines(love, hate), cosines(*again)
    return {name: Measured(float(values[name]), n, _ends(spread[name])) for name in values}


def _ends(values: Float64[Tensor, " resamples"]) -> tuple[float, float]:
    low, high = interval(values)
    return float(low), float(high)


def _cosine_over_blocks(a: Tensor, b: Tensor) -> Tensor:
    """Mean over the outputs of the blocks of the cosine, layer by layer."""
    return torch.cosine_similarity(a, b, dim=-1)[..., 1:].mean(-1)

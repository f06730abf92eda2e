"""What vectors read like: how alike columns of tokens are, how much of a genre they hold.

Tokens come from the logit lens (`lens`); intervals are over texts (`resampling`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.texts import load_texts
from steering_core.publishing.claims import Measured
from steering_core.steering.lens import Norm, token_logits, unembedding
from steering_core.steering.lexicon import shipped_lexicons, stems
from steering_core.steering.material import Material
from steering_core.steering.resampling import Spread, resampled_means

STORY_GENRES = ("fantasy", "scifi", "sports")
K = 8

Layers = Float64[Tensor, "layers d_model"]
Means = Mapping[str, Float64[Tensor, "*batch layers d_model"]]
"""The mean activation of each set of texts; with a leading axis where texts are drawn again."""

Columns = Mapping[str, Int64[Tensor, "*batch layers k"]]
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
        self, vectors: Mapping[str, Float64[Tensor, "*batch layers d_model"]], k: int = K
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

    def of_genre(self, columns: Columns) -> dict[str, Float64[Tensor, "*batch layers"]]:
        """How many of each genre's tokens are in its lexicon, at every layer."""
        return {name: self.in_lexicon[name][column].sum(-1) for name, column in columns.items()}


def _tells(token: str, lexicon: frozenset[str]) -> bool:
    """Whether a token is a whole word, or begins one, whose stem is in the lexicon."""
    return token.startswith(" ") and bool(stems(token) & lexicon)


def jaccard(
    a: Int64[Tensor, "*batch layers k"], b: Int64[Tensor, "*#batch layers k"]
) -> Float64[Tensor, "*batch layers"]:
    """Size of the intersection over size of the union of two columns, at every layer."""
    shared = (a[..., :, None] == b[..., None, :]).any(-1).sum(-1).double()
    return shared / (a.shape[-1] + b.shape[-1] - shared)


def mean_jaccard(columns: Columns) -> Float64[Tensor, "*batch layers"]:
    """Mean over all pairs of columns."""
    pairs = [jaccard(a, b) for a, b in combinations(columns.values(), 2)]
    return torch.stack(pairs).mean(0)


def most_frequent(model: TransformerBridge, k: int = K) -> Int64[Tensor, " k"]:
    """The k tokens that stand most often in the texts of the three genres, but for the first."""
    counts: Counter[int] = Counter()
    for genre in STORY_GENRES:
        rows = model.tokenizer(load_texts(genre), add_special_tokens=False)["input_ids"]
        counts.update(token for row in rows for token in row[1:])
    return torch.tensor([token for token, _ in counts.most_common(k)])


@dataclass(frozen=True)
class Reading:
    """Vectors made of the means of some sets, and the tokens that they decode to.

    reader: whose tokens. sets: whose texts. vectors: from the means of the sets to vectors.
    """

    reader: Reader
    sets: Sequence[str]
    vectors: Callable[[Means], Means]

    @cached_property
    def columns(self) -> Columns:
        """The tokens at every layer."""
        means = {name: self.reader.material.mean(name) for name in self.sets}
        return self.reader.columns(self.vectors(means))

    @cached_property
    def drawn(self) -> Columns:
        """The same with the texts drawn again, many times."""
        means = resampled_means(self.reader.material, self.sets)
        return self.reader.columns(self.vectors(means))

    def spread(self, statistic: Callable[[Columns], Tensor]) -> Spread:
        """A statistic of the columns, one number a layer."""
        spans = [self.reader.material.spans[name] for name in self.sets]
        n = sum(span.stop - span.start for span in spans)
        return Spread(statistic(self.columns), statistic(self.drawn), n)

    def genre_words(self) -> Spread:
        """Tokens that are in the genre's lexicon, mean over genres."""
        return self.spread(
            lambda columns: torch.stack(list(self.reader.of_genre(columns).values())).mean(0)
        )

    def alike(self) -> Spread:
        """Mean Jaccard index over pairs of columns."""
        return self.spread(mean_jaccard)

    def alike_with(self, tokens: Int64[Tensor, "layers k"]) -> Spread:
        """Mean Jaccard index of the columns with given tokens."""
        return self.spread(
            lambda columns: torch.stack([jaccard(c, tokens) for c in columns.values()]).mean(0)
        )


def uncentred(reader: Reader) -> Reading:
    """The means of the three genres of stories, as they are."""
    return Reading(reader, STORY_GENRES, lambda means: means)


def centred(reader: Reader, centre: Layers | None = None) -> Reading:
    """The same less a centre; m if none is given."""
    off = reader.material.centre if centre is None else centre
    return Reading(reader, STORY_GENRES, lambda means: {n: m - off for n, m in means.items()})


def position_matched(reader: Reader) -> Reading:
    """The means of the three genres less m, matched position by position."""
    matched = reader.material.matched
    return Reading(
        reader, STORY_GENRES, lambda means: {n: m - matched[n] for n, m in means.items()}
    )


def sports(reader: Reader, *, isolated: bool) -> Reading:
    """Sports less stories of other genres, or less m; of the same draws."""

    def vectors(means: Means) -> Means:
        return {"sports": means["sports"] - (means["stories"] if isolated else centre)}

    centre = reader.material.centre
    return Reading(reader, ("sports", "stories"), vectors)


def projection_falls(reader: Reader) -> Spread:
    """How much less of (stories - m) is left in sports - stories than in sports - m; as a share."""
    material, sets = reader.material, ("sports", "stories")

    def fall(means: Means) -> Tensor:
        towards = torch.nn.functional.normalize(means["stories"] - material.centre, dim=-1)
        before, after = (
            ((means["sports"] - off) * towards).sum(-1).abs()
            for off in (material.centre, means["stories"])
        )
        return 1 - after / before

    value = fall({name: material.mean(name) for name in sets})
    n = sum(material.spans[name].stop - material.spans[name].start for name in sets)
    return Spread(value, fall(resampled_means(material, sets)), n)


def decide(reader: Reader) -> dict[str, dict[str, Measured]]:
    """The rules of I-3, I-4 and I-5 on one model: claim -> part -> measured."""
    middle = reader.middle
    as_they_are, less_mean = uncentred(reader), centred(reader)
    kept = [sports(reader, isolated=isolated).genre_words() for isolated in (True, False)]
    return {
        "I-3": {"jaccard": as_they_are.alike().over(middle)},
        "I-4": {
            "jaccard": less_mean.alike().over(middle),
            "of_genre": less_mean.genre_words().over(middle),
        },
        "I-5": {
            "projection_falls": projection_falls(reader).over(middle),
            "lexicon_kept": (kept[0] - kept[1]).over(middle),
        },
    }

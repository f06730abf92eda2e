"""How far the activations of a language model are from being centred at zero, and how sure that is.

One pass over the texts keeps, for every text and layer, three sums over its tokens: of the
activations, of the activations at length 1, and of their norms. Every measure here follows from
these sums, and so does its interval: texts are independent, their tokens are not, so the bootstrap
draws whole texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch

RESAMPLES = 2000
CONFIDENCE = 0.99


@dataclass(frozen=True)
class ResidualSums:
    """Sums over the tokens of each text, at every layer.

    tokens: how many tokens of each text were counted.
    total: sums of the activations. unit: sums of the activations at length 1. norm: sums of their
        norms. square: sums of squares, over all texts.
    """

    tokens: Float64[Tensor, " texts"]
    total: Float64[Tensor, "layers texts d_model"]
    unit: Float64[Tensor, "layers texts d_model"]
    norm: Float64[Tensor, "layers texts"]
    square: Float64[Tensor, "layers d_model"]

    def __add__(self, other: ResidualSums) -> ResidualSums:
        """The sums over both kinds of tokens of the same texts."""
        return ResidualSums(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(ResidualSums))
        )

    def merged(self, groups: Int64[Tensor, " texts"]) -> ResidualSums:
        """The sums with the texts of a group counted as one text: for texts that were written
        together.

        Args:
            groups: the group of each text, numbered from 0 without gaps.

        Raises:
            ValueError: not one group for each text, or a gap in the numbers.
        """
        n_groups = len(groups.unique())
        if len(groups) != self.n_texts or int(groups.max()) != n_groups - 1:
            raise ValueError(
                f"groups: got {len(groups)} numbers, {n_groups} of them different, up to "
                f"{int(groups.max())}; one for each of {self.n_texts} texts, from 0 without "
                f"gaps, is allowed"
            )

        def add(sums: Tensor, axis: int) -> Tensor:
            shape = list(sums.shape)
            shape[axis] = n_groups
            return torch.zeros(shape, dtype=sums.dtype).index_add_(axis, groups, sums)

        return replace(
            self,
            tokens=add(self.tokens, 0),
            total=add(self.total, 1),
            unit=add(self.unit, 1),
            norm=add(self.norm, 1),
        )

    def largest_dimensions(self, k: int = 3) -> Bool[Tensor, "layers d_model"]:
        """Where the k dimensions of the largest mean square are, at every layer.

        Raises:
            ValueError: k out of range.
        """
        if not 1 <= k < self.square.shape[1]:
            raise ValueError(f"k: got {k}; 1 to {self.square.shape[1] - 1} are allowed")
        largest = torch.zeros_like(self.square, dtype=torch.bool)
        return largest.scatter_(1, self.square.topk(k).indices, True)

    @property
    def mean(self) -> Float64[Tensor, "layers d_model"]:
        """The mean activation: every token weighs the same."""
        return self.total.sum(1) / self.tokens.sum()

    @property
    def n_texts(self) -> int:
        """How many texts."""
        return len(self.tokens)

    @cached_property
    def cosine(self) -> Float64[Tensor, " layers"]:
        """Mean cosine between tokens of different texts."""
        return self.cosines(torch.ones(1, self.n_texts, dtype=torch.float64))[0]

    @cached_property
    def norm_share(self) -> Float64[Tensor, " layers"]:
        """Norm of the mean over the mean of the norms: 1 if all activations are one vector."""
        return self.norm_shares(torch.ones(1, self.n_texts, dtype=torch.float64))[0]

    def cosines(
        self, weights: Float64[Tensor, "resamples texts"]
    ) -> Float64[Tensor, "resamples layers"]:
        """The mean cosine between tokens of different texts, with each text counted `weights`
        times.

        The squared norm of the sum over all texts holds every pair; the squared norms of the sums
        over each text hold the pairs within a text, which are taken out, those between two copies
        of a text too. It is nan where all the weight lies on one text.
        """
        own = self.unit.square().sum(-1)  # (layers, texts)
        all_pairs = torch.einsum("rt,ltd->rld", weights, self.unit).square().sum(-1)
        within = weights.square() @ own.T
        n = weights @ self.tokens
        n_within = weights.square() @ self.tokens.square()
        return (all_pairs - within) / (n.square() - n_within)[:, None]

    def norm_shares(
        self, weights: Float64[Tensor, "resamples texts"]
    ) -> Float64[Tensor, "resamples layers"]:
        """Norm of the mean over mean of the norms, with each text counted `weights` times."""
        norm_of_sum = torch.einsum("rt,ltd->rld", weights, self.total).norm(dim=-1)
        return norm_of_sum / (weights @ self.norm.T)


def residual_sums(
    model: TransformerBridge,
    texts: Sequence[str],
    *,
    without: Bool[Tensor, "layers d_model"] | None = None,
    progress: bool = False,
) -> tuple[ResidualSums, ResidualSums]:
    """Read the texts once; the sums over all tokens but the first, and those over the first.

    The two can be added. Memory grows with texts x layers x d_model, not with tokens.

    Args:
        model: from `load_model`.
        texts: at least two with two tokens or more. The windows of a text longer than the context
            count as one text, and the first position of each as a first position.
        without: dimensions of each layer to set to zero first.
        progress: show a bar.

    Raises:
        ValueError: fewer than two texts hold a second token; `without` of another shape; bad
            texts.
    """
    texts = [texts] if isinstance(texts, str) else texts
    layers = model.cfg.n_layers + 1
    if without is not None and without.shape != (layers, model.cfg.d_model):
        raise ValueError(
            f"without: got shape {tuple(without.shape)}; ({layers}, {model.cfg.d_model}) is allowed"
        )
    rest, first = (_no_sums(layers, len(texts), model.cfg.d_model) for _ in range(2))

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        x = activations
        if without is not None:
            x = x.masked_fill(without[layer].to(x.device), 0.0)
        _add(first, layer, x[:, :1], batch.real[:, :1], batch.text)
        _add(rest, layer, x[:, 1:], batch.real[:, 1:], batch.text)

    visit_residuals(model, texts, add, progress=progress)
    if (rest.tokens > 0).sum() < 2:
        raise ValueError(
            f"texts: {int((rest.tokens > 0).sum())} of {len(texts)} hold a token after the first; "
            f"two are needed"
        )
    return rest, first


def _no_sums(layers: int, texts: int, d_model: int) -> ResidualSums:
    def zeros(*shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64)

    return ResidualSums(
        tokens=zeros(texts),
        total=zeros(layers, texts, d_model),
        unit=zeros(layers, texts, d_model),
        norm=zeros(layers, texts),
        square=zeros(layers, d_model),
    )


def _add(
    sums: ResidualSums,
    layer: int,
    x: Float[Tensor, "windows position d_model"],
    counted: Bool[Tensor, "windows position"],
    text: Int64[Tensor, " windows"],
) -> None:
    """Add the counted activations of a layer to the sums of their texts."""
    text, weight = text.cpu(), counted.to(x.dtype)
    norms = torch.linalg.vector_norm(x, dim=-1)
    inverse = weight / norms.clamp_min(1e-12)

    def of_windows(weights: Tensor) -> Tensor:
        return torch.einsum("wp,wpd->wd", weights, x).double().cpu()

    sums.total[layer].index_add_(0, text, of_windows(weight))
    sums.unit[layer].index_add_(0, text, of_windows(inverse))
    sums.norm[layer].index_add_(0, text, (norms * weight).sum(1).double().cpu())
    sums.square[layer] += torch.einsum("wp,wpd->d", weight, x.square()).double().cpu()
    if layer == 0:
        sums.tokens.index_add_(0, text, counted.sum(1).double().cpu())


def resample(n_texts: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Float64[Tensor, "r t"]:
    """How often each text is drawn in each bootstrap resample."""
    drawn = np.random.default_rng(seed).multinomial(
        n_texts, np.full(n_texts, 1 / n_texts), size=resamples
    )
    return torch.from_numpy(drawn).double()


def interval(values: Float64[Tensor, "resamples ..."]) -> tuple[Tensor, Tensor]:
    """The 99% percentile interval over resamples, of each of the other axes."""
    tail = (1 - CONFIDENCE) / 2
    low, high = torch.quantile(values, torch.tensor([tail, 1 - tail], dtype=values.dtype), dim=0)
    return low, high


def spans(sets: Mapping[str, Sequence[str]]) -> dict[str, slice]:
    """Where each set's texts lie when all sets are put in a row."""
    ends = np.cumsum([len(texts) for texts in sets.values()]).tolist()
    return {
        name: slice(end - len(texts), end)
        for (name, texts), end in zip(sets.items(), ends, strict=True)
    }


def pairs(sets: Mapping[str, Sequence[str]], first: str, second: str) -> Int64[Tensor, " texts"]:
    """Groups for `ResidualSums.merged`: text n of the one set with text n of the other, the rest
    alone.

    Raises:
        ValueError: a name that is no set; two sets of different size.
    """
    for name, which in (("first", first), ("second", second)):
        if which not in sets:
            raise ValueError(f"{name}: got {which!r}; {', '.join(sets)} are allowed")
    if len(sets[first]) != len(sets[second]):
        raise ValueError(
            f"second: {second} has {len(sets[second])} texts; as many as {first}, "
            f"{len(sets[first])}, are allowed"
        )
    spanned = spans(sets)
    group = torch.arange(sum(map(len, sets.values())))
    group[spanned[second]] = group[spanned[first]]
    return group.unique(return_inverse=True)[1]


def mean_of(sums: ResidualSums, texts: slice) -> Float64[Tensor, "layers d_model"]:
    """The mean activation over some of the texts."""
    return sums.total[:, texts].sum(1) / sums.tokens[texts].sum()


def mean_agreement(means: Mapping[str, Tensor]) -> Float64[Tensor, "layers sets sets"]:
    """Cosine between the mean activations of each two sets of texts, at every layer.

    Args:
        means: name -> (layers, d_model).
    """
    stacked = torch.stack([m.double() for m in means.values()], dim=1)
    unit = torch.nn.functional.normalize(stacked, dim=-1)
    return unit @ unit.transpose(1, 2)


def off_diagonal(matrix: Float64[Tensor, "layers n n"]) -> Float64[Tensor, "layers pairs"]:
    """The entries above the diagonal."""
    row, column = torch.triu_indices(matrix.shape[1], matrix.shape[2], 1)
    return matrix[:, row, column]


def plane_of_mean(
    activations: Float[Tensor, "n d"], mean: Float[Tensor, " d"]
) -> tuple[Float64[Tensor, " n"], Float64[Tensor, " n"]]:
    """Coordinates along the mean, and along the direction of most variation at right angles to it.

    Both are counted from zero, not from the mean. The second direction points to where its largest
    entry is positive, so that a figure is the same everywhere.

    Raises:
        ValueError: a mean of zero.
    """
    if not mean.norm() > 0:
        raise ValueError("mean: got a vector of zero; it has no direction")
    x, towards = activations.double(), torch.nn.functional.normalize(mean.double(), dim=0)
    along = x @ towards
    rest = x - along[:, None] * towards
    most = torch.linalg.svd(rest - rest.mean(0), full_matrices=False).Vh[0]
    return along, rest @ most * most[most.abs().argmax()].sign()


def sample_activations(
    model: TransformerBridge, texts: Sequence[str], *, per_text: int = 1, seed: int = 0
) -> Float[Tensor, "layers n d_model"]:
    """Activations at random tokens after the first, `per_text` of each text, every layer at the
    same.

    Of a text longer than the context one window is used.

    Raises:
        ValueError: a text with too few tokens; `per_text` below 1; bad texts.
    """
    if per_text < 1:
        raise ValueError(f"per_text: got {per_text}; 1 or more is allowed")
    texts = [texts] if isinstance(texts, str) else texts
    n_layers = model.cfg.n_layers + 1
    drawn = torch.zeros(n_layers, len(texts), per_text, model.cfg.d_model)
    places: dict[int, tuple[TokenBatch, int, Tensor]] = {}

    def choose(text: int, length: int) -> Tensor:
        if length - 1 < per_text:
            raise ValueError(
                f"texts[{text}]: {length - 1} tokens after the first; {per_text} are needed"
            )
        generator = torch.Generator().manual_seed(seed * 1_000_003 + text)
        return 1 + torch.randperm(length - 1, generator=generator)[:per_text]

    def take(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        for row, text in enumerate(batch.text.tolist()):
            if text not in places:
                places[text] = batch, row, choose(text, int(batch.real[row].sum()))
            in_batch, in_row, at = places[text]
            if in_batch is batch and in_row == row:
                drawn[layer, text] = activations[row, at.to(activations.device)].float().cpu()

    visit_residuals(model, texts, take)
    return drawn.flatten(1, 2)


def cosine_shares(
    activations: Float[Tensor, "layers n d"], edges: Float[np.ndarray, " edges"]
) -> Float[np.ndarray, "layers edges-1"]:
    """The share of all pairs whose cosine falls into each bin, at every layer.

    Raises:
        ValueError: fewer than two activations.
    """
    n = activations.shape[1]
    if n < 2:
        raise ValueError(f"activations: got {n} a layer; a pair needs two")
    above = torch.ones(n, n, dtype=torch.bool).triu(1)
    shares = []
    for unit in torch.nn.functional.normalize(activations, dim=-1):
        counts, _ = np.histogram((unit @ unit.T)[above].clamp(-1, 1).numpy(), bins=edges)
        shares.append(counts / (n * (n - 1) / 2))
    return np.stack(shares)

"""The numbers that decide part I's claims, each with its 99% interval over texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.steering.anisotropy import ResidualSums, interval, resample
from steering_core.steering.layer_norm import largest_change, rise, strength_after_norm
from steering_core.steering.readability import explained_variance

PerLayer = Callable[[ResidualSums, Tensor], Tensor]
"""`ResidualSums.cosines` or `ResidualSums.norm_shares`: (sums, weights) -> (resamples, layers)."""


def decide(
    sums: ResidualSums, sets: Mapping[str, slice], groups: Int64[Tensor, " texts"]
) -> dict[str, dict[str, Measured]]:
    """What decides I-1, I-2 and I-10 on a model: claim -> part -> measurement.

    Args:
        sums: of the model over all texts, first positions left out.
        sets: name of a feature -> where its texts lie among all.
        groups: which texts are drawn as one, from `anisotropy.pairs`.
    """
    cosines = sums.merged(groups)
    with_mean, without_mean = rise_with_mean(sums, sets)
    return {
        "I-1": {
            "least_cosine": least_over_blocks(cosines),
            "largest_cosine": largest_over_blocks(cosines),
        },
        "I-2": {"rise": rise_over_embeddings(cosines)},
        "I-10": {"rise_with_mean": with_mean, "change_without_mean": without_mean},
    }


def band(
    sums: ResidualSums, per_layer: PerLayer = ResidualSums.cosines
) -> tuple[Float64[Tensor, " layers"], Float64[Tensor, " layers"], Float64[Tensor, " layers"]]:
    """A measure at every layer, and the ends of its interval."""
    value = per_layer(sums, _once(sums))[0]
    low, high = interval(per_layer(sums, resample(sums.n_texts)))
    return value, low, high


def least_over_blocks(sums: ResidualSums, per_layer: PerLayer = ResidualSums.cosines) -> Measured:
    """The least over the outputs of the blocks."""
    return _over_texts(sums, lambda w: per_layer(sums, w)[:, 1:].amin(-1))


def largest_over_blocks(sums: ResidualSums) -> Measured:
    """The largest mean cosine over the outputs of the blocks."""
    return _over_texts(sums, lambda w: sums.cosines(w)[:, 1:].amax(-1))


def rise_over_embeddings(sums: ResidualSums) -> Measured:
    """The largest mean cosine over the outputs of the blocks, minus that of the embeddings."""

    def statistic(weights: Tensor) -> Tensor:
        cosines = sums.cosines(weights)
        return cosines[:, 1:].amax(-1) - cosines[:, 0]

    return _over_texts(sums, statistic)


def mean_and_features(
    sums: ResidualSums, sets: Mapping[str, slice], weights: Float64[Tensor, " texts"]
) -> tuple[Float64[Tensor, "layers d"], Float64[Tensor, "features layers d"]]:
    """The mean m over all texts, and the mean over each set minus m."""

    def mean_over(texts: slice) -> Tensor:
        weight = weights[texts]
        return weight @ sums.total[:, texts] / (weight @ sums.tokens[texts])

    mean = mean_over(slice(None))
    return mean, torch.stack([mean_over(own) - mean for own in sets.values()])


def strengths_with_mean(
    mean: Float64[Tensor, "layers d"], features: Float64[Tensor, "features layers d"]
) -> Float64[Tensor, "features layers-1 strengths"]:
    """LN(m + a v) . v at the outputs of the blocks."""
    return strength_after_norm(mean[1:], features[:, 1:])


def strengths_without_mean(
    features: Float64[Tensor, "features layers d"], *, eps: float = 1e-5
) -> Float64[Tensor, "features layers-1 strengths"]:
    """LN(a v) . v at the outputs of the blocks."""
    return strength_after_norm(torch.zeros_like(features[:, 1:]), features[:, 1:], eps=eps)


def rise_with_mean(
    sums: ResidualSums, sets: Mapping[str, slice], *, resamples: int = 1000
) -> tuple[Measured, Measured]:
    """The median rise of LN(m + a v) . v, and the largest change of LN(a v) . v.

    Texts are drawn within each set, and those of no set among themselves, so that every resample
    has all sets.
    """

    def both(weights: Tensor) -> Tensor:
        mean, features = mean_and_features(sums, sets, weights)
        rises = rise(strengths_with_mean(mean, features))
        changes = largest_change(strengths_without_mean(features))
        return torch.stack([rises.quantile(0.5), changes.max()])

    value = both(torch.ones(sums.n_texts, dtype=torch.float64))
    drawn = _resample_within(sums.n_texts, sets, resamples)
    low, high = interval(torch.stack([both(weights) for weights in drawn]))
    with_mean, without = (
        Measured(float(v), sums.n_texts, (float(a), float(b)))
        for v, a, b in zip(value, low, high, strict=True)
    )
    return with_mean, without


def rise_at_tokens(
    dots: Float64[Tensor, "texts features layers strengths"],
) -> Measured:
    """The median rise, over features and outputs of the blocks, of the mean over texts."""

    def statistic(weights: Tensor) -> Tensor:
        share = weights / weights.sum(1, keepdim=True)
        means = torch.einsum("rt,tfls->rfls", share, dots[:, :, 1:])
        return rise(means).flatten(1).quantile(0.5, dim=1)

    value = float(statistic(torch.ones(1, len(dots), dtype=torch.float64))[0])
    low, high = interval(statistic(resample(len(dots))))
    return Measured(value, len(dots), (float(low), float(high)))


def readability_gain(
    with_mean: Float64[Tensor, "texts features layers 6"],
    without_mean: Float64[Tensor, "texts features layers 6"],
) -> Measured:
    """Explained variance of the strength with the mean minus without, averaged over the outputs.

    Args:
        with_mean: from `readability.strength_moments`, not centred.
        without_mean: the same texts and strengths, centred.
    """

    def statistic(weights: Tensor) -> Tensor:
        kept, taken = (
            explained_variance(torch.einsum("rt,tflk->rflk", weights, moments[:, :, 1:]))
            for moments in (with_mean, without_mean)
        )
        return (kept - taken).flatten(1).mean(1)

    n = len(with_mean)
    value = float(statistic(torch.ones(1, n, dtype=torch.float64))[0])
    low, high = interval(statistic(resample(n)))
    return Measured(value, n, (float(low), float(high)))


def _over_texts(sums: ResidualSums, statistic: Callable[[Tensor], Tensor]) -> Measured:
    value = float(statistic(_once(sums))[0])
    low, high = interval(statistic(resample(sums.n_texts)))
    return Measured(value, sums.n_texts, (float(low), float(high)))


def _once(sums: ResidualSums) -> Float64[Tensor, "1 texts"]:
    return torch.ones(1, sums.n_texts, dtype=torch.float64)


def _resample_within(
    n_texts: int, sets: Mapping[str, slice], resamples: int
) -> Float64[Tensor, "resamples texts"]:
    weights = torch.zeros(resamples, n_texts, dtype=torch.float64)
    places = torch.arange(n_texts)
    within = [places[own] for own in sets.values()]
    left = places[~torch.isin(places, torch.cat(within))]
    for seed, own in enumerate([*within, left]):
        if len(own):
            weights[:, own] = resample(len(own), resamples=resamples, seed=seed)
    return weights

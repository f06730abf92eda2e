"""Which centre to take away, from how many texts, and what a pair does to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from steering_core.publishing.claims import Measured
from steering_core.steering.effects import Effects, gain_share
from steering_core.steering.material import Material
from steering_core.steering.resampling import RESAMPLES, ends, resampled_counts, weighted_mean


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


def shared_and_own(
    vectors: Mapping[str, Float64[Tensor, "layers d_model"]],
) -> tuple[Float64[Tensor, " layers"], Float64[Tensor, " layers"]]:
    """How long the part is that vectors share, their mean, and how long what each has beside it is,
    on average.

    Raises:
        ValueError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise ValueError(f"vectors: got {len(vectors)}; two or more are needed to share anything")
    stacked = torch.stack(list(vectors.values()))
    shared = stacked.mean(0)
    return shared.norm(dim=-1), (stacked - shared).norm(dim=-1).mean(0)


def measured_cosine(drawn: Float64[Tensor, " draws"]) -> Measured:
    """I-13: the mean over draws of a cosine, with the interval that holds 99% of the draws."""
    return Measured(float(drawn.mean()), len(drawn), ends(drawn))


def any_centre(ran: Effects, fifty: Float64[Tensor, " draws"]) -> dict[str, Measured]:
    """I-13: what decides it on a model.

    Args:
        ran: the runs on the model, those with other centres at the norm of the centred vectors too.
        fifty: of each draw of fifty texts, the least cosine over the outputs of the blocks.
    """
    return {
        "fifty_texts": measured_cosine(fifty),
        "all_texts": gain_share(ran, "of_all_texts_at_norm", "centred", less=1.0),
        "by_position": gain_share(ran, "position_matched_at_norm", "centred", less=1.0),
    }


def love_and_mean(
    material: Material, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Measured]:
    """I-9: the cosines of `love_by_layer`, mean over the outputs of the blocks.

    Text n of the loving and of the hateful set are on one subject and drawn together.
    """
    spans = [material.spans[name] for name in ("loving", "hateful")]
    n = spans[0].stop - spans[0].start
    counts = resampled_counts(n, np.random.default_rng(seed), resamples)
    love, hate = (weighted_mean(material, span, counts) for span in spans)
    drawn = _pair_cosines(love, hate, material.centre)
    values = _pair_cosines(material.mean("loving"), material.mean("hateful"), material.centre)
    return {
        part: Measured(float(values[part][1:].mean()), n, ends(drawn[part][..., 1:].mean(-1)))
        for part in values
    }


def love_by_layer(material: Material) -> dict[str, Float64[Tensor, " layers"]]:
    """Cosines of loving texts L and hateful ones H: of L with the centre m, of L - H with m, and of
    L - m with H - m, the last also with m matched by position where that is known.
    """
    love, hate = material.mean("loving"), material.mean("hateful")
    cosines = _pair_cosines(love, hate, material.centre)
    names = {"mean_in_love": "L, m", "mean_in_pair": "L - H, m", "opposite": "L - m, H - m"}
    lines = {names[part]: values for part, values in cosines.items()}
    if {"loving", "hateful"} <= set(material.matched):
        ends = love - material.matched["loving"], hate - material.matched["hateful"]
        lines["the same, m matched by position"] = torch.cosine_similarity(*ends, dim=-1)
    return lines


def _pair_cosines(
    love: Float64[Tensor, "*batch layers d_model"],
    hate: Float64[Tensor, "*batch layers d_model"],
    m: Float64[Tensor, "layers d_model"],
) -> dict[str, Float64[Tensor, "*batch layers"]]:
    pairs = {
        "mean_in_love": (love, m),
        "mean_in_pair": (love - hate, m),
        "opposite": (love - m, hate - m),
    }
    return {part: torch.cosine_similarity(a, b, dim=-1) for part, (a, b) in pairs.items()}

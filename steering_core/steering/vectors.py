"""Steering vectors by subtraction: which mean is taken away from which, and what that leaves.

In the notation of Jorgensen et al. 2023 (sec. 3) an activation is a feature in some strength plus
an offset that all activations share. A mean over texts of a kind holds the kind and the offset; a
subtraction takes the offset away, and more where the second mean holds more than the offset.

Not here: how means are read off a model (`language_model.residual_mean`), and how a vector is added
(`steer`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.activations import residual_mean
from steering_core.language_model.token_batches import token_batches


def mean_centre(
    target: Float[Tensor, "*layers d_model"], centre: Float[Tensor, "*layers d_model"]
) -> Float[Tensor, "*layers d_model"]:
    """The target without the offset that all activations share (Jorgensen et al. 2023, sec. 3).

    Args:
        target: the mean activation of texts of one kind, as `residual_mean` gives it.
        centre: the mean activation of other texts. The source takes the model's training text;
            texts of the target's own kind, such as other stories, steered better (claim I-13).

    Raises:
        ValueError: shapes that differ, or numbers that are not finite.
    """
    return _difference(target, centre, "centre")


def isolate(
    target: Float[Tensor, "*layers d_model"], family: Float[Tensor, "*layers d_model"]
) -> Float[Tensor, "*layers d_model"]:
    """What sets the target apart from its family: sports stories less stories leaves sport.

    Args:
        target: the mean activation of texts of one kind.
        family: the mean activation of texts that share every feature with it but the one wanted.

    Raises:
        ValueError: shapes that differ, or numbers that are not finite.
    """
    return _difference(target, family, "family")


def introduce(
    target: Float[Tensor, "*layers d_model"], other: Float[Tensor, "*layers d_model"]
) -> Float[Tensor, "*layers d_model"]:
    """A counterbalanced pair: towards the target and away from the other, love less hate.

    Args:
        target: the mean activation of texts of one kind.
        other: the mean activation of texts of the kind to be had less of.

    Raises:
        ValueError: shapes that differ, or numbers that are not finite.
    """
    return _difference(target, other, "other")


def steering_vector(
    model: TransformerBridge, target: Sequence[str], training: Sequence[str]
) -> Float64[Tensor, "layers d_model"]:
    """From texts straight to a mean-centred vector, one a layer.

    Args:
        model: from `load_model`.
        target: texts of the kind to steer towards.
        training: texts of all kinds that stand for what the model was trained on. A text that is
            in both sets takes part of the target away from itself; a warning says how many are.

    Raises:
        ValueError: no texts, an empty text, texts of one token only.
    """
    for name, texts in (("target", target), ("training", training)):
        if isinstance(texts, str):
            raise ValueError(f"{name}: got a str; a list of texts is allowed")
    shared = len(set(target) & set(training))
    if shared:
        warnings.warn(
            f"{shared} of {len(set(target))} target texts are among the training texts too; the "
            f"mean that is taken away then holds part of the target",
            stacklevel=2,
        )
    return mean_centre(residual_mean(model, target), residual_mean(model, training))


def matched_centre(
    model: TransformerBridge,
    texts: Sequence[str],
    by_position: Float[Tensor, "layers n_ctx d_model"],
) -> Float64[Tensor, "layers d_model"]:
    """A centre with as many tokens at each position as the texts have, first positions left out.

    Args:
        model: from `load_model`.
        texts: those of the target.
        by_position: the mean of each position, as `residual_mean(..., centre="positions")` or
            `training_mean("positions")` gives it.

    Raises:
        ValueError: a text longer than the positions that `by_position` has a mean for; bad texts.
    """
    counts = torch.zeros(model.cfg.n_ctx, dtype=torch.float64)
    for batch in token_batches(model, texts):
        counts[: batch.real.shape[1]] += batch.real.sum(0).double()
    counts[0] = 0.0
    means = by_position.double().cpu()
    if not counts.any():
        raise ValueError("texts: no tokens beside the first of each; longer texts are allowed")
    known = torch.zeros(len(counts), dtype=torch.bool)
    known[: means.shape[1]] = means.isfinite().all(-1).all(0)[: len(counts)]
    missing = (counts > 0) & ~known
    if missing.any():
        raise ValueError(
            f"by_position: no mean at position {int(missing.nonzero()[0])}, where texts have "
            f"tokens; means of texts as long are allowed"
        )
    reached = counts.nonzero()[:, 0]
    weights = counts[reached] / counts.sum()
    return torch.einsum("p,lpd->ld", weights, means[:, reached])


def _difference(target: Tensor, other: Tensor, name: str) -> Tensor:
    if target.shape != other.shape:
        raise ValueError(
            f"{name}: got shape {tuple(other.shape)} beside a target of {tuple(target.shape)}; "
            f"the same shape is allowed"
        )
    for which, tensor in (("target", target), (name, other)):
        if not tensor.isfinite().all():
            raise ValueError(f"{which}: got numbers that are not finite; finite ones are allowed")
    return target - other

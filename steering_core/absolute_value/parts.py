"""Taking a model apart, as the source does: plain pairs, single sides, motifs, and what is left."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from steering_core.absolute_value.checks import check_one_model
from steering_core.absolute_value.errors import feature_errors, normalised_loss
from steering_core.absolute_value.motifs import Motif
from steering_core.absolute_value.neurons import rescaled

NAMES = ("pairs", "single sides", "motifs", "rest")


@dataclass(frozen=True)
class Parts:
    """Which weights belong to which part; every weight to one.

    Attributes:
        w_in: name -> (m, n), w_out: name -> (n, m), whether a weight is of that part.
    """

    w_in: dict[str, Bool[Tensor, "m n"]]
    w_out: dict[str, Bool[Tensor, "n m"]]


def take_apart(
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    motifs: Sequence[Motif],
) -> Parts:
    """Assign every weight.

    A motif takes both features' weights of its neuron, the inhibitor's weight on the strong feature
    and its output to the weak one. Of what is left, the largest input weight of a neuron and its
    output to the same feature are plain: of a pair if another neuron has the other side, else a
    single side; a neuron without input weights has neither. All else is the rest.

    Args:
        w_in, w_out, bias: of one model.
        motifs: from `find_motifs`.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_one_model(w_in, w_out, bias)
    m, n = w_in.shape
    of_in = {name: torch.zeros(m, n, dtype=torch.bool) for name in NAMES}
    of_out = {name: torch.zeros(n, m, dtype=torch.bool) for name in NAMES}
    for motif in motifs:
        for feature in (motif.strong, motif.weak):
            of_in["motifs"][motif.neuron, feature] = True
            of_out["motifs"][feature, motif.neuron] = True
        of_in["motifs"][motif.inhibitor, motif.strong] = True
        of_out["motifs"][motif.weak, motif.inhibitor] = True
    main = w_in.abs().argmax(1)
    sides = {(int(i), int(w_in[k, i].sign())) for k, i in enumerate(main)}
    for k, feature in enumerate(main.tolist()):
        if not w_in[k, feature]:
            continue
        paired = {(feature, 1), (feature, -1)} <= sides
        name = "pairs" if paired else "single sides"
        of_in[name][k, feature] = not of_in["motifs"][k, feature]
        of_out[name][feature, k] = not of_out["motifs"][feature, k]
    for masks in (of_in, of_out):
        masks["rest"] = ~(masks["pairs"] | masks["single sides"] | masks["motifs"])
    return Parts(of_in, of_out)


@torch.no_grad()
def norm_shares(
    parts: Parts, w_in: Float[Tensor, "m n"], w_out: Float[Tensor, "n m"]
) -> dict[str, float]:
    """Each part's share of the squared weights, after the source's rescaling; NaN of zeros."""
    w_in, w_out = rescaled(w_in, w_out)
    sizes = {
        name: float(w_in[parts.w_in[name]].square().sum() + w_out[parts.w_out[name]].square().sum())
        for name in NAMES
    }
    whole = sum(sizes.values())
    return {name: size / whole if whole else math.nan for name, size in sizes.items()}


def without(
    parts: Parts, name: str, w_in: Float[Tensor, "m n"], w_out: Float[Tensor, "n m"]
) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"]]:
    """The weights with one part cut."""
    return w_in.masked_fill(parts.w_in[name], 0.0), w_out.masked_fill(parts.w_out[name], 0.0)


def cutting_losses(
    parts: Parts,
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    density: float,
    importance: Float[Tensor, "n"],
    n_inputs: int = 16_384,
) -> dict[str, float]:
    """By how much the normalised loss rises when a part is cut; one after the other, not together.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, density out of range.
    """
    check_one_model(w_in, w_out, bias)
    models = [(w_in, w_out), *(without(parts, name, w_in, w_out) for name in NAMES)]
    errors = feature_errors(
        torch.stack([inner for inner, _ in models]),
        torch.stack([outer for _, outer in models]),
        bias.expand(len(models), -1),
        density=density,
        n_inputs=n_inputs,
    )
    losses = normalised_loss(errors, importance)
    return {name: float(loss - losses[0]) for name, loss in zip(NAMES, losses[1:], strict=True)}

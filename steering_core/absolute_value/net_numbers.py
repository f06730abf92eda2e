"""One net of the main setting in numbers, those that the claims on densities speak of."""

from typing import Any

from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from steering_core.absolute_value.basis import read_off, rotated_kurtosis, row_kurtosis
from steering_core.absolute_value.deciles import primary_share
from steering_core.absolute_value.errors import dead_sides, feature_errors, normalised_loss
from steering_core.absolute_value.motifs import find_motifs
from steering_core.absolute_value.neurons import CARRIED, Neurons, neurons

IMPORTANT = 20
"""Features that forty neurons can serve in pairs."""


def net_numbers(
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    density: float,
    importance: Float[Tensor, "n"],
) -> dict[str, float]:
    """All numbers of one net; NaN where there is nothing to measure.

    Returns:
        loss: normalised; computed: features with an error below 1/2; dead_sides, dead_outputs: of
        the most important features, the first ones; live: neurons that carry a feature; single,
        two_or_three, three_or_more: shares of these; polysemantic: their share with several;
        carried, carried_by_polysemantic: mean features of a live, and of a polysemantic neuron;
        polysemantic_strict, carried_strict (by polysemantic neurons), and _loose: with weights
        counted from 0.03 and 0.003 in place of 0.01; pairs: features with a neuron of their own for
        either sign; split: share of carried features that have one of their own and a shared one,
        split_of_own: the same among those with one of their own; rank_correlation: Spearman,
        carried with rank of the primary; below_half: share of polysemantic neurons with the second
        weight below half of the first; top, middle: the primary's share of the activation in the
        strongest and the four middle deciles, over polysemantic neurons, present_top: how often it
        is there in the strongest; kurtosis, kurtosis_rotated (the largest of 99); read_off: least
        R^2 of the most important; motifs, causal_motifs: how many.
    """
    errors = feature_errors(w_in, w_out, bias, density=density)
    dead = dead_sides(w_in, w_out, bias)[:IMPORTANT]
    found = neurons(w_in, w_out, bias, density=density)
    motifs = find_motifs(w_in, w_out, bias)
    numbers = {
        "loss": float(normalised_loss(errors, importance)),
        "computed": float((errors < 0.5).sum()),
        "dead_sides": float(dead.sum()),
        "dead_outputs": float(dead.all(-1).sum()),
        "motifs": float(len(motifs)),
        "causal_motifs": float(sum(motif.causal for motif in motifs)),
        "kurtosis": float(row_kurtosis(found.weights)),
        "kurtosis_rotated": float(rotated_kurtosis(found.weights).max()),
        "read_off": float(read_off(found, density=density)[:IMPORTANT].nan_to_num(0.0).min()),
    }
    for name, threshold in (("strict", 3 * CARRIED), ("loose", 0.3 * CARRIED)):
        other = sharing_numbers(neurons(w_in, w_out, bias, density=density, threshold=threshold))
        numbers[f"polysemantic_{name}"] = other["polysemantic"]
        numbers[f"carried_{name}"] = other["carried_by_polysemantic"]
    return numbers | sharing_numbers(found) | primary_numbers(found, density)


def sharing_numbers(found: Neurons) -> dict[str, float]:
    """How neurons and features share each other."""
    live = found.features[found.features > 0].float()
    several = live[live > 1]
    ranks = found.primary[found.features > 0]
    own = found.carried & (found.features == 1)[:, None]
    signs = found.weights.sign()
    both = (own & (signs > 0)).any(0) & (own & (signs < 0)).any(0)
    shared = (found.carried & found.polysemantic[:, None]).any(0)
    there = found.carried.any(0)
    varies = len(live) > 2 and live.min() < live.max() and ranks.min() < ranks.max()
    return {
        "live": float(len(live)),
        "single": _mean(live == 1),
        "two_or_three": _mean((live == 2) | (live == 3)),
        "three_or_more": _mean(live >= 3),
        "polysemantic": _mean(live > 1),
        "carried": _mean(live),
        "carried_by_polysemantic": _mean(several),
        "pairs": float(both.sum()),
        "split": _mean((own.any(0) & shared)[there]),
        "split_of_own": _mean(shared[own.any(0)]),
        "rank_correlation": _spearman(live, ranks) if varies else float("nan"),
    }


def primary_numbers(found: Neurons, density: float) -> dict[str, float]:
    """How polysemantic neurons weigh what they carry."""
    if not found.polysemantic.any():
        return dict.fromkeys(("below_half", "top", "middle", "present_top"), float("nan"))
    share = primary_share(found, density=density)[found.polysemantic]
    present = primary_share(found, density=density, count="presence")[found.polysemantic]
    return {
        "below_half": _mean(found.second_over_first[found.polysemantic] < 0.5),
        "top": float(share[:, 9].nanmean()),
        "middle": float(share[:, 3:7].nanmean()),
        "present_top": float(present[:, 9].nanmean()),
    }


def _spearman(one: Tensor, other: Tensor) -> float:
    """Rank correlation."""
    result: Any = spearmanr(one, other)
    return float(result.statistic)


def _mean(values: Tensor) -> float:
    """The mean; NaN of nothing."""
    return float(values.float().mean()) if values.numel() else float("nan")

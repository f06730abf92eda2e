"""Each claim on autoencoders of many latents: its parts, from the tables of the studies.

Not here: how a number is read off (`prolu_measures`), thresholds (`prolu_claims`).
"""

from typing import Any

from steering_core.publishing.claims import Measured
from steering_core.publishing.statistics import over_units
from steering_core.sparse_autoencoders.overlap_study import LIMIT
from steering_core.sparse_autoencoders.prolu_measures import (
    at_equal_l0,
    at_true,
    best,
    control,
    control_ratio,
    difference,
    levels_lost,
    levels_won,
    mean_over_penalties,
    overlap_rise,
    quotient,
    share_degrading,
    steps_to,
    worst_overlap,
)

Parts = dict[str, Measured]


def noise_ceiling(frontier: Any) -> Parts:
    """IV-9: where thresholds lie."""
    return {
        "rank": at_true(frontier, "prolu_relu", "spearman"),
        "ratio": at_true(frontier, "prolu_relu", "ratio"),
        "ratio_p999": at_true(frontier, "prolu_relu", "ratio_p999"),
        "ratio_ste": at_true(frontier, "prolu_ste", "ratio"),
        "ratio_relu": at_true(frontier, "relu", "ratio"),
    }


def learning(curves: Any) -> Parts:
    """IV-10: who learns faster, who degrades."""
    return {
        "faster": steps_to(curves, "scsae_multiplied"),
        "degrades": share_degrading(curves, "scsae_multiplied"),
        "faster_lowest": steps_to(curves, "scsae_multiplied", loss="min"),
        "faster_ste": steps_to(curves, "prolu_ste"),
        "degrades_ste": share_degrading(curves, "prolu_ste"),
        "degrades_relu": share_degrading(curves, "scsae"),
    }


def without_penalty(controls: Any) -> Parts:
    """IV-11: no L1, and what may take its place.

    The balance is over the seeds in which any latent points along a feature.
    """
    usual, none = control(controls, "usual", "f1", 1.6), control(controls, "little L1", "f1", 0.0)
    shrunken = control(controls, "little L1, shrunken target", "f1", 0.0)
    l0_at_zero = control(controls, "little L1", "l0", 0.0)
    return {
        "fails": quotient(none, usual),
        "balance": over_units(control(controls, "little L1", "up_right", 0.0).dropna()),
        "recovers": quotient(shrunken, usual),
        "recovers_l0": quotient(control(controls, "L0", "f1", 4.0), usual),
        "l0_at_zero": quotient(l0_at_zero, control(controls, "usual", "l0", 1.6)),
        "pushes_with": over_units(control(controls, "usual", "up_right", 1.6)),
        "negative_at_zero": over_units(control(controls, "little L1", "negative", 0.0)),
    }


def one_thing_changed(controls: Any) -> Parts:
    """Errors of ProLU with one thing changed, over those without: at equal L0 where two variants
    reach it, the least of the sparse ones where resampling is concerned."""
    at_equal = {
        "betas (0.9, 0.99)": ("smaller betas", "usual"),
        "divided by standard deviations": ("stretched, std", "stretched, l2"),
    }
    sparse = {
        "resampled, not warmed up again": ("not warmed again", "resampled at 0.2"),
        "resampled at 0.02": ("resampled at 0.02", "resampled at 0.2"),
        "ghost gradients": ("ghost", "not warmed again"),
        "dead latents left alone": ("left dead", "not warmed again"),
    }
    return {name: at_equal_l0(controls, *pair) for name, pair in at_equal.items()} | {
        name: control_ratio(controls, *pair) for name, pair in sparse.items()
    }


def betas(controls: Any) -> Parts:
    """IV-12: smaller ones."""
    return {
        "same": one_thing_changed(controls)["betas (0.9, 0.99)"],
        "sparse": control_ratio(controls, "smaller betas", "usual"),
        "l0": quotient(
            control(controls, "smaller betas", "l0", 0.2), control(controls, "usual", "l0", 0.2)
        ),
    }


def resampling(controls: Any) -> Parts:
    """IV-13: how far the loss leaps, beyond what it does where the dead are left."""
    left = control(controls, "left dead", "spike")
    return {
        "spikes": over_units(control(controls, "resampled at 0.2", "spike") - left),
        "small": over_units(control(controls, "resampled at 0.02", "spike") - left),
        "spikes_cold": over_units(control(controls, "not warmed again", "spike") - left),
        "redrawn": over_units(control(controls, "resampled at 0.2", "redrawn")),
    }


def warming_again(controls: Any) -> Parts:
    """IV-14: with and without."""
    names = ("not warmed again", "resampled at 0.2")
    without, with_it = (control(controls, name, "spike") for name in names)
    return {
        "helps": one_thing_changed(controls)["resampled, not warmed up again"],
        "spike": over_units(without - with_it),
        "l0": quotient(*(control(controls, name, "l0", 0.4) for name in names)),
    }


def normalising_and_the_dead(controls: Any) -> Parts:
    """IV-15: standard deviations, ghost gradients."""
    changed = one_thing_changed(controls)
    ways = {"resampled": "resampled at 0.2", "ghost": "ghost", "left": "left dead"}
    one, other = (best(controls, f"stretched, {name}", "f1") for name in ("l2", "std"))
    return {
        "std": quotient(one, other),
        "std_error": changed["divided by standard deviations"],
        "ghost": changed["ghost gradients"],
        "left": changed["dead latents left alone"],
        **{f"alive_{n}": over_units(control(controls, way, "alive")) for n, way in ways.items()},
    }


def pareto(frontier: Any) -> Parts:
    """IV-16: levels won, and lost."""
    rivals = ("gated", "jumprelu", "topk", "batch_topk")
    return {
        "over_l1": levels_won(frontier, "prolu_relu", "relu"),
        "over_sqrt": levels_won(frontier, "prolu_relu", "relu_sqrt"),
        "never_worse": levels_lost(frontier, "prolu_relu", ("relu", "relu_sqrt")),
        **{f"over_{name}": levels_won(frontier, "prolu_relu", name) for name in rivals},
        "ste_over_l1": levels_won(frontier, "prolu_ste", "relu"),
        "f1": difference(frontier, "prolu_relu", "relu", "f1"),
        "mcc": difference(frontier, "prolu_relu", "relu", "mcc"),
    }


def negative_biases(controls: Any, frontier: Any) -> Parts:
    """IV-17: signs of the biases."""
    share = over_units(control(controls, "from zero", "negative"))
    in_frontier = {
        name: mean_over_penalties(frontier, f"prolu_{name}", "negative") for name in ("relu", "ste")
    }
    return {"most": share, "not_all": share} | {
        f"most_{name}": mean for name, mean in in_frontier.items()
    }


def lengths(frontier: Any, *architectures: str) -> Parts:
    """Relative lengths of outputs; those of ProLU with ReLU's gradient as `prolu`, for IV-18."""
    names = {name: "prolu" if name == "prolu_relu" else name for name in architectures}
    return {names[name]: at_true(frontier, name, "shrinkage") for name in architectures}


def interference(overlaps: Any) -> Parts:
    """IV-21: pairs that are not orthogonal."""
    names = {"prolu": "prolu_relu", "relu": "relu", "topk": "topk"}
    return {
        "worst": worst_overlap(overlaps, "prolu_relu", "relu", LIMIT),
        **{f"rise_{n}": overlap_rise(overlaps, name, 0.5, LIMIT) for n, name in names.items()},
    }

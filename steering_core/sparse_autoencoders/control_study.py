"""The draft's training notes, one thing changed at a time: two to six penalties and four seeds.

ProLU with ReLU's gradient, as tuned for the frontier. What is about resampling has biases that
begin so low that about half of the latents are born dead, and the frontier's steps; the rest has
half as many.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.frontier_setting import (
    COLUMNS,
    STEPS,
    held_out,
    scores,
    train_seed,
    truth_of,
)
from steering_core.sparse_autoencoders.frontier_study import CODE, tuned_recipe
from steering_core.sparse_autoencoders.gradient_signs import pushes

SHORT, CONTROL_SEEDS = STEPS // 2, 4
BORN_DEAD = -5.0
"""Initial bias, normalised, at which about half of the latents are dead after 4,000 steps."""
USUAL = (0.2, 1.6)
WIDE = (0.1, 0.3, 1.0)
BETAS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
SCALES = (0.02, 0.2)


@dataclass(frozen=True)
class Variant:
    """One thing changed.

    architecture, penalties, steps: what is trained.
    changes: of the recipe.
    stretch: of the ground truth's coordinates.
    """

    architecture: str = "prolu_relu"
    penalties: tuple[float, ...] = USUAL
    steps: int = SHORT
    changes: dict[str, Any] = field(default_factory=dict)
    stretch: float = 1.0


def _born_dead(**changes: Any) -> Variant:
    return Variant(penalties=(0.1, 0.4), steps=STEPS, changes={"initial_bias": BORN_DEAD} | changes)


VARIANTS: dict[str, Variant] = {
    "usual": Variant(penalties=BETAS),
    "from zero": Variant(changes={"initial_bias": 0.0}),
    "smaller betas": Variant(penalties=BETAS, changes={"betas": (0.9, 0.99), "re_warm": 2_000}),
    "little L1": Variant(penalties=(0.0, 0.4)),
    "little L1, shrunken target": Variant(penalties=(0.0, 0.4), changes={"target_scale": 0.8}),
    "L0": Variant("prolu_l0", (1.5, 4.0)),
    "stretched, l2": Variant(penalties=WIDE, stretch=10.0),
    "stretched, std": Variant(penalties=WIDE, stretch=10.0, changes={"normalise": "std"}),
    **{f"resampled at {scale:g}": _born_dead(resample_scale=scale) for scale in SCALES},
    "not warmed again": _born_dead(re_warm=0),
    "ghost": _born_dead(dead="ghost"),
    "left dead": _born_dead(dead="none"),
}


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty: scores, the spike after resampling, and which way biases are pushed."""
    variant, seed = VARIANTS[task["variant"]], task["seed"]
    recipe = replace(tuned_recipe("prolu_relu", variant.steps), **variant.changes)
    trained = train_seed(
        variant.architecture, variant.penalties, seed, recipe, stretch=variant.stretch
    )
    table = scores(trained, seed, stretch=variant.stretch)
    truth, sample = truth_of(seed, variant.stretch), held_out(seed, variant.stretch)
    signs = [
        pushes(trained.pick(i), sample, truth, _l1(variant, penalty))
        for i, penalty in enumerate(variant.penalties)
    ]
    more = pd.DataFrame(signs).assign(spike=spikes(trained), redrawn=trained.redrawn.tolist())
    return pd.concat([table, more.map(lambda v: float(f"{v:.6g}"))], axis=1)


def _l1(variant: Variant, penalty: float) -> float:
    return 0.0 if variant.architecture == "prolu_l0" else penalty


def spikes(trained: Autoencoders, window: int = 500) -> list[float]:
    """How far the loss rises after latents are drawn anew, as a share of what it was before.

    The highest 50 steps of the `window` after, over the mean of the `window` before, less one; the
    largest over the times at which the recipe resamples, or would.
    """
    curves, every = trained.losses, 50
    rises = []
    for share in trained.recipe.resample_at:
        step = round(share * trained.recipe.steps)
        at, span = step // every, window // every
        before = curves[at - span : at].mean(0)
        rises.append(curves[at : at + span].amax(0) / before - 1)
    return [max(float(rise[i]) for rise in rises) for i in range(len(trained))]


AUTOENCODER_CONTROLS = Study(
    name="autoencoder-controls",
    tasks=lambda: [
        {"variant": name, "seed": seed} for seed in range(CONTROL_SEEDS) for name in VARIANTS
    ],
    run=run,
    code=(
        "steering_core.sparse_autoencoders.control_study",
        "steering_core.sparse_autoencoders.frontier_study",
        "steering_core.sparse_autoencoders.gradient_signs",
        *CODE,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys((*COLUMNS, "up_right", "down_wrong", "spike", "redrawn"), 0.25),
)

"""Interference, the draft's assumption undone: pairs of features of a known cosine, often active
together, and all else orthogonal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from steering_core import lockstep
from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.evaluate import evaluate
from steering_core.sparse_autoencoders.frontier_setting import BATCH_SIZE, N_INPUTS, SEEDS
from steering_core.sparse_autoencoders.frontier_study import CODE, tuned_recipe
from steering_core.sparse_autoencoders.ground_truth import GroundTruth, ground_truth
from steering_core.sparse_autoencoders.training import train_autoencoders

N_FEATURES, WIDTH, STEPS = 32, 32, 3_000
DENSITY, CORRELATION, NOISE = 0.08, 0.7, 0.1
ACTIVE = N_FEATURES * DENSITY
OVERLAPS = (0.0, 0.25, 0.5)
PENALTIES: dict[str, tuple[float, ...]] = {
    "relu": (0.5, 0.8, 1.2, 2.0),
    "relu_sqrt": (0.3, 0.5, 0.8, 1.4),
    "scsae": (0.1, 0.2, 0.4, 0.8),
    "prolu_relu": (0.1, 0.2, 0.4, 0.8),
    "prolu_ste": (0.05, 0.1, 0.2, 0.4),
    "gated": (0.8, 1.5, 2.5, 4.0),
    "jumprelu": (0.6, 1.0, 2.0, 4.0),
    "topk": (1.0, 2.0, 3.0),
    "batch_topk": (1.0, 2.0, 3.0),
}
LIMIT = 1.25 * ACTIVE
"""Errors are compared at no more latents than this: the least over penalties."""
COLUMNS = ("l0", "fvu", "cosine", "shrinkage", "mcc", "precision", "recall", "f1")


def truth_of(overlap: float, seed: int) -> GroundTruth:
    """The pairs of a seed."""
    return ground_truth(
        N_FEATURES,
        WIDTH,
        densities=(DENSITY, DENSITY),
        noise=NOISE,
        overlap=overlap,
        correlation=CORRELATION,
        seed=seed,
    )


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty."""
    name, seed, truth = task["architecture"], task["seed"], truth_of(task["overlap"], task["seed"])
    trained = train_autoencoders(
        truth.stream(BATCH_SIZE, seed),
        name,
        n_latents=N_FEATURES,
        penalties=PENALTIES[name],
        seeds=(seed,),
        recipe=replace(tuned_recipe(name, STEPS), re_warm=300),
    )
    sample = truth.sample(N_INPUTS, lockstep.stream(seed, "held out"))
    table: Any = evaluate(trained, sample, truth)[["penalty", *COLUMNS]]
    return table.map(lambda v: float(f"{v:.6g}"))


AUTOENCODER_OVERLAP = Study(
    name="autoencoder-overlap",
    tasks=lambda: [
        {"overlap": overlap, "architecture": name, "seed": seed}
        for seed in range(SEEDS)
        for overlap in OVERLAPS
        for name in PENALTIES
    ],
    run=run,
    code=(
        "steering_core.sparse_autoencoders.overlap_study",
        "steering_core.sparse_autoencoders.frontier_study",
        *CODE,
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(COLUMNS, 0.25),
)

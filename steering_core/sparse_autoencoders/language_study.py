"""The study of architectures on the residual stream of two language models."""

from pathlib import Path
from typing import Any

import pandas as pd

from steering_core.publishing.studies import Study
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.evaluate import evaluate
from steering_core.sparse_autoencoders.frontier_setting import with_knob
from steering_core.sparse_autoencoders.frontier_study import CODE, TUNED
from steering_core.sparse_autoencoders.language_setting import (
    LAYER,
    MODELS,
    STEPS,
    judged_texts,
    reading,
    train_on_language,
)
from steering_core.sparse_autoencoders.loss_recovered import spliced_losses
from steering_core.sparse_autoencoders.recipe import Recipe
from steering_core.sparse_autoencoders.tuning_study import KNOBS

SEEDS = 3
PENALTIES: dict[str, tuple[float, ...]] = {
    "relu": (1.0, 1.7, 2.8, 4.4, 6.5),
    "prolu_relu": (0.05, 0.2, 0.6, 1.6, 4.0),
    "prolu_ste": (0.1, 0.4, 1.0, 2.5, 7.0),
    "gated": (1.5, 2.2, 3.2, 4.6, 6.5),
    "jumprelu": (0.3, 0.7, 1.5, 4.0, 15.0),
    "topk": (6.0, 10.0, 16.0, 24.0, 36.0),
    "batch_topk": (6.0, 10.0, 16.0, 24.0, 36.0),
}
"""From runs on another seed: their L0 should lie around the levels that are compared."""


def language_recipe(architecture: str) -> Recipe:
    """As tuning on the ground truth left it, in fewer and larger steps."""
    rate, value = TUNED[architecture]
    recipe = Recipe(
        steps=STEPS, learning_rate=rate, resample_at=(0.25, 0.5), silent_for=0.1, re_warm=200
    )
    return with_knob(recipe, KNOBS[architecture][0], value)


def scores(autoencoders: Autoencoders, name: str) -> pd.DataFrame:
    """All measures of the autoencoders of a model, one row each, to six digits."""
    read = reading(name)
    table = evaluate(autoencoders, read.held_out).drop(columns="seed")
    table["alive"] = 1 - table.pop("dead")
    losses = spliced_losses(read.model, judged_texts(), autoencoders, layer=LAYER, mean=read.mean)
    table["added"] = [loss - losses.own for loss in losses.reconstructed]
    table["recovered"] = losses.recovered()
    table["recovered_mean"] = losses.recovered(over="mean")
    return table.map(lambda v: float(f"{v:.6g}"))


def run(task: dict[str, Any]) -> pd.DataFrame:
    """A row a penalty."""
    name = task["architecture"]
    trained = train_on_language(
        task["model"], name, PENALTIES[name], language_recipe(name), seeds=(task["seed"],)
    )
    return scores(trained, task["model"])


AUTOENCODER_LANGUAGE = Study(
    name="autoencoder-language",
    tasks=lambda: [
        {"model": model, "architecture": name, "seed": seed}
        for seed in range(SEEDS)
        for model in MODELS
        for name in PENALTIES
    ],
    run=run,
    code=(
        "steering_core.sparse_autoencoders.language_study",
        "steering_core.sparse_autoencoders.language_setting",
        "steering_core.sparse_autoencoders.loss_recovered",
        "steering_core.language_model.own_words",
        *(module for module in CODE if not module.endswith(("frontier_setting", "ground_truth"))),
    ),
    folder=Path(__file__).parent / "tables",
    tolerance=dict.fromkeys(
        ("l0", "fvu", "cosine", "shrinkage", "alive", "added", "recovered", "recovered_mean"), 0.25
    ),
)

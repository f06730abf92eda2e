"""What makes training fast, one ingredient at a time: seconds on this machine, for one model."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import torch

from steering_core.superposition.activations import ACTIVATIONS
from steering_core.superposition.bottleneck import TrainedBottleneck, train_bottleneck
from steering_core.superposition.dimension_study import (
    INSTANCES,
    LEVELS,
    N_FEATURES,
    N_HIDDEN,
    RECIPES,
)
from steering_core.superposition.recipe import PUBLISHED, Recipe
from steering_core.superposition.usual import train_usual


def page_recipe(activation: str) -> Recipe:
    """Our recipe with half of its batch, and half of its steps for SoLU: what fits into a page.

    The whole recipe takes twice as long, and follows the published curves closer where they are
    steep.
    """
    ours = RECIPES["ours"](activation)
    return replace(ours, batch_size=128, steps=4_000 if activation == "solu" else ours.steps)


def ingredients(live: Sequence[TrainedBottleneck], *, steps: int = 20) -> pd.DataFrame:
    """Seconds a model of the 7 x 20 sweep, the published recipe first, an ingredient more each row.

    Of all rows but the last, a few steps of ReLU, or of all activations, are timed and scaled up to
    the recipe's steps; the last row is what the sweep took.

    Args:
        live: the runs that make up the sweep by `page_recipe`.
        steps: how many are timed in each row.
    """
    names = list(ACTIVATIONS)
    few = replace(PUBLISHED, steps=steps)
    smaller = replace(few, batch_size=page_recipe("relu").batch_size)
    taken = torch.cat([run.steps.flatten() for run in live]).double()
    _usual_step(2)  # the first steps reserve memory
    rows = {
        "the published recipe, an activation at a time": (_usual_step(steps), PUBLISHED.steps),
        "gradients written out, in the cache, a core each": (_step(["relu"], few), PUBLISHED.steps),
        "seven activations share their inputs": (_step(names, few), PUBLISHED.steps),
        f"batches of {smaller.batch_size} inputs": (_step(names, smaller), PUBLISHED.steps),
        "larger steps; models that have converged leave": (
            sum(run.seconds for run in live) / float(taken.sum()),
            float(taken.mean()),
        ),
    }
    table = pd.DataFrame(
        {
            "ingredient": list(rows),
            "ms a step": [1e3 * each for each, _ in rows.values()],
            "steps": [round(count) for _, count in rows.values()],
            "seconds a model": [each * count for each, count in rows.values()],
        }
    )
    usual = table["seconds a model"].to_numpy()[0]
    return table.assign(**{"times as fast": usual / table["seconds a model"].to_numpy()})


def _usual_step(steps: int) -> float:
    """Seconds a model and step of the usual recipe."""
    run = train_usual(
        "relu",
        n_features=N_FEATURES,
        n_hidden=N_HIDDEN,
        densities=LEVELS,
        instances=INSTANCES,
        steps=steps,
    )
    return run.seconds / len(LEVELS) / steps


def _step(names: list[str], recipe: Recipe) -> float:
    """Seconds a model and step of ours, on all cores."""
    trained = train_bottleneck(
        names,
        n_hidden=N_HIDDEN,
        density=LEVELS,
        importance=torch.ones(N_FEATURES),
        recipe=recipe,
        n_jobs=-1,
    )
    return trained.seconds / trained.steps.numel() / recipe.steps

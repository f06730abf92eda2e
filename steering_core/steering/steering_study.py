"""The studies of steering: a sweep of settings, what the chosen ones do, and what chance does.

The sweep is on openings of even texts. A kind's best setting there is the one of the largest gain
at a bounded cost; what it does is then measured on openings of odd texts, and compared with vectors
that only have its norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import SECOND, SHIPPED, load_model
from steering_core.language_model.texts import load_texts
from steering_core.publishing.studies import Study, load_study
from steering_core.steering.choice import best_setting, matched_settings
from steering_core.steering.experiment import (
    Setting,
    Trial,
    complete,
    trials,
    vectors_of,
)
from steering_core.steering.kinds import centred
from steering_core.steering.lexicon import GENRES
from steering_core.steering.material import Material, read_material

MODELS = {"first": SHIPPED, "second": SECOND}
COEFFICIENTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
MUCH_STRANGER = math.log(4)  # nats a token over the unsteered at which a sweep ends
POSITIONS = ("first", "last_prompt", "generated", "every")
WIDE = ("centred", "uncentred")
NARROW = (
    "introduced",
    "isolated",
    "position_matched",
    "of_all_texts",
    "one_pair",
    "principal",
    "logistic",
    "whitened",
)
PER_PAIR = 10
PROMPT_LINES = {
    "fantasy": "A story of magic and dragons",
    "scifi": "A story of ships among the stars",
    "sports": "A story of a game and its players",
    "shakespeare": "A scene from a play by William Shakespeare",
}
FOLDER = Path(__file__).parent / "tables"
CODE = tuple(
    f"steering_core.{module}"
    for module in (
        "language_model.load",
        "language_model.record",
        "language_model.residual",
        "language_model.token_batches",
        "steering.experiment",
        "steering.kinds",
        "steering.lexicon",
        "steering.material",
        "steering.quality",
        "steering.sampling",
        "steering.steer",
        "steering.vectors",
    )
)


@cache
def model_and_material(name: str) -> tuple[TransformerBridge, Material]:
    """Read once by each worker."""
    model = load_model(MODELS[name])
    return model, read_material(model)


@cache
def unsteered(name: str) -> pd.DataFrame:
    """What the trials of the sweep become without steering."""
    return complete(model_and_material(name)[0], trials("even", PER_PAIR))


def _sweep_tasks() -> list[dict[str, Any]]:
    """Everywhere for the two kinds in question, at fewer settings for the others."""
    everywhere = {"first": range(6), "second": range(1, 5)}
    wide = [
        {"model": model, "kind": kind, "position": position, "layer": layer}
        for model, layers in everywhere.items()
        for kind in WIDE
        for position in POSITIONS
        for layer in layers
    ]
    narrow = [
        {"model": model, "kind": kind, "position": position, "layer": layer}
        for model, kinds in (("first", NARROW), ("second", NARROW[:3]))
        for kind in kinds
        for position in ("first", "every")
        for layer in range(1, 5)
    ]
    return wide + narrow


def sweep(task: dict[str, Any]) -> pd.DataFrame:
    """A row for each coefficient, up to the first whose completions are four times as strange."""
    model, material = model_and_material(task["model"])
    chosen = trials("even", PER_PAIR)
    before = unsteered(task["model"])
    vectors = vectors_of(material, task["kind"], chosen, task["layer"])
    rows = []
    for coefficient in COEFFICIENTS:
        setting = Setting(task["layer"], task["position"], coefficient)
        after = complete(model, chosen, vectors=vectors, setting=setting)
        change = after[["target_stems", "source_stems", "nats"]] - before
        rows.append(
            {
                "coefficient": coefficient,
                "norm": float(vectors.norm(dim=-1).mean()) * coefficient,
                "gain": change.target_stems.mean(),
                "gain_error": change.target_stems.std() / math.sqrt(len(change)),
                "source_change": change.source_stems.mean(),
                "nats": change.nats.mean(),
                "distinct": after.distinct.mean() / before.distinct.mean(),
            }
        )
        if change.nats.mean() > MUCH_STRANGER:
            break
    return pd.DataFrame(rows).round(5)


SWEEP = Study(
    name="steering-sweep",
    tasks=_sweep_tasks,
    run=sweep,
    code=("steering_core.steering.steering_study", "steering_core.steering.choice", *CODE),
    folder=FOLDER,
    tolerance={
        "norm": 1e-3,
        "gain": 0.2,
        "gain_error": 0.2,
        "source_change": 0.3,
        "nats": 0.05,
        "distinct": 0.05,
    },
)


def _effect_tasks() -> list[dict[str, Any]]:
    """Every run with its setting, which the table of the sweep decides."""
    table = load_study(SWEEP).table
    return [task for model in MODELS for task in runs(table, model)]


def runs(table: pd.DataFrame, model: str) -> list[dict[str, Any]]:
    """What is run on a model: name, kind, setting, prompts a pair of genres, seed of the draws."""
    best = {
        kind: best_setting(table, model, kind) for kind in table.kind[table.model == model].unique()
    }
    centre = best["centred"]
    chosen: list[tuple[str, str, Setting | None]] = [("unsteered", "none", None)]
    chosen += [(kind, kind, setting) for kind, setting in best.items()]
    chosen += [
        (f"{kind}_first", kind, best_setting(table, model, kind, "first"))
        for kind in ("centred", "isolated", "introduced")
    ]
    chosen += [
        (f"centred_{position}", "centred", best_setting(table, model, "centred", position))
        for position in POSITIONS[1:]
    ]
    chosen += [
        (f"{kind}_matched", kind, setting)
        for kind, setting in matched_settings(table, model, best).items()
    ]
    chosen += [("uncentred_equal", "uncentred", centre), ("along_mean", "along_mean", centre)]
    if model == "first":
        at_norm = ("uncentred", "isolated", "of_all_texts", "position_matched")
        chosen += [(f"{name}_at_norm", f"{name}_at_norm", centre) for name in at_norm]
        chosen += [(f"prompting_{how}", "none", None) for how in ("line", "story")]
    other_draws = [("again", "none", None), ("centred_again", "centred", centre)]
    return [_task(model, *run) for run in chosen] + [
        _task(model, *run) | {"seed": 1} for run in other_draws
    ]


def _task(model: str, name: str, kind: str, setting: Setting | None) -> dict[str, Any]:
    many = name.endswith("_first") or name == "unsteered"
    return {
        "model": model,
        "run": name,
        "kind": kind,
        "layer": setting.layer if setting else None,
        "position": setting.position if setting else None,
        "coefficient": setting.coefficient if setting else None,
        "per_pair": 100 if many else 50,
        "seed": 0,
    }


def effect(task: dict[str, Any]) -> pd.DataFrame:
    """A row for each trial of a run."""
    model, material = model_and_material(task["model"])
    chosen = trials("odd", task["per_pair"])
    if task["kind"] == "none":
        found = complete(model, chosen, before=_before(task["run"], chosen), seed=task["seed"])
    else:
        setting = Setting(task["layer"], task["position"], task["coefficient"])
        vectors = vectors_of(material, task["kind"], chosen, task["layer"])
        found = complete(model, chosen, vectors=vectors, setting=setting, seed=task["seed"])
    return found.round(4)


def _before(run: str, chosen: list[Trial]) -> list[str] | None:
    """What stands in front of each prompt: a line that names the genre, or its first text."""
    put: dict[str, Callable[[str], str]] = {
        "prompting_line": lambda genre: PROMPT_LINES[genre],
        "prompting_story": lambda genre: load_texts(genre)[0],
    }
    return [put[run](trial.target) for trial in chosen] if run in put else None


EFFECTS = Study(
    name="steering-effects",
    tasks=_effect_tasks,
    run=effect,
    code=SWEEP.code,
    folder=FOLDER,
    tolerance={"target_stems": 1.0, "source_stems": 1.0, "nats": 1.0, "distinct": 1.0},
)

NULLS, NULLS_A_TASK, NULLS_PER_PAIR = 99, 11, 9


def _null_tasks() -> list[dict[str, Any]]:
    """On the first model alone."""
    setting = best_setting(load_study(SWEEP).table, "first", "centred")
    shared = {
        "model": "first",
        "layer": setting.layer,
        "position": setting.position,
        "coefficient": setting.coefficient,
    }
    return [shared | {"null": "none", "first": 0}] + [
        shared | {"null": null, "first": first}
        for null in ("random", "shuffled")
        for first in range(0, NULLS, NULLS_A_TASK)
    ]


def null_gains(task: dict[str, Any]) -> pd.DataFrame:
    """A row for each vector: its gain over the 108 trials, nine a pair of genres."""
    model, material = model_and_material(task["model"])
    chosen = trials("odd", NULLS_PER_PAIR)
    before = _unsteered_nulls(task["model"])
    setting = Setting(task["layer"], task["position"], task["coefficient"])
    rows = []
    for number in range(
        task["first"], task["first"] + (NULLS_A_TASK if task["null"] != "none" else 1)
    ):
        made = null_vectors(material, task["null"], task["layer"], seed=number)
        vectors = torch.stack([made[trial.target] for trial in chosen])
        after = complete(model, chosen, vectors=vectors, setting=setting)
        gain = (after.target_stems - before.target_stems).mean()
        rows.append({"number": number, "gain": gain, "nats": (after.nats - before.nats).mean()})
    return pd.DataFrame(rows).round(5)


@cache
def _unsteered_nulls(name: str) -> pd.DataFrame:
    return complete(model_and_material(name)[0], trials("odd", NULLS_PER_PAIR))


def null_vectors(
    material: Material, null: str, layer: int, *, seed: int
) -> dict[str, Float64[Tensor, " d_model"]]:
    """For each genre a vector of the norm of its centred one.

    Args:
        material: of the model.
        null: "none", the centred vectors themselves; "random", directions drawn evenly; "shuffled",
            means over as many texts, dealt out among the genres at random, less the centre.
        layer: of the residual stream.
        seed: of the draw.
    """
    true = {g: centred(material, g, g, "even")[layer] for g in GENRES}
    if null == "none":
        return true
    generator = np.random.default_rng(seed)
    if null == "random":
        drawn = {g: torch.from_numpy(generator.standard_normal(len(v))) for g, v in true.items()}
    else:
        texts = np.concatenate([np.r_[material.spans[g]] for g in GENRES])
        dealt = np.split(generator.permutation(texts), len(GENRES))
        drawn = {
            g: (material.mean_of_texts(own.tolist()) - material.centre)[layer]
            for g, own in zip(GENRES, dealt, strict=True)
        }
    return {g: drawn[g] / drawn[g].norm() * true[g].norm() for g in GENRES}


NULL_GAINS = Study(
    name="steering-nulls",
    tasks=_null_tasks,
    run=null_gains,
    code=SWEEP.code,
    folder=FOLDER,
    tolerance={"gain": 0.3, "nats": 0.1},
)

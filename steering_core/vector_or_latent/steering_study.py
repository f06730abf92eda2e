"""The studies of steering by latents: a sweep of coefficients, and what the chosen ones do.

As in part I, the sweep is on openings of even texts, and what is reported on openings of odd ones.
The layer is that of the autoencoders, every token is steered, and each genre has the coefficient
that is best for it: of all that cost no more than is allowed, the one that gains most.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.publishing.studies import Study, load_study
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.language_setting import LAYER
from steering_core.sparse_autoencoders.shipped import shipped_autoencoders
from steering_core.steering.choice import allowed
from steering_core.steering.experiment import Setting, Trial, complete, trials
from steering_core.steering.lexicon import GENRES
from steering_core.steering.steering_study import CODE, model_and_material
from steering_core.vector_or_latent.detection import Labelled, read_latents
from steering_core.vector_or_latent.directions import KINDS, LATENTS, direction

MODELS, SEEDS = ("first", "second"), 3
OF_VECTORS = ("centred", "isolated")
COEFFICIENTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SWEEP_PER_PAIR, PER_PAIR = 10, 40
MUCH_STRANGER = math.log(4)
BY_TRIAL = "latent by trial"
REPORTED = (*OF_VECTORS, LATENTS[0], BY_TRIAL, "eight latents")
FOLDER = Path(__file__).parent / "tables"
Chosen = dict[str, tuple[str, float]]
"""For each genre, the kind of its vector and the coefficient."""


@cache
def ready(model: str) -> tuple[TransformerBridge, Labelled, Autoencoders]:
    """A model, the texts as it reads them, and its autoencoders; read once by each worker."""
    bridge, material = model_and_material(model)
    autoencoders = shipped_autoencoders(model)
    return bridge, read_latents(bridge, autoencoders, material, LAYER), autoencoders


def steered(
    task: dict[str, Any], asked: list[Trial], chosen: Chosen
) -> tuple[pd.DataFrame, Float64[Tensor, "genres d_model"]]:
    """Completions of the trials, each with the vector and coefficient of its genre."""
    bridge, labelled, autoencoders = ready(task["model"])
    added = {
        genre: coefficient * direction(labelled, autoencoders, kind, task["seed"], genre)
        for genre, (kind, coefficient) in chosen.items()
    }
    vectors = torch.stack([added[trial.target] for trial in asked])
    setting = Setting(LAYER, "every", 1.0)
    return complete(bridge, asked, vectors=vectors, setting=setting), torch.stack(
        [added[genre] for genre in GENRES]
    )


@cache
def unsteered(model: str) -> pd.DataFrame:
    """The trials of the sweep without steering."""
    return complete(ready(model)[0], trials("even", SWEEP_PER_PAIR))


def sweep(task: dict[str, Any]) -> pd.DataFrame:
    """A row for each coefficient and genre, up to where completions are four times as strange."""
    asked, before = trials("even", SWEEP_PER_PAIR), unsteered(task["model"])
    rows = []
    for coefficient in COEFFICIENTS:
        after, added = steered(task, asked, dict.fromkeys(GENRES, (task["kind"], coefficient)))
        change: Any = after[["target_stems", "nats"]] - before[["target_stems", "nats"]]
        for genre, norm in zip(GENRES, added.norm(dim=1).tolist(), strict=True):
            mine = after["target"] == genre
            rows.append(
                {
                    "target": genre,
                    "coefficient": coefficient,
                    "norm": norm,
                    "gain": change["target_stems"][mine].mean(),
                    "nats": change["nats"][mine].mean(),
                    "distinct": after["distinct"][mine].mean() / before["distinct"][mine].mean(),
                }
            )
        if change["nats"].mean() > MUCH_STRANGER:
            break
    return pd.DataFrame(rows).round(5)


def _sweep_tasks() -> list[dict[str, Any]]:
    return [
        {"model": model, "kind": kind, "seed": seed}
        for model in MODELS
        for kind in KINDS
        for seed in range(1 if kind in OF_VECTORS else SEEDS)
    ]


LATENT_SWEEP = Study(
    name="latent-sweep",
    tasks=_sweep_tasks,
    run=sweep,
    code=(
        "steering_core.vector_or_latent.steering_study",
        "steering_core.vector_or_latent.detection",
        "steering_core.vector_or_latent.directions",
        "steering_core.sparse_autoencoders.language_setting",
        *CODE,
    ),
    folder=FOLDER,
    tolerance={"norm": 0.05, "gain": 1.0, "nats": 0.5, "distinct": 0.2},
)


def best(table: Any, model: str, kind: str, seed: int) -> Chosen:
    """For each genre the latent and coefficient of the largest gain at an allowed cost.

    Args:
        table: of the sweep.
        model: "first" or "second".
        kind: out of `REPORTED`; by trial, each of the four latents may be the one.
        seed: of the autoencoder.

    Raises:
        ValueError: a genre of which no row is allowed.
    """
    kinds = LATENTS if kind == BY_TRIAL else (kind,)
    rows = table[(table["model"] == model) & table["kind"].isin(kinds) & (table["seed"] == seed)]
    rows = rows[allowed(rows)]
    if missing := set(GENRES) - set(rows["target"]):
        raise ValueError(f"table: no allowed row of {kind}, seed {seed}, for {sorted(missing)}")
    top = rows.loc[rows.groupby("target")["gain"].idxmax()].set_index("target")
    return {g: (str(top["kind"][g]), float(top["coefficient"][g])) for g in GENRES}


def effect(task: dict[str, Any]) -> pd.DataFrame:
    """A row for each trial."""
    asked = trials("odd", PER_PAIR)
    if task["kind"] == "none":
        found = complete(ready(task["model"])[0], asked)
    else:
        table = load_study(LATENT_SWEEP).table
        chosen = best(table, task["model"], task["kind"], task["seed"])
        found, _ = steered(task, asked, chosen)
    return found.drop(columns="source_stems").round(4)


LATENT_EFFECTS = Study(
    name="latent-effects",
    tasks=lambda: [
        {"model": model, "kind": kind, "seed": seed}
        for model in MODELS
        for kind in ("none", *REPORTED)
        for seed in range(1 if kind in ("none", *OF_VECTORS) else SEEDS)
    ],
    run=effect,
    code=LATENT_SWEEP.code,
    folder=FOLDER,
    tolerance={"target_stems": 1.0, "nats": 1.0, "distinct": 1.0},
)

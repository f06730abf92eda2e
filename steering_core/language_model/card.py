"""The model card (Mitchell et al. 2019) of a finished run: `card.md` with the run's own numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from string import Template

import pandas as pd

from steering_core.language_model.recipe import Recipe
from steering_core.language_model.record import CURVE, SCORES

TEMPLATE = Path(__file__).parent / "card.md"


def model_card(folder: Path, recipe: Recipe, *, passages: int) -> str:
    """The card as Markdown, from the scores, the curve, the config and the weights in `folder`."""
    scores = json.loads((folder / SCORES).read_text("utf-8"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    curve = pd.read_csv(folder / CURVE)
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        layers=config["n_layer"],
        width=config["n_embd"],
        heads=config["n_head"],
        context=config["n_positions"],
        vocabulary=f"{config['vocab_size']:,}",
        megabytes=f"{(folder / 'model.safetensors').stat().st_size / 1e6:.1f}",
        shares=", ".join(f"{of_set} {share:.0%}" for of_set, share in recipe.shares.items()),
        tokens=f"{recipe.tokens:,}",
        options=_options(recipe),
        batch=recipe.batch,
        muon_rate=f"{recipe.muon_rate:g}",
        adam_rate=f"{recipe.adam_rate:g}",
        weight_decay=f"{recipe.weight_decay:g}",
        warmup=recipe.warmup,
        decay=f"{recipe.decay:.0%}",
        seed=recipe.seed,
        hours=f"{curve['seconds'].sum() / 3600:.1f}",
        bits=_table((s, f"{bits:.3f}") for s, bits in scores["bits_per_byte"].items()),
        books=_table(
            (b["set"], b["name"].replace("_", " "), f"{b['bits_per_byte']:.3f}")
            for b in scores["books"]
        ),
        passages=f"{passages:,}",
    )


def _options(recipe: Recipe) -> str:
    """What `pretrain` must be told on the command line: tokens, seed, and all that is unusual."""
    usual = Recipe()
    return " ".join(
        f"--{field.name.replace('_', '-')} {getattr(recipe, field.name)}"
        for field in fields(Recipe)
        if field.name in ("tokens", "seed")
        or (field.name != "shares" and getattr(recipe, field.name) != getattr(usual, field.name))
    )


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)

"""The model card (Mitchell et al. 2019) of a finished run: `card.md` with the run's own numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from string import Template

import pandas as pd

from steering_core.language_model.recipe import Recipe

TEMPLATE = Path(__file__).parent / "card.md"


def model_card(folder: Path, recipe: Recipe, *, passages: int) -> str:
    """The card as Markdown, from the scores, the curve, the config and the weights in `folder`."""
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    config = json.loads((folder / "config.json").read_text("utf-8"))
    curve = pd.read_csv(folder / "curve.csv")
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        layers=config["n_layer"],
        width=config["n_embd"],
        heads=config["n_head"],
        context=config["n_positions"],
        vocabulary=f"{config['vocab_size']:,}",
        megabytes=f"{(folder / 'model.safetensors').stat().st_size / 1e6:.1f}",
        shares=", ".join(f"{of_set} {share:.0%}" for of_set, share in recipe.shares.items()),
        tokens=f"{recipe.tokens:,}",
        plain_tokens=recipe.tokens,
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


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)

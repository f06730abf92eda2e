"""A run that may be killed: its log, and how it is taken up again from its checkpoint."""

from __future__ import annotations

import csv
import os
from dataclasses import fields, replace
from pathlib import Path

from torch.optim import Optimizer
from transformers import GPT2LMHeadModel

from steering_core.language_model.checkpoint import load_checkpoint, read_tensors
from steering_core.language_model.recipe import Recipe

CHECKPOINT = "checkpoint.safetensors"
LOG = "log.csv"


def refuse_another_recipe(path: Path, recipe: Recipe) -> None:
    """The run at `path`, if there is one, may differ in how long it is, and when it decays."""
    if not path.exists():
        return
    notes, _ = read_tensors(path)
    stored = Recipe.from_json(notes["recipe"])
    asked = replace(recipe, tokens=stored.tokens, decay=stored.decay)
    for field in fields(Recipe):
        if getattr(asked, field.name) != getattr(stored, field.name):
            raise ValueError(
                f"{field.name}: got {getattr(asked, field.name)}, but the run in {path.parent} has "
                f"{getattr(stored, field.name)}; use that, or another folder"
            )


def resume(out: Path, model: GPT2LMHeadModel, optimizers: dict[str, Optimizer]) -> int:
    """Take up the run in `out`, if there is one; gives the next step."""
    path = out / CHECKPOINT
    step = int(load_checkpoint(path, model, optimizers)["step"]) if path.exists() else 0
    _cut_log(out / LOG, step)
    return step


def _cut_log(path: Path, step: int) -> None:
    """Drop the rows after `step`: the run was killed before the checkpoint that goes with them."""
    if not path.exists():
        return
    header, *rows = path.read_bytes().splitlines(keepends=True) or [b""]
    whole = [row for row in rows if row.endswith(b"\n")]
    kept = [row for row in whole if int(row.split(b",")[0]) <= step]
    if kept != rows or not rows:
        temporary = path.with_suffix(".partial")
        temporary.write_bytes(b"".join([header, *kept]) if kept else b"")
        os.replace(temporary, path)


def log_row(
    path: Path,
    step: int,
    seconds: float,
    losses: list[float],
    bits: dict[str, float],
    recipe: Recipe,
) -> None:
    """Add a row: seconds since the last row, mean loss in nats, bits a byte of each set."""
    row = {
        "step": step,
        "tokens": step * recipe.batch * recipe.context,
        "seconds": round(seconds, 1),
        "loss": round(sum(losses) / max(1, len(losses)), 4),
    } | {of_set: round(value, 4) for of_set, value in bits.items()}
    with path.open("a", encoding="utf-8", newline="") as table:
        writer = csv.DictWriter(table, list(row))
        if table.tell() == 0:
            writer.writeheader()
        writer.writerow(row)

"""A finished training run as a model folder: weights, tokenizer, scores, mean activations, card,
checksums.

The folder is in Hugging Face's layout, so any tool of that world loads it; `load_model` also
checks it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel

from steering_core.language_model.activations import residual_mean
from steering_core.language_model.card import model_card
from steering_core.language_model.corpus import Book
from steering_core.language_model.evaluate import bits_by_set, score_books
from steering_core.language_model.load import CHECKSUMS, as_bridge
from steering_core.language_model.recipe import Recipe

SCORES, MEANS, CURVE, CARD = "scores.json", "means.safetensors", "curve.csv", "README.md"
RECIPE = "recipe.json"
PASSAGES = 2000  # of the training text, over which the mean activations are taken
_PASSAGE_CHARACTERS = 900  # about 230 tokens: within the context


def export(
    model: GPT2LMHeadModel,
    books: Sequence[Book],
    run: str | Path,
    recipe: Recipe,
    *,
    manifest: str | Path | None = None,
) -> Path:
    """Write the folder `run`/model, by way of a temporary name; gives its path.

    Args:
        model: as `pretrain` returns it.
        books: the corpus; what it holds out is scored, what it does not gives the mean activations.
        run: the folder of the training run, which holds its tokenizer and its log.
        recipe: how the model was trained.
        manifest: the table of the books, to go with the model.
    """
    run = Path(run)
    partial, folder = run / "model.partial", run / "model"
    shutil.rmtree(partial, ignore_errors=True)
    model.half().save_pretrained(partial)
    AutoTokenizer.from_pretrained(run / "tokenizer").save_pretrained(partial)
    _write_scores(partial, books)
    _write_means(partial, books, recipe)
    shutil.copyfile(run / "log.csv", partial / CURVE)
    (partial / RECIPE).write_text(recipe.to_json() + "\n", "utf-8")
    if manifest is not None:
        shutil.copyfile(manifest, partial / "manifest.tsv")
    (partial / CARD).write_text(model_card(partial, recipe, passages=PASSAGES), "utf-8")
    sums = {path.name: _sha256(path) for path in sorted(partial.iterdir())}
    (partial / CHECKSUMS).write_text(json.dumps(sums, indent=2) + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    return folder


def passages(books: Sequence[Book], n: int, recipe: Recipe) -> list[str]:
    """`n` passages of about 900 characters from the books that are not held out, in the recipe's
    shares.

    Each begins at a paragraph; the same for the same seed of the recipe.
    """
    generator = np.random.default_rng((recipe.seed, 1))
    read = [book for book in books if not book.held_out and len(book.text) > _PASSAGE_CHARACTERS]
    weights = np.array([recipe.shares.get(b.set, 0.1) * b.draw_weight for b in read])
    totals = {s: sum(b.draw_weight for b in read if b.set == s) for s in {b.set for b in read}}
    weights /= [totals[b.set] for b in read]
    drawn = generator.choice(len(read), size=n, p=weights / weights.sum())
    return [_passage(read[i].text, generator) for i in drawn]


def _passage(text: str, generator: np.random.Generator) -> str:
    at = int(generator.integers(len(text) - _PASSAGE_CHARACTERS))
    begin = text.rfind("\n", 0, at + 1) + 1
    return text[begin : begin + _PASSAGE_CHARACTERS]


def _write_scores(folder: Path, books: Sequence[Book]) -> None:
    """Scored as it will be loaded: from its half-precision weights."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    scores = score_books(model, tokenizer, [b for b in books if b.held_out], progress=True)
    record = {
        "bits_per_byte": bits_by_set(scores),
        "books": [asdict(score) for score in scores],
    }
    (folder / SCORES).write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _write_means(folder: Path, books: Sequence[Book], recipe: Recipe) -> None:
    """Mean residual over training text: `tokens` without first positions, `positions` with."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    bridge = as_bridge(model, AutoTokenizer.from_pretrained(folder))
    texts = passages(books, PASSAGES, recipe)
    tokens = residual_mean(bridge, texts, progress=True)
    positions = residual_mean(bridge, texts, centre="positions", skip_first=False, progress=True)
    save_file(
        {"tokens": tokens.float(), "positions": positions.float()},
        folder / MEANS,
        metadata={"passages": str(len(texts)), "seed": str(recipe.seed)},
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

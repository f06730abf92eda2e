"""A finished training run as a model folder: weights, tokenizer, scores, mean activations, card,
checksums.

The folder is in Hugging Face's layout, so any tool of that world loads it; `load_model` also
checks it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors.torch import save_file
from transformer_lens.model_bridge import TransformerBridge
from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase

from steering_core.language_model.activations import residual_mean
from steering_core.language_model.card import model_card
from steering_core.language_model.corpus import Book
from steering_core.language_model.evaluate import bits_by_set, score_books
from steering_core.language_model.load import CHECKSUMS, load_model, plain_model
from steering_core.language_model.recipe import Recipe
from steering_core.language_model.record import CURVE, MEANS, RECIPE, SCORES
from steering_core.language_model.windows import chances

CARD, MANIFEST = "README.md", "manifest.tsv"
PASSAGES = 2000  # of the training text, over which the mean activations are taken
_CHARACTERS_A_TOKEN = 6  # more than English takes, so that a passage fills the context


def export(
    model: GPT2LMHeadModel,
    books: Sequence[Book],
    run: str | Path,
    recipe: Recipe,
    *,
    manifest: str | Path | None = None,
) -> Path:
    """Write the folder `run`/model, by way of a temporary name; gives its path.

    What was there before stays until the new folder is whole. Scores and means are of the model as
    it will be loaded: from its half-precision weights.

    Args:
        model: as `pretrain` returns it, on any device; it is left as it is.
        books: the corpus; what it holds out is scored, what it does not gives the mean activations.
        run: the folder of the training run, which holds its tokenizer and its log.
        recipe: how the model was trained.
        manifest: the table of the books, to go with the model.
    """
    run = Path(run)
    partial, old, folder = run / "model.partial", run / "model.old", run / "model"
    _remove(partial)
    copy.deepcopy(model).cpu().half().save_pretrained(partial)
    shutil.copytree(run / "tokenizer", partial, dirs_exist_ok=True)
    shutil.copyfile(run / "log.csv", partial / CURVE)
    (partial / RECIPE).write_text(recipe.to_json() + "\n", "utf-8")
    if manifest is not None:
        shutil.copyfile(manifest, partial / MANIFEST)
    bridge = load_model(partial)
    _write_scores(partial, bridge, books)
    _write_means(partial, bridge, books, recipe)
    (partial / CARD).write_text(model_card(partial, recipe, passages=PASSAGES), "utf-8")
    sums = {path.name: _sha256(path) for path in sorted(partial.iterdir())}
    (partial / CHECKSUMS).write_text(json.dumps(sums, indent=2) + "\n", "utf-8")
    _remove(old)
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    _remove(old)
    return folder


def passages(books: Sequence[Book], n: int, recipe: Recipe) -> list[str]:
    """`n` passages of the books that are not held out, in the recipe's shares: long enough to fill
    the context.

    Each begins at a paragraph; the same for the same seed of the recipe.
    """
    generator = np.random.default_rng((recipe.seed, 1))
    read = [book for book in books if not book.held_out and book.text.strip()]
    drawn = generator.choice(
        len(read), size=n, p=chances(read, [len(b.text) for b in read], recipe.shares)
    )
    length = _CHARACTERS_A_TOKEN * recipe.context
    return [_passage(read[i].text, length, generator) for i in drawn]


def _passage(text: str, length: int, generator: np.random.Generator) -> str:
    at = int(generator.integers(max(1, len(text) - length)))
    begin = text.rfind("\n", 0, at) + 1
    return text[begin : begin + length].strip()


def _cut(text: str, tokenizer: PreTrainedTokenizerBase, context: int) -> str:
    """As much of the beginning as the context holds."""
    for end in reversed(_token_ends(text, tokenizer)[:context]):
        if len(_token_ends(text[:end], tokenizer)) <= context:  # half a word may be more tokens
            return text[:end]
    return text


def _token_ends(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return [end for _, end in encoded["offset_mapping"]]


def _write_scores(folder: Path, bridge: TransformerBridge, books: Sequence[Book]) -> None:
    model, held_out = plain_model(bridge), [book for book in books if book.held_out]
    try:
        scores = score_books(model, bridge.tokenizer, held_out, progress=True)
    except ValueError:  # no book was held out that is longer than the context
        scores = []
    record = {
        "bits_per_byte": bits_by_set(scores),
        "books": [asdict(score) for score in scores],
    }
    (folder / SCORES).write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _write_means(
    folder: Path, bridge: TransformerBridge, books: Sequence[Book], recipe: Recipe
) -> None:
    """Mean residual over training text: `tokens` without first positions, `positions` with."""
    texts = [
        _cut(text, bridge.tokenizer, recipe.context) for text in passages(books, PASSAGES, recipe)
    ]
    tokens = residual_mean(bridge, texts, progress=True)
    positions = residual_mean(bridge, texts, centre="positions", skip_first=False, progress=True)
    save_file(
        {"tokens": tokens.float(), "positions": positions.float()},
        folder / MEANS,
        metadata={"passages": str(len(texts))},  # of two entries, either may be written first
    )


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

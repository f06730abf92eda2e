"""From a folder of texts to a finished model: `python -m steering_core.language_model.pretrain
TEXTS OUT`.

A GPT-2 (Radford et al. 2019) of a few million parameters. The matrices of its blocks are trained
by Muon (Jordan et al. 2024, torch.optim.Muon), the rest by AdamW; the rates are constant and then
fall linearly to zero (Hägele et al. 2024). The run writes its state to
`OUT/checkpoint.safetensors`; killed at any moment and started again, it goes on from there. What
it makes is in `OUT/model`.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import torch
from jaxtyping import Int64
from torch import Tensor, nn
from torch.optim import Optimizer
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from steering_core.language_model.checkpoint import save_checkpoint
from steering_core.language_model.corpus import Book, read_corpus
from steering_core.language_model.export import export
from steering_core.language_model.recipe import Recipe
from steering_core.language_model.run_state import (
    CHECKPOINT,
    LOG,
    log_row,
    refuse_another_recipe,
    resume,
)
from steering_core.language_model.tokenizer import END_OF_TEXT, train_tokenizer
from steering_core.language_model.training_step import Loss, can_compile, loss_function, update
from steering_core.language_model.windows import EncodedBook, Windows, encode_books

_TOKENIZER_CHARACTERS = 5_000_000  # of each set, so that each has words of its own
_PREVIEW_WINDOWS = 32  # of each set, for the curve


def pretrain(
    books: Sequence[Book],
    out: str | Path,
    recipe: Recipe,
    *,
    device: str = "cpu",
    compiled: bool | None = None,
    save_every: int = 250,
) -> GPT2LMHeadModel:
    """Train a model by `recipe` on the books that are not held out; state, tokenizer and log go to
    `out`.

    Args:
        books: from `read_corpus`.
        out: a folder; what an interrupted run left there is taken up again.
        recipe: sizes and rates; on taking up a run, only `tokens` and `decay` may differ.
        device: where to compute.
        compiled: use torch.compile, and half precision (bf16) for the matrix products; by default
            where a C++ compiler or a GPU is at hand.
        save_every: steps between checkpoints, each with a row of the log.

    Raises:
        ValueError: no books to train on, a damaged checkpoint, or one of another recipe.
    """
    if save_every < 1:
        raise ValueError(f"save_every: got {save_every}; it must be 1 or more")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    refuse_another_recipe(out / CHECKPOINT, recipe)
    tokenizer = _tokenizer(books, out, recipe)
    model = new_model(recipe, tokenizer)
    nn.Module.to(model, device)  # in place; the types of `model.to` are lost in transformers
    optimizers = _optimizers(model, recipe)
    first = resume(out, model, optimizers)
    if first >= recipe.steps:
        return model.eval()
    encoded = encode_books(books, tokenizer, context=recipe.context)
    windows = _windows([b for b in encoded if not b.book.held_out], tokenizer, recipe)
    held_out = _previews([b for b in encoded if b.book.held_out], tokenizer, recipe)
    loss_of = loss_function(model, device, can_compile(device) if compiled is None else compiled)

    began, losses = time.perf_counter(), []
    for step in tqdm(
        range(first, recipe.steps), initial=first, total=recipe.steps, desc="pretraining"
    ):
        loss = loss_of(windows.batch(recipe.batch, seed=(recipe.seed, step)).to(device))
        loss.backward()
        update(model, optimizers, recipe.rate_factor(step))
        losses.append(float(loss.detach()))
        if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
            seconds = time.perf_counter() - began
            bits = _bits(loss_of, held_out, tokenizer, device)
            log_row(out / LOG, step + 1, seconds, losses, bits, recipe)
            notes = {"step": str(step + 1), "recipe": recipe.to_json()}
            save_checkpoint(out / CHECKPOINT, model, optimizers, notes)
            began, losses = time.perf_counter(), []
    return model.eval()


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> GPT2LMHeadModel:
    """A GPT-2 of the recipe's sizes with weights drawn by its seed; no dropout."""
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=recipe.context,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        attn_pdrop=0.0,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        bos_token_id=_begin(tokenizer),
        eos_token_id=_begin(tokenizer),
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.seed)  # of the CPU alone, where it is drawn
        return GPT2LMHeadModel(config)


def _tokenizer(books: Sequence[Book], out: Path, recipe: Recipe) -> PreTrainedTokenizerFast:
    """The run's tokenizer: trained once, on as many characters of each set."""
    folder = out / "tokenizer"
    if folder.is_dir() and (out / CHECKPOINT).exists():  # else it may be of another recipe
        return PreTrainedTokenizerFast.from_pretrained(folder)
    read = [book for book in books if not book.held_out]
    if not read:
        raise ValueError(
            "books: none to train on; give at least two texts, one of them may be held out"
        )
    texts = []
    for of_set in sorted({book.set for book in read}):
        of_this = [book.text for book in read if book.set == of_set]
        times, rest = divmod(_TOKENIZER_CHARACTERS, size := sum(map(len, of_this)))
        texts += of_this * times + [text[: len(text) * rest // size] for text in of_this]
    tokenizer = train_tokenizer(texts, recipe.vocabulary, context=recipe.context)
    partial = out / "tokenizer.partial"
    shutil.rmtree(partial, ignore_errors=True)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(partial, folder)
    return tokenizer


def _begin(tokenizer: PreTrainedTokenizerFast) -> int:
    """The token that begins a text."""
    return tokenizer.get_vocab()[END_OF_TEXT]


def _windows(
    books: Sequence[EncodedBook], tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> Windows:
    return Windows(books, recipe.shares, begin=_begin(tokenizer), context=recipe.context)


def _previews(
    books: Sequence[EncodedBook], tokenizer: PreTrainedTokenizerFast, recipe: Recipe
) -> dict[str, Int64[Tensor, "n window"]]:
    """The same few windows of each set's held-out books, for the curve."""
    of_set = {s: [b for b in books if b.book.set == s] for s in sorted({b.book.set for b in books})}
    even = replace(recipe, shares={})  # a set that is never trained on has a curve too
    return {
        s: _windows(own, tokenizer, even).batch(_PREVIEW_WINDOWS, seed=(2**31,))
        for s, own in of_set.items()
    }


def _optimizers(model: GPT2LMHeadModel, recipe: Recipe) -> dict[str, Optimizer]:
    named = dict(model.named_parameters())
    matrices = [p for name, p in named.items() if ".h." in name and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    rest = [p for p in named.values() if id(p) not in chosen]
    optimizers: dict[str, Optimizer] = {
        "muon": torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=recipe.weight_decay),
        "adamw": torch.optim.AdamW(
            rest, lr=recipe.adam_rate, betas=(0.9, 0.95), weight_decay=recipe.weight_decay
        ),
    }
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
    return optimizers


@torch.no_grad()
def _bits(
    loss_of: Loss,
    held_out: dict[str, Int64[Tensor, "n window"]],
    tokenizer: PreTrainedTokenizerFast,
    device: str,
) -> dict[str, float]:
    """Bits a byte of each set's preview."""
    bits = {}
    for of_set, windows in held_out.items():
        predicted = windows[:, 1:].flatten().tolist()
        # A byte-level vocabulary writes each byte as one character.
        n_bytes = sum(map(len, tokenizer.convert_ids_to_tokens(predicted)))
        nats = float(loss_of(windows.to(device))) * len(predicted)
        bits[of_set] = nats / math.log(2) / n_bytes
    return bits


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="pretrain", description="A language model from a folder of texts."
    )
    parser.add_argument("texts", type=Path, help="folder of .txt files; sub-folders are sets")
    parser.add_argument("out", type=Path, help="folder for the run and the finished model")
    parser.add_argument(
        "--manifest", type=Path, help="table of the books to use, with sets and checksums"
    )
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    for field in fields(Recipe):
        if field.name != "shares":
            kind = float if isinstance(field.default, float) else int
            parser.add_argument(
                f"--{field.name.replace('_', '-')}", type=kind, default=field.default
            )
    given = vars(parser.parse_args(arguments))
    recipe = Recipe(**{f.name: given[f.name] for f in fields(Recipe) if f.name in given})
    books = read_corpus(given["texts"], given["manifest"])
    model = pretrain(books, given["out"], recipe, device=given["device"])
    export(model, books, given["out"], recipe, manifest=given["manifest"])


if __name__ == "__main__":
    main()

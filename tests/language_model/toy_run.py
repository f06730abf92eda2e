"""What a run leaves behind, without the run: a corpus, a recipe, a model that nobody trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from transformers import GPT2LMHeadModel

from steering_core.language_model.corpus import Book
from steering_core.language_model.pretrain import new_model
from steering_core.language_model.recipe import Recipe
from steering_core.language_model.tokenizer import train_tokenizer

CONTEXT, PASSAGES = 32, 40
RECIPE = Recipe(
    tokens=5120,
    vocabulary=300,
    width=16,
    layers=2,
    heads=2,
    context=CONTEXT,
    batch=4,
    adam_rate=0.02,
    warmup=3,
    seed=3,
    shares={"hills": 0.7, "ships": 0.3},
)
WORDS = {
    "hills": "the shepherd climbed a steep green hill and saw his sheep below the old stone wall",
    "ships": "our captain sailed her ship over grey waves until a storm broke both masts",
}
LOG = """step,tokens,seconds,loss,hills,ships
20,2560,3600.0,5.5,3.1,3.2
40,5120,1800.0,5.1,2.9,3.0
"""
BOOKS_A_SET = 4


def text(of_set: str, name: str, paragraphs: int = 60) -> str:
    """Paragraphs of shuffled words, each of which ends with the name of its book."""
    generator = np.random.default_rng([*name.encode()])
    words = WORDS[of_set].split()
    return "\n\n".join(
        " ".join([*generator.permutation(words)[:9], name]) + "." for _ in range(paragraphs)
    )


def corpus() -> list[Book]:
    """Four books a set, the first of each held out."""
    return [
        Book(of_set, name, text(of_set, name) + "\n", held_out=name.endswith("0"))
        for of_set in WORDS
        for name in (f"{of_set}_{number}" for number in range(BOOKS_A_SET))
    ]


def finished(run: Path, recipe: Recipe = RECIPE) -> tuple[GPT2LMHeadModel, list[Book]]:
    """Write what a run leaves that `export` reads; gives the model and the corpus."""
    books = corpus()
    tokenizer = train_tokenizer(
        [book.text for book in books], recipe.vocabulary, context=recipe.context
    )
    tokenizer.save_pretrained(run / "tokenizer")
    (run / "log.csv").write_text(LOG, "utf-8")
    return new_model(recipe, tokenizer).eval(), books

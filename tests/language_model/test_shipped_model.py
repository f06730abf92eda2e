"""The two models in the package: whole, small, trained as their cards say, and as good as asked.

The second is from another seed, and has read two thirds as much.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from steering_core.language_model import training_mean, training_record
from steering_core.language_model.corpus import HELD_OUT_SHARE
from steering_core.language_model.evaluate import BookScore, bits_by_set
from steering_core.language_model.load import CHECKSUMS, SECOND, SHIPPED
from steering_core.language_model.recipe import SHARES, Recipe

LARGEST = 16_000_000  # bytes
BOOKS = 373
WORST = {SHIPPED: 1.55, SECOND: 1.60}  # bits a byte
TRAINED = {SHIPPED: (0, 45_000_000), SECOND: (1, 30_000_000)}  # seed, tokens
FILES = {
    "README.md",
    "checksums.json",
    "config.json",
    "curve.csv",
    "generation_config.json",
    "manifest.tsv",
    "means.safetensors",
    "model.safetensors",
    "own_words.safetensors",
    "recipe.json",
    "scores.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


@pytest.fixture(params=[SHIPPED, SECOND], ids=lambda folder: folder.name)
def where(request: pytest.FixtureRequest) -> Path:
    """Each of the folders."""
    return request.param


def read(where: Path, name: str) -> Any:
    return json.loads((where / name).read_text("utf-8"))


def recipe(where: Path) -> Recipe:
    return Recipe.from_json((where / "recipe.json").read_text("utf-8"))


def manifest(where: Path) -> list[dict[str, str]]:
    with (where / "manifest.tsv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table, delimiter="\t"))


def test_it_is_all_there_and_small(where: Path) -> None:
    assert {path.name for path in where.iterdir()} == FILES
    assert sum(path.stat().st_size for path in where.iterdir()) <= LARGEST


def test_checksums_are_right_for_every_file(where: Path) -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in where.iterdir()
        if path.name != CHECKSUMS
    }
    assert read(where, CHECKSUMS) == found


def test_weights_are_in_half_precision_and_finite(where: Path) -> None:
    with safe_open(where / "model.safetensors", "pt") as stored:
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    assert {weight.dtype for weight in weights.values()} == {torch.float16}
    assert all(weight.isfinite().all() for weight in weights.values())


def test_the_config_is_that_of_the_recipe(where: Path) -> None:
    config, made_by = read(where, "config.json"), recipe(where)
    assert config["model_type"] == "gpt2"
    sizes = ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size")
    assert [config[size] for size in sizes] == [6, 192, 6, 256, 12_000]
    asked = ("layers", "width", "heads", "context", "vocabulary")
    assert [getattr(made_by, size) for size in asked] == [6, 192, 6, 256, 12_000]
    assert made_by.shares == SHARES
    assert (made_by.seed, made_by.tokens) == TRAINED[where]


def test_the_manifest_names_the_books_and_no_place_on_a_disk(where: Path) -> None:
    rows = manifest(where)
    assert len(rows) == len({row["name"] for row in rows}) == BOOKS
    assert len({row["sha256"] for row in rows}) == BOOKS
    assert {row["set"] for row in rows} == set(SHARES)
    for row in rows:
        assert list(row) == ["set", "name", "bytes", "sha256"]
        assert not re.search(r"[/\\]|\.txt", row["name"])
        assert re.fullmatch(r"[0-9a-f]{64}", row["sha256"])
        assert int(row["bytes"]) > 0


@pytest.mark.parametrize("name", sorted(n for n in FILES if n.endswith((".md", ".json", ".csv"))))
def test_no_file_tells_of_the_machine(where: Path, name: str) -> None:
    text = (where / name).read_text("utf-8")
    assert not re.search(r"/(home|root|tmp|work|Users|mnt)/|[A-Z]:\\\\", text)


@pytest.mark.parametrize("of_set", ["fiction", "fantasy", "scifi", "sports"])
def test_it_reads_held_out_books_as_well_as_was_asked(where: Path, of_set: str) -> None:
    assert training_record(where).bits_per_byte[of_set] <= WORST[where]


def test_scores_are_of_the_books_that_were_held_out(where: Path) -> None:
    """First by checksum within each set, until they hold 3% of its bytes."""
    held_out: list[tuple[str, str]] = []
    for of_set in sorted(SHARES):
        own = sorted((r for r in manifest(where) if r["set"] == of_set), key=lambda r: r["sha256"])
        total, taken = sum(int(row["bytes"]) for row in own), 0
        for row in own:
            if taken >= HELD_OUT_SHARE * total:
                break
            taken += int(row["bytes"])
            held_out.append((of_set, row["name"]))
    scores = [BookScore(**book) for book in read(where, "scores.json")["books"]]
    assert sorted((score.set, score.name) for score in scores) == sorted(held_out)
    assert bits_by_set(scores) == pytest.approx(dict(training_record(where).bits_per_byte))
    assert all(score.n_bytes > 1000 for score in scores)


def test_means_are_finite_and_of_the_right_shape(where: Path) -> None:
    tokens, positions = training_mean(folder=where), training_mean("positions", folder=where)
    assert tokens.shape == (7, 192)
    assert positions.shape == (7, 256, 192)
    assert tokens.isfinite().all()
    assert positions.isfinite().all()


def test_the_card_tells_of_every_set(where: Path) -> None:
    card = (where / "README.md").read_text("utf-8")
    assert "$" not in card
    for of_set, bits in training_record(where).bits_per_byte.items():
        assert f"| {of_set} | {bits:.3f} |" in card
        assert f"{of_set} {SHARES[of_set]:.0%}" in card
    for book in read(where, "scores.json")["books"]:
        assert f"| {book['set']} | {book['name'].replace('_', ' ')} |" in card


def test_the_curve_falls_to_the_end_of_the_run(where: Path) -> None:
    curve, made_by = training_record(where).curve, recipe(where)
    assert list(curve) == ["step", "tokens", "seconds", "loss", *sorted(SHARES)]
    assert curve["step"].is_monotonic_increasing
    assert curve["step"].iloc[-1] == made_by.steps
    assert curve["tokens"].iloc[-1] == made_by.steps * made_by.batch * made_by.context
    assert min(curve["seconds"].to_list()) > 0
    for column in ("loss", *SHARES):
        values = curve[column].to_list()
        assert values[-1] < values[0]
        assert values[-1] <= min(values) + 0.02

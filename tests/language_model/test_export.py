"""A finished run becomes a folder that any tool loads, that says what it is, and that is whole."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel

from steering_core.language_model import export as module
from steering_core.language_model import load_model, pretrain, residual_mean
from steering_core.language_model.card import _options
from steering_core.language_model.corpus import Book
from steering_core.language_model.evaluate import bits_by_set, score_books
from steering_core.language_model.export import export, passages
from steering_core.language_model.load import CHECKSUMS
from steering_core.language_model.recipe import Recipe

from . import toy_run
from .toy_run import CONTEXT, PASSAGES, RECIPE, WORDS

MANIFEST = "set\tname\tbytes\tsha256\nhills\thills_1\t1\tab\n"
CHECKED = [
    "README.md",
    "config.json",
    "curve.csv",
    "generation_config.json",
    "manifest.tsv",
    "means.safetensors",
    "model.safetensors",
    "recipe.json",
    "scores.json",
    "tokenizer.json",
    "tokenizer_config.json",
]
Run = tuple[Path, GPT2LMHeadModel, list[Book]]


@pytest.fixture(autouse=True, scope="module")
def few_passages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "PASSAGES", PASSAGES)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The folder of an exported run, its model, its corpus. Who changes the folder copies it."""
    run = tmp_path_factory.mktemp("run")
    model, books = toy_run.finished(run)
    manifest = run / "books.tsv"
    manifest.write_text(MANIFEST, "utf-8")
    assert export(model, books, run, RECIPE, manifest=manifest) == run / "model"
    return run, model, books


@pytest.fixture
def copied(made: Run, tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    return Path(shutil.copytree(made[0], tmp_path / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_folder_holds_what_it_should(made: Run) -> None:
    run, _, _ = made
    assert sorted(path.name for path in run.iterdir()) == [
        *("books.tsv", "log.csv", "model", "tokenizer")
    ]
    assert sorted(contents(run / "model")) == sorted([*CHECKED, CHECKSUMS])
    for copy, original in [
        *(("manifest.tsv", "books.tsv"), ("curve.csv", "log.csv")),
        *((name, f"tokenizer/{name}") for name in ("tokenizer.json", "tokenizer_config.json")),
    ]:
        assert (run / "model" / copy).read_bytes() == (run / original).read_bytes()
    recipe = (run / "model" / "recipe.json").read_text("utf-8")
    assert Recipe.from_json(recipe) == RECIPE


def test_it_loads_as_the_model_that_was_trained(made: Run) -> None:
    run, model, books = made
    loaded = load_model(run / "model")
    tokens = torch.tensor([loaded.tokenizer(books[0].text, verbose=False)["input_ids"][:CONTEXT]])
    with torch.no_grad():
        torch.testing.assert_close(loaded(tokens), model(tokens).logits, rtol=0, atol=2e-3)
    stored = load_file(run / "model" / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    for name, weight in model.named_parameters():
        assert torch.equal(stored[name], weight.half())


def test_the_model_is_left_as_it_is(made: Run, tmp_path: Path) -> None:
    model, books = toy_run.finished(tmp_path)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    config = model.config.to_dict()
    export(model, books, tmp_path, RECIPE)
    assert model.config.to_dict() == config
    assert sorted(before) == sorted(model.state_dict())
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_is_exported_alike(made: Run, copied: Path) -> None:
    run, model, books = made
    nn.Module.to(model, "cuda")
    export(model, books, copied, RECIPE, manifest=copied / "books.tsv")
    nn.Module.to(model, "cpu")
    assert contents(copied / "model") == contents(run / "model")


def test_checksums_are_those_of_the_files(made: Run) -> None:
    folder = made[0] / "model"
    listed = json.loads((folder / CHECKSUMS).read_text("utf-8"))
    assert list(listed) == CHECKED
    for name, checksum in listed.items():
        assert checksum == hashlib.sha256((folder / name).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", CHECKED)
def test_a_flipped_bit_is_found_and_its_file_named(copied: Path, name: str) -> None:
    path = copied / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{re.escape(name)}: the file is damaged or altered"):
        load_model(copied / "model")
    path.unlink()
    with pytest.raises(ValueError, match=re.escape(name.split(".")[0])):
        load_model(copied / "model")


def test_scores_are_of_the_model_as_it_is_loaded(made: Run) -> None:
    run, _, books = made
    model = AutoModelForCausalLM.from_pretrained(run / "model", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    expected = score_books(model, tokenizer, [book for book in books if book.held_out])
    stored = json.loads((run / "model" / "scores.json").read_text("utf-8"))
    assert [book["name"] for book in stored["books"]] == ["hills_0", "ships_0"]
    for found, score in zip(stored["books"], expected, strict=True):
        bits = pytest.approx(score.bits_per_byte, rel=1e-6)
        assert found == asdict(score) | {"bits_per_byte": bits}
    assert stored["bits_per_byte"] == pytest.approx(bits_by_set(expected), rel=1e-6)


def test_means_are_those_of_the_passages(made: Run) -> None:
    run, _, books = made
    model = load_model(run / "model")
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    texts = [module._cut(p, tokenizer, CONTEXT) for p in passages(books, PASSAGES, RECIPE)]
    means = load_file(run / "model" / "means.safetensors")
    assert sorted(means) == ["positions", "tokens"]
    assert means["tokens"].shape == (RECIPE.layers + 1, RECIPE.width)
    assert means["positions"].shape == (RECIPE.layers + 1, CONTEXT, RECIPE.width)
    assert all(mean.isfinite().all() for mean in means.values())
    torch.testing.assert_close(means["tokens"], residual_mean(model, texts).float())
    positions = residual_mean(model, texts, centre="positions", skip_first=False).float()
    torch.testing.assert_close(means["positions"], positions)
    # Layer 0, where nothing but the token and its place counts, by hand.
    tokens = [tokenizer(text)["input_ids"] for text in texts]
    tables = load_file(run / "model" / "model.safetensors")
    words, places = (tables[f"transformer.{name}.weight"].float() for name in ("wte", "wpe"))
    second = torch.stack([words[row[1]] + places[1] for row in tokens]).mean(0)
    torch.testing.assert_close(means["positions"][0, 1], second, rtol=0, atol=1e-6)


def test_passages_fill_the_context_and_no_more(made: Run) -> None:
    run, _, books = made
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    texts = passages(books, 200, RECIPE)
    lengths = []
    for text in texts:
        whole = tokenizer(text, verbose=False)["input_ids"]
        cut = module._cut(text, tokenizer, CONTEXT)
        assert len(whole) > CONTEXT
        assert text.startswith(cut)
        tokens = tokenizer(cut)["input_ids"]
        assert tokens[: CONTEXT - 6] == whole[: CONTEXT - 6]
        lengths.append(len(tokens))
    assert max(lengths) == CONTEXT
    assert sorted(lengths)[20] >= CONTEXT - 2
    assert module._cut("A hill.", tokenizer, CONTEXT) == "A hill."
    assert len(tokenizer(module._cut("龍" * 99, tokenizer, CONTEXT))["input_ids"]) <= CONTEXT


def test_passages_begin_at_a_paragraph_of_a_book_that_was_read(made: Run) -> None:
    _, _, books = made
    texts = {book.name: book.text for book in books}
    held_out = {book.name for book in books if book.held_out}
    found = []
    for passage in passages(books, 300, RECIPE):
        (name,) = set(re.findall(r"\w+_\d", passage))
        begin = texts[name].index(passage)
        assert begin == 0 or texts[name][:begin].endswith("\n")
        assert passage == passage.strip()
        found.append((name, begin))
    assert {name for name, _ in found} == set(texts) - held_out
    assert len(set(found)) > 150  # they come from all over the books
    of_sets = Counter(name.split("_")[0] for name, _ in found)
    assert of_sets["hills"] / 300 == pytest.approx(RECIPE.shares["hills"], abs=0.08)


def test_passages_are_the_same_for_the_same_seed(made: Run) -> None:
    books = made[2]
    first = passages(books, 20, RECIPE)
    assert passages(books, 20, RECIPE) == first
    assert passages(books, 20, replace(RECIPE, seed=4)) != first


def test_a_short_book_is_a_passage_and_an_empty_one_is_none(made: Run) -> None:
    books = [Book("hills", "short", "The sheep.\n\nThe wall.\n"), Book("ships", "empty", "\n")]
    assert set(passages(books, 9, RECIPE)) == {"The sheep.\n\nThe wall."}
    named = replace(RECIPE, shares={"plains": 0.9})  # sets without a share are drawn by length
    assert len(set(passages(made[2], 99, named))) > 50


def test_the_card_has_every_number(made: Run) -> None:
    run, _, _ = made
    card = (run / "model" / "README.md").read_text("utf-8")
    assert "$" not in card
    scores = json.loads((run / "model" / "scores.json").read_text("utf-8"))
    for of_set, bits in scores["bits_per_byte"].items():
        assert f"| {of_set} | {bits:.3f} |" in card
    for book in scores["books"]:
        name = book["name"].replace("_", " ")
        assert f"| {book['set']} | {name} | {book['bits_per_byte']:.3f} |" in card
    size = (run / "model" / "model.safetensors").stat().st_size
    for said in (
        f"{RECIPE.layers} layers, {RECIPE.width} dimensions and {RECIPE.heads} heads",
        f"context of {CONTEXT} tokens",
        f"of {RECIPE.vocabulary}.",
        f"{size / 1e6:.1f} MB",
        "hills 70%, ships 30%",
        "5,120 tokens in batches of 4 windows of 32",
        "Muon at 0.02",
        "AdamW at 0.02",
        "weight decay 0.1",
        "3 steps of warm-up",
        "last 40%",
        "Seed 3",
        "1.5 hours",  # 3600 s and 1800 s in the log
        f"over {PASSAGES} passages",
    ):
        assert said in card


def test_the_command_on_the_card_makes_the_recipe_again(
    made: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (made[0] / "model" / "README.md").read_text("utf-8")
    (line,) = re.findall(
        r"^    python -m steering_core\.language_model\.pretrain (.*)$", card, re.M
    )
    given: dict[str, Any] = {}
    monkeypatch.setattr(pretrain, "read_corpus", lambda *a: given.update(corpus=a) or [])
    monkeypatch.setattr(pretrain, "pretrain", lambda *a, **_: given.update(pretrain=a) or made[1])
    monkeypatch.setattr(pretrain, "export", lambda *a, **more: given.update(export=a, **more))
    pretrain.main(shlex.split(line))
    assert given["corpus"] == (Path("TEXTS"), Path("manifest.tsv"))
    books, out, recipe = given["pretrain"]
    assert replace(recipe, shares=RECIPE.shares) == RECIPE
    assert given["export"] == (made[1], books, out, recipe)
    assert given["manifest"] == Path("manifest.tsv")


def test_the_usual_recipe_needs_no_options_but_tokens_and_seed() -> None:
    assert _options(Recipe(tokens=7, seed=2)) == "--tokens 7 --seed 2"


@pytest.mark.parametrize(
    "stage", ["load_model", "score_books", "residual_mean", "model_card", "_sha256"]
)
def test_an_interrupted_export_leaves_what_was_there(
    made: Run, copied: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, model, books = made
    before = contents(copied / "model")

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, stage, interrupt)
        with pytest.raises(KeyboardInterrupt):
            export(model, books, copied, RECIPE)
    assert contents(copied / "model") == before
    assert (copied / "model.partial").is_dir()
    if stage == "_sha256":  # it is taken up by a new one, in which nothing of the old is left
        (copied / "model.partial" / "stray.txt").write_text("?")
        export(model, books, copied, RECIPE, manifest=copied / "books.tsv")
        assert contents(copied / "model") == before
        assert not (copied / "model.partial").exists()


def test_exporting_twice_gives_the_same_files(made: Run, copied: Path) -> None:
    run, model, books = made
    export(model, books, copied, RECIPE, manifest=copied / "books.tsv")
    assert contents(copied) == contents(run)


def test_a_corpus_that_holds_nothing_out_has_no_scores(made: Run, copied: Path) -> None:
    _, model, books = made
    export(model, [replace(book, held_out=False) for book in books], copied, RECIPE)
    stored = json.loads((copied / "model" / "scores.json").read_text("utf-8"))
    assert stored == {"bits_per_byte": {}, "books": []}
    assert "manifest.tsv" not in contents(copied / "model")
    load_model(copied / "model")


def test_one_command_leads_from_texts_to_a_model(tmp_path: Path, root: Path) -> None:
    rows = ["set\tname\tbytes\tsha256"]
    for book in toy_run.corpus():
        path = tmp_path / "texts" / f"{book.name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(book.text, "utf-8")
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(f"{book.set}\t{book.name}\t{path.stat().st_size}\t{checksum}")
    (tmp_path / "books.tsv").write_text("\n".join(rows) + "\n", "utf-8")
    small = {f.name: getattr(RECIPE, f.name) for f in fields(RECIPE) if f.name != "shares"}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in small.items()]
    subprocess.run(
        [
            *(sys.executable, "-m", "steering_core.language_model.pretrain"),
            *("texts", "out", "--manifest", "books.tsv", "--device", "cpu", *options),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(root),
            "CXX": "no-compiler",  # which takes longer than so small a run
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        check=True,
    )
    folder = tmp_path / "out" / "model"
    assert sorted(contents(folder)) == sorted([*CHECKED, CHECKSUMS])
    assert load_model(folder).cfg.n_layers == RECIPE.layers
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    assert list(scores["bits_per_byte"]) == list(WORDS)
    assert (folder / "manifest.tsv").read_text("utf-8") == "\n".join(rows) + "\n"

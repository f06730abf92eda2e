"""A run learns, ends alike however often it is killed, and refuses what does not belong to it."""

from __future__ import annotations

import csv
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from steering_core.language_model import pretrain as module
from steering_core.language_model.checkpoint import read_tensors, save_checkpoint
from steering_core.language_model.corpus import Book, read_corpus
from steering_core.language_model.pretrain import pretrain
from steering_core.language_model.recipe import Recipe
from steering_core.language_model.windows import Windows

STEP = 4 * 32  # tokens
STEPS, SAVED = 20, 5
TOY = Recipe(
    tokens=STEPS * STEP,
    vocabulary=300,
    width=16,
    layers=2,
    heads=2,
    context=32,
    batch=4,
    adam_rate=0.02,
    warmup=3,
    shares={"hills": 0.7},
)
WORDS = {
    "hills": "the shepherd climbed a steep green hill and saw his sheep below the old stone wall",
    "ships": "our captain sailed her ship over grey waves until a storm broke both masts",
}
CHARACTERS = 30_000  # of each set, for the tokenizer

# Goes on until it is told to stop at a step, and there waits to be killed.
CHILD = """
import sys, time
import torch
from steering_core.language_model import pretrain as module
from steering_core.language_model.corpus import read_corpus
from steering_core.language_model.recipe import Recipe
from steering_core.language_model.windows import Windows

texts, out, recipe, characters, save_every, last = sys.argv[1:]
torch.set_num_threads(1)
module._TOKENIZER_CHARACTERS = int(characters)
draw = Windows.batch

def batch(windows, n, *, seed):
    if seed[-1] == int(last):
        print("reached", flush=True)
        time.sleep(600)
    return draw(windows, n, seed=seed)

Windows.batch = batch
recipe = Recipe.from_json(recipe)
module.pretrain(read_corpus(texts), out, recipe, compiled=False, save_every=int(save_every))
"""


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """One thread, which gives the same sums each time, and a tokenizer from few characters."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_TOKENIZER_CHARACTERS", CHARACTERS)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of four books; each book has a number of its own in every sentence."""
    folder = tmp_path_factory.mktemp("texts")
    generator = np.random.default_rng(0)
    for which, (of_set, words) in enumerate(WORDS.items()):
        (folder / of_set).mkdir()
        for index in range(4):
            sentences = [
                " ".join([*generator.permutation(words.split())[:9], str(4 * which + index) * 3])
                for _ in range(120)
            ]
            path = folder / of_set / f"{of_set}{index}.txt"
            path.write_text(".\n\n".join(sentences) + ".\n")
    return folder


@pytest.fixture(scope="module")
def books(texts: Path) -> list[Book]:
    return read_corpus(texts)


def run(
    books: Sequence[Book], out: Path, save_every: int = SAVED, **changed: Any
) -> GPT2LMHeadModel:
    return pretrain(
        books, out, replace(TOY, **changed), device="cpu", compiled=False, save_every=save_every
    )


def weights(model: GPT2LMHeadModel) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    assert sorted(one) == sorted(other)
    return all(torch.equal(one[name], other[name]) for name in one)


def log(out: Path) -> list[dict[str, str]]:
    """The rows, without what no two runs share."""
    with (out / "log.csv").open(newline="") as table:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(table)]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(books: list[Book], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run that nothing interrupted: its folder and its weights."""
    out = tmp_path_factory.mktemp("whole")
    return out, weights(run(books, out))


def assert_ends_like(whole: tuple[Path, Any], out: Path, model: GPT2LMHeadModel) -> None:
    """Weights, optimiser states, notes and log are those of the run without interruption."""
    assert equal(weights(model), whole[1])
    (notes, tensors), (expected_notes, expected) = (
        read_tensors(folder / "checkpoint.safetensors") for folder in (out, whole[0])
    )
    assert notes == expected_notes
    assert equal(tensors, expected)
    assert not model.training
    assert log(out) == log(whole[0])


def test_the_loss_falls(whole: tuple[Path, Any]) -> None:
    rows = log(whole[0])
    assert [int(row["step"]) for row in rows] == [5, 10, 15, 20]
    assert [int(row["tokens"]) for row in rows] == [step * STEP for step in (5, 10, 15, 20)]
    for column in ("loss", "hills", "ships"):
        values = [float(row[column]) for row in rows]
        assert values[-1] < values[0] * (0.8 if column == "loss" else 1)


def test_the_curve_is_in_bits_a_byte(books: list[Book], whole: tuple[Path, Any]) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(whole[0] / "tokenizer")
    windows = torch.tensor(tokenizer("é\n\nthe sheep")["input_ids"])[None]
    n_bytes = len("\n\nthe sheep") + (1 if len(tokenizer.tokenize("é")) == 2 else 0)
    bits = module._bits(
        lambda tokens: torch.tensor(0.5 * np.log(2)), {"s": windows}, tokenizer, "cpu"
    )
    assert bits["s"] == pytest.approx(0.5 * (windows.shape[1] - 1) / n_bytes)


def test_a_run_killed_and_started_again_ends_alike(
    texts: Path, books: list[Book], whole: tuple[Path, Any], tmp_path: Path, root: Path
) -> None:
    given = [texts, tmp_path, TOY.to_json(), CHARACTERS, SAVED, 13]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *map(str, given)],
        env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        reached = child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        assert reached == "reached\n", child.stderr.read()
    assert child.returncode == -signal.SIGKILL
    assert read_tensors(tmp_path / "checkpoint.safetensors")[0]["step"] == "10"
    assert_ends_like(whole, tmp_path, run(books, tmp_path))


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_before_saving(books: list[Book], out: Path, step: int, **changed: Any) -> None:
    """Run until the row of `step` is in the log, and its checkpoint is not on the disk."""

    def save(path: Path, *rest: Any) -> None:
        if rest[-1]["step"] == str(step):
            raise Killed
        save_checkpoint(path, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "save_checkpoint", save)
        with pytest.raises(Killed):
            run(books, out, **changed)


def test_killed_between_the_log_and_the_checkpoint(
    books: list[Book], whole: tuple[Path, Any], tmp_path: Path
) -> None:
    killed_before_saving(books, tmp_path, 15)
    assert [row["step"] for row in log(tmp_path)] == ["5", "10", "15"]
    with (tmp_path / "log.csv").open("ab") as table:
        table.write(b"2")  # and a row that was cut short
    (tmp_path / "checkpoint.partial").write_bytes(b"half")
    assert_ends_like(whole, tmp_path, run(books, tmp_path))


def test_killed_before_the_first_checkpoint(
    books: list[Book], whole: tuple[Path, Any], tmp_path: Path
) -> None:
    killed_before_saving(books, tmp_path, 5, vocabulary=270, seed=3)
    (tmp_path / "tokenizer.partial").mkdir()
    assert_ends_like(whole, tmp_path, run(books, tmp_path))  # nothing binds it to that recipe


def test_a_complete_run_does_nothing(
    books: list[Book], whole: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(whole[0])
    monkeypatch.setattr(module, "encode_books", None)  # which takes a while
    for changed in ({}, {"tokens": 10 * STEP}):
        model = run(books, whole[0], **changed)
        assert equal(weights(model), whole[1])
        assert not model.training
    assert contents(whole[0]) == before


def test_more_tokens_continue_the_run(
    books: list[Book], whole: tuple[Path, Any], tmp_path: Path
) -> None:
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    seeds = []
    draw = Windows.batch

    def batch(windows: Windows, n: int, *, seed: Sequence[int]) -> Tensor:
        seeds.append(tuple(seed))
        return draw(windows, n, seed=seed)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Windows, "batch", batch)
        model = run(books, tmp_path, tokens=25 * STEP, decay=0.2)
    assert [seed for seed in seeds if len(seed) == 2] == [(0, step) for step in range(20, 25)]
    assert log(tmp_path)[:4] == log(whole[0])
    assert [row["step"] for row in log(tmp_path)] == ["5", "10", "15", "20", "25"]
    assert not equal(weights(model), whole[1])
    assert float(log(tmp_path)[-1]["loss"]) < float(log(whole[0])[-1]["loss"])
    notes, _ = read_tensors(tmp_path / "checkpoint.safetensors")
    assert Recipe.from_json(notes["recipe"]).steps == int(notes["step"]) == 25


@pytest.mark.parametrize(
    "changed",
    [
        {"vocabulary": 310},
        {"width": 32},
        {"layers": 1},
        {"heads": 4},
        {"context": 16},
        {"batch": 8},
        {"muon_rate": 0.01},
        {"adam_rate": 0.01},
        {"weight_decay": 0.0},
        {"warmup": 0},
        {"seed": 1},
        {"shares": {"hills": 0.5}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_another_recipe_is_refused_naming_the_field(
    books: list[Book], whole: tuple[Path, Any], changed: dict[str, Any]
) -> None:
    before = contents(whole[0])
    ((name, value),) = changed.items()
    with pytest.raises(ValueError, match=rf"^{name}: got ") as refused:
        run(books, whole[0], **changed)
    assert str(refused.value) == (
        f"{name}: got {value}, but the run in {whole[0]} has {getattr(TOY, name)}; use that, or "
        "another folder"
    )
    assert contents(whole[0]) == before


def test_a_damaged_checkpoint_is_refused_by_name(
    books: list[Book], whole: tuple[Path, Any], tmp_path: Path
) -> None:
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    path = tmp_path / "checkpoint.safetensors"
    content = path.read_bytes()
    for damaged in (content[:-100], content[:-1] + bytes([content[-1] ^ 1])):
        path.write_bytes(damaged)
        before = contents(tmp_path)
        with pytest.raises(
            ValueError, match=r"checkpoint\.safetensors: .* is damaged .* delete it"
        ):
            run(books, tmp_path)
        assert contents(tmp_path) == before


def test_nothing_global_changes_and_the_seed_decides(
    books: list[Book], whole: tuple[Path, Any], tmp_path: Path
) -> None:
    def states() -> list[Any]:
        return [
            torch.get_rng_state().tolist(),
            np.random.get_state(legacy=False)["state"]["key"].tolist(),  # noqa: NPY002
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
        ]

    before = states()
    torch.rand(3)
    moved = states()
    assert moved != before
    models = [run(books, tmp_path / str(i), tokens=2 * STEP, seed=i % 2) for i in range(3)]
    assert states() == moved
    assert equal(weights(models[0]), weights(models[2]))
    assert not equal(weights(models[0]), weights(models[1]))
    assert (tmp_path / "0" / "log.csv").read_text().count("\n") == 2


def test_what_is_held_out_is_not_read(books: list[Book], tmp_path: Path) -> None:
    held_out = {_digit(book) for book in books if book.held_out}
    assert len(held_out) == 2
    read: dict[int, set[str]] = {1: set(), 2: set()}
    tokenizer: list[PreTrainedTokenizerFast] = []
    draw = Windows.batch

    def batch(windows: Windows, n: int, *, seed: Sequence[int]) -> Tensor:
        tokenizer[:] = tokenizer or [
            PreTrainedTokenizerFast.from_pretrained(tmp_path / "tokenizer")
        ]
        rows = draw(windows, n, seed=seed)
        text = " ".join(tokenizer[0].batch_decode(rows))
        read[len(seed)] |= set(re.findall(r"\b(\d)\1\1\b", text))
        return rows

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Windows, "batch", batch)
        run(books, tmp_path, tokens=10 * STEP)
    assert read[1] == held_out  # for the curve
    assert read[2] == {_digit(book) for book in books} - held_out  # to train on


def _digit(book: Book) -> str:
    """Each sentence of the book ends with it, three times."""
    return str(4 * list(WORDS).index(book.set) + int(book.name[-1]))


def test_each_set_counts_alike_for_the_tokenizer(tmp_path: Path) -> None:
    texts = {"large": "abandon " * 3000, "small": "quixotic " * 20}
    books = [Book(of_set, of_set, text) for of_set, text in texts.items()]
    tokenizer = module._tokenizer(books, tmp_path, replace(TOY, vocabulary=275))
    assert [len(tokenizer.tokenize(f" {word}")) for word in ("abandon", "quixotic")] == [1, 1]


def test_muon_has_the_matrices_of_the_blocks_and_adamw_the_rest(whole: tuple[Path, Any]) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(whole[0] / "tokenizer")
    model = module.new_model(TOY, tokenizer)
    optimizers = module._optimizers(model, TOY)
    names = {id(p): name for name, p in model.named_parameters()}
    have = {
        which: {names[id(p)] for group in optimizer.param_groups for p in group["params"]}
        for which, optimizer in optimizers.items()
    }
    kinds = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    assert have["muon"] == {f"transformer.h.{i}.{k}.weight" for i in range(2) for k in kinds}
    assert have["muon"] | have["adamw"] == set(names.values())
    assert not have["muon"] & have["adamw"]
    assert model.lm_head.weight is model.transformer.wte.weight


def test_what_cannot_be_trained_is_refused(books: list[Book], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^books: none to train on; give at least two texts"):
        run([replace(book, held_out=True) for book in books], tmp_path / "a")
    with pytest.raises(ValueError, match=r"^books: none is longer than the context; give longer"):
        run([Book("s", "b", "A short one.\n")], tmp_path / "b")
    with pytest.raises(ValueError, match=r"^save_every: got 0; it must be 1 or more"):
        run(books, tmp_path / "c", save_every=0)


def test_the_command_line_says_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pretrain", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(module.__file__), run_name="__main__")  # as `python -m` does
    assert ended.value.code == 0
    said = capsys.readouterr().out
    names = {field.name.replace("_", "-") for field in fields(Recipe)} - {"shares"}
    for option in ("texts", "out", "--manifest", "--device", *[f"--{name}" for name in names]):
        assert option in said

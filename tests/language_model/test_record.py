"""What comes with a model: read as it was written, and refused where it is missing or damaged."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from steering_core.language_model import export as exporting
from steering_core.language_model import training_mean, training_record
from steering_core.language_model.export import export
from steering_core.language_model.load import CHECKSUMS, SHIPPED
from steering_core.language_model.recipe import Recipe

from . import toy_run
from .toy_run import CONTEXT, PASSAGES, RECIPE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a finished model. Who changes it copies it."""
    run = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exporting, "PASSAGES", PASSAGES)
        return export(*toy_run.finished(run), run, RECIPE)


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_means_are_those_in_the_folder(folder: Path) -> None:
    stored = load_file(folder / "means.safetensors")
    tokens, positions = training_mean(folder=folder), training_mean("positions", folder=str(folder))
    assert torch.equal(tokens, stored["tokens"])
    assert torch.equal(positions, stored["positions"])
    assert tokens.shape == (RECIPE.layers + 1, RECIPE.width)
    assert positions.shape == (RECIPE.layers + 1, CONTEXT, RECIPE.width)
    assert not torch.allclose(tokens, positions[:, 1:].mean(1), rtol=0, atol=0)
    torch.testing.assert_close(tokens, positions[:, 1:].mean(1), rtol=0, atol=0.05)


def test_the_record_is_that_in_the_folder(folder: Path) -> None:
    record = training_record(folder)
    assert Recipe(**record.recipe) == RECIPE
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    assert record.bits_per_byte == scores["bits_per_byte"]
    assert list(record.bits_per_byte) == ["hills", "ships"]
    assert record.curve.to_csv(index=False) == toy_run.LOG


def test_the_shipped_model_is_what_is_meant_by_default() -> None:
    for function in (training_mean, training_record):
        assert inspect.signature(function).parameters["folder"].default == SHIPPED


@pytest.mark.parametrize("name", ["scores.json", "recipe.json", "curve.csv"])
def test_a_folder_without_a_record_is_refused(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(ValueError, match=rf"^folder: .*copy has no {name}; a model that"):
        training_record(copied)


def test_a_folder_without_means_is_refused(copied: Path) -> None:
    (copied / "means.safetensors").unlink()
    with pytest.raises(ValueError, match=r"^folder: .*copy has no means\.safetensors; a model"):
        training_mean(folder=copied)
    (copied / CHECKSUMS).unlink()
    with pytest.raises(ValueError, match=r"^folder: .*copy has no means\.safetensors; a model"):
        training_mean("positions", folder=copied)
    assert isinstance(training_record(copied).curve, pd.DataFrame)


def test_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^folder: .*nothing has no means\.safetensors"):
        training_mean(folder=tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"^folder: .*nothing has no recipe\.json"):
        training_record(tmp_path / "nothing")


@pytest.mark.parametrize("centre", ["token", "Positions", "", None])
def test_another_centre_is_refused(folder: Path, centre: str | None) -> None:
    """By the function itself: here the types are checked before."""
    with pytest.raises(
        ValueError, match=rf'^centre: got {centre!r}; "tokens" and "positions" are allowed$'
    ):
        inspect.unwrap(training_mean)(centre, folder=folder)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("cut", [False, True])
def test_damaged_means_are_refused(copied: Path, cut: bool) -> None:
    path = copied / "means.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 4
    path.write_bytes(content[:-20] if cut else content)
    with pytest.raises(ValueError, match=r"means\.safetensors: the file is damaged or altered"):
        training_mean(folder=copied)
    with pytest.raises(ValueError, match=r"means\.safetensors: the file is damaged or altered"):
        training_record(copied)


@pytest.mark.parametrize("name", ["scores.json", "curve.csv", "model.safetensors"])
def test_whatever_else_is_damaged_is_named(copied: Path, name: str) -> None:
    path = copied / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}: the file is damaged or altered"):
        training_record(copied)

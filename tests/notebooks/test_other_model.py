"""The chapters on steering run on another model, of another family, as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from steering_core.language_model.load import ENVIRONMENT_VARIABLE, SHIPPED

CHAPTERS = ("mean_centring", "steering")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama with random weights and the tokenizer of the shipped model."""
    folder = tmp_path_factory.mktemp("llama")
    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        num_hidden_layers=3,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=256,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_runs_on_another_model(
    chapter: str, llama: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(llama))
    monkeypatch.setenv("STEERING_CORE_PUBLISHED", str(tmp_path / "published"))
    copy = Path(shutil.copy(root / "book" / "steering" / f"{chapter}.ipynb", tmp_path))
    notebook = nbformat.read(copy, as_version=4)
    done = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}})
    executed = done.execute()
    assert all(cell.get("execution_count") for cell in executed.cells if cell.cell_type == "code")

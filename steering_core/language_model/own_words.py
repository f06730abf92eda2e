"""What a model writes when it is asked nothing: tokens to train on, of its own distribution.

The books that the shipped models read do not come with them; what the models learnt of the books
does. Each window begins with the token that begins a text and goes on at temperature 1, without
truncation. `python -m steering_core.language_model.own_words FOLDER` writes a model's words into
its folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import (
    CHECKSUMS,
    SHIPPED,
    check_folder,
    load_model,
    plain_model,
)
from steering_core.language_model.residual import check_layers, device_of
from steering_core.publishing.files import write_atomically

FILE = "own_words.safetensors"
WINDOWS, AT_ONCE = 1_600, 100
_READ_AT_ONCE = 32


def own_words(folder: str | Path = SHIPPED) -> Int[Tensor, "windows n_ctx"]:
    """The windows of tokens that lie in a model's folder; the shipped model's by default.

    Raises:
        ValueError: a folder without such a file, or damaged.
    """
    folder = Path(folder)
    if not (folder / FILE).is_file():
        raise ValueError(
            f"folder: {folder} has no {FILE}; this module, run as a command, writes it"
        )
    check_folder(folder)
    with safe_open(folder / FILE, "pt") as stored:
        return stored.get_tensor("tokens").long()


@torch.no_grad()
def write_own_words(
    model: TransformerBridge, n_windows: int, *, seed: int, progress: bool = False
) -> Int[Tensor, "windows n_ctx"]:
    """Draw windows, each as long as the model's context and begun anew.

    Args:
        model: from `load_model`.
        n_windows: at least 1.
        seed: of the draws; the global generator is left as it was.
        progress: show a bar.

    Raises:
        ValueError: no windows asked for; a tokenizer without a token that begins a text.
    """
    if n_windows < 1:
        raise ValueError(f"n_windows: got {n_windows}; 1 or more is allowed")
    begin = model.tokenizer.bos_token_id
    if begin is None:
        raise ValueError("model: its tokenizer has no token that begins a text; one is needed")
    plain: Any = plain_model(model)
    new = model.cfg.n_ctx - 1
    sizes = [min(AT_ONCE, n_windows - first) for first in range(0, n_windows, AT_ONCE)]
    drawn = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for size in tqdm(sizes, disable=not progress, desc="writing"):
            prompts = torch.full((size, 1), begin, device=device_of(model))
            found = plain.generate(
                prompts,
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                min_new_tokens=new,
                max_new_tokens=new,
                pad_token_id=begin,
            )
            drawn.append(found.cpu())
    return torch.cat(drawn)


@torch.no_grad()
def activations_of(
    model: TransformerBridge, tokens: Int[Tensor, "windows position"], layer: int
) -> Float[Tensor, "windows position d_model"]:
    """The residual stream at a layer (the input of block `layer`) for windows of tokens.

    Raises:
        ValueError: a layer out of range.
    """
    check_layers(model, [layer])
    if layer == model.cfg.n_layers:  # transformers gives it behind the final norm
        raise ValueError(f"layer: got {layer}; 0 to {layer - 1}, the inputs of blocks, are allowed")
    plain: Any = plain_model(model)
    kept: list[Tensor] = []
    for part in tokens.split(_READ_AT_ONCE):
        states = plain.base_model(part.to(device_of(model)), output_hidden_states=True)
        kept.append(states.hidden_states[layer].cpu())
    return torch.cat(kept)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a model's own words into its folder, and their checksum beside the others."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    model = load_model(asked.folder)
    tokens = write_own_words(model, asked.windows, seed=asked.seed, progress=True)
    kept = tokens.to(torch.int16 if model.cfg.d_vocab <= 2**15 else torch.int32)
    data = save({"tokens": kept.contiguous()})
    listed = asked.folder / CHECKSUMS
    sums = json.loads(listed.read_text("utf-8")) if listed.is_file() else {}
    sums[FILE] = hashlib.sha256(data).hexdigest()
    write_atomically(asked.folder / FILE, data)
    write_atomically(listed, json.dumps(dict(sorted(sums.items())), indent=2) + "\n")


if __name__ == "__main__":
    main()

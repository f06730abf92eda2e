"""SAELens: its trainers, and its reading of our files."""
# pyright: reportMissingImports=false

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

import torch
from sae_lens import (
    SAE,
    StandardTrainingSAE,
    StandardTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import SAETrainerConfig
from sae_lens.training.multi_sae_trainer import MultiSAETrainer
from sae_lens.training.sae_trainer import SAETrainer
from safetensors.torch import load_file
from turns import FOLDER, LEARNING_RATE, Batches, held_out_loss, take_turns


def version() -> dict[str, Any]:
    return {"version": "sae-lens " + metadata.version("sae-lens")}


def one(architecture: str, width: int, n_latents: int, level: float, seed: int) -> Any:
    """One that is about to be trained, its decoder's rows of norm 1 and its encoder tied to it."""
    torch.manual_seed(seed)
    sizes: dict[str, Any] = {"d_in": width, "d_sae": n_latents, "decoder_init_norm": 1.0}
    if architecture == "topk":
        return TopKTrainingSAE(TopKTrainingSAEConfig(**sizes, k=int(level)))
    return StandardTrainingSAE(StandardTrainingSAEConfig(**sizes, l1_coefficient=level))


def train(
    architecture: str, count: int, size: str, n_latents: int, batch_size: int, level: float, **more
) -> dict[str, Any]:
    """One by `SAETrainer`, several by `MultiSAETrainer` over one stream."""
    batches = Batches(size, batch_size)
    width = batches.rows.shape[1]
    began = time.perf_counter()
    cfg = SAETrainerConfig(
        total_training_samples=more["steps"] * batch_size,
        train_batch_size_samples=batch_size,
        lr=LEARNING_RATE,
        lr_end=LEARNING_RATE,
        dead_feature_window=more["steps"],
    )
    them = {f"seed {n}": one(architecture, width, n_latents, level, n) for n in range(count)}
    if count == 1:
        (sae,) = them.values()
        SAETrainer(cfg, sae, iter(batches)).fit()
    else:
        stream = ({"here": batch} for batch in batches)
        MultiSAETrainer(cfg, them, dict.fromkeys(them, "here"), stream).fit()
    seconds = time.perf_counter() - began
    sae = them["seed 0"]
    # TopK's latents are already in units of its decoder's norms.
    norms = torch.ones(()) if architecture == "topk" else sae.W_dec.norm(dim=-1)
    penalty = 0.0 if architecture == "topk" else level
    loss = held_out_loss(size, penalty, sae.encode, sae.decode, norms)
    return {"seconds": seconds, **loss}


@torch.no_grad()
def read() -> dict[str, Any]:
    """How far SAELens is from us on our files, and which class it took for each."""
    found = {}
    for folder in sorted((FOLDER / "saelens").iterdir()):
        sae = SAE.load_from_disk(folder)
        expected = load_file(folder / "expected.safetensors")
        latents = sae.encode(expected["x"])
        outputs = sae(expected["x"])
        found[folder.name] = {
            "class": type(sae).__name__,
            "hook_name": sae.cfg.metadata.hook_name,
            "active": float((latents != 0).float().sum(-1).mean()),
            "latents": float((latents - expected["latents"]).abs().max()),
            "outputs": float((outputs - expected["outputs"]).abs().max()),
            "largest": float(expected["outputs"].abs().max()),
        }
    return found


if __name__ == "__main__":
    take_turns({"version": version, "train": train, "read": read})

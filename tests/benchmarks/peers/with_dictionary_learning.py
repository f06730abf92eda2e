"""dictionary_learning: its trainers, in the loop of its `trainSAE` without what that logs."""
# pyright: reportMissingImports=false

from __future__ import annotations

import time
from importlib import metadata
from itertools import islice
from typing import Any

import torch
from dictionary_learning.trainers.standard import StandardTrainerAprilUpdate
from dictionary_learning.trainers.top_k import TopKTrainer
from turns import LEARNING_RATE, Batches, held_out_loss, take_turns


def version() -> dict[str, Any]:
    return {"version": "dictionary-learning " + metadata.version("dictionary-learning")}


def trainer(architecture: str, width: int, n_latents: int, level: float, seed: int, **more) -> Any:
    """One, its decoder's rows of norm 1 and its encoder tied to it."""
    shared: dict[str, Any] = {
        "steps": more["steps"],
        "activation_dim": width,
        "dict_size": n_latents,
        "layer": 0,
        "lm_name": "none",
        "lr": LEARNING_RATE,
        "warmup_steps": 0,
        "seed": seed,
        "device": "cpu",
    }
    if architecture == "topk":
        return TopKTrainer(**shared, k=int(level))
    made = StandardTrainerAprilUpdate(**shared, l1_penalty=level, sparsity_warmup_steps=None)
    with torch.no_grad():  # it begins at norm 0.1
        for weight, over in ((made.ae.encoder.weight, 1), (made.ae.decoder.weight, 0)):
            weight.copy_(torch.nn.functional.normalize(weight, dim=over))
    return made


def train(
    architecture: str, count: int, size: str, n_latents: int, batch_size: int, level: float, **more
) -> dict[str, Any]:
    """Every trainer takes its step on each batch of one stream."""
    batches = Batches(size, batch_size)
    width = batches.rows.shape[1]
    began = time.perf_counter()
    trainers = [trainer(architecture, width, n_latents, level, n, **more) for n in range(count)]
    for step, batch in enumerate(islice(batches, more["steps"])):
        for each in trainers:
            each.update(step, batch)
    seconds = time.perf_counter() - began
    ae = trainers[0].ae
    penalty = 0.0 if architecture == "topk" else level
    loss = held_out_loss(size, penalty, ae.encode, ae.decode, ae.decoder.weight.norm(dim=0))
    return {"seconds": seconds, **loss}


if __name__ == "__main__":
    take_turns({"version": version, "train": train})

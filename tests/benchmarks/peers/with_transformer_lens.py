"""TransformerLens: a cache for each batch, out of which the sums are taken."""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

import torch
from turns import take_turns, texts

from steering_core.language_model import load_model
from steering_core.language_model.token_batches import token_batches

MODEL: Any = load_model()


def version() -> dict[str, Any]:
    return {"version": "transformer_lens " + metadata.version("transformer_lens")}


@torch.no_grad()
def means(everything: bool) -> dict[str, Any]:
    """Mean of the residual stream after every block, over all tokens but the first of each text.

    Args:
        everything: whether the cache holds all that it can, which is the default of
            `run_with_cache`, or nothing but what is needed.
    """
    names = [f"blocks.{k}.hook_out" for k in range(MODEL.cfg.n_layers)]
    sums = torch.zeros(len(names), MODEL.cfg.d_model, dtype=torch.float64)
    count, some = 0, texts("read")
    began = time.perf_counter()
    for batch in token_batches(MODEL, some):
        _, cache = MODEL.run_with_cache(batch.tokens, names_filter=None if everything else names)
        real = batch.real[:, 1:]
        count += int(real.sum())
        for layer, name in enumerate(names):
            sums[layer] += cache[name][:, 1:][real].sum(0, dtype=torch.float64)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "found": (sums / count).flatten().tolist()}


if __name__ == "__main__":
    take_turns({"version": version, "means": means})

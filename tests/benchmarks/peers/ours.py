"""Our side of the comparison."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

import torch
from safetensors.torch import save_file
from turns import FOLDER, LEARNING_RATE, Batches, held_out_loss, inputs, take_turns, texts

import steering_core
from steering_core.language_model import load_model, residual_mean
from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch, token_batches
from steering_core.sparse_autoencoders import (
    ARCHITECTURES,
    Recipe,
    save_for_saelens,
    train_autoencoders,
)
from steering_core.steering import generate, steer

MODEL: Any = load_model()


def version() -> dict[str, Any]:
    return {"version": steering_core.__version__}


def train(
    architecture: str, count: int, size: str, n_latents: int, batch_size: int, level: float, **more
) -> dict[str, Any]:
    """All of one call: checks, threads, training, putting together."""
    recipe = Recipe(
        steps=more["steps"],
        learning_rate=LEARNING_RATE,
        warm_up=0.0,
        cool_down=0.0,
        normalise="none",
        dead="none",
        silent_for=1.0,  # no latent is called dead, here as in the others
    )
    batches = Batches(size, batch_size)
    began = time.perf_counter()
    trained = train_autoencoders(
        batches,
        architecture,
        n_latents=n_latents,
        penalties=(level,),
        seeds=range(count),
        recipe=recipe,
        n_jobs=min(torch.get_num_threads(), count),
    )
    seconds = time.perf_counter() - began
    first = trained.pick(0)
    norms = first.parameters["w_dec"][0].norm(dim=-1)
    loss = held_out_loss(
        size,
        0.0 if ARCHITECTURES[architecture].sets_k else level,
        lambda x: first.encode(x)[0],
        lambda latents: first.decode(latents[None])[0],
        norms,
    )
    return {"seconds": seconds, **loss}


def plain_relu(
    size: str, steps: int, n_latents: int, batch_size: int, level: float, clip: bool
) -> dict[str, Any]:
    """Neither ours nor a peer's: ReLU with L1 in a loop of torch, with gradients clipped or not.

    It tells what the peers' clipping alone does to the loss.
    """
    batches = Batches(size, batch_size)
    rows = torch.randn(n_latents, batches.rows.shape[1], generator=torch.Generator().manual_seed(0))
    w_dec = torch.nn.functional.normalize(rows, dim=1).requires_grad_()
    w_enc = w_dec.detach().T.clone().requires_grad_()
    b_enc, b_dec = (torch.zeros(n, requires_grad=True) for n in rows.shape)
    optimiser = torch.optim.Adam([w_enc, b_enc, w_dec, b_dec], lr=LEARNING_RATE)

    def encode(x: torch.Tensor) -> torch.Tensor:
        return torch.relu((x - b_dec) @ w_enc + b_enc)

    def decode(latents: torch.Tensor) -> torch.Tensor:
        return latents @ w_dec + b_dec

    for x in islice(batches, steps):
        latents = encode(x)
        error = (x - decode(latents)).square().sum(-1).mean()
        optimiser.zero_grad()
        (error + level * (latents * w_dec.norm(dim=1)).sum(-1).mean()).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([w_enc, b_enc, w_dec, b_dec], 1.0)
        optimiser.step()
    return held_out_loss(size, level, encode, decode, w_dec.norm(dim=1))


def export(steps: int) -> dict[str, Any]:
    """One autoencoder of each architecture in SAELens's files, and what it makes of some inputs.

    Inputs have an offset, and coordinates of different spread, so that each part of it matters.
    """
    width = inputs("small").shape[1]
    spread = torch.linspace(0.5, 4.0, width)
    x = inputs("small")[:2048] * spread + spread
    for name, row in ARCHITECTURES.items():
        recipe = Recipe(
            steps=steps,
            normalise="std",
            initial_bias=-1.0 if name.startswith("scsae") else 0.0,
            dead="none",
            silent_for=1.0,
        )
        level = 4.0 if row.sets_k else 0.3
        it = train_autoencoders(x, name, n_latents=128, penalties=(level,), recipe=recipe)
        folder = FOLDER / "saelens" / name
        save_for_saelens(it, 0, folder, model_name="none", hook_name="none")
        found = {"x": x, "latents": it.encode(x)[0], "outputs": it(x)[0]}
        save_file(found, folder / "expected.safetensors")
    return {"architectures": list(ARCHITECTURES)}


def means() -> dict[str, Any]:
    """Mean of the residual stream at every layer, over all tokens."""
    some = texts("read")
    began = time.perf_counter()
    found = residual_mean(MODEL, some)
    seconds = time.perf_counter() - began
    tokens = sum(int(batch.real.sum()) for batch in token_batches(MODEL, some))
    return {"seconds": seconds, "tokens": tokens, "found": found[1:].flatten().tolist()}


def vector() -> dict[str, Any]:
    """Mean difference of paired texts at their last token, after every block."""

    def last(some: list[str]) -> torch.Tensor:
        sums = torch.zeros(MODEL.cfg.n_layers + 1, MODEL.cfg.d_model, dtype=torch.float64)

        def add(layer: int, x: torch.Tensor, batch: TokenBatch) -> None:
            ends = batch.real.sum(1) - 1
            sums[layer] += x[torch.arange(len(x)), ends].sum(0, dtype=torch.float64)

        visit_residuals(MODEL, some, add)
        return sums / len(some)

    began = time.perf_counter()
    found = last(texts("positive")) - last(texts("negative"))
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "found": found[1:].flatten().tolist()}


def write(new_tokens: int, layer: int, steered: bool) -> dict[str, Any]:
    """Sampled continuations, with a vector added at every token, or without.

    The vector is added to the output of block `layer`, which is the input of the next.
    """
    prompts = texts("prompts")
    drawing: dict[str, Any] = {"max_new_tokens": new_tokens, "seed": 0, "temperature": 0.8}
    began = time.perf_counter()
    if steered:
        with steer(MODEL, torch.ones(MODEL.cfg.d_model), layer=layer + 1, coefficient=0.1):
            generate(MODEL, prompts, **drawing)
    else:
        generate(MODEL, prompts, **drawing)
    return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    take_turns(
        {
            "version": version,
            "train": train,
            "plain_relu": plain_relu,
            "export": export,
            "means": means,
            "vector": vector,
            "write": write,
        }
    )

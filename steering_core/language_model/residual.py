"""The residual stream of a model over any number of texts, one layer and one batch at a time.

Layer k is the input of block k: 0 is the embeddings, `n_layers` the output of the last block,
before the final norm. Nothing is kept: a visitor sees the activations of one layer for one batch,
adds to its sums, and they are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import plain_model
from steering_core.language_model.token_batches import TokenBatch, token_batches

Visitor = Callable[[int, Float[Tensor, "windows position d_model"], TokenBatch], None]
"""Called with a layer, its activations for a batch (to be read, not kept), and the batch."""


@torch.no_grad()
def visit_residuals(
    model: TransformerBridge,
    texts: Iterable[str],
    visit: Visitor,
    *,
    layers: Sequence[int] | None = None,
    prepend_bos: bool = False,
    progress: bool = False,
) -> None:
    """Run the model over the texts and show `visit` the residual stream of every layer asked for.

    The model stops at the last layer asked for. Memory does not grow with the number of texts.

    Args:
        model: from `load_model`; no hook of its own may be attached.
        texts: read as `token_batches` says, which also refuses empty ones.
        visit: sees each layer of each batch once, layers in ascending order within a batch.
        layers: from 0 to n_layers; None for all.
        prepend_bos: put the token that begins a text in front of each.
        progress: show a bar.

    Raises:
        ValueError: a layer out of range; a model that is hooked, folded or centred; bad texts.
    """
    wanted = check_layers(model, range(model.cfg.n_layers + 1) if layers is None else layers)
    _check_unhooked(model)
    body = plain_model(model).base_model
    blocks = blocks_of(body, model.cfg.n_layers)
    del blocks[max(*wanted, 1) :]
    batch: TokenBatch

    def on_input(_block: nn.Module, args: tuple, kwargs: dict) -> None:
        visit(0, args[0] if args else kwargs["hidden_states"], batch)

    def on_output(layer: int) -> Callable[[nn.Module, tuple, Tensor | tuple], None]:
        def hook(_block: nn.Module, _args: tuple, output: Tensor | tuple) -> None:
            visit(layer, output if isinstance(output, Tensor) else output[0], batch)

        return hook

    if 0 in wanted:
        blocks[0].register_forward_pre_hook(on_input, with_kwargs=True)
    for layer in wanted - {0}:
        blocks[layer - 1].register_forward_hook(on_output(layer))
    device = device_of(model)
    for batch in tqdm(
        token_batches(model, texts, prepend_bos=prepend_bos), disable=not progress, desc="reading"
    ):
        batch = batch.to(device)
        body(batch.tokens, use_cache=False)


def device_of(model: TransformerBridge) -> torch.device:
    """Where the model's weights are."""
    return next(model.parameters()).device


def check_layers(model: TransformerBridge, layers: Iterable[int]) -> set[int]:
    """The layers as a set, all from 0 to n_layers."""
    wanted = set(layers)
    n_layers = model.cfg.n_layers
    bad = sorted(layer for layer in wanted if not 0 <= layer <= n_layers)
    if bad or not wanted:
        got = bad[0] if bad else "none"
        raise ValueError(
            f"layer: got {got}; 0 (the embeddings) to {n_layers} (the last output) are allowed"
        )
    return wanted


def blocks_of(body: nn.Module, n_layers: int) -> nn.ModuleList:
    """The row of blocks of a Hugging Face model, however deep it lies.

    Raises:
        ValueError: no such row is found.
    """
    for part in body.modules():
        if isinstance(part, nn.ModuleList) and len(part) == n_layers:
            return part
    raise ValueError(
        f"model: got {type(body).__name__}, in which no row of {n_layers} blocks is found; a model "
        f"that keeps its blocks in one list is allowed"
    )


def _check_unhooked(model: TransformerBridge) -> None:
    hooked = [name for name, point in model.hook_dict.items() if point.fwd_hooks]
    blocks = blocks_of(model.original_model, model.cfg.n_layers)
    hooked += [
        f"block {k}" for k, b in enumerate(blocks) if b._forward_pre_hooks | b._forward_hooks
    ]
    if hooked:
        raise ValueError(
            f"model: a hook is attached at {hooked[0]}; statistics are of the model as it is, so "
            f"remove it first (model.reset_hooks(), or leave the steering block)"
        )

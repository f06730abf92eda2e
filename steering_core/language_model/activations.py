"""Statistics of the residual stream: means, norms, cosines, the largest dimensions; streamed, in
float64.

Layer k is the input of block k: 0 is the embeddings, `n_layers` the output of the last block. The
first position is left out by default, because many models keep an activation there that dwarfs all
others (Sun et al. 2024).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import check_layers, device_of, visit_residuals
from steering_core.language_model.token_batches import TokenBatch

Centre = Literal["tokens", "positions"]


def residual_mean(
    model: TransformerBridge,
    texts: Iterable[str],
    *,
    centre: Centre = "tokens",
    skip_first: bool = True,
    prepend_bos: bool = False,
    progress: bool = False,
) -> Float64[Tensor, "layers *position d_model"]:
    """Mean of the residual stream over all tokens of the texts, at every layer in one pass.

    Every token weighs the same, so long texts weigh more (Jorgensen et al. 2023, sec. 3).

    Args:
        model: from `load_model`.
        texts: at least one; any number, they are streamed.
        centre: "tokens" for one mean; "positions" for one at each position of the context.
        skip_first: leave out position 0 of each text (of each window, where a text is longer than
            the context).
        prepend_bos: put the token that begins a text in front; it is then position 0.
        progress: show a bar.

    Returns:
        (n_layers + 1, d_model) for "tokens". For "positions" it is (n_layers + 1, n_ctx, d_model),
        where a position that no token stands at is nan, and so is position 0 with `skip_first`.

    Raises:
        ValueError: `centre` is neither; texts that are empty, or that hold no token but the
            skipped ones.
    """
    if centre not in get_args(Centre):
        raise ValueError(f'centre: got {centre!r}; "tokens" and "positions" are allowed')
    by_position = centre == "positions"
    rows = model.cfg.n_ctx if by_position else 1
    device = device_of(model)
    sums = torch.zeros(
        model.cfg.n_layers + 1, rows, model.cfg.d_model, dtype=torch.float64, device=device
    )
    counts = torch.zeros(rows, dtype=torch.float64, device=device)

    def total(values: Tensor) -> Tensor:
        """Over windows, and over positions too for one mean of all: (rows, ...)."""
        values = values if by_position else values.flatten(0, 1)[:, None]
        return values.sum(0, dtype=torch.float64)

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        counted = _counted(batch, skip_first)
        here = total(torch.where(counted[..., None], activations, 0.0))
        sums[layer, : len(here)] += here
        if layer == 0:
            counts[: len(here)] += total(counted)

    visit_residuals(model, texts, add, prepend_bos=prepend_bos, progress=progress)
    _check_some(counts.sum(), skip_first)
    means = sums / counts[:, None]
    return means if by_position else means[:, 0]


def mean_cosine(
    model: TransformerBridge,
    texts: Iterable[str],
    *,
    skip_first: bool = True,
    prepend_bos: bool = False,
    progress: bool = False,
) -> Float64[Tensor, " layers"]:
    """Mean cosine between the activations of two different tokens, over all pairs, at every layer.

    With u_1 ... u_n the activations at length 1, the sum over all ordered pairs of u_i . u_j is
    the squared norm of their sum; n of its terms are a token with itself, so the mean over pairs is
    (||u_1 + ... + u_n||^2 - n) / (n (n - 1)), without visiting the n^2 pairs.

    Args:
        model: from `load_model`.
        texts: at least one.
        skip_first: leave out position 0 of each text.
        prepend_bos: put the token that begins a text in front; it is then position 0.
        progress: show a bar.

    Returns:
        (n_layers + 1,), numbers in [-1, 1].

    Raises:
        ValueError: fewer than two tokens are counted; empty texts.
    """
    shape, device = (model.cfg.n_layers + 1, model.cfg.d_model), device_of(model)
    sums = torch.zeros(shape, dtype=torch.float64, device=device)
    counts = torch.zeros(shape[0], dtype=torch.float64, device=device)

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        tokens = activations[_counted(batch, skip_first)].double()
        sums[layer] += torch.nn.functional.normalize(tokens, dim=-1).sum(0)
        counts[layer] += len(tokens)

    visit_residuals(model, texts, add, prepend_bos=prepend_bos, progress=progress)
    _check_some(counts[0] - 1, skip_first)
    return (sums.square().sum(-1) - counts) / (counts * (counts - 1))


def residual_norms(
    model: TransformerBridge,
    texts: Iterable[str],
    *,
    prepend_bos: bool = False,
    progress: bool = False,
) -> Float64[Tensor, "layers n_ctx"]:
    """Mean norm of the residual stream at every layer and position; nan where no token stands.

    Args:
        model: from `load_model`.
        texts: at least one.
        prepend_bos: put the token that begins a text in front; it is then position 0.
        progress: show a bar.

    Raises:
        ValueError: empty texts.
    """
    shape, device = (model.cfg.n_layers + 1, model.cfg.n_ctx), device_of(model)
    sums = torch.zeros(shape, dtype=torch.float64, device=device)
    counts = torch.zeros(shape[1], dtype=torch.float64, device=device)

    def add(layer: int, activations: Tensor, batch: TokenBatch) -> None:
        norms = activations.norm(dim=-1) * batch.real
        sums[layer, : norms.shape[1]] += norms.sum(0, dtype=torch.float64)
        if layer == 0:
            counts[: norms.shape[1]] += batch.real.sum(0)

    visit_residuals(model, texts, add, prepend_bos=prepend_bos, progress=progress)
    return sums / counts


def top_dimensions(
    model: TransformerBridge,
    texts: Iterable[str],
    layer: int,
    *,
    k: int = 3,
    skip_first: bool = True,
    prepend_bos: bool = False,
) -> tuple[Int64[Tensor, " k"], Float64[Tensor, " k"]]:
    """The k dimensions of a layer with the largest mean square, and their shares of the whole.

    Args:
        model: from `load_model`; it runs no further than `layer`.
        texts: at least one.
        layer: what block `layer` reads, 0 for the embeddings; n_layers for the last output.
        k: how many, from 1 to d_model.
        skip_first: leave out position 0 of each text.
        prepend_bos: put the token that begins a text in front; it is then position 0.

    Raises:
        ValueError: a layer or k out of range; empty texts.
    """
    check_layers(model, [layer])
    if not 1 <= k <= model.cfg.d_model:
        raise ValueError(f"k: got {k}; 1 to {model.cfg.d_model} are allowed")
    squares = torch.zeros(model.cfg.d_model, dtype=torch.float64, device=device_of(model))
    count = torch.zeros((), dtype=torch.int64, device=squares.device)

    def add(_layer: int, activations: Tensor, batch: TokenBatch) -> None:
        tokens = activations[_counted(batch, skip_first)].double()
        squares.add_(tokens.square().sum(0))
        count.add_(len(tokens))

    visit_residuals(model, texts, add, layers=[layer], prepend_bos=prepend_bos)
    _check_some(count, skip_first)
    largest = (squares / squares.sum()).topk(k)
    return largest.indices, largest.values


def _counted(batch: TokenBatch, skip_first: bool) -> Bool[Tensor, "windows position"]:
    if not skip_first:
        return batch.real
    return batch.real & (torch.arange(batch.real.shape[1], device=batch.real.device) > 0)


def _check_some(count: Tensor, skip_first: bool) -> None:
    if not count > 0:
        why = " beside the first of each, which skip_first leaves out" if skip_first else ""
        raise ValueError(f"texts: too few tokens to take a mean of{why}; give longer texts")

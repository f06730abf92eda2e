"""What a language model loses when autoencoders speak for its residual stream.

The input of one block is replaced by its reconstruction, and the model reads on. Position 0 of each
window is left as it is: autoencoders are not trained on it. The loss is that of the next token, in
nats; it is compared with the model's own, and with what is left when the activations are all
replaced by zeros, or by one mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.load import plain_model
from steering_core.language_model.residual import blocks_of, device_of
from steering_core.language_model.token_batches import TokenBatch, token_batches
from steering_core.sparse_autoencoders.autoencoders import Autoencoders

Edit = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]


@dataclass(frozen=True)
class Spliced:
    """Losses in nats a token.

    Attributes:
        own: the model's.
        zero: with zeros in place of the activations.
        mean: with their mean in place of each.
        reconstructed: with each autoencoder's reconstruction.
    """

    own: float
    zero: float
    mean: float
    reconstructed: list[float]

    def recovered(self, *, over: str = "zero") -> list[float]:
        """1 where nothing is lost, 0 where as much is lost as by what stands in `over`."""
        worst: float = getattr(self, over)
        return [(worst - loss) / (worst - self.own) for loss in self.reconstructed]


def spliced_losses(
    model: TransformerBridge,
    texts: Sequence[str],
    autoencoders: Autoencoders,
    *,
    layer: int,
    mean: Float[Tensor, " d_model"],
) -> Spliced:
    """The model's losses over texts, with each autoencoder's reconstruction at a layer.

    Args:
        model: from `load_model`.
        texts: at least one, each read behind the token that begins a text.
        autoencoders: of the input of block `layer`.
        layer: from 0 to n_layers - 1.
        mean: what replaces every activation in `Spliced.mean`.

    Raises:
        ValueError: a layer out of range; autoencoders or a mean of another width; bad texts.
    """
    n_layers, width = model.cfg.n_layers, model.cfg.d_model
    if not 0 <= layer < n_layers:
        raise ValueError(f"layer: got {layer}; 0 to {n_layers - 1}, the inputs of blocks, allowed")
    if autoencoders.width != width or mean.shape != (width,):
        raise ValueError(
            f"autoencoders, mean: got widths {autoencoders.width} and {tuple(mean.shape)}; the "
            f"model's, {width}, is allowed"
        )
    plain = plain_model(model)
    device = device_of(model)
    batches = [b.to(device) for b in token_batches(model, texts, prepend_bos=True)]

    def loss(edit: Edit | None) -> float:
        return next_token_loss(plain, batches, n_layers=n_layers, layer=layer, edit=edit)

    centre = mean.to(device, torch.float32)
    return Spliced(
        own=loss(None),
        zero=loss(torch.zeros_like),
        mean=loss(centre.expand_as),
        reconstructed=[loss(_reconstruction(autoencoders, i)) for i in range(len(autoencoders))],
    )


@torch.no_grad()
def next_token_loss(
    plain: nn.Module,
    batches: Sequence[TokenBatch],
    *,
    n_layers: int,
    layer: int,
    edit: Edit | None = None,
) -> float:
    """Mean loss of the next token over all tokens, with the input of a block edited.

    Args:
        plain: a Hugging Face model; `plain_model` gives a bridge's.
        batches: of `token_batches`, on the model's device.
        n_layers: of the model.
        layer: whose input is edited, but for position 0.
        edit: activations -> activations; None to leave them.
    """

    def on_input(_block: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict]:
        x = args[0] if args else kwargs["hidden_states"]
        if edit is not None:
            x = torch.cat([x[:, :1], edit(x[:, 1:].flatten(0, 1)).view_as(x[:, 1:])], dim=1)
        return ((x, *args[1:]), kwargs) if args else (args, kwargs | {"hidden_states": x})

    block = blocks_of(plain, n_layers)[layer]
    handle = block.register_forward_pre_hook(on_input, with_kwargs=True)
    total, count = 0.0, 0
    try:
        for batch in batches:
            logits = plain(batch.tokens, use_cache=False).logits[:, :-1]
            asked = batch.tokens[:, 1:].masked_fill(~batch.real[:, 1:], -100)
            total += float(
                nn.functional.cross_entropy(logits.flatten(0, 1), asked.flatten(), reduction="sum")
            )
            count += int(batch.real[:, 1:].sum())
    finally:
        handle.remove()
    return total / count


def _reconstruction(autoencoders: Autoencoders, place: int) -> Edit:
    one = autoencoders.pick(place)
    return lambda x: one(x)[0]

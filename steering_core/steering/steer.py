"""Adding a vector to the residual stream while a model reads or writes.

Which tokens get it is worked out for each call of the model from what the call says: how many
tokens are cached, which are padding, and where the prompt ends. So a token that is read anew
without a cache, or once with one, is steered alike.

Not here: where vectors come from (`vectors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import blocks_of, check_layers

Position = Literal["first", "last_prompt", "generated", "every"]

_ACTIVE: WeakKeyDictionary[TransformerBridge, list[Addition]] = WeakKeyDictionary()
_PROMPT_WIDTH: ContextVar[int | None] = ContextVar("prompt width", default=None)


@contextmanager
def steer(
    model: TransformerBridge,
    vector: Float[Tensor, "*texts d_model"],
    *,
    layer: int,
    coefficient: float,
    position: Position = "every",
) -> Iterator[None]:
    """Add `coefficient * vector` to the residual stream at a layer, for as long as the block runs.

    It acts on `generate`, with and without a cache, on calls of the model, on `run_with_cache` and
    on Hugging Face's own `generate`, and adds to other `steer` blocks around it. However the block
    ends, the model is left as it was.

    Who generates by calling the model again on the whole text, without a cache and not through this
    package's `generate`, should use "first" or "every": such calls do not say where the prompt
    ended.

    Args:
        model: from `load_model`.
        vector: one vector, such as `mean_centre(target, centre)[layer]`; or (texts, d_model), a
            vector for each text of the batch.
        layer: the input of block `layer`, from 0 (the embeddings) to n_layers (the last output).
        coefficient: how many times the vector is added; negative to steer away.
        position: "first": the first token of each text, which is the one that begins a text where
            that is prepended; "last_prompt": the last token of the prompt; "generated": every token
            that has been generated; "every": all of them. The prompt is what the model reads before
            its cache holds anything. Padding is left alone where the call has an attention mask;
            without one every token counts as text.

    Raises:
        ValueError: a layer or position out of range, a vector of another width or shape, numbers
            that are not finite.
    """
    addition = Addition(_check(model, vector, layer, coefficient, position), layer, position)
    ours = _ACTIVE.setdefault(model, [])
    with addition.attached(model.original_model, model.cfg.n_layers):
        ours.append(addition)
        try:
            yield
        finally:
            ours.remove(addition)


@contextmanager
def steered_like(model: TransformerBridge, plain: nn.Module) -> Iterator[None]:
    """Steer `plain`, another view of the same model, as `model` is steered now."""
    with ExitStack() as stack:
        for addition in _ACTIVE.get(model, []):
            stack.enter_context(addition.attached(plain, model.cfg.n_layers))
        yield


@contextmanager
def prompt_of(width: int) -> Iterator[None]:
    """Say that the prompt is the first `width` columns, also where the model reads on past them."""
    before = _PROMPT_WIDTH.set(width)
    try:
        yield
    finally:
        _PROMPT_WIDTH.reset(before)


def is_steered(model: TransformerBridge) -> bool:
    """Whether a `steer` block is open on the model."""
    return bool(_ACTIVE.get(model))


def steered_tokens(
    mask: Bool[Tensor, "texts columns"], position: Position, prompt_width: int
) -> Bool[Tensor, "texts columns"]:
    """Which tokens a position means.

    Args:
        mask: False at padding.
        position: see `steer`.
        prompt_width: columns that hold the prompt.
    """
    prompt = mask & (torch.arange(mask.shape[1], device=mask.device) < prompt_width)
    nth = prompt.cumsum(1)
    return {
        "first": prompt & (nth == 1),
        "last_prompt": prompt & (nth == prompt.sum(1, keepdim=True)),
        "generated": mask & ~prompt,
        "every": mask,
    }[position]


@dataclass
class _Call:
    """What one call of a model says of its tokens: which are real, how many are cached."""

    mask: Bool[Tensor, "texts columns"] | None = None
    cached: int = 0


@dataclass(eq=False)
class Addition:
    """A scaled vector, a layer and a position, and what is known of the call that runs now."""

    vector: Float[Tensor, "*texts d_model"]
    layer: int
    position: Position
    _call: _Call = field(default_factory=_Call)
    _prompt_width: int = 0

    @contextmanager
    def attached(self, model: nn.Module, n_layers: int) -> Iterator[None]:
        """Hooked into a Hugging Face model, or into what a bridge has made of one."""
        blocks = blocks_of(model, n_layers)
        with ExitStack() as stack:
            body = getattr(model, "base_model", model)  # is told mask and cache by name
            stack.callback(body.register_forward_pre_hook(self._on_call, with_kwargs=True).remove)
            if self.layer < n_layers:
                hook = blocks[self.layer].register_forward_pre_hook(
                    self._on_input, with_kwargs=True
                )
            else:
                hook = blocks[-1].register_forward_hook(self._on_output)
            stack.callback(hook.remove)
            yield

    def _on_call(self, _model: nn.Module, _args: tuple, kwargs: dict[str, Any]) -> None:
        mask, cache = kwargs.get("attention_mask"), kwargs.get("past_key_values")
        self._call = _Call(
            mask=None if mask is None or mask.ndim != 2 else mask.bool(),
            cached=0 if cache is None else cache.get_seq_length(),
        )

    def _on_input(
        self, _block: nn.Module, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]]:
        if args:
            return (self._added(args[0]), *args[1:]), kwargs
        return args, kwargs | {"hidden_states": self._added(kwargs["hidden_states"])}

    def _on_output(self, _block: nn.Module, _args: tuple, output: Any) -> Any:
        if isinstance(output, Tensor):
            return self._added(output)
        return (self._added(output[0]), *output[1:])

    def _added(
        self, x: Float[Tensor, "texts tokens d_model"]
    ) -> Float[Tensor, "texts tokens d_model"]:
        if self.vector.ndim == 2 and len(self.vector) != len(x):
            raise ValueError(
                f"vector: got {len(self.vector)} of them for a batch of {len(x)} texts; one, or as "
                f"many as texts, is allowed"
            )
        cached, mask = self._call.cached, self._call.mask
        if mask is None:
            mask = torch.ones(len(x), cached + x.shape[1], dtype=torch.bool, device=x.device)
        if not cached:
            self._prompt_width = x.shape[1]
        width = _PROMPT_WIDTH.get() or self._prompt_width
        chosen = steered_tokens(mask, self.position, width)[:, cached:].to(x.device)
        return x + chosen[..., None] * self.vector.to(x)[..., None, :]


def _check(
    model: TransformerBridge, vector: Tensor, layer: int, coefficient: float, position: str
) -> Float[Tensor, "*texts d_model"]:
    check_layers(model, [layer])
    width = model.cfg.d_model
    if vector.ndim not in (1, 2) or vector.shape[-1] != width:
        raise ValueError(
            f"vector: got shape {tuple(vector.shape)}; ({width},), the width of this model's "
            f"residual stream, or (texts, {width}) is allowed"
        )
    if not vector.isfinite().all():
        raise ValueError("vector: got numbers that are not finite; finite ones are allowed")
    scaled = float(coefficient) * vector.detach()
    if not scaled.float().isfinite().all():
        raise ValueError(
            f"coefficient: got {coefficient}; a finite number is allowed, and none whose product "
            f"with the vector is not finite in single precision"
        )
    if position not in get_args(Position):
        raise ValueError(f"position: got {position!r}; allowed are {', '.join(get_args(Position))}")
    return scaled

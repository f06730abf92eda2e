"""A step of pretraining: the loss of a batch, and the update along its gradients."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.optim import Optimizer
from transformers import GPT2LMHeadModel

Loss = Callable[[Int64[Tensor, "batch window"]], Float[Tensor, ""]]


def loss_function(model: GPT2LMHeadModel, device: str, compiled: bool) -> Loss:
    """Mean cross-entropy of the next token, in nats, over a batch of windows."""

    def loss(tokens: Tensor) -> Tensor:
        half = (
            torch.autocast(device.split(":")[0], dtype=torch.bfloat16)
            if compiled
            else nullcontext()
        )
        with half:
            hidden = model.transformer(tokens[:, :-1], use_cache=False).last_hidden_state
            logits = hidden @ model.lm_head.weight.T  # (batch, context, vocabulary)
            return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    return torch.compile(loss) if compiled else loss


def can_compile(device: str) -> bool:
    """Whether `device` is a GPU, or a C++ compiler is at hand."""
    return device != "cpu" or shutil.which(os.environ.get("CXX", "g++")) is not None


def update(model: GPT2LMHeadModel, optimizers: dict[str, Optimizer], rate_factor: float) -> None:
    """A step of all optimisers along the gradients of `model`, which are cleared."""
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate_factor
        optimizer.step()
        optimizer.zero_grad()

"""The state of a training run on disk: one safetensors file that is whole or is refused.

No pickle: the optimisers' states are written as named tensors beside the weights, and read back
into optimisers that the recipe has built anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimizers: Mapping[str, Optimizer],
    notes: Mapping[str, str],
) -> None:
    """Write weights, optimiser states and `notes` to `path`, by way of a temporary name."""
    tensors = {f"model/{name}": value for name, value in _weights(model).items()}
    for which, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"{which}/{index}/{key}": value for key, value in state.items()}
    tensors = {name: value.detach().contiguous() for name, value in tensors.items()}
    temporary = path.with_suffix(".partial")
    save_file(tensors, temporary, metadata=dict(notes) | {"digest": _digest(tensors)})
    with temporary.open("r+b") as written:
        os.fsync(written.fileno())
    os.replace(temporary, path)


def load_checkpoint(
    path: Path, model: nn.Module, optimizers: Mapping[str, Optimizer]
) -> dict[str, str]:
    """Read what `save_checkpoint` wrote into `model` and `optimizers`; gives the notes.

    Raises:
        ValueError: the file is damaged, or belongs to a model of another shape.
    """
    notes, tensors = read_tensors(path)
    weights = {k.removeprefix("model/"): v for k, v in tensors.items() if k.startswith("model/")}
    stored, built = ({k: tuple(v.shape) for k, v in w.items()} for w in (weights, _weights(model)))
    if stored != built:
        differing = sorted(k for k in stored | built if stored.get(k) != built.get(k))
        raise ValueError(
            f"{path}: the checkpoint is of another model; {differing[0]} has shape "
            f"{stored.get(differing[0])} there and {built.get(differing[0])} here"
        )
    model.load_state_dict(weights, strict=False)  # a tied weight is there under one of its names
    for which, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(f"{which}/"):
                _, index, key = name.split("/")
                state.setdefault(int(index), {})[key] = value
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return notes


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Notes and tensors of a checkpoint.

    Raises:
        ValueError: the file is cut short or altered.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            notes = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{path}: the checkpoint is damaged ({error}); delete it to start anew"
        ) from error
    expected = notes.pop("digest", "none")
    found = _digest(tensors)
    if found != expected:
        raise ValueError(
            f"{path}: the checkpoint is damaged (digest {found}, expected {expected}); delete it "
            f"to start anew"
        )
    return notes, tensors


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Named parameters: tied ones once."""
    return dict(model.named_parameters())


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(name.encode())
        digest.update(
            value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        )
    return digest.hexdigest()

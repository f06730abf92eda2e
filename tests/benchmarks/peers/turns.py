"""What all programs of the comparison share. It runs in every environment: torch and safetensors.

A program is started once and takes its turns: for each line of JSON on its standard input, a task
and its arguments, it does the work once and answers with a line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
"""Where the driver has put what all are given."""

HELD_OUT = 2048  # inputs, the last ones, on which losses are compared
LEARNING_RATE = 1e-3


def take_turns(tasks: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
    """Answer until there is nothing more to do. What a library prints goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(tasks[order.pop("task")](**order)), file=answers, flush=True)


def inputs(size: str) -> Tensor:
    """(inputs, d), whose mean norm is the square root of d."""
    return load_file(FOLDER / "activations.safetensors")[size]


def texts(name: str) -> list[str]:
    """Some of the texts that all read."""
    return json.loads((FOLDER / "texts.json").read_text("utf-8"))[name]


class Batches:
    """The same batches for all, drawn at random as often as it is gone through."""

    def __init__(self, size: str, batch_size: int) -> None:
        self.rows, self.batch_size = inputs(size)[:-HELD_OUT], batch_size

    def __iter__(self) -> Iterator[Tensor]:
        chance = torch.Generator().manual_seed(0)
        while True:
            yield self.rows[torch.randint(len(self.rows), (self.batch_size,), generator=chance)]


def held_out_loss(
    size: str,
    penalty: float,
    encode: Callable[[Tensor], Tensor],
    decode: Callable[[Tensor], Tensor],
    norms: Tensor,
) -> dict[str, float]:
    """The loss that all minimise, and the number of active latents.

    That is the squared error, summed over d, plus the penalty times the latents weighed by the
    norms of their rows of the decoder; means over inputs.
    """
    x = inputs(size)[-HELD_OUT:]
    with torch.no_grad():
        latents = encode(x)
        error = (x - decode(latents)).square().sum(-1).mean()
        loss = error + penalty * (latents * norms).sum(-1).mean()
    return {"loss": float(loss), "active": float((latents != 0).sum(-1).float().mean())}

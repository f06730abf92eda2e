"""What a pretraining run is asked for: sizes, shares of the sets, rates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

# The small sets make up half of what is read, so that the model knows their registers.
SHARES = {
    "fantasy": 0.15,
    "scifi": 0.15,
    "sports": 0.12,
    "shakespeare": 0.08,
    "fiction": 0.45,
    "other": 0.05,
}


@dataclass(frozen=True)
class Recipe:
    """Sizes in tokens and units; rates a step. The sets without a share are drawn by their length,
    from what the others leave.

    The rates rise over `warmup` steps, stay, and fall linearly to zero over the last `decay` of
    the tokens.

    Raises:
        ValueError: a value that no run can have; the message names it.
    """

    tokens: int = 40_000_000
    vocabulary: int = 12_000
    width: int = 192
    layers: int = 6
    heads: int = 6
    context: int = 256
    batch: int = 32
    muon_rate: float = 0.02  # matrices of the blocks (Jordan et al. 2024)
    adam_rate: float = 3e-3  # embeddings, biases, layer norms
    weight_decay: float = 0.1
    warmup: int = 100
    decay: float = 0.4
    seed: int = 0
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))

    def __post_init__(self) -> None:
        for name in ("tokens", "width", "layers", "heads", "context", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: got {getattr(self, name)}; it must be 1 or more")
        for name in ("muon_rate", "adam_rate", "weight_decay", "warmup", "seed"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: got {getattr(self, name)}; it must be 0 or more, finite")
        if not 257 <= self.vocabulary <= 2**16:
            raise ValueError(
                f"vocabulary: got {self.vocabulary}; it must be 257 (256 bytes and one) to 65536"
            )
        if self.width % self.heads:
            raise ValueError(f"heads: got {self.heads}; it must divide width, {self.width}")
        if not 0 <= self.decay <= 1:
            raise ValueError(f"decay: got {self.decay}; it must lie in [0, 1]")
        for of_set, share in self.shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"shares: got {share} for {of_set!r}; it must lie in [0, 1]")

    @property
    def steps(self) -> int:
        """Optimiser steps: whole batches until `tokens` are read."""
        return max(1, round(self.tokens / (self.batch * self.context)))

    def rate_factor(self, step: int) -> float:
        """Share of the full rates at `step`, counted from 0; zero after the last."""
        left = max(0, self.steps - step) / max(1.0, self.decay * self.steps)
        return min(1.0, (step + 1) / max(1, self.warmup), left)

    def to_json(self) -> str:
        """The recipe as one line of JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(values | {"shares": dict(self.shares)})

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote."""
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {k: v for k, v in json.loads(text).items() if k in known}
        return cls(**values)

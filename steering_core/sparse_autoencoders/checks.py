"""Bad input is refused before any work: what was got, and what is allowed."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def check_count(name: str, count: int, least: int = 1) -> int:
    """A whole number from `least`."""
    if not (count >= least and count % 1 == 0):
        raise ValueError(f"{name}: got {count}; allowed are whole numbers from {least}")
    return int(count)


def check_number(name: str, value: float, least: float = -math.inf) -> float:
    """A finite number from `least`."""
    if not (math.isfinite(value) and value >= least):
        said = "finite numbers" if least == -math.inf else f"finite numbers from {least:g}"
        raise ValueError(f"{name}: got {value}; allowed are {said}")
    return float(value)


def check_probability(name: str, value: float) -> float:
    """A number in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: got {value}; allowed is [0, 1]")
    return float(value)


def check_choice(name: str, value: str, allowed: Iterable[str]) -> str:
    """One of some words."""
    if value not in (allowed := tuple(allowed)):
        raise ValueError(f"{name}: got {value!r}; allowed are {', '.join(allowed)}")
    return value


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """At least one whole number from 0, none twice."""
    bad = [seed for seed in seeds if not (seed >= 0 and seed % 1 == 0)]
    if bad or not len(seeds) or len(set(seeds)) < len(seeds):
        got = bad or list(seeds) or "none"
        raise ValueError(f"seeds: got {got}; allowed are different whole numbers from 0")
    return tuple(map(int, seeds))


def check_activations(
    name: str, activations: Tensor, width: int | None = None, begins: int = 0
) -> Tensor:
    """(inputs, d) and finite; a row that is not is named, counted from `begins`."""
    fits = activations.dim() == 2 and 0 not in activations.shape
    if not fits or (width is not None and activations.shape[1] != width):
        wanted = "(inputs, d)" if width is None else f"(inputs, {width})"
        raise ValueError(f"{name}: got shape {tuple(activations.shape)}; allowed is {wanted}")
    activations = activations.to(torch.float32)
    if not activations.isfinite().all():
        row = int((~activations.isfinite().all(1)).nonzero()[0])
        raise ValueError(
            f"{name}: got a number that is not finite in row {begins + row}; "
            "allowed are finite numbers"
        )
    return activations

"""Bad input is refused before any work: what was got, and what is allowed."""

from collections.abc import Sequence

import torch
from torch import Tensor


def check_model(w_in: Tensor, w_out: Tensor, bias: Tensor) -> None:
    """Shapes (..., m, n), (..., n, m) and (..., n) that fit, and finite numbers."""
    if w_in.dim() < 2:
        raise ValueError(f"w_in: got shape {tuple(w_in.shape)}; allowed is (..., m, n)")
    if 0 in w_in.shape[-2:]:
        raise ValueError(f"w_in: got shape {tuple(w_in.shape)}; allowed are m and n from 1")
    *batch, m, n = w_in.shape
    for name, tensor, shape in (("w_out", w_out, (*batch, n, m)), ("bias", bias, (*batch, n))):
        if tensor.shape != shape:
            raise ValueError(
                f"{name}: got shape {tuple(tensor.shape)}; allowed is {shape}, "
                f"as w_in has {tuple(w_in.shape)}"
            )
    for name, tensor in (("w_in", w_in), ("w_out", w_out), ("bias", bias)):
        bad = (~tensor.isfinite()).nonzero()
        if len(bad):
            where = tuple(bad[0].tolist())
            raise ValueError(
                f"{name}: got {tensor[where].item()} at index {where}; allowed are finite numbers"
            )


def check_count(name: str, count: int) -> None:
    """A whole number from 1."""
    if not (count >= 1 and count == int(count)):
        raise ValueError(f"{name}: got {count}; allowed are whole numbers from 1")


def check_one_model(w_in: Tensor, w_out: Tensor, bias: Tensor) -> None:
    """As `check_model`, and no axis of models."""
    check_model(w_in, w_out, bias)
    if w_in.dim() != 2:
        raise ValueError(f"w_in: got shape {tuple(w_in.shape)}; allowed is (m, n), one model")


def check_density(density: float, name: str = "density") -> float:
    """A probability above 0."""
    if not 0 < density <= 1:
        raise ValueError(f"{name}: got {density}; allowed is (0, 1]")
    return float(density)


def check_importance(importance: Tensor, n: int | None = None) -> Tensor:
    """(n,) positive and finite, as float32."""
    importance = torch.as_tensor(importance, dtype=torch.float32)
    fits = importance.dim() == 1 and len(importance) and n in (None, len(importance))
    if not fits:
        wanted = "(n,)" if n is None else f"({n},)"
        raise ValueError(f"importance: got shape {tuple(importance.shape)}; allowed is {wanted}")
    bad = ~((importance > 0) & importance.isfinite())
    if bad.any():
        raise ValueError(
            f"importance: got {importance[bad][0].item()}; allowed are finite numbers above 0"
        )
    return importance


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """At least one whole number from 0."""
    bad = [seed for seed in seeds if not (seed >= 0 and seed % 1 == 0)]
    if bad or not len(seeds):
        raise ValueError(f"seeds: got {bad or 'none'}; allowed are whole numbers from 0")
    return tuple(map(int, seeds))

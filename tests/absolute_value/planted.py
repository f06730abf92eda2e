"""Models of plain sides in which instances of the motif are planted by hand.

Every feature has a neuron of its own for each side that its inputs take. An instance puts a side
of two features into one neuron, with input weights (r, 1) and reciprocal output weights, and lets
the neuron of a third feature hear the strong one a little and lower the weak one.

Noise is on every weight, planted or not, and normal. Its deviation is a share of the smallest
weight that the neuron needs, input and output apart: an inhibitor hears the strong feature by as
little as 0.02 and passes that on fifty times over, and if what it hears of other features were not
small against that, it would drown them, and nothing would be computed. For a plain neuron that is
a share of its scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steering_core.absolute_value import Motif

Range = tuple[float, float]
Model = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Planted:
    """One instance, and what was put into its weights."""

    neuron: int
    inhibitor: int
    strong: int
    weak: int
    main: int
    strong_sign: int
    weak_sign: int
    main_sign: int
    ratio: float
    inhibition: float


def place(one: Planted | Motif) -> tuple[int, ...]:
    """Where an instance is, by which it is told from others."""
    return one.neuron, one.inhibitor, one.strong, one.weak


def signs(one: Planted | Motif) -> tuple[int, ...]:
    """Of inputs, and the feature of the inhibitor's own to which the last one belongs."""
    return one.strong_sign, one.weak_sign, one.main_sign, one.main


def plant(
    seed: int,
    *,
    n: int | None = None,
    count: int | None = None,
    noise: float = 0.02,
    ratio: Range = (2.5, 6.0),
    hears: Range = (0.02, 0.3),
    inhibition: Range = (0.8, 1.5),
    own_main: Range = (1.0, 1.0),
    signed: bool = True,
    linear: bool = False,
    scales: bool = True,
) -> tuple[Model, list[Planted]]:
    """(w_in, w_out, bias) of 8 to 30 features with 0 to 3 instances, unless told otherwise.

    `hears` is the inhibitor's weight on the strong feature where its main one is 1; `own_main`
    makes the main one smaller, in units of `hears`. A linear neuron may also be turned round.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10 if not signed else 8, 31)) if n is None else n
    count = int(rng.integers(4)) if count is None else count
    sides = [(f, s) for f in rng.permutation(n).tolist() for s in ((1, -1) if signed else (1,))]
    shared = [sides[i] for i in _some_sides(rng, count, 2 if signed else 1)]
    plain = [side for side in sides if side not in shared]
    m = count + len(plain)
    w_in, w_out = np.zeros((m, n)), np.zeros((n, m))
    for k, (f, s) in enumerate(plain, count):
        w_in[k, f], w_out[f, k] = s, 1.0
    found = []
    taken: list[int] = []
    for k in range(count):
        (a, sa), (b, sb) = shared[2 * k : 2 * k + 2]
        r, heard, share = rng.uniform(*ratio), rng.uniform(*hears), rng.uniform(*inhibition)
        w_in[k, [a, b]] = sa * r, sb
        w_out[[a, b], k] = rng.uniform(0.85, 1.15) / r, rng.uniform(0.85, 1.15)
        free = [i for i, (f, _) in enumerate(plain) if f not in (a, b) and i not in taken]
        j = int(rng.choice(free))
        taken.append(j)
        main, main_sign = plain[j]
        j += count
        w_in[j, a], w_out[b, j] = sa * heard, -share * r * w_out[b, k] / heard
        if own_main != (1.0, 1.0):
            w_in[j, main] = main_sign * heard * rng.uniform(*own_main)
            w_out[main, j] = 1 / abs(w_in[j, main])
        found.append(Planted(k, j, a, b, main, sa, sb, main_sign, r, share))
    order = rng.permutation(m)
    scale = 10 ** rng.uniform(-2, 2, m) if scales else np.ones(m)
    scale = scale * rng.choice((1, -1), m) if linear else scale
    w_in = (_noisy(rng, w_in, noise) * scale[:, None])[order]
    w_out = (_noisy(rng, w_out.T, noise) / scale[:, None])[order].T.copy()
    bias = 0.02 * rng.standard_normal(n) if noise else np.zeros(n)
    new = np.argsort(order).tolist()
    found = [replace(p, neuron=new[p.neuron], inhibitor=new[p.inhibitor]) for p in found]
    arrays = (w_in, w_out, bias)
    w_in, w_out, bias = (torch.tensor(array, dtype=torch.float32) for array in arrays)
    return (w_in, w_out, bias), found


def _some_sides(rng: Any, count: int, per_feature: int) -> list[int]:
    """Places of the sides that instances use; no feature is in two of them."""
    return [per_feature * f + int(rng.integers(per_feature)) for f in range(2 * count)]


def _noisy(rng: Any, rows: np.ndarray, noise: float) -> np.ndarray:
    """Each row with noise, in units of its smallest weight."""
    smallest = np.where(rows, np.abs(rows), np.inf).min(1, keepdims=True)
    return rows + noise * smallest * rng.standard_normal(rows.shape)

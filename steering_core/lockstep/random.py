"""Streams of random numbers, one for every seed and purpose, apart from the global generator."""

import hashlib

import torch


def stream(seed: int, *names: object, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator of its own for every seed and purpose: the same names give the same numbers.

    Args:
        seed: from 0.
        names: what the numbers are for; anything whose `repr` is always the same.
        device: of the generator.

    Raises:
        ValueError: a seed below 0.
    """
    if seed < 0:
        raise ValueError(f"seed: got {seed}; allowed are whole numbers from 0")
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little"))

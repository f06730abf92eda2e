"""Two controls of what latents read: the same latents of another seed, and random ones.

If latents were the features of the model, another seed would find them again. And whatever latents
of random directions read as well was not found by training.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.sparse_autoencoders.autoencoders import Autoencoders


def random_like(autoencoders: Autoencoders, seed: int = 0) -> Autoencoders:
    """The same autoencoders with encoders and decoders that point anywhere, and no other bias.

    Lengths of rows and the mean that is taken away stay; what training found is gone.

    Args:
        autoencoders: of an architecture that sets k, so that as many latents fire.
        seed: of the directions.

    Raises:
        ValueError: autoencoders whose L0 is no matter of k.
    """
    if autoencoders.architecture != "topk":
        raise ValueError(f"autoencoders: got {autoencoders.architecture!r}; topk is allowed")
    generator = torch.Generator().manual_seed(seed)
    old = autoencoders.parameters
    drawn = torch.randn(old["w_dec"].shape, generator=generator)
    rows = torch.nn.functional.normalize(drawn, dim=-1)
    lengths = old["w_enc"].norm(dim=1, keepdim=True)
    new = {
        "w_enc": rows.transpose(1, 2) * lengths,
        "b_enc": torch.zeros_like(old["b_enc"]),
        "w_dec": rows * old["w_dec"].norm(dim=-1, keepdim=True),
    }
    return replace(autoencoders, parameters={**old, **new})


def counterparts(one: Autoencoders, other: Autoencoders) -> Float[Tensor, " latents"]:
    """For each latent of one autoencoder, the cosine of its decoder row with the nearest of
    another.

    Args:
        one: a single autoencoder.
        other: a single one, of the same width.

    Raises:
        ValueError: several autoencoders, or of different widths.
    """
    if (len(one), len(other)) != (1, 1) or one.width != other.width:
        raise ValueError(
            f"one, other: got {len(one)} and {len(other)} autoencoders of widths {one.width} and "
            f"{other.width}; one each, of one width, is allowed"
        )
    return nearest(directions(one), directions(other))


def directions(one: Autoencoders) -> Float[Tensor, "latents d"]:
    """The decoder rows of a single autoencoder, in the units of activations."""
    return one.parameters["w_dec"][0] / one.scale


def nearest(one: Float[Tensor, "n d"], other: Float[Tensor, "k d"]) -> Float[Tensor, " n"]:
    """The cosine of each row with the nearest of other rows."""
    normalised = [torch.nn.functional.normalize(rows, dim=-1) for rows in (one, other)]
    return (normalised[0] @ normalised[1].T).max(1).values


def stacked(one: Autoencoders, other: Autoencoders) -> Autoencoders:
    """Both, one after the other, so that texts are read once for all.

    Args:
        one: its recipe, losses and time are kept.
        other: of the same architecture, width and number of latents.

    Raises:
        ValueError: autoencoders that differ in these.
    """
    kinds = [(a.architecture, a.width, a.n_latents) for a in (one, other)]
    if kinds[0] != kinds[1] or not torch.equal(one.scale, other.scale):
        raise ValueError(f"one, other: got {kinds}; alike, and of one scale, is allowed")
    return replace(
        one,
        parameters={
            name: torch.cat([p, other.parameters[name]]) for name, p in one.parameters.items()
        },
        **{
            name: torch.cat([getattr(one, name), getattr(other, name)])
            for name in ("penalties", "seeds", "silent", "redrawn")
        },
        losses=torch.cat([one.losses, other.losses], dim=1),
    )

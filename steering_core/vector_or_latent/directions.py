"""Steering vectors out of an autoencoder's decoder, beside the mean-centred one.

Each points the way of one latent, or of several, and is as long as the centred vector of its genre,
so that a coefficient means the same for all.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.steering.kinds import centred, isolated
from steering_core.vector_or_latent.detection import TOP, Labelled, is_genre, ranked_latents

TRIED = 4
"""How many single latents are tried."""
LATENTS = tuple(f"latent {rank}" for rank in range(1, TRIED + 1))
"""One latent each, by how well it tells the genre's even texts."""
KINDS = ("centred", "isolated", "eight latents", *LATENTS)


def direction(
    labelled: Labelled, autoencoders: Autoencoders, kind: str, seed: int, genre: str
) -> Float64[Tensor, " d_model"]:
    """A vector that should steer to a genre, at the autoencoders' layer.

    Args:
        labelled: the texts; its latents are those of `autoencoders`.
        autoencoders: which differ in their seeds.
        kind: out of `KINDS`.
        seed: which of the autoencoders; of no account for a vector without latents.
        genre: the one to steer to.

    Raises:
        ValueError: a kind that is none.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: got {kind!r}; allowed are {', '.join(KINDS)}")
    material, layer = labelled.material, labelled.layer
    own = centred(material, genre, genre, "even")[layer]
    if kind == "centred":
        return own
    if kind == "isolated":
        found = isolated(material, genre, genre, "even")[layer]
    else:
        found = _of_latents(labelled, autoencoders, kind, seed, genre)
    return torch.nn.functional.normalize(found, dim=0) * own.norm()


def _of_latents(
    labelled: Labelled, autoencoders: Autoencoders, kind: str, seed: int, genre: str
) -> Float64[Tensor, " d_model"]:
    """A decoder row; or eight of them, each times how much more its latent fires in the genre."""
    rows = (autoencoders.parameters["w_dec"][seed] / autoencoders.scale).double()
    best = ranked_latents(labelled, seed, genre)[:TOP].tolist()
    if kind in LATENTS:
        return rows[best[LATENTS.index(kind)]]
    target = torch.from_numpy(is_genre(labelled, genre))
    even = torch.from_numpy(labelled.half("even"))
    latents = labelled.latents[seed][:, best]
    more = latents[even & target].mean(0) - latents[even & ~target].mean(0)
    return more @ rows[best]

"""Autoencoders as files that SAELens 6 reads (Bloom et al. 2024): `SAE.load_from_disk(folder)`.

SAELens has one linear encoder and decoder for all, with the decoder's bias taken off the input:

    h = (x - b_dec) W_enc + b_enc        reconstruction = latents W_dec + b_dec

    standard   max(h, 0)
    topk       the k largest of h, and of these max(h, 0)
    jumprelu   max(h, 0) where h > threshold
    gated      max((x - b_dec) W_enc exp(r_mag) + b_mag, 0) where (x - b_dec) W_enc + b_gate > 0

The scale of our inputs goes into W_enc, W_dec and b_dec, so that SAELens takes activations as they
are and gives the same latents. A latent that its bias only gates, m where m + b > 0 and m > 0, is
JumpReLU with no bias and the threshold max(-b, 0).

Not here: SAELens itself, which asks for another TransformerLens than this package does.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from steering_core.lockstep import Parameters
from steering_core.publishing.files import write_atomically
from steering_core.sparse_autoencoders.architectures import ARCHITECTURES
from steering_core.sparse_autoencoders.autoencoders import Autoencoders

WEIGHTS, CONFIG = "sae_weights.safetensors", "cfg.json"
FORMAT = "6.0.0"
"""The version of SAELens in whose layout the files are."""

Vector = Float[Tensor, "latents"]


def save_for_saelens(
    autoencoders: Autoencoders, place: int, folder: Path | str, *, model_name: str, hook_name: str
) -> None:
    """Write `sae_weights.safetensors` and `cfg.json` of one autoencoder.

    Latents and reconstructions are the same there, to rounding. Of TopK's latents that are exactly
    as large as one another SAELens may keep others.

    Args:
        autoencoders: of which one is written.
        place: which of the autoencoders, from 0.
        folder: where to; what it holds under these names is replaced.
        model_name: of the model that the activations are of, as TransformerLens has it.
        hook_name: the point in it, such as "blocks.3.hook_resid_pre".

    Raises:
        ValueError: no such place; one that diverged; one of SCSAE with a bias above zero, which
            lets negative latents through, as nothing in SAELens does.
    """
    if not 0 <= place < len(autoencoders):
        raise ValueError(f"place: got {place}; allowed is 0 to {len(autoencoders) - 1}")
    if autoencoders.diverged[place]:
        raise ValueError(f"place: got {place}, which diverged; allowed is one of finite numbers")
    name = autoencoders.architecture
    p = {key: tensor[place] for key, tensor in autoencoders.parameters.items()}
    theirs, own = _THEIRS[name](p)
    scale = autoencoders.scale
    weights = {
        "W_enc": p["w_enc"] * scale[:, None],
        "W_dec": p["w_dec"] / scale,
        "b_dec": p["b_dec"] / scale,
        **own,
    }
    penalty = float(autoencoders.penalties[place])
    config: dict[str, Any] = {
        "architecture": theirs,
        "d_in": autoencoders.width,
        "d_sae": autoencoders.n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": FORMAT,
            "model_name": model_name,
            "hook_name": hook_name,
            "trained_as": f"{name} of steering_core: {ARCHITECTURES[name].words}",
            "penalty": penalty,
            "seed": int(autoencoders.seeds[place]),
        },
    }
    if theirs == "topk":
        config |= {"k": int(penalty), "rescale_acts_by_decoder_norm": False}
    tensors = {key: tensor.detach().float().contiguous() for key, tensor in weights.items()}
    write_atomically(Path(folder) / WEIGHTS, save(tensors))
    write_atomically(Path(folder) / CONFIG, json.dumps(config, indent=2) + "\n")


# From our parameters to the architecture of SAELens, and to those of its weights that not all have.
Theirs = Callable[[Parameters], tuple[str, dict[str, Vector]]]


def _standard(p: Parameters) -> tuple[str, dict[str, Vector]]:
    return "standard", {"b_enc": p["b_enc"]}


def _topk(p: Parameters) -> tuple[str, dict[str, Vector]]:
    return "topk", {"b_enc": p["b_enc"]}


def _jumprelu(p: Parameters) -> tuple[str, dict[str, Vector]]:
    return "jumprelu", {"b_enc": p["b_enc"], "threshold": p["log_threshold"].exp()}


def _batch_topk(p: Parameters) -> tuple[str, dict[str, Vector]]:
    """Once trained: latents above one threshold."""
    return "jumprelu", {"b_enc": p["b_enc"], "threshold": p["threshold"].expand_as(p["b_enc"])}


def _gated(p: Parameters) -> tuple[str, dict[str, Vector]]:
    return "gated", {"b_gate": p["b_enc"], "b_mag": p["b_mag"], "r_mag": p["r_mag"]}


def _gates_only(p: Parameters) -> tuple[str, dict[str, Vector]]:
    threshold = (-p["b_enc"]).clamp_min(0)
    return "jumprelu", {"b_enc": torch.zeros_like(threshold), "threshold": threshold}


def _scsae(p: Parameters) -> tuple[str, dict[str, Vector]]:
    above = int((p["b_enc"] > 0).sum())
    if above:
        allowed = ", ".join(name for name in _THEIRS if not name.startswith("scsae"))
        raise ValueError(
            f"autoencoders: got SCSAE with {above} biases above 0, so that negative latents pass, "
            f"which SAELens cannot hold; allowed are SCSAE with none, and {allowed}"
        )
    return _gates_only(p)


_THEIRS: dict[str, Theirs] = {
    "relu": _standard,
    "relu_sqrt": _standard,
    "scsae": _scsae,
    "scsae_multiplied": _scsae,
    "prolu_relu": _gates_only,
    "prolu_ste": _gates_only,
    "prolu_l0": _gates_only,
    "gated": _gated,
    "jumprelu": _jumprelu,
    "topk": _topk,
    "batch_topk": _batch_topk,
}

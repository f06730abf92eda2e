"""Trained autoencoders: a stack of them with one architecture, and their files.

Inputs and outputs are in the units of the activations; the normalisation lies inside.

Not here: training, measures (`evaluate`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from steering_core.lockstep import Parameters
from steering_core.publishing.files import write_atomically
from steering_core.sparse_autoencoders.architectures import ARCHITECTURES
from steering_core.sparse_autoencoders.checks import check_activations, check_choice
from steering_core.sparse_autoencoders.recipe import Recipe

TENSORS, WORDS = "autoencoders.safetensors", "autoencoders.json"


@dataclass(frozen=True)
class Autoencoders:
    """M autoencoders of one architecture.

    Attributes:
        architecture: name out of `ARCHITECTURES`.
        parameters: w_enc (M, d, latents), b_enc (M, latents), w_dec (M, latents, d), b_dec (M, d)
            and what the architecture adds; NaN for one that diverged. In normalised units.
        penalties: (M,) of each; k where the architecture sets the number of latents.
        seeds: (M,) of each one's initial weights.
        scale: (d,) activations are multiplied by it before the encoder, outputs divided by it.
        recipe: how they were trained.
        losses: (records, M) means over 50 steps, penalty included, in normalised units.
        silent: (M, latents) steps since each latent last fired, when training ended.
        redrawn: (M,) how many latents were drawn anew.
        seconds: that training took.
    """

    architecture: str
    parameters: Parameters
    penalties: Float[Tensor, "M"]
    seeds: Int[Tensor, "M"]
    scale: Float[Tensor, "d"]
    recipe: Recipe
    losses: Float[Tensor, "records M"]
    silent: Int[Tensor, "M latents"]
    redrawn: Int[Tensor, "M"]
    seconds: float

    def __len__(self) -> int:
        return len(self.penalties)

    @property
    def width(self) -> int:
        """d."""
        return self.parameters["w_enc"].shape[1]

    @property
    def n_latents(self) -> int:
        """Latents of each."""
        return self.parameters["w_enc"].shape[2]

    @cached_property
    def diverged(self) -> list[bool]:
        """Which have parameters that are no numbers."""
        return self.parameters["w_enc"].isnan().flatten(1).any(1).tolist()

    def pick(self, *places: int) -> "Autoencoders":
        """Some of them, by their places."""
        chosen = list(places)
        return replace(
            self,
            parameters={name: p[chosen] for name, p in self.parameters.items()},
            penalties=self.penalties[chosen],
            seeds=self.seeds[chosen],
            losses=self.losses[:, chosen],
            silent=self.silent[chosen],
            redrawn=self.redrawn[chosen],
        )

    @torch.no_grad()
    def pre_activations(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "M n latents"]:
        """m = (x - b_d) w_e, without the encoder's bias.

        Raises:
            ValueError: activations of another width, or with a row that is not finite.
        """
        x = check_activations("activations", activations, self.width) * self.scale
        return before_bias(self.parameters, x)

    @torch.no_grad()
    def encode(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "M n latents"]:
        """Latents of the inputs.

        Raises:
            ValueError: as `pre_activations`.
        """
        row = ARCHITECTURES[self.architecture]
        m = self.pre_activations(activations)
        return row.encode(self.parameters, m, self.penalties, self.recipe)

    @torch.no_grad()
    def decode(self, latents: Float[Tensor, "M n latents"]) -> Float[Tensor, "M n d"]:
        """What latents say that the inputs were."""
        return decoded(self.parameters, latents) / self.scale

    def __call__(self, activations: Float[Tensor, "n d"]) -> Float[Tensor, "M n d"]:
        """The inputs, reconstructed by each."""
        return self.decode(self.encode(activations))


def before_bias(
    p: Parameters, x: Float[Tensor, "batch d"]
) -> Float[Tensor, "models batch latents"]:
    """(x - b_d) w_e of every model."""
    shifted = p["b_dec"][:, None] @ p["w_enc"]
    return torch.baddbmm(-shifted, x.expand(len(shifted), -1, -1), p["w_enc"])


def decoded(
    p: Parameters, latents: Float[Tensor, "models batch latents"]
) -> Float[Tensor, "models batch d"]:
    """Latents times decoder, plus its bias."""
    return torch.baddbmm(p["b_dec"][:, None], latents, p["w_dec"])


def save_autoencoders(
    autoencoders: Autoencoders, folder: Path | str, *, dtype: torch.dtype = torch.float32
) -> None:
    """Write `autoencoders.safetensors` and, last, `autoencoders.json` with its digest.

    Args:
        autoencoders: from `train_autoencoders`.
        folder: to write to; made if it is not there.
        dtype: of the parameters in the file; float16 halves it. Computing is in float32.

    Raises:
        ValueError: a dtype that is not one of floating-point numbers.
    """
    if not dtype.is_floating_point:
        raise ValueError(f"dtype: got {dtype}; one of floating-point numbers is allowed")
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in {
            **{f"parameters.{name}": p.to(dtype) for name, p in autoencoders.parameters.items()},
            **{name: getattr(autoencoders, name) for name in _TENSOR_FIELDS},
        }.items()
    }
    words: dict[str, Any] = {
        "architecture": autoencoders.architecture,
        "recipe": asdict(autoencoders.recipe),
        "seconds": autoencoders.seconds,
    }
    words["sha256"] = _digest(tensors, words)
    write_atomically(Path(folder) / TENSORS, save(tensors))
    write_atomically(Path(folder) / WORDS, json.dumps(words, indent=2) + "\n")


def load_autoencoders(folder: Path | str) -> Autoencoders:
    """What `save_autoencoders` wrote.

    Args:
        folder: one that `save_autoencoders` wrote to.

    Raises:
        ValueError: a file that is missing, is something else, or is damaged.
    """
    paths = {name: Path(folder) / name for name in (TENSORS, WORDS)}
    for path in paths.values():
        if not path.is_file():
            raise ValueError(f"folder: got {str(folder)!r} without {path.name}; both are needed")
    try:
        words = json.loads(paths[WORDS].read_text())
        with safe_open(paths[TENSORS], framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{folder} is damaged, or holds no autoencoders: {error}") from error
    wanted = {"architecture", "recipe", "seconds", "sha256"}
    if not isinstance(words, dict) or not wanted <= set(words):
        raise ValueError(f"{paths[WORDS]} is damaged: it should hold {', '.join(sorted(wanted))}")
    if _digest(tensors, words) != words["sha256"]:
        raise ValueError(f"{folder} is damaged: {TENSORS} and {WORDS} do not belong together")
    check_choice("architecture", words["architecture"], ARCHITECTURES)
    recipe: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in words["recipe"].items()
    }
    return Autoencoders(
        architecture=words["architecture"],
        parameters={
            name.removeprefix("parameters."): tensor.float()
            for name, tensor in tensors.items()
            if name.startswith("parameters.")
        },
        recipe=Recipe(**recipe),
        seconds=words["seconds"],
        **{name: tensors[name] for name in _TENSOR_FIELDS},
    )


_TENSOR_FIELDS = ("penalties", "seeds", "scale", "losses", "silent", "redrawn")


def _digest(tensors: Mapping[str, Tensor], words: Mapping[str, Any]) -> str:
    said = {name: words[name] for name in ("architecture", "recipe", "seconds")}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()

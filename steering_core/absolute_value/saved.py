"""Nets on disk, and the nets that come with the package: those that nobody had released.

One net is one safetensors file of `w_in`, `w_out` and `bias`, with its density, its seed and the
digest of its tensors in the header. `python -m steering_core.absolute_value.saved` trains the
shipped ones again.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from steering_core.absolute_value.checks import check_model
from steering_core.absolute_value.chosen import Net, best_nets, held_out
from steering_core.absolute_value.density_study import DENSITIES, IMPORTANCE, N_HIDDEN
from steering_core.absolute_value.instances import first_with, list_instances
from steering_core.absolute_value.training import train_absolute_value
from steering_core.publishing.files import write_atomically

_FOLDER = Path(__file__).parent / "nets"
_TENSORS = ("w_in", "w_out", "bias")

SHIPPED = ("motif", *(f"density-{density:g}" for density in DENSITIES))
"""The net with two instances of the motif (20 features, 10 neurons), and the net of the lowest loss
of eight seeds at each density of the main setting (100 features, 40 neurons); importance 0.8^i."""


def save_net(net: Net, path: Path | str) -> None:
    """Write a net, whole or not at all.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_model(*net.weights)
    tensors = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in zip(_TENSORS, net.weights, strict=True)
    }
    header = {"density": repr(net.density), "seed": str(net.seed)}
    header["digest"] = _digest(tensors, header)
    write_atomically(Path(path), save(tensors, metadata=header))


def load_net(name: Path | str) -> Net:
    """A net that comes with the package, by its name out of `SHIPPED`, or one from a file.

    Raises:
        ValueError: neither a name nor a file, a file of something else, or a damaged one.
    """
    path = _FOLDER / f"{name}.safetensors" if name in SHIPPED else Path(name)
    if not path.is_file():
        raise ValueError(f"name: got {str(name)!r}; allowed are {', '.join(SHIPPED)}, or a file")
    try:
        with safe_open(path, framework="pt") as stored:
            header = stored.metadata() or {}
            names = stored.keys()
            tensors = {key: stored.get_tensor(key) for key in names}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or not safetensors: {error}") from error
    if set(tensors) != set(_TENSORS) or not {"density", "seed", "digest"} <= set(header):
        raise ValueError(f"{path} holds {sorted(tensors)}; a net has {', '.join(_TENSORS)}")
    if _digest(tensors, header) != header["digest"]:
        raise ValueError(f"{path} is damaged: its tensors are not those that were saved")
    check_model(*(tensors[name] for name in _TENSORS))
    return Net(float(header["density"]), int(header["seed"]), *(tensors[n] for n in _TENSORS))


def _digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    digest = hashlib.sha256(f"{header['density']} {header['seed']}".encode())
    for name in _TENSORS:
        digest.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def train_shipped(motif_density: float = 0.2, *, seeds: int = 8) -> dict[str, Net]:
    """Train what is shipped: the best of some seeds at each density, and the first of 64 seeds
    whose model has two instances of the motif, both causal."""
    main = train_absolute_value(
        importance=IMPORTANCE,
        n_hidden=N_HIDDEN,
        densities=DENSITIES,
        seeds=range(seeds),
        n_jobs=2,
        progress=True,
    )
    small = train_absolute_value(
        importance=0.8 ** torch.arange(20.0),
        n_hidden=10,
        densities=(motif_density,),
        seeds=range(64),
        n_jobs=2,
        progress=True,
    )
    best = {f"density-{net.density:g}": net for net in best_nets(main, held_out(main))}
    return {"motif": first_with(small, list_instances(small), 2)} | best


if __name__ == "__main__":
    for name, net in train_shipped().items():
        save_net(net, _FOLDER / f"{name}.safetensors")

"""The mean residual over the training text, which comes with a model that this package made."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from steering_core.language_model.load import SHIPPED, check_folder


def training_mean(
    centre: Literal["tokens", "positions"] = "tokens", *, folder: str | Path = SHIPPED
) -> Float[Tensor, "layers *position d_model"]:
    """The mean of the residual stream over passages of the model's training text.

    Args:
        centre: "tokens": (n_layers + 1, d_model), over every token but the first of each passage;
            "positions": (n_layers + 1, n_ctx, d_model), first positions included, nan where no
            passage was as long.
        folder: of a model that `language_model.pretrain` finished; the shipped one by default.

    Raises:
        ValueError: `centre` is neither; a folder without means, or damaged.
    """
    if centre not in ("tokens", "positions"):
        raise ValueError(f'centre: got {centre!r}; "tokens" and "positions" are allowed')
    path = Path(folder) / "means.safetensors"
    if not path.is_file():
        raise ValueError(f"folder: {folder} has no {path.name}; residual_mean computes a mean")
    check_folder(Path(folder))
    with safe_open(path, framework="pt") as stored:
        return stored.get_tensor(centre)

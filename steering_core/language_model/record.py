"""What comes with a model that this package made: how it was trained, and its mean activations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pandas as pd
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.activations import Centre, residual_mean
from steering_core.language_model.load import SHIPPED, check_folder

RECIPE, SCORES, CURVE, MEANS = "recipe.json", "scores.json", "curve.csv", "means.safetensors"


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained, and how well it reads.

    recipe: as `pretrain` was given it. bits_per_byte: of each set, on books held out whole.
    curve: columns step, tokens, seconds since the row before, loss in nats a token, and bits a byte
        of each set on a few held-out windows.
    """

    recipe: Mapping[str, Any]
    bits_per_byte: Mapping[str, float]
    curve: pd.DataFrame


def training_record(folder: str | Path = SHIPPED) -> TrainingRecord:
    """The record of a model that `language_model.pretrain` finished; the shipped one by default.

    Args:
        folder: where the model lies; `SECOND` for the book's second one.

    Raises:
        ValueError: a folder without a record, or damaged.
    """
    folder = _finished(folder, RECIPE, SCORES, CURVE)
    return TrainingRecord(
        recipe=json.loads((folder / RECIPE).read_text("utf-8")),
        bits_per_byte=json.loads((folder / SCORES).read_text("utf-8"))["bits_per_byte"],
        curve=pd.read_csv(folder / CURVE),
    )


def training_mean(
    centre: Centre = "tokens", *, folder: str | Path = SHIPPED
) -> Float[Tensor, "layers *position d_model"]:
    """The mean of the residual stream over passages of the model's training text.

    Args:
        centre: "tokens": (n_layers + 1, d_model), over every token but the first of each passage;
            "positions": (n_layers + 1, n_ctx, d_model), first positions included, nan where no
            passage was as long.
        folder: where a model lies that `language_model.pretrain` finished; the shipped one by
            default, `SECOND` for the second.

    Raises:
        ValueError: `centre` is neither; a folder without means, or damaged.
    """
    if centre not in get_args(Centre):
        raise ValueError(f'centre: got {centre!r}; "tokens" and "positions" are allowed')
    with safe_open(_finished(folder, MEANS) / MEANS, "pt") as stored:
        return stored.get_tensor(centre)


def centre_of(
    model: TransformerBridge, otherwise: Float[Tensor, "layers d_model"]
) -> Float[Tensor, "layers d_model"]:
    """The mean over the model's training text, where it comes with the model; else `otherwise`.

    Args:
        model: from `load_model`; its folder is looked up.
        otherwise: the mean over texts at hand.
    """
    folder = _folder_of(model)
    if not (folder / MEANS).is_file():
        return otherwise
    return training_mean(folder=folder).to(otherwise)


def position_centre_of(
    model: TransformerBridge, otherwise: Sequence[str]
) -> Float[Tensor, "layers n_ctx d_model"]:
    """The mean of each position over the model's training text, where that comes with the model;
    else over texts at hand.

    Args:
        model: from `load_model`; its folder is looked up.
        otherwise: texts to take the means of.
    """
    folder = _folder_of(model)
    if (folder / MEANS).is_file():
        return training_mean("positions", folder=folder)
    return residual_mean(model, otherwise, centre="positions", skip_first=False)


def _folder_of(model: TransformerBridge) -> Path:
    config: Any = model.original_model.config
    return Path(config._name_or_path)


def _finished(folder: str | Path, *needed: str) -> Path:
    folder = Path(folder)
    for name in needed:
        if not (folder / name).is_file():
            raise ValueError(
                f"folder: {folder} has no {name}; a model that language_model.pretrain made has"
            )
    check_folder(folder)
    return folder

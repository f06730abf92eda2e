"""Autoencoders that come with the package: TopK on the middle of each shipped language model.

`python -m steering_core.sparse_autoencoders.shipped` trains them again, as the study of the
frontier does.
"""

from __future__ import annotations

from pathlib import Path

import torch

from steering_core.sparse_autoencoders.autoencoders import (
    Autoencoders,
    load_autoencoders,
    save_autoencoders,
)
from steering_core.sparse_autoencoders.checks import check_choice
from steering_core.sparse_autoencoders.language_setting import MODELS, train_on_language
from steering_core.sparse_autoencoders.language_study import language_recipe

ARCHITECTURE, K, SEEDS = "topk", 16, 3
FOLDER = Path(__file__).parent / "trained"


def shipped_autoencoders(model: str = "first") -> Autoencoders:
    """Three autoencoders of the input of block `language_setting.LAYER`, which differ in seeds.

    Args:
        model: "first", the shipped language model; or "second", that of another seed.

    Raises:
        ValueError: another name; files that are missing or damaged.
    """
    check_choice("model", model, MODELS)
    return load_autoencoders(FOLDER / model)


def train_shipped(model: str, *, progress: bool = False) -> Autoencoders:
    """Train them side by side; they differ in their initial weights."""
    return train_on_language(
        model,
        ARCHITECTURE,
        (float(K),),
        language_recipe(ARCHITECTURE),
        seeds=tuple(range(SEEDS)),
        progress=progress,
    )


def main() -> None:
    """Write the autoencoders of every model into the package."""
    for model in MODELS:
        save_autoencoders(train_shipped(model, progress=True), FOLDER / model, dtype=torch.float16)


if __name__ == "__main__":
    main()

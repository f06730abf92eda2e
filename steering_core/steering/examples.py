"""Completions to look at: the first few of a pair of genres, unsteered beside steered."""

from __future__ import annotations

from dataclasses import replace

from transformer_lens.model_bridge import TransformerBridge

from steering_core.steering.experiment import (
    NEW_TOKENS,
    PAIRS,
    TEMPERATURE,
    Setting,
    Trial,
    prompts_of,
    vectors_of,
)
from steering_core.steering.material import Material
from steering_core.steering.sampling import generate
from steering_core.steering.steer import steer


def first_examples(
    model: TransformerBridge,
    material: Material,
    kind: str,
    source: str,
    target: str,
    setting: Setting,
    *,
    n: int = 3,
    seed: int = 0,
) -> list[tuple[str, str, str]]:
    """The first n prompts of the odd texts of a genre, each unsteered and steered with the same
    random numbers.

    Args:
        model: from `load_model`.
        material: of the model.
        kind: of the vector, one of `kinds.KINDS`.
        source: genre of the prompts.
        target: genre that they are steered towards.
        setting: layer, position and coefficient, chosen on a model of six layers; on a deeper or
            shallower one the layer is as deep.
        n: how many.
        seed: of the draws.

    Returns:
        Prompt, unsteered completion, steered completion.

    Raises:
        ValueError: no such pair of genres; what `steer` refuses.
    """
    if (source, target) not in PAIRS:
        raise ValueError(f"source, target: got {source!r}, {target!r}; two different genres")
    chosen = [Trial(source, target, 1 + 2 * index) for index in range(n)]
    prompts = prompts_of(chosen)
    setting = adapted(setting, model)
    vectors = vectors_of(material, kind, chosen, setting.layer)

    def draw() -> list[str]:
        return generate(
            model, prompts, max_new_tokens=NEW_TOKENS, seed=seed, temperature=TEMPERATURE
        )

    unsteered = draw()
    with steer(
        model,
        vectors,
        layer=setting.layer,
        coefficient=setting.coefficient,
        position=setting.position,
    ):
        steered = draw()
    return list(zip(prompts, unsteered, steered, strict=True))


def adapted(setting: Setting, model: TransformerBridge) -> Setting:
    """The setting with a layer that is as deep in the model as its own is among six."""
    return replace(setting, layer=as_deep(setting.layer, model))


def as_deep(layer: int, model: TransformerBridge, *, of: int = 6) -> int:
    """The layer of a model that is as deep as `layer` is among `of` layers."""
    return round(layer / of * model.cfg.n_layers)

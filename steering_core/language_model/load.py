"""Loading a language model: the shipped one, a local folder, or a Hugging Face name."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

SHIPPED = Path(__file__).parent / "model"
SECOND = Path(__file__).parent / "model_second_seed"
CHECKSUMS = "checksums.json"
ENVIRONMENT_VARIABLE = "STEERING_CORE_MODEL"


def load_model(
    name: str | Path | None = None, *, device: str | torch.device = "cpu"
) -> TransformerBridge:
    """A causal language model with hooks on every activation, in float32.

    Args:
        name: a folder in the Hugging Face layout (config, tokenizer, safetensors weights); a name
            on the Hugging Face hub, such as "gpt2", from its local cache or the network; None for
            what the environment variable STEERING_CORE_MODEL names, else the shipped model.
        device: where the model computes.

    Returns:
        A TransformerBridge of TransformerLens, in evaluation mode. Its weights are neither folded
        nor centred, so its logits and its residual stream are Hugging Face's.

    Raises:
        ValueError: neither a folder nor a name that can be had; a folder that lacks its config,
            tokenizer or weights; a weights file cut short, or altered since its checksum; weights
            that are not those of the config.
    """
    source = name if name is not None else os.environ.get(ENVIRONMENT_VARIABLE) or SHIPPED
    local = Path(source).is_dir()
    if local:
        check_folder(Path(source))
    try:
        # Code from the hub is not run, nor is the reader asked whether it may be.
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        why = (
            "a folder that transformers cannot read as a causal language model"
            if local
            else "which is no folder, and no model of that name could be had from the local cache "
            "or the network"
        )
        raise ValueError(
            f"name: got {str(source)!r}, {why}; allowed are a folder with config.json, tokenizer "
            f"and .safetensors, a Hugging Face name that is at hand, or None for the shipped "
            f"model ({error})"
        ) from error
    model, report = loaded
    if missing := sorted(report["missing_keys"]):  # transformers draws them at random
        raise ValueError(
            f"name: got {str(source)!r}, whose weights lack {missing[0]} ({len(missing)} lacking "
            f"in all); allowed are weights that are whole"
        )
    return as_bridge(model, tokenizer, device=device)


def as_bridge(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    device: str | torch.device = "cpu",
) -> TransformerBridge:
    """A Hugging Face causal model and its tokenizer as a TransformerBridge, in evaluation mode.

    The bridge takes the model over; use a copy to go on with the model itself.
    """
    # Where a model computes queries, keys and values in one, the bridge makes three layers of them,
    # and draws weights for these before it sets them.
    with torch.random.fork_rng(devices=[]):
        bridge = TransformerBridge.boot_transformers(
            model.config._name_or_path or "local",
            hf_model=model,
            tokenizer=tokenizer,
            device=device,
            dtype=torch.float32,
        )
    return bridge.eval()


def plain_model(model: TransformerBridge) -> PreTrainedModel:
    """The Hugging Face model inside a bridge, on the same tensors, as transformers runs it.

    A bridge computes attention step by step, so that every step has a hook; without hooks the fused
    kernels do the same in half the time. Nothing is copied: the two share every weight.

    Raises:
        ValueError: the bridge's weights were folded or centred, so that it is another model.
    """
    if model.compatibility_mode or model._weights_processed:
        raise ValueError(
            "model: got a bridge in compatibility mode, or whose weights were folded or centred; a "
            "bridge as load_model gives it is allowed"
        )
    bridged = model.original_model
    shared = {
        name.replace("._original_component", ""): tensor for name, tensor in _named_tensors(bridged)
    }
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(
            copy.deepcopy(bridged.config), attn_implementation="sdpa"
        )
    for name, old in _named_tensors(plain):
        if name not in shared:
            raise ValueError(f"model: {name} of {type(plain).__name__} has no place in the bridge")
        module, _, leaf = name.rpartition(".")
        table = "_parameters" if isinstance(old, nn.Parameter) else "_buffers"
        getattr(plain.get_submodule(module), table)[leaf] = shared[name]
    return plain.eval()


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not a whole model, before anything is read into memory.

    Raises:
        ValueError: config, tokenizer or weights missing; weights that cannot be read, or that
            differ from the folder's checksums.json, where there is one.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(
            f"name: {folder} has no config.json; a folder in Hugging Face's layout has"
        )
    if not any((folder / n).is_file() for n in ("tokenizer.json", "vocab.json", "tokenizer.model")):
        raise ValueError(f"name: {folder} has no tokenizer (tokenizer.json); save it there first")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise ValueError(
            f"name: {folder} has no .safetensors weights; save_pretrained writes them "
            f"(pickled weights are not loaded)"
        )
    listed = folder / CHECKSUMS
    expected = json.loads(listed.read_text("utf-8")) if listed.is_file() else {}
    for path in weights:
        _check_file(path, expected.get(path.name))
    for other in sorted(set(expected) - {path.name for path in weights}):
        _check_file(folder / other, expected[other])


def _check_file(path: Path, expected: str | None) -> None:
    if not path.is_file():
        raise ValueError(f"{path}: missing; its SHA-256 should be {expected}")
    if expected is not None:
        with path.open("rb") as stored:
            found = hashlib.file_digest(stored, "sha256").hexdigest()
        if found != expected:
            raise ValueError(
                f"{path}: the file is damaged or altered: its SHA-256 is {found}, "
                f"expected {expected}"
            )
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt"):
                pass
        except SafetensorError as error:
            raise ValueError(
                f"{path}: no whole safetensors file ({error}); its SHA-256 should be "
                f"{expected or 'what its maker gives'}"
            ) from error


def _named_tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and buffers under all of their names: a tied weight has two."""
    return [
        *model.named_parameters(remove_duplicate=False),
        *model.named_buffers(remove_duplicate=False),
    ]

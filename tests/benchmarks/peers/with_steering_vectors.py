"""steering-vectors, on the same model as transformers loads it."""
# pyright: reportMissingImports=false

from __future__ import annotations

import contextlib
import json
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from steering_vectors import SteeringVector, train_steering_vector
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from turns import FOLDER, take_turns, texts

BATCH = 32
SOURCE = Path(json.loads((FOLDER / "model.json").read_text("utf-8")))
MODEL: Any = AutoModelForCausalLM.from_pretrained(SOURCE, dtype=torch.float32).eval()
SPECIAL = json.loads((SOURCE / "tokenizer_config.json").read_text("utf-8"))
TOKENIZER: Any = PreTrainedTokenizerFast(
    tokenizer_file=str(SOURCE / "tokenizer.json"),
    bos_token=SPECIAL["bos_token"],
    eos_token=SPECIAL["eos_token"],
    pad_token=SPECIAL["eos_token"],
    model_input_names=["input_ids", "attention_mask"],  # GPT-2 would add types of tokens
)


def version() -> dict[str, Any]:
    return {"version": "steering-vectors " + metadata.version("steering-vectors")}


def vector() -> dict[str, Any]:
    """Mean difference of paired texts at their last token, after every block."""
    pairs = list(zip(texts("positive"), texts("negative"), strict=True))
    TOKENIZER.padding_side = "right"
    began = time.perf_counter()
    trained = train_steering_vector(MODEL, TOKENIZER, pairs, batch_size=BATCH)
    seconds = time.perf_counter() - began
    layers = [trained.layer_activations[n] for n in sorted(trained.layer_activations)]
    return {"seconds": seconds, "found": torch.cat(layers).tolist()}


def write(new_tokens: int, layer: int, steered: bool) -> dict[str, Any]:
    """Sampled continuations by transformers' `generate`."""
    TOKENIZER.padding_side = "left"
    prompts = [TOKENIZER.bos_token + text for text in texts("prompts")]
    added = SteeringVector({layer: torch.ones(MODEL.config.hidden_size)})
    began = time.perf_counter()
    asked = TOKENIZER(prompts, return_tensors="pt", padding=True)
    with added.apply(MODEL, multiplier=0.1) if steered else contextlib.nullcontext():
        drawn = MODEL.generate(
            input_ids=asked.input_ids,
            attention_mask=asked.attention_mask,
            max_new_tokens=new_tokens,
            min_new_tokens=new_tokens,
            do_sample=True,
            temperature=0.8,
            top_k=0,
            pad_token_id=TOKENIZER.eos_token_id,
        )
    TOKENIZER.batch_decode(drawn[:, asked.input_ids.shape[1] :])
    return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    torch.manual_seed(0)
    take_turns({"version": version, "vector": vector, "write": write})

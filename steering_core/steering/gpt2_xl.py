"""The source's own model: what was published of GPT-2 XL, measured where the model is at hand."""

from __future__ import annotations

from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.publishing.claims import Measured
from steering_core.steering.material import Material
from steering_core.steering.published import gpt2_xl_mean_cosine
from steering_core.steering.reading import Reader, centred

PUBLISHED_LAYER = 30  # the input of block 30: the source names the output of block 29
PUBLISHED_WORDS = {
    "fantasy": ("enchanted", "mystical", "magical", "awakened", "sorce"),
    "scifi": ("humankind", "humanity", "mankind", "millennia", "interstellar"),
    "sports": ("exhilar", "victorious", "triumph", "cheering", "triumphant"),
}
"""The five likeliest of each genre, centred (Jorgensen et al. 2023, table 1)."""


def is_gpt2_xl(model: TransformerBridge) -> bool:
    """Whether the model has the size and vocabulary of GPT-2 XL."""
    return (model.cfg.n_layers, model.cfg.d_model, model.cfg.d_vocab) == (48, 1600, 50257)


def curve_of(cosine: Float64[Tensor, " layers"]) -> dict[str, dict[str, Measured]]:
    """I-G1 and I-G2, from the mean cosine at every layer of GPT-2 XL, all positions."""
    blocks = cosine[1:]
    published = gpt2_xl_mean_cosine().mean_cosine.tolist()
    peak = int(blocks.argmax())
    least = peak + int(blocks[peak:].argmin())
    gap = max(abs(a - b) for a, b in zip(blocks.tolist(), published, strict=True))
    return {
        "I-G1": {"largest_difference": Measured(gap, len(blocks))},
        "I-G2": {
            "peak": Measured(float(peak), len(blocks)),
            "least": Measured(float(least), len(blocks)),
        },
    }


def words_of(model: TransformerBridge, material: Material) -> dict[str, dict[str, Measured]]:
    """I-G3, centred on the mean over all texts; nothing for another model."""
    if not is_gpt2_xl(model):
        return {}
    reader = Reader(model, material)
    reading = centred(reader, material.all_texts)
    found = {
        name: [word.strip().lower() for word in rows[PUBLISHED_LAYER]]
        for name, rows in reader.words(reading.columns).items()
    }
    share = share_found(found)
    return {"I-G3": {"found": Measured(share, 15)}}


def share_found(tokens: dict[str, list[str]]) -> float:
    """The share of the published words that a token of the same genre begins, or is begun by."""
    pairs = [(word, tokens[genre]) for genre, words in PUBLISHED_WORDS.items() for word in words]
    hits = [
        any(t and (t.startswith(word) or word.startswith(t)) for t in own) for word, own in pairs
    ]
    return sum(hits) / len(hits)

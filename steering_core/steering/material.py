"""What steering vectors are made of: the mean activation of every text, layer by layer.

One pass over the shipped texts serves every kind of vector, the half sets that keep a vector apart
from the prompts it is tried on, and the shuffled labels of the controls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float64
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.record import centre_of, position_centre_of
from steering_core.language_model.texts import load_texts
from steering_core.steering.anisotropy import ResidualSums, mean_of, residual_sums, spans
from steering_core.steering.vectors import matched_centre

SETS = ("fantasy", "scifi", "sports", "stories", "shakespeare", "neutral", "loving", "hateful")
Half = Literal["even", "odd"]
OTHER: dict[Half, Half] = {"even": "odd", "odd": "even"}


@dataclass(frozen=True)
class Material:
    """Sums of the residual stream over each text but its first position, and where each set lies.

    centre: m, the mean over the model's training text where it is known.
    matched: set -> m with as many tokens at each position as the set's texts have.
    """

    sums: ResidualSums
    spans: dict[str, slice]
    centre: Float64[Tensor, "layers d_model"]
    matched: Mapping[str, Float64[Tensor, "layers d_model"]] = field(default_factory=dict)

    def mean(self, set: str, half: Half | None = None) -> Float64[Tensor, "layers d_model"]:
        """The mean over all tokens of a set's texts, or of every other one of its texts."""
        return mean_of(self.sums, self._rows(set, half))

    def text_means(
        self, set: str, half: Half | None = None
    ) -> Float64[Tensor, "texts layers d_model"]:
        """The mean over the tokens of each text of a set."""
        rows = self._rows(set, half)
        return (self.sums.total[:, rows] / self.sums.tokens[rows, None]).transpose(0, 1)

    def mean_of_texts(self, texts: Sequence[int]) -> Float64[Tensor, "layers d_model"]:
        """The mean over all tokens of any texts, by their places among all."""
        rows = torch.as_tensor(texts)
        return self.sums.total[:, rows].sum(1) / self.sums.tokens[rows].sum()

    @cached_property
    def all_texts(self) -> Float64[Tensor, "layers d_model"]:
        """The mean over all tokens of all sets."""
        return self.sums.mean

    def _rows(self, set: str, half: Half | None) -> slice:
        if set not in self.spans:
            raise ValueError(f"set: got {set!r}; allowed are {', '.join(self.spans)}")
        span = self.spans[set]
        if half is None:
            return span
        return slice(span.start + (half == "odd"), span.stop, 2)


def read_material(model: TransformerBridge, *, progress: bool = False) -> Material:
    """One pass of the model over the eight sets of texts that are read.

    Args:
        model: from `load_model`.
        progress: show a bar.
    """
    texts = {name: load_texts(name) for name in SETS}
    everything = [text for own in texts.values() for text in own]
    sums, _ = residual_sums(model, everything, progress=progress)
    by_position = position_centre_of(model, everything)
    matched = {name: matched_centre(model, own, by_position) for name, own in texts.items()}
    return Material(sums, spans(texts), centre_of(model, sums.mean).double(), matched)

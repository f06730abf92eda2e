"""What latents read: the passages at which each fires most, token by token, and as a page.

`top_contexts` reads texts through one autoencoder; `html` shows what it found.

Not here: which latents are worth reading (`vector_or_latent.sets`), and the controls
(`counterparts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model.residual import visit_residuals
from steering_core.language_model.token_batches import TokenBatch
from steering_core.sparse_autoencoders.autoencoders import Autoencoders
from steering_core.sparse_autoencoders.checks import check_count


@dataclass(frozen=True)
class Passage:
    """Tokens around the one at which a latent fires most in its text.

    Attributes:
        text: the place of the text among those that were read.
        tokens: as text.
        activations: (tokens,) of the latent.
    """

    text: int
    tokens: tuple[str, ...]
    activations: Float[Tensor, " tokens"]

    @property
    def peak(self) -> str:
        """The token at which the latent fires most."""
        return self.tokens[int(self.activations.argmax())]


@dataclass(frozen=True)
class LatentReading:
    """Where a latent fires.

    Attributes:
        latent: its number.
        fires: the share of tokens at which it is not zero.
        passages: from different texts, the largest activation first; none where it never fires.
    """

    latent: int
    fires: float
    passages: tuple[Passage, ...]

    @property
    def largest(self) -> float:
        """Its largest activation; 0 where it never fires."""
        return max((float(p.activations.max()) for p in self.passages), default=0.0)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens at which the passages peak, each once; line breaks as strokes."""
        return tuple(dict.fromkeys(_shown(passage.peak) for passage in self.passages))


def top_contexts(
    model: TransformerBridge,
    autoencoders: Autoencoders,
    place: int,
    latents: Sequence[int],
    texts: Sequence[str],
    k: int = 5,
    *,
    layer: int,
    around: int = 9,
) -> list[LatentReading]:
    """The k texts in which each latent fires most, cut to the tokens around.

    Position 0 of each text is left out, as autoencoders are not trained on it.

    Args:
        model: from `load_model`.
        autoencoders: of the input of block `layer`.
        place: which of them.
        latents: their numbers.
        texts: at least one.
        k: passages a latent at most, from 1.
        layer: from 0.
        around: tokens to show before and behind.

    Raises:
        ValueError: a place or a latent that is not there; k or `around` out of range; bad texts.
    """
    check_count("k", k)
    check_count("around", around, least=0)
    _check_places("place", [place], len(autoencoders))
    _check_places("latents", latents, autoencoders.n_latents)
    one = autoencoders.pick(place)
    columns = torch.as_tensor(list(latents))
    windows: list[tuple[int, Tensor, Tensor]] = []

    def keep(_layer: int, x: Tensor, batch: TokenBatch) -> None:
        real = batch.real[:, 1:]
        found = one.encode(x[:, 1:][real].cpu())[0][:, columns]
        sizes = real.sum(1).tolist()
        tokens = batch.tokens[:, 1:][real].cpu().split(sizes)
        windows.extend(zip(batch.text.tolist(), tokens, found.split(sizes), strict=True))

    visit_residuals(model, texts, keep, layers=[layer])
    windows = [window for window in windows if len(window[1])]
    peaks = torch.stack([found.max(0).values for _, _, found in windows])
    fires = torch.cat([found > 0 for _, _, found in windows]).float().mean(0)
    return [
        LatentReading(
            latent,
            float(fires[column]),
            tuple(
                _passage(model, windows[w], column, around)
                for w in _first_of_each_text(windows, peaks[:, column], k)
            ),
        )
        for column, latent in enumerate(latents)
    ]


def html(readings: Mapping[str, LatentReading], *, opened: bool = True) -> str:
    """A box to unfold for each latent, its tokens shaded by how much it fires at them.

    The colours are those of print, on white, in a dark page too; a pointer on a token tells its
    activation.

    Args:
        readings: what to call each latent -> where it fires.
        opened: whether the first box is unfolded.

    Raises:
        ValueError: no readings.
    """
    if not readings:
        raise ValueError("readings: got none; at least one is needed")
    boxes = [
        f"<details{' open' if opened and not number else ''}>"
        f'<summary style="cursor:pointer;padding:.35rem 0"><strong>{escape(name)}</strong>, fires '
        f"at {one.fires:.1%} of tokens: {_listed(one.tokens)}</summary>"
        f"{''.join(map(_paragraph, one.passages, [one.largest] * len(one.passages)))}</details>"
        for number, (name, one) in enumerate(readings.items())
    ]
    return (
        '<div style="background:#fff;color:#1a1a1a;padding:.5rem .75rem;border:1px solid #c4c4c4;'
        f'border-radius:.25rem;overflow-wrap:anywhere">{"".join(boxes)}</div>'
    )


def _check_places(name: str, places: Iterable[int], n: int) -> None:
    for place in places:
        if not 0 <= place < n:
            raise ValueError(f"{name}: got {place}; 0 to {n - 1} are allowed")


def _first_of_each_text(
    windows: Sequence[tuple[int, Tensor, Tensor]], peaks: Float[Tensor, " windows"], k: int
) -> list[int]:
    """The windows of the k largest peaks above 0, at most one of each text."""
    chosen: dict[int, int] = {}
    for w in peaks.argsort(descending=True, stable=True).tolist():
        if len(chosen) == k or peaks[w] <= 0:
            break
        chosen.setdefault(windows[w][0], w)
    return list(chosen.values())


def _passage(
    model: TransformerBridge,
    window: tuple[int, Int[Tensor, " tokens"], Float[Tensor, "tokens latents"]],
    column: int,
    around: int,
) -> Passage:
    text, tokens, found = window
    peak = int(found[:, column].argmax())
    cut = slice(max(0, peak - around), peak + around + 1)
    words = tuple(model.tokenizer.decode([token]) for token in tokens[cut].tolist())
    return Passage(text, words, found[cut, column])


def _paragraph(passage: Passage, largest: float) -> str:
    spans = (
        _span(token, activation, activation / largest)
        for token, activation in zip(passage.tokens, passage.activations.tolist(), strict=True)
    )
    return f'<p style="margin:.25rem 0 .5rem 1rem">… {"".join(spans)} …</p>'


def _span(token: str, activation: float, share: float) -> str:
    shade = f' style="background:rgba(230,159,0,{share:.2f})"' if share > 0 else ""
    words = escape(token.replace("\n", "↵ "))
    return f'<span title="{activation:.2f}"{shade}>{words}</span>'


def _listed(tokens: Sequence[str]) -> str:
    return ", ".join(f"<em>{escape(token)}</em>" for token in tokens) or "nowhere"


def _shown(token: str) -> str:
    return token.replace("\n", "↵").strip() or "␣"

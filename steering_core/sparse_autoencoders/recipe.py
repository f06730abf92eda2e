"""How autoencoders are trained."""

from dataclasses import dataclass
from typing import Literal, get_args

from steering_core.sparse_autoencoders.checks import (
    check_choice,
    check_count,
    check_number,
    check_probability,
)

Normalisation = Literal["l2", "std", "none"]
Dead = Literal["resample", "ghost", "none"]


@dataclass(frozen=True)
class Recipe:
    """How autoencoders are trained. The defaults follow the draft where it says something.

    Attributes:
        steps: of Adam.
        learning_rate: its rate at the full height of the schedule.
        betas: its two; the draft's "just (0.9, 0.999) seems fine".
        warm_up: share of the run over which the rate rises from zero.
        cool_down: share of the run, at its end, over which it falls to zero; both in a line.
        normalise: "l2" divides activations by one number, so that their mean norm is sqrt(d)
            (Anthropic's); "std" divides each coordinate by its standard deviation; "none".
        decoder: "scaled" weighs the penalty by the norms of decoder rows, which are free
            (Anthropic, April 2024); "unit" keeps the norms at 1.
        dead: what is done about latents that never fire. "resample" them (Bricken et al. 2023),
            "ghost" gradients (Jermyn and Templeton 2024), or "none". TopK and BatchTopK have an
            auxiliary loss of their own in its place.
        resample_at: shares of the run after which dead latents are drawn anew.
        silent_for: share of the run without firing that makes a latent dead.
        resample_scale: norm of a new encoder, over the mean of those alive; 0.2 is Anthropic's.
        re_warm: steps over which the rate rises again after that; None is 2 / (1 - beta2), of Ma
            and Yarats 2019; 0 leaves it high.
        initial_bias: of the encoder, in units of normalised activations.
        initial_threshold: JumpReLU's, above 0.
        bandwidth: of the kernel in JumpReLU's pseudo-gradients and in the L0 penalty.
        auxiliary: weight of TopK's loss on dead latents (Gao et al. 2024: 1/32).
        target_scale: what is to be reconstructed is this times the input; 1, or a control.
    """

    steps: int = 20_000
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    warm_up: float = 0.05
    cool_down: float = 0.2
    normalise: Normalisation = "l2"
    decoder: Literal["scaled", "unit"] = "scaled"
    dead: Dead = "resample"
    resample_at: tuple[float, ...] = (0.2, 0.4, 0.6)
    silent_for: float = 0.05
    resample_scale: float = 0.2
    re_warm: int | None = None
    initial_bias: float = 0.0
    initial_threshold: float = 0.1
    bandwidth: float = 0.1
    auxiliary: float = 1 / 32
    target_scale: float = 1.0

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        for name in ("learning_rate", "auxiliary", "resample_scale"):
            check_number(name, getattr(self, name), 0.0)
        for name in ("initial_bias", "target_scale"):
            check_number(name, getattr(self, name))
        for name in ("initial_threshold", "bandwidth"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(
                    f"{name}: got {getattr(self, name)}; allowed are finite numbers above 0"
                )
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas: got {self.betas}; allowed are two numbers in [0, 1)")
        for name in ("warm_up", "cool_down", "silent_for"):
            check_probability(name, getattr(self, name))
        for share in self.resample_at:
            check_probability("resample_at", share)
        if self.re_warm is not None:
            check_count("re_warm", self.re_warm, least=0)
        check_choice("normalise", self.normalise, get_args(Normalisation))
        check_choice("decoder", self.decoder, ("scaled", "unit"))
        check_choice("dead", self.dead, get_args(Dead))

    @property
    def resample_steps(self) -> tuple[int, ...]:
        """The steps after which dead latents are drawn anew."""
        if self.dead != "resample":
            return ()
        return tuple(sorted({round(share * self.steps) for share in self.resample_at} - {0}))

    @property
    def silent_steps(self) -> int:
        """How many steps without firing make a latent dead."""
        return max(1, round(self.silent_for * self.steps))

    def rate(self, done: float) -> float:
        """Factor on the learning rate when a share `done` of the run is done."""
        step = round(done * self.steps)
        up = min(1.0, (done + 1 / self.steps) / self.warm_up) if self.warm_up else 1.0
        down = min(1.0, (1 - done) / self.cool_down) if self.cool_down else 1.0
        again = round(2 / (1 - self.betas[1])) if self.re_warm is None else self.re_warm
        since = min((step - at for at in self.resample_steps if step >= at), default=again)
        return min(up, down) * (min(1.0, (since + 1) / again) if again else 1.0)

"""The activation functions of part II, and what an integral has to know of one.

Names map to callables on pre-activations of shape (..., n). Six act on each entry by itself; SoLU
lets the entries compete. An integral over inputs is exact only if it is split where the function is
not smooth, so an `Activation` carries its kinks. A reader's own activation may be any callable; one
with kinks is wrapped: `Activation(lambda z: z.clamp(0, 1), kinks=(0.0, 1.0))`.

Not here: what a network does with an activation.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Activation:
    """A function on pre-activations (..., n), with what quadrature needs to know of it.

    Attributes:
        function: maps (..., n) to (..., n).
        kinks: pre-activation values at which the function is continuous but not smooth.
        elementwise: whether each output depends on its own pre-activation only.
        takes_axis: whether `function` takes the axis of the features as a second argument, which
            spares training a copy of z with that axis last.
    """

    function: Callable[..., Tensor]
    kinks: tuple[float, ...] = ()
    elementwise: bool = True
    takes_axis: bool = False

    def __call__(self, z: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch n"]:
        """The function at z."""
        return self.function(z)

    def along(self, z: Float[Tensor, "..."], axis: int) -> Float[Tensor, "..."]:
        """The function at z that has the features on another axis than the last."""
        if self.elementwise:
            return self.function(z)
        if self.takes_axis:
            return self.function(z, axis)
        return self.function(z.movedim(axis, -1)).movedim(-1, axis)


def solu(z: Float[Tensor, "..."], axis: int = -1) -> Float[Tensor, "..."]:
    """z * softmax(z) over the features, without a LayerNorm (Elhage et al. 2022, SoLU)."""
    return z * torch.softmax(z, dim=axis)


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda z: z),
    "relu": Activation(torch.relu, kinks=(0.0,)),
    "gelu": Activation(torch.nn.functional.gelu),
    "silu": Activation(torch.nn.functional.silu),
    "sigmoid": Activation(torch.sigmoid),
    "tanh": Activation(torch.tanh),
    "solu": Activation(solu, elementwise=False, takes_axis=True),
}


def resolve(activation: str | Callable[[Tensor], Tensor]) -> Activation:
    """The `Activation` behind a name of `ACTIVATIONS` or any callable on (..., n).

    A plain callable is taken to mix its inputs and to be smooth, unless it has a `kinks` attribute.

    Raises:
        ValueError: an unknown name (the nearest known one is named), or neither name nor callable.
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str):
        if activation in ACTIVATIONS:
            return ACTIVATIONS[activation]
        near = difflib.get_close_matches(activation.lower(), ACTIVATIONS, n=1, cutoff=0.0)
        raise ValueError(
            f"activation: got {activation!r}, nearest known name {near[0]!r}; "
            f"allowed are {', '.join(ACTIVATIONS)} or a callable on (..., n)"
        )
    if callable(activation):
        kinks = tuple(float(k) for k in getattr(activation, "kinks", ()))
        return Activation(activation, kinks=kinks, elementwise=False)
    raise ValueError(
        f"activation: got {type(activation).__name__}; allowed are a name or a callable on (..., n)"
    )


def name_of(activation: str | Callable[[Tensor], Tensor]) -> str:
    """What messages and tables call it."""
    if isinstance(activation, str):
        return activation
    function = activation.function if isinstance(activation, Activation) else activation
    return getattr(function, "__name__", type(function).__name__)

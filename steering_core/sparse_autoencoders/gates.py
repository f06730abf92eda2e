"""From pre-activations to latents: the forward pass, and the gradient that is used for it.

m is a pre-activation without its bias, (x - b_d) w_e; b is the bias. A latent that the bias only
gates, m where m + b > 0, has no gradient in b almost everywhere, so each gate here puts another
in its place. With g the gradient that comes from above and [...] 1 where the latent is on, else 0:

    name              forward               gradient in m      gradient in b
    relu              max(m + b, 0)         g [...]            g [...]          (the true one)
    scsae             m [m + b > 0]         g [...]            g [...]
    scsae_multiplied  the same              g [...]            g m [...]
    prolu_relu        m [m + b > 0, m > 0]  g [...]            g [...]
    prolu_ste         the same              g (1 + m) [...]    g m [...]

The first two lines of pseudo-gradients are the draft's ("as though this were a regular SAE"; "as
though it were multiplied"), the last two those of ProLU (Taggart 2024). `jump_relu` and `steps`
have the kernel gradients of Rajamanoharan et al. 2024b, eq. 11 and 12.
"""

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

Wide = Float[Tensor, "*models batch latents"]
Bias = Float[Tensor, "*models #batch latents"]
Backwards = Literal["relu", "multiplied", "ste"]


def relu(m: Wide, b: Bias) -> Wide:
    """max(m + b, 0): the bias gates and shifts."""
    return torch.relu(m + b)


def scsae(m: Wide, b: Bias) -> Wide:
    """m where m + b > 0, as drafted; backwards as ReLU."""
    return _Gate.apply(m, b, False, "relu")  # pyright: ignore[reportReturnType]


def scsae_multiplied(m: Wide, b: Bias) -> Wide:
    """m where m + b > 0; backwards as though the bias were multiplied by the output."""
    return _Gate.apply(m, b, False, "multiplied")  # pyright: ignore[reportReturnType]


def prolu_relu(m: Wide, b: Bias) -> Wide:
    """m where m + b > 0 and m > 0; backwards as ReLU."""
    return _Gate.apply(m, b, True, "relu")  # pyright: ignore[reportReturnType]


def prolu_ste(m: Wide, b: Bias) -> Wide:
    """m where m + b > 0 and m > 0; backwards by straight-through estimation."""
    return _Gate.apply(m, b, True, "ste")  # pyright: ignore[reportReturnType]


def jump_relu(z: Wide, threshold: Bias, bandwidth: float) -> Wide:
    """z where z > threshold; the threshold's gradient is -(threshold / bandwidth) g within half a
    bandwidth of it."""
    return _Jump.apply(z, threshold, bandwidth)  # pyright: ignore[reportReturnType]


def steps(z: Wide, threshold: Bias, bandwidth: float) -> Wide:
    """1 where z > threshold, else 0; the threshold's gradient is -g / bandwidth within half a
    bandwidth of it, and z has none."""
    return _Step.apply(z, threshold, bandwidth)  # pyright: ignore[reportReturnType]


def where_positive(values: Wide, at: Wide) -> Wide:
    """`values` where `at` > 0, else 0; on a CPU a fifth of the time of `torch.where`."""
    return torch.ops.aten.threshold_backward(values, at, 0.0)


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, m: Tensor, b: Tensor, positive: bool, backwards: Backwards) -> Tensor:
        at = m + b
        out = where_positive(m, at)
        if positive:
            out = at = out.relu_()
        ctx.save_for_backward(at, out)
        ctx.backwards, ctx.shape = backwards, b.shape
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None, None]:  # pyright: ignore
        at, out = ctx.saved_tensors
        gated = where_positive(g, at)
        if ctx.backwards == "relu":
            return gated, gated.sum_to_size(ctx.shape), None, None
        multiplied = g * out
        for_m = gated + multiplied if ctx.backwards == "ste" else gated
        return for_m, multiplied.sum_to_size(ctx.shape), None, None


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        above = z - threshold
        ctx.save_for_backward(above, threshold)
        ctx.bandwidth = bandwidth
        return where_positive(z, above)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, None]:  # pyright: ignore
        above, threshold = ctx.saved_tensors
        near = where_positive(g, 0.5 * ctx.bandwidth - above.abs()).sum_to_size(threshold.shape)
        return where_positive(g, above), near * (-threshold / ctx.bandwidth), None


class _Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        above = z - threshold
        ctx.save_for_backward(above)
        ctx.bandwidth, ctx.shape = bandwidth, threshold.shape
        return above.sign().relu_()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[None, Tensor, None]:  # pyright: ignore
        (above,) = ctx.saved_tensors
        near = where_positive(g.expand_as(above), 0.5 * ctx.bandwidth - above.abs())
        return None, -near.sum_to_size(ctx.shape) / ctx.bandwidth, None

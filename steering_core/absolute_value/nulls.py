"""Models in which nothing but the arrangement of weights has changed: what chance would give."""

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core import lockstep
from steering_core.absolute_value.checks import check_one_model


def permuted(
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    seed: int,
    keep_main: bool,
) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"], Float[Tensor, "n"]]:
    """The model with the weights of each neuron permuted over features, input and output apart.

    Args:
        w_in, w_out, bias: of one model; the bias stays.
        seed: of the permutations.
        keep_main: whether each neuron's largest input weight, and the output weight of the same
            feature, stay in place, so that plain pairs go on working.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_one_model(w_in, w_out, bias)
    m, n = w_in.shape
    generator = lockstep.stream(seed, "permuted", keep_main)
    main = w_in.abs().argmax(1)
    w_in, w_out = w_in.clone(), w_out.clone()
    for k in range(m):
        movable = torch.arange(n)
        if keep_main:
            movable = movable[movable != main[k]]
        for row in (w_in[k], w_out[:, k]):
            row[movable] = row[movable[torch.randperm(len(movable), generator=generator)]]
    return w_in, w_out, bias

"""Whether inhibition is aimed: a null that leaves every neuron the features that it carries.

The permutations of `nulls` break more than the motif: a permuted neuron no longer writes back what
it reads. Here it does, and only the rest of its weights is shuffled, those by which one feature
acts on the output of another.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from steering_core import lockstep
from steering_core.absolute_value.checks import check_one_model
from steering_core.absolute_value.motifs import OWN, find_motifs
from steering_core.absolute_value.training import TrainedAbsoluteValue


def without_aim(
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    seed: int,
) -> tuple[Float[Tensor, "m n"], Float[Tensor, "n m"], Float[Tensor, "n"]]:
    """The model with the weights of each neuron permuted over the features that it does not carry,
    input and output apart.

    Here a neuron carries what it writes back: at least `OWN` on a feature's output for that feature
    at 1.

    Args:
        w_in, w_out, bias: of one model; the bias stays.
        seed: of the permutations.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_one_model(w_in, w_out, bias)
    generator = lockstep.stream(seed, "without aim")
    carried = w_in.abs() * w_out.mT >= OWN
    w_in, w_out = w_in.clone(), w_out.clone()
    for k, stays in enumerate(carried):
        movable = (~stays).nonzero()[:, 0]
        for row in (w_in[k], w_out[:, k]):
            row[movable] = row[movable[torch.randperm(len(movable), generator=generator)]]
    return w_in, w_out, bias


def instances_without_aim(trained: TrainedAbsoluteValue) -> Int[Tensor, " S"]:
    """Instances in each model of the first density `without_aim`, which need not compute to count.

    Args:
        trained: of one density; others do not count.

    Returns:
        (S,)
    """
    models = [trained.model(0, s) for s in range(len(trained.seeds))]
    shuffled = [
        without_aim(*model, seed=seed)
        for model, seed in zip(models, trained.seeds.tolist(), strict=True)
    ]
    return torch.tensor(
        [len(find_motifs(*one, task=trained.task, must_compute=False)) for one in shuffled]
    )

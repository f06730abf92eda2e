"""The asymmetric motif: finding it in weights, and testing that it does what it is said to do.

Elhage et al. 2022, "The Asymmetric Superposition Motif". One neuron k carries two features: the
strong one, a, by a large input and a small output weight; the weak one, b, the other way round. So
a writes much on b, and b little on a. A second neuron, the inhibitor, hears a a little, and lowers
b: with a alone the output of b would be wrongly positive, and is negative, which the output's ReLU
hides. The inhibitor is about a feature of its own, main, which therefore lowers b too.

Everything here is the same whatever the scale of a neuron.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from steering_core.absolute_value.checks import check_one_model
from steering_core.absolute_value.task import ABSOLUTE, Task

RATIO = 2.0
"""Input weight of the strong feature over that of the weak one, at least."""
OWN = 0.25
"""What k writes on a feature's output for the feature itself at 1, at least."""
RECIPROCAL = 2.0
"""What k so writes for one feature is that for the other, within this factor."""
SMALL = 0.5
"""The inhibitor's weight on the strong feature over its largest, at most."""
INHIBITION = 0.5
"""What the inhibitor takes from the weak output over what k adds, strong alone, at least."""
COMPUTED = 0.5
"""Sum of the outputs' squared errors with either feature alone, at most; outputs count by how far
they move from the empty input's, and that of the weak feature, strong alone, does not count."""


@dataclass(frozen=True)
class Motif:
    """One instance; features alone are at their full size, 1, with the sign it rests on.

    Attributes:
        neuron: k, which carries both features.
        inhibitor: the neuron that hears the strong feature a little and lowers the weak one.
        strong, weak, main: features a and b of the neuron, and the inhibitor's largest.
        strong_sign, weak_sign, main_sign: of inputs that switch on the neuron, and the inhibitor.
        ratio: |W1[k, a]| / |W1[k, b]|.
        one_way: what a writes on b through the neuron over what b writes on a.
        inhibition: what the inhibitor takes from b over what the neuron adds, a alone.
        alone: pre-activation of b with a alone.
        cut: the same when the inhibitor no longer hears a.
        error, error_cut: mean of the squared output of b, which should be 0, over sizes of a
            alone from 0 to 1; and when the inhibitor no longer hears a.
        main_alone: by how much the main feature alone moves the pre-activation of b.
    """

    neuron: int
    inhibitor: int
    strong: int
    weak: int
    main: int
    strong_sign: int
    weak_sign: int
    main_sign: int
    ratio: float
    one_way: float
    inhibition: float
    alone: float
    cut: float
    error: float
    error_cut: float
    main_alone: float

    @property
    def causal(self) -> bool:
        """Whether the inhibitor turns positive interference into negative, and that pays."""
        return self.alone <= 0 < self.cut and self.error_cut > self.error


def find_motifs(
    w_in: Float[Tensor, "m n"],
    w_out: Float[Tensor, "n m"],
    bias: Float[Tensor, "n"],
    *,
    task: Task = ABSOLUTE,
    must_compute: bool = True,
) -> list[Motif]:
    """All instances of the motif, those that fail the causal test too (`Motif.causal`).

    A neuron and two features count once, with the strongest inhibitor. A model that does not
    compute its features, as one before training, has none.

    Args:
        w_in, w_out, bias: W1, W2 and b of one model.
        task: whose inputs and hidden layer to take; absolute values if not said.
        must_compute: whether both features must come out right when alone; False counts mere
            arrangements of weights, as for models whose weights were permuted.

    Returns:
        Instances, those with the most inhibition first.

    Raises:
        ValueError: shapes that do not fit, or numbers that are not finite.
    """
    check_one_model(w_in, w_out, bias)
    w_in, w_out, bias = w_in.detach().double(), w_out.detach().double(), bias.detach().double()
    signs = (1, -1) if task.signed else (1,)
    found = []
    for strong_sign in signs:
        for weak_sign in signs:
            found += _with_signs(w_in, w_out, bias, strong_sign, weak_sign, task, must_compute)
    return sorted(found, key=lambda motif: -motif.inhibition)


def _with_signs(
    w_in: Tensor,
    w_out: Tensor,
    bias: Tensor,
    strong_sign: int,
    weak_sign: int,
    task: Task,
    must_compute: bool,
) -> list[Motif]:
    """Instances with a of one sign and b of another: a test for every (k, a, b), then for every
    inhibitor j."""
    by_strong = task.hidden(strong_sign * w_in)  # (m, n): neuron, feature alone
    by_weak = task.hidden(weak_sign * w_in)
    strong_in, weak_in = by_strong[:, :, None], by_weak[:, None, :]  # (k, a, b)
    to_strong, to_weak = w_out.T[:, :, None], w_out.T[:, None, :]
    own_strong, own_weak = strong_in * to_strong, weak_in * to_weak
    asymmetric = (
        (strong_in.abs() >= RATIO * weak_in.abs())
        & (own_strong >= OWN)
        & (own_weak >= OWN)
        & (own_strong <= RECIPROCAL * own_weak)
        & (own_weak <= RECIPROCAL * own_strong)
        & (strong_in * to_weak > 0)
    )
    if must_compute:
        wrong_strong, wrong_weak = (_errors(h, w_out, bias) for h in (by_strong, by_weak))
        asymmetric &= wrong_strong.sum(0)[:, None] - wrong_strong.T <= COMPUTED  # (a, b)
        asymmetric &= wrong_weak.sum(0) <= COMPUTED
    asymmetric.diagonal(dim1=1, dim2=2).fill_(False)
    reach = (w_in if task.signed else task.hidden(w_in)).abs()  # each feature alone, either sign
    main = reach.argmax(1)
    small = by_strong.abs() <= SMALL * reach.amax(1, keepdim=True)
    return [
        motif
        for k, a, b in asymmetric.nonzero().tolist()
        if (
            motif := _strongest(
                w_in,
                w_out,
                bias,
                (k, a, b),
                strong_sign,
                weak_sign,
                by_strong,
                small[:, a] & (main != b),
                main,
                task,
            )
        )
    ]


def _strongest(
    w_in: Tensor,
    w_out: Tensor,
    bias: Tensor,
    place: tuple[int, int, int],
    strong_sign: int,
    weak_sign: int,
    by_strong: Tensor,
    may_inhibit: Tensor,
    mains: Tensor,
    task: Task,
) -> Motif | None:
    """The instance of neuron k and features a, b with its strongest inhibitor, if it has one."""
    k, a, b = place
    added = by_strong[k, a] * w_out[b, k]
    taken = torch.where(may_inhibit, -w_out[b] * by_strong[:, a], 0.0)
    j = int(taken.argmax())
    if taken[j] < INHIBITION * added:
        return None
    main = int(mains[j])
    main_sign = int(w_in[j, main].sign()) if task.signed else 1
    by_weak = task.hidden(weak_sign * w_in)
    moved = w_out[b] @ by_strong[:, a]  # pre-activation of b, a alone, less the bias
    return Motif(
        neuron=k,
        inhibitor=j,
        strong=a,
        weak=b,
        main=main,
        strong_sign=strong_sign,
        weak_sign=weak_sign,
        main_sign=main_sign,
        ratio=float(by_strong[k, a].abs() / by_weak[k, b].abs()),
        one_way=float(added / (by_weak[k, b] * w_out[a, k])),
        inhibition=float(taken[j] / added),
        alone=float(bias[b] + moved),
        cut=float(bias[b] + moved + taken[j]),
        error=_mean_square(float(bias[b]), float(moved)),
        error_cut=_mean_square(float(bias[b]), float(moved + taken[j])),
        main_alone=float(w_out[b] @ task.hidden(main_sign * w_in[:, main])),
    )


def _errors(hidden: Tensor, w_out: Tensor, bias: Tensor) -> Tensor:
    """Squared errors (n outputs, n features) of how outputs move when each feature is alone at 1,
    from what neurons (m, n) then put out."""
    moved = (w_out @ hidden + bias[:, None]).clamp_min(0) - bias.clamp_min(0)[:, None]
    return (moved - torch.eye(len(bias)).to(bias)).square()


def _mean_square(bias: float, slope: float) -> float:
    """Integral over t from 0 to 1 of ReLU(bias + slope t)^2."""
    low, high = sorted((bias, bias + slope))
    if high <= 0:
        return 0.0
    if low >= 0:
        return (low**2 + low * high + high**2) / 3
    return high**3 / (3 * abs(slope))

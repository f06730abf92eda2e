"""Outputs and pseudo-gradients are those of the table, by hand and by their definitions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.sparse_autoencoders import gates

Rows = list[list[float]]
Gate = Callable[[Tensor, Tensor], Tensor]
ALL: list[Gate] = [
    gates.relu,
    gates.scsae,
    gates.scsae_multiplied,
    gates.prolu_relu,
    gates.prolu_ste,
]
every_gate = pytest.mark.parametrize("gate", ALL, ids=lambda gate: gate.__name__)

# On where m + b > 0: [[no, yes], [yes, no]]; what is on in the second column is negative.
SPARSE = (
    [[1.0, -0.5], [2.0, -3.0]],  # m: 2 inputs, 2 latents
    [-1.5, 1.0],  # b
    [[3.0, 5.0], [7.0, 11.0]],  # g
)
# All on; what is below on the right is negative.
DENSE = (
    [[1.0, 0.5], [2.0, -0.25]],
    [-0.5, 0.5],
    [[3.0, -5.0], [7.0, 11.0]],
)
# Gate, case, output, gradient in m, gradient in b: summed over the inputs.
BY_HAND: list[tuple[Gate, tuple[Rows, list[float], Rows], Rows, Rows, list[float]]] = [
    (gates.relu, SPARSE, [[0, 0.5], [0.5, 0]], [[0, 5], [7, 0]], [7, 5]),
    (gates.scsae, SPARSE, [[0, -0.5], [2, 0]], [[0, 5], [7, 0]], [7, 5]),
    (gates.scsae_multiplied, SPARSE, [[0, -0.5], [2, 0]], [[0, 5], [7, 0]], [14, -2.5]),
    (gates.prolu_relu, SPARSE, [[0, 0], [2, 0]], [[0, 0], [7, 0]], [7, 0]),
    (gates.prolu_ste, SPARSE, [[0, 0], [2, 0]], [[0, 0], [21, 0]], [14, 0]),
    (gates.relu, DENSE, [[0.5, 1], [1.5, 0.25]], [[3, -5], [7, 11]], [10, 6]),
    (gates.scsae, DENSE, [[1, 0.5], [2, -0.25]], [[3, -5], [7, 11]], [10, 6]),
    (gates.scsae_multiplied, DENSE, [[1, 0.5], [2, -0.25]], [[3, -5], [7, 11]], [17, -5.25]),
    (gates.prolu_relu, DENSE, [[1, 0.5], [2, 0]], [[3, -5], [7, 0]], [10, -5]),
    (gates.prolu_ste, DENSE, [[1, 0.5], [2, 0]], [[6, -7.5], [21, 0]], [17, -2.5]),
]

# Bands (0.8, 1.2) and (0.3, 0.7); within them: [[yes, yes], [yes, no], [no, yes]].
Z = [[1.1, 0.6], [0.9, 0.2], [1.5, 0.4]]
THRESHOLD, BANDWIDTH = [[1.0, 0.5]], 0.4
UPSTREAM = [[3.0, 5.0], [7.0, 11.0], [13.0, 17.0]]

numbers = st.floats(-10, 10, allow_subnormal=False)
pairs = st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=8)
few = settings(max_examples=60, deadline=None)


def run(gate: Gate, m: Tensor, b: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Output and gradients in m and b, for what comes from above."""
    m, b = m.detach().clone().requires_grad_(), b.detach().clone().requires_grad_()
    out = gate(m, b)
    for_m, for_b = torch.autograd.grad(out, (m, b), g)
    return out.detach(), for_m, for_b


def columns(drawn: list[tuple[float, float, float]]) -> tuple[Tensor, Tensor, Tensor]:
    """m, b and g (1, latents), in double precision."""
    m, b, g = torch.tensor(drawn, dtype=torch.float64).T[:, None].unbind()
    return m, b, g


def random_input(*models: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    m, g = torch.randn(2, *models, 50, 20, generator=generator, dtype=torch.float64).unbind()
    return m, torch.randn(*models, 1, 20, generator=generator, dtype=torch.float64), g


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("gate", "case", "output", "for_m", "for_b"), BY_HAND)
def test_it_is_what_was_worked_out_by_hand(
    gate: Gate,
    case: tuple[Rows, list[float], Rows],
    output: Rows,
    for_m: Rows,
    for_b: list[float],
    dtype: torch.dtype,
) -> None:
    m, b, g = (torch.tensor(part, dtype=dtype) for part in case)
    got = run(gate, m, b[None], g)
    for one, expected in zip(got, (output, for_m, [for_b]), strict=True):
        assert one.dtype == dtype
        assert one.tolist() == expected


@every_gate
def test_models_do_not_mix(gate: Gate) -> None:
    """Stacked cases give, for each, what they give alone."""
    cases = [(gate, case) for case in (SPARSE, DENSE)]
    expected = [row[2:] for row in BY_HAND if row[:2] in cases]
    m, b, g = (
        torch.stack([torch.tensor(case[part]) for case in (SPARSE, DENSE)]) for part in (0, 1, 2)
    )
    out, for_m, for_b = run(gate, m, b[:, None], g)
    assert for_b.shape == (2, 1, 2)
    for i, (output, its_m, its_b) in enumerate(expected):
        assert out[i].tolist() == output
        assert for_m[i].tolist() == its_m
        assert for_b[i].tolist() == [its_b]
    deeper = run(gate, m[None], b[None, :, None], g[None])
    assert [part[0].tolist() for part in deeper] == [part.tolist() for part in (out, for_m, for_b)]


@every_gate
def test_a_bias_of_each_input_has_a_gradient_of_its_own(gate: Gate) -> None:
    """The gradient of a bias for all is the sum of those of a bias for each."""
    m, b, g = random_input(3)
    shared, apart = run(gate, m, b, g), run(gate, m, b.expand_as(m), g)
    for one, other in zip(shared[:2], apart[:2], strict=True):
        assert torch.equal(one, other)
    assert apart[2].shape == m.shape
    torch.testing.assert_close(shared[2], apart[2].sum(1, keepdim=True))


@every_gate
@few
@given(pairs)
def test_it_is_what_is_defined(gate: Gate, drawn: list[tuple[float, float, float]]) -> None:
    """Number by number, without tensors; at the edges too, which are off."""
    got = [part[0].tolist() for part in run(gate, *columns(drawn))]
    for i, (m, b, g) in enumerate(drawn):
        on = m > -b and (m > 0 or "prolu" not in gate.__name__)
        expected = {
            "relu": (m + b, g, g),
            "scsae": (m, g, g),
            "scsae_multiplied": (m, g, g * m),
            "prolu_relu": (m, g, g),
            "prolu_ste": (m, g * (1 + m), g * m),
        }[gate.__name__]
        assert [part[i] for part in got] == pytest.approx(
            [on * one for one in expected], rel=1e-12, abs=1e-12
        )


@few
@given(pairs)
def test_relu_has_the_true_gradient(drawn: list[tuple[float, float, float]]) -> None:
    m, b, g = columns(drawn)
    for got, expected in zip(
        run(gates.relu, m, b, g),
        run(lambda m, b: torch.clamp(m + b, min=0), m, b, g),
        strict=True,
    ):
        keep = m + b != 0  # at the edge any slope between is one
        assert torch.equal(got[keep], expected[keep])


def test_relu_has_the_gradient_of_differences() -> None:
    m, b, _ = random_input()
    m = torch.where((m + b).abs() < 1e-3, m + 0.1, m)
    inputs = m.requires_grad_(), b.requires_grad_()
    assert torch.autograd.gradcheck(gates.relu, inputs)


@few
@given(pairs)
def test_prolu_is_jump_relu(drawn: list[tuple[float, float, float]]) -> None:
    """On pre-activations without bias, with a threshold of -b, or 0 where b is positive."""
    m, b, _ = columns(drawn)
    threshold = (-b).clamp_min(0)
    expected = [[z if z > t else 0.0 for z, t in zip(m[0], threshold[0], strict=True)]]
    for gate in (gates.prolu_relu, gates.prolu_ste):
        assert gate(m, b).tolist() == expected
        assert torch.equal(gate(m, b), gates.jump_relu(m, threshold, 0.1))


@few
@given(pairs)
def test_prolu_is_the_drafted_gate_where_that_is_not_negative(
    drawn: list[tuple[float, float, float]],
) -> None:
    m, b, _ = columns(drawn)
    assert torch.equal(gates.prolu_relu(m, b), gates.scsae(m, b).clamp_min(0))
    assert torch.equal(gates.scsae(m, b), gates.scsae_multiplied(m, b))


@pytest.mark.parametrize("gate", ALL[1:], ids=lambda gate: gate.__name__)
def test_a_gate_has_no_true_gradient_in_the_bias(gate: Gate) -> None:
    """Differences in b are 0 away from the edge, and a jump of m over it; those in m are 1."""
    m, b, _ = random_input(4)
    h = 1e-5
    keep = ((m + b).abs() > 2 * h) & (m.abs() > 2 * h)
    assert keep.double().mean() > 0.99
    assert torch.equal(gate(m, b + h)[keep], gate(m, b - h)[keep])
    slopes = (gate(m + h, b) - gate(m - h, b)) / (2 * h)
    on = gate(m, b) != 0
    torch.testing.assert_close(slopes[keep], on[keep].double(), rtol=0, atol=1e-8)
    m, b = torch.tensor([[2.0]]).double(), torch.tensor([[-2.0]]).double()
    assert (gate(m, b + h) - gate(m, b - h)).item() == 2


def test_relu_differs_in_the_bias_where_gates_do_not() -> None:
    m, b, _ = random_input(4)
    slopes = (gates.relu(m, b + 1e-5) - gates.relu(m, b - 1e-5)) / 2e-5
    keep = (m + b).abs() > 2e-5
    torch.testing.assert_close(slopes[keep], (m + b > 0)[keep].double(), rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_jump_relu_is_what_was_worked_out_by_hand(dtype: torch.dtype) -> None:
    z, threshold, g = (torch.tensor(part, dtype=dtype) for part in (Z, THRESHOLD, UPSTREAM))
    out, for_z, for_threshold = run(
        lambda z, threshold: gates.jump_relu(z, threshold, BANDWIDTH), z, threshold, g
    )
    expected = [[1.1, 0.6], [0, 0], [1.5, 0]]
    torch.testing.assert_close(out, torch.tensor(expected, dtype=dtype), rtol=0, atol=0)
    assert for_z.tolist() == [[3, 5], [0, 0], [13, 0]]
    # -(1 / 0.4) (3 + 7) and -(0.5 / 0.4) (5 + 17)
    torch.testing.assert_close(for_threshold, torch.tensor([[-25.0, -27.5]], dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_steps_are_what_was_worked_out_by_hand(dtype: torch.dtype) -> None:
    z, threshold, g = (torch.tensor(part, dtype=dtype) for part in (Z, THRESHOLD, UPSTREAM))
    z.requires_grad_()
    threshold.requires_grad_()
    out = gates.steps(z, threshold, BANDWIDTH)
    assert out.dtype == dtype
    assert out.tolist() == [[1, 1], [0, 0], [1, 0]]
    out.backward(g)
    assert z.grad is None or not z.grad.any()
    # -(3 + 7) / 0.4 and -(5 + 17) / 0.4
    torch.testing.assert_close(threshold.grad, torch.tensor([[-25.0, -55.0]], dtype=dtype))


@pytest.mark.parametrize(
    ("function", "expected"), [(gates.jump_relu, [-25.0, -27.5]), (gates.steps, [-25.0, -55.0])]
)
def test_thresholds_of_several_models_have_gradients_of_their_own(
    function: Callable[[Tensor, Tensor, float], Tensor], expected: list[float]
) -> None:
    z = torch.stack([torch.tensor(Z), torch.tensor(Z) + 5])
    threshold = torch.tensor([THRESHOLD, THRESHOLD]).requires_grad_()
    g = torch.tensor(UPSTREAM).expand(2, 3, 2)
    function(z, threshold, BANDWIDTH).backward(g)
    assert threshold.grad is not None
    torch.testing.assert_close(threshold.grad, torch.tensor([[expected], [[0.0, 0.0]]]))


@pytest.mark.parametrize("threshold", [0.3, 1.3])
def test_kernels_estimate_the_gradient_of_the_mean(threshold: float) -> None:
    """For z uniform on [0, 2], P(z > t) falls by 1/2 and E z [z > t] by t/2 as t rises."""
    generator = torch.Generator().manual_seed(0)
    z = 2 * torch.rand(400_000, 1, generator=generator, dtype=torch.float64)
    for function, slope in ((gates.steps, -0.5), (gates.jump_relu, -0.5 * threshold)):
        t = torch.tensor([[threshold]], dtype=torch.float64, requires_grad=True)
        function(z, t, 0.1).mean().backward()
        assert t.grad is not None
        assert t.grad.item() == pytest.approx(slope, rel=0.04)  # five standard errors


@few
@given(pairs, st.floats(0.01, 3))
def test_kernels_are_what_is_defined(
    drawn: list[tuple[float, float, float]], bandwidth: float
) -> None:
    z, threshold, g = columns(drawn)
    jump = run(lambda z, t: gates.jump_relu(z, t, bandwidth), z, threshold, g)
    t = threshold.clone().requires_grad_()
    step = gates.steps(z, t, bandwidth)
    (for_step,) = torch.autograd.grad(step, t, g)
    for i, (its_z, its_t, its_g) in enumerate(drawn):
        distance = abs(its_z - its_t)
        on = its_z > its_t
        assert [part[0, i].item() for part in jump[:2]] == [on * its_z, on * its_g]
        assert step[0, i].item() == on
        if abs(distance - bandwidth / 2) < 1e-9:
            continue  # the kernel's edge
        kernel = (distance < bandwidth / 2) / bandwidth
        assert for_step[0, i].item() == pytest.approx(-its_g * kernel, rel=1e-9)
        assert jump[2][0, i].item() == pytest.approx(-its_t * its_g * kernel, rel=1e-9)


def test_nothing_given_is_changed() -> None:
    m, b, g = random_input(2)
    kernels: list[Gate] = [
        lambda z, t: gates.jump_relu(z, t, 0.5),
        lambda z, t: gates.steps(z, t, 0.5),
    ]
    for gate in [*ALL, *kernels]:
        given_m, given_b, given_g = m.clone(), b.clone().requires_grad_(), g.clone()
        gate(given_m, given_b).backward(given_g)
        assert torch.equal(given_m, m)
        assert torch.equal(given_b, b)
        assert torch.equal(given_g, g)


@every_gate
def test_gradients_flow_on_to_what_is_before(gate: Gate) -> None:
    """A weight before m and a scale before b get what the chain rule gives of the pseudo-ones."""
    m, b, g = random_input()
    _, for_m, for_b = run(gate, m, b, g)
    weight = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    gate(weight * m, scale * b).backward(g)
    assert weight.grad is not None
    assert scale.grad is not None
    torch.testing.assert_close(weight.grad, (for_m * m).sum())
    torch.testing.assert_close(scale.grad, (for_b * b).sum())


@few
@given(pairs)
def test_what_stays_is_where_the_other_is_positive(
    drawn: list[tuple[float, float, float]],
) -> None:
    values, at, _ = columns(drawn)
    expected = [[v if a > 0 else 0.0 for v, a in zip(values[0], at[0], strict=True)]]
    assert gates.where_positive(values, at).tolist() == expected
    assert not gates.where_positive(values, torch.zeros_like(values)).any()

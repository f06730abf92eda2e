"""Training follows the recipe, written out in another way, whatever is trained beside it."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from steering_core.lockstep import Plateau, warm_cosine
from steering_core.superposition import (
    ACTIVATIONS,
    Activation,
    Recipe,
    TrainedBottleneck,
    expected_loss,
    plan,
    train_bottleneck,
)

ALL = list(ACTIVATIONS)
IMPORTANCE = torch.tensor([[1.0, 0.3], [1.0, 1.0], [1.0, 4.0]])
STILL = Recipe(steps=1, batch_size=8, learning_rate=0.0)
MIXED: dict[str, object] = {
    "activation": ["relu", "solu", "sigmoid"],
    "n_hidden": 2,
    "density": [0.05, 0.3, 1.0],
    "importance": torch.tensor([[1.0, 0.5, 0.2], [1.0, 1.0, 1.0]]),
    "seeds": (3, 7),
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """What is drawn as inputs, in order."""
    seen: list[Tensor] = []
    original = plan.sample

    def recorded(*shape: int, **how) -> Tensor:
        seen.append(original(*shape, **how))
        return seen[-1].clone()

    monkeypatch.setattr(plan, "sample", recorded)
    return seen


def trained(**options) -> TrainedBottleneck:
    """A run of two features in one dimension, unless told otherwise."""
    how = {"activation": "relu", "n_hidden": 1, "density": 0.5, "importance": IMPORTANCE, **options}
    return train_bottleneck(how.pop("activation"), **how)


def loss_of(weights: Tensor, bias: Tensor, x: Tensor, importance: Tensor, activation: str):
    """Of one model (m, n) on inputs (inputs, n), mean over inputs, sum over features."""
    hidden = torch.einsum("mn,bn->bm", weights, x)
    z = torch.einsum("mn,bm->bn", weights, hidden) + bias
    return (importance * (x - ACTIVATIONS[activation](z)) ** 2).sum(-1).mean()


def assert_same(whole: TrainedBottleneck, places: tuple, part: TrainedBottleneck) -> None:
    """Models at the places (A, D, I, S) of the one are those of the other."""
    close = {"rtol": 1e-5, "atol": 1e-5, "equal_nan": True}
    torch.testing.assert_close(whole.weights[places], part.weights, **close)
    torch.testing.assert_close(whole.bias[places], part.bias, **close)
    assert torch.equal(whole.steps[places], part.steps)
    assert torch.equal(whole.diverged[places], part.diverged)
    curves = whole.losses[(slice(None), *places)]
    torch.testing.assert_close(curves[: len(part.losses)], part.losses, **close)
    assert curves[len(part.losses) :].isnan().all()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ALL),
    st.sampled_from([(2, 1), (3, 1), (4, 3), (7, 2)]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([0, 1, 5]),
    st.booleans(),
)
def test_gradients_are_those_of_autograd(
    activation: str,
    sizes: tuple[int, int],
    groups: int,
    rows: int,
    inputs: int,
    empty: int,
    importance_of_each: bool,
) -> None:
    n, m = sizes
    shape = {"generator": torch.Generator().manual_seed(0), "dtype": torch.float64}
    weights = torch.randn(groups, rows, m, n, **shape).requires_grad_()
    bias = torch.randn(groups, rows, n, **shape).requires_grad_()
    of = (groups, rows, n) if importance_of_each else (rows, n)
    importance = torch.rand(of, **shape) + 0.1
    x = torch.rand(groups, inputs, n, **shape) - 0.2
    ours = plan._gradients(
        weights.detach(), bias.detach(), x.mT, empty, importance, ACTIVATIONS[activation]
    )

    whole = torch.cat([x, x.new_zeros(groups, empty, n)], 1)
    losses = torch.stack(
        [
            loss_of(
                weights[g, i],
                bias[g, i],
                whole[g],
                importance.expand(groups, rows, n)[g, i],
                activation,
            )
            for g, i in product(range(groups), range(rows))
        ]
    )
    expected = torch.autograd.grad(losses.sum() / n, (weights, bias))
    torch.testing.assert_close(ours[0].flatten(), losses.detach(), rtol=1e-10, atol=1e-12)
    for one, right in zip(ours[1:], expected, strict=True):
        torch.testing.assert_close(one, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("schedule", [None, warm_cosine(0.3)])
def test_twenty_steps_are_those_of_a_plain_loop(schedule, drawn: list[Tensor]) -> None:
    activations, densities, seeds, m = ["relu", "sigmoid", "solu"], [0.05, 1.0], [5, 6], 1
    options = {"activation": activations, "density": densities, "seeds": seeds}
    start = trained(**options, recipe=STILL)
    drawn.clear()
    changed = {} if schedule is None else {"schedule": schedule}
    recipe = Recipe(steps=20, batch_size=32, weight_decay=0.1, learning_rate=0.003, **changed)
    ours = trained(**options, recipe=recipe)
    assert len(drawn) == len(densities) * len(seeds)
    assert ours.weights.shape == (3, 2, 3, 2, m, 2)
    assert ours.losses.shape == (1, 3, 2, 3, 2)
    for a, d, i, s in product(range(3), range(2), range(3), range(2)):
        weights = start.weights[a, d, i, s].clone().requires_grad_()
        bias = start.bias[a, d, i, s].clone().requires_grad_()
        optimiser = torch.optim.AdamW([weights, bias], lr=0.003, weight_decay=0.1)
        losses = []
        for step, batch in enumerate(drawn[d * len(seeds) + s][:20]):
            for group in optimiser.param_groups:
                group["lr"] = 0.003 * recipe.schedule(step / 20)
            loss = loss_of(weights, bias, batch.mT, IMPORTANCE[i], activations[a])
            optimiser.zero_grad()
            (loss / 2).backward()
            optimiser.step()
            losses.append(loss.item())
        assert (weights - start.weights[a, d, i, s]).abs().max() > 0.01
        close = {"rtol": 0, "atol": 2e-5}
        torch.testing.assert_close(ours.weights[a, d, i, s], weights.detach(), **close)
        torch.testing.assert_close(ours.bias[a, d, i, s], bias.detach(), **close)
        assert ours.losses[0, a, d, i, s].item() == pytest.approx(sum(losses) / 20, rel=1e-4)


@pytest.fixture(scope="module")
def company() -> TrainedBottleneck:
    """Many models, trained together."""
    return trained(**MIXED, recipe=Recipe(steps=30, batch_size=16))


@pytest.mark.parametrize("a", [[0], [1], [0, 2]])
@pytest.mark.parametrize("d", [[0], [2], [0, 1]])
@pytest.mark.parametrize("s", [[1], [0, 1]])
def test_a_model_comes_out_the_same_alone_and_in_company(
    company: TrainedBottleneck, a: list[int], d: list[int], s: list[int]
) -> None:
    few = {
        **MIXED,
        "activation": [["relu", "solu", "sigmoid"][i] for i in a],
        "density": [[0.05, 0.3, 1.0][i] for i in d],
        "seeds": [(3, 7)[i] for i in s],
    }
    part = trained(**few, recipe=Recipe(steps=30, batch_size=16))
    places = torch.meshgrid(*map(torch.tensor, (a, d, [0, 1], s)), indexing="ij")
    assert_same(company, places, part)


def test_a_row_begins_where_it_does_without_the_rows_after_it() -> None:
    importance = torch.ones(9, 2)
    nine = trained(importance=importance, recipe=STILL)
    one = trained(importance=importance[:1], recipe=STILL)
    assert torch.equal(nine.weights[:, :, :1], one.weights)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_neither_threads_nor_parts_make_a_difference(
    n_jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "activation": ["gelu", "tanh"],
        "n_hidden": 2,
        "density": [0.1, 0.4, 1.0],
        "importance": torch.ones(30, 3),
        "seeds": (0, 1),
    }
    recipe = Recipe(steps=5, batch_size=1024)
    before = torch.get_num_threads()
    apart = trained(**options, recipe=recipe, n_jobs=n_jobs)
    assert torch.get_num_threads() == before
    monkeypatch.setattr(plan, "_IN_CACHE", 10**9)
    assert_same(apart, (), trained(**options, recipe=recipe))


def test_densities_are_shared_out_in_order() -> None:
    how = {"n_hidden": 2, "importance": torch.ones(30, 3), "seeds": (0, 1)}
    whole = plan.Plan.of("relu", density=[0.1, 1.0, 0.4], recipe=Recipe(), device="cpu", **how)
    assert [part.densities.tolist() for part in whole.parts()] == [[0.1], [1.0], [0.4]]
    assert len(whole.names) == 3 * 2 * 30
    assert whole.names[-1] == "relu at density 0.4, seed 1, importance row 29"


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    recipe = Recipe(steps=20, batch_size=16)
    first = trained(activation="gelu", seeds=(1, 2), recipe=recipe)
    again = trained(activation="gelu", seeds=(1, 2), recipe=recipe)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.seeds.tolist() == [1, 2]
    assert torch.equal(first.weights, again.weights)
    assert torch.equal(first.bias, again.bias)
    apart = (first.weights[..., 0, :, :] - first.weights[..., 1, :, :]).abs().amax((-2, -1))
    assert (apart > 1e-3).all()
    assert (first.losses[..., 0] != first.losses[..., 1]).all()


def test_every_density_and_seed_has_inputs_of_its_own(drawn: list[Tensor]) -> None:
    trained(density=[0.9, 1.0], seeds=(0, 1), recipe=STILL)
    assert len(drawn) == 4
    for i, j in product(range(4), repeat=2):
        assert torch.equal(drawn[i], drawn[j]) is (i == j)


@pytest.mark.parametrize(("instances", "fans"), [(0, 5 + 2), (20, 2 * 5 + 2 * 20)])
def test_the_weights_start_as_xavier_has_them(instances: int, fans: int) -> None:
    recipe = Recipe(steps=1, batch_size=1, learning_rate=0.0, xavier_instances=instances)
    seeds = range(40)
    each = [plan.initial_weights(seed, 0.5, (100, 2, 5), recipe) for seed in seeds]
    weights = torch.stack(each)
    error = weights.std() / weights.numel() ** 0.5
    assert weights.mean().abs() < 4 * error
    assert weights.std().item() == pytest.approx((2 / fans) ** 0.5, rel=4 / (2 * 40_000) ** 0.5)
    rows = torch.ones(100, 5)
    begun = trained(
        activation=["relu", "tanh"], n_hidden=2, importance=rows, seeds=(3,), recipe=recipe
    )
    for a in range(2):
        assert torch.equal(begun.weights[a, 0, :, 0], each[3])
    assert (begun.bias == 0).all()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_the_recipe_says_what_is_trained_on(
    signed: bool, shared: bool, drawn: list[Tensor]
) -> None:
    trained(recipe=Recipe(steps=2, batch_size=64, signed=signed, shared_mask=shared))
    (x,) = drawn  # (batches, n, inputs)
    assert x.shape[1:] == (2, 64)
    assert (x < 0).any().item() is signed
    active = x != 0
    assert (active[:, 0] == active[:, 1]).all().item() is shared
    assert not (active[..., 0] == active[..., 1]).all()


def test_a_linear_model_keeps_the_more_important_feature() -> None:
    ends = trained(
        activation="linear",
        density=1.0,
        importance=torch.tensor([[1.0, 0.1], [0.1, 1.0]]),
        seeds=(0, 1, 2),
        recipe=Recipe(steps=800, batch_size=128, learning_rate=1e-2),
    )
    gram = (ends.weights.mT @ ends.weights)[0, 0]
    kept = gram.diagonal(dim1=-2, dim2=-1)  # (I, S, n)
    torch.testing.assert_close(kept[0, :, 0], torch.ones(3), rtol=0, atol=0.1)
    torch.testing.assert_close(kept[1, :, 1], torch.ones(3), rtol=0, atol=0.1)
    assert (kept[0, :, 1] < 0.1).all()
    assert (kept[1, :, 0] < 0.1).all()


def test_training_lowers_the_expected_loss() -> None:
    options = {"density": [0.1, 0.7], "seeds": (1, 2, 3)}
    start = trained(**options, recipe=STILL)
    end = trained(**options, recipe=Recipe(steps=300, batch_size=256, learning_rate=1e-2))

    def loss(ends: TrainedBottleneck, d: int) -> Tensor:
        each = IMPORTANCE.double()[:, None].expand(-1, 3, -1)
        density = ends.densities[d].item()
        return expected_loss(
            ends.weights[0, d], ends.bias[0, d], activation="relu", density=density, importance=each
        )

    for d in range(2):
        assert (loss(end, d) < loss(start, d)).all()
        torch.testing.assert_close(end.losses[-1, 0, d].double(), loss(end, d), rtol=0.2, atol=0.01)


@pytest.mark.parametrize("order", [["sigmoid", "relu"], ["relu", "sigmoid"]])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_diverges_is_named_and_the_others_go_on(order: list[str], n_jobs: int) -> None:
    recipe = Recipe(steps=120, batch_size=8, learning_rate=1e10, weight_decay=0.0)
    options = {"density": [0.5, 1.0], "seeds": (0, 4), "recipe": recipe}
    with pytest.warns(RuntimeWarning) as warned:
        ends = trained(activation=order, **options, n_jobs=n_jobs)
    relu, sigmoid = order.index("relu"), order.index("sigmoid")
    said = {str(one.message) for one in warned}
    assert said == {
        f"relu at density {d}, seed {s}, importance row {i}: not finite from step 2 on; "
        "it is left as NaN, the others go on"
        for d, s, i in product(("0.5", "1"), (0, 4), range(3))
    }
    assert ends.diverged[relu].all()
    assert ends.weights[relu].isnan().all()
    assert ends.bias[relu].isnan().all()
    assert (ends.steps[relu] == 2).all()
    assert ends.losses[1:, relu].isnan().all()
    assert_same(ends, ([sigmoid],), trained(activation="sigmoid", **options))
    assert not ends.diverged[sigmoid].any()
    assert ends.weights[sigmoid].isfinite().all()


def test_all_may_diverge() -> None:
    recipe = Recipe(steps=120, batch_size=8, learning_rate=1e30)
    with pytest.warns(RuntimeWarning, match=r"relu at density 0\.5, seed 0: not finite from step"):
        ends = trained(importance=IMPORTANCE[0], recipe=recipe)
    assert ends.diverged.all()
    assert ends.weights.isnan().all()
    assert len(ends.losses) == 1


def test_parts_that_end_apart_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"activation": ["tanh", "relu"], "density": [0.2, 1.0], "seeds": (0, 1)}
    recipe = Recipe(steps=620, batch_size=8, learning_rate=0.01, plateau=Plateau(50, 0.05))
    monkeypatch.setattr(plan, "_IN_CACHE", 1)
    ends = trained(**options, recipe=recipe)
    steps = ends.steps
    assert len(ends.losses) == math.ceil(steps.max().item() / ends.record_every)
    assert len(steps.amax((0, 2, 3)).unique()) == 2  # densities, and so parts, end apart
    assert len(steps.unique()) > 3
    for place in product(*map(range, steps.shape)):
        records = math.ceil(steps[place].item() / ends.record_every)
        curve = ends.losses[(slice(None), *place)]
        assert curve[:records].isfinite().all()
        assert curve[records:].isnan().all()
    monkeypatch.setattr(plan, "_IN_CACHE", 10**9)
    assert_same(ends, (), trained(**options, recipe=recipe))
    for (a, activation), (d, density) in product(
        enumerate(options["activation"]), enumerate(options["density"])
    ):
        alone = trained(activation=activation, density=density, seeds=(1,), recipe=recipe)
        places = slice(a, a + 1), slice(d, d + 1), slice(None), slice(1, 2)
        assert_same(ends, places, alone)


def _solu(z: Tensor) -> Tensor:
    return z * torch.softmax(z, -1)


@pytest.mark.parametrize(
    ("own", "known", "name"),
    [
        (_solu, "solu", "_solu"),
        (lambda z: z.clamp(min=0), "relu", "<lambda>"),
        (Activation(lambda z: z.clamp(min=0), kinks=(0.0,)), "relu", "<lambda>"),
        (Activation(_solu, elementwise=False), "solu", "_solu"),
        (torch.nn.Sigmoid(), "sigmoid", "Sigmoid"),
    ],
)
def test_an_activation_of_ones_own_is_as_good_as_a_known_one(own, known: str, name: str) -> None:
    how = {**MIXED, "activation": [own, known], "recipe": Recipe(steps=30, batch_size=16)}
    ends = trained(**how)
    assert ends.activations == (name, known)
    torch.testing.assert_close(ends.weights[0], ends.weights[1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ends.bias[0], ends.bias[1], rtol=1e-5, atol=1e-6)


def test_the_result_says_what_was_trained() -> None:
    ends = trained(
        activation="silu",
        density=0.25,
        importance=torch.tensor([1.0, 2.0, 3.0]),
        n_hidden=2,
        seeds=(9,),
        recipe=Recipe(steps=101, batch_size=4),
    )
    assert ends.activations == ("silu",)
    assert ends.densities.tolist() == [0.25]
    assert ends.importance.tolist() == [[1.0, 2.0, 3.0]]
    assert ends.weights.shape == (1, 1, 1, 1, 2, 3)
    assert ends.bias.shape == (1, 1, 1, 1, 3)
    assert len(ends.losses) == math.ceil(101 / ends.record_every)
    assert ends.steps.item() == 101
    assert not ends.diverged.any()
    assert ends.seconds > 0

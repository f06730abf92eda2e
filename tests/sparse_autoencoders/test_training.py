"""Autoencoders come out as those of a plain loop, whatever is trained beside them."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import pytest
import torch
from torch import Tensor

from steering_core.sparse_autoencoders import (
    ARCHITECTURES,
    Autoencoders,
    Recipe,
    ground_truth,
    train_autoencoders,
)
from steering_core.sparse_autoencoders import dead as dead_latents

WIDTH, LATENTS, STEPS = 6, 12, 24
SET_K = ("topk", "batch_topk")
BETAS = (0.8, 0.95)
SHORT = Recipe(
    steps=STEPS,
    learning_rate=0.01,
    betas=BETAS,
    warm_up=0.25,
    cool_down=0.25,
    dead="none",
    silent_for=1.0,
    bandwidth=0.5,
)
REDRAWN = replace(SHORT, dead="resample", resample_at=(0.25, 0.5), silent_for=0.1, re_warm=4)


def batches(steps: int = STEPS, size: int = 16, seed: int = 0) -> list[Tensor]:
    """Inputs with a mean that is not 0 and coordinates of several scales."""
    generator = torch.Generator().manual_seed(seed)
    scales = torch.linspace(0.5, 2, WIDTH)
    return [torch.randn(size, WIDTH, generator=generator) * scales + 0.3 for _ in range(steps)]


def level_of(name: str) -> float:
    return 3.0 if name in SET_K else 0.1


def trained(name: str = "relu", activations: Any = None, **options: Any) -> Autoencoders:
    """A short run, unless told otherwise."""
    how = {"n_latents": LATENTS, "penalties": (level_of(name),), "recipe": SHORT}
    given = batches() if activations is None else activations
    return train_autoencoders(given, name, **{**how, **options})


def assert_same(one: Autoencoders, other: Autoencoders, tolerance: float = 1e-4) -> None:
    assert one.parameters.keys() == other.parameters.keys()
    for name, p in one.parameters.items():
        torch.testing.assert_close(
            p, other.parameters[name], rtol=tolerance, atol=tolerance, equal_nan=True
        )
    for name in ("losses", "penalties", "seeds", "scale"):
        torch.testing.assert_close(
            getattr(one, name),
            getattr(other, name),
            rtol=tolerance,
            atol=tolerance,
            equal_nan=True,
        )
    assert torch.equal(one.silent, other.silent)
    assert torch.equal(one.redrawn, other.redrawn)


# The plain way: one model, a module, autograd, Adam.


def surrogate(value: Tensor, differentiable: Tensor) -> Tensor:
    """A number with the gradient of another."""
    return differentiable + (value - differentiable).detach()


class Plain(torch.nn.Module):
    """One autoencoder whose forward pass gives its loss."""

    def __init__(self, name: str, level: float, start: dict[str, Tensor], recipe: Recipe) -> None:
        super().__init__()
        self.name, self.level, self.recipe = name, level, recipe
        self.p = torch.nn.ParameterDict(
            {k: torch.nn.Parameter(v.clone()) for k, v in start.items()}
        )
        self.silent = torch.zeros(LATENTS)

    def gate(self, m: Tensor) -> Tensor:
        b = self.p["b_enc"]
        on = ((m + b > 0) & ((m > 0) | (not self.name.startswith("prolu")))).float()
        if self.name.startswith("relu"):
            return torch.relu(m + b)
        if self.name in ("scsae", "prolu_relu", "prolu_l0"):
            return surrogate(on * m, on * (m + b))
        if self.name == "scsae_multiplied":
            return surrogate(on * m, on * (m + m.detach() * b))
        return surrogate(on * m, on * (m + m.detach() * m + m.detach() * b))  # prolu_ste

    def latents(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and what is penalised, of each input."""
        p, width = self.p, self.recipe.bandwidth
        m = (x - p["b_dec"]) @ p["w_enc"]
        z, norms = m + p["b_enc"], p["w_dec"].norm(dim=1)
        none = torch.zeros(len(x))
        if self.name == "gated":
            gate = torch.relu(z)
            amount = torch.relu(m * p["r_mag"].exp() + p["b_mag"])
            return amount * (z > 0), gate.sum(1)
        if self.name == "jumprelu":
            t = p["log_threshold"].exp()
            on, near = (z > t).float(), ((z - t).abs() < width / 2).float()
            out = surrogate(on * z, on.detach() * z - t.detach() / width * near * t)
            return out, surrogate(on, -near * t / width).sum(1)
        if self.name in SET_K:
            positive = torch.relu(z)
            k = int(self.level)
            if self.name == "topk":
                least = positive.sort(1, descending=True).values[:, k - 1 : k]
            else:
                least = positive.flatten().sort(descending=True).values[k * len(x) - 1]
            return positive * (positive >= least), none
        f = self.gate(m)
        if self.name == "prolu_l0":
            near = (z.abs() < width / 2).float()
            return f, surrogate((z > 0).float(), near * p["b_enc"] / width).sum(1)
        if self.name == "relu_sqrt":
            return f, ((f * norms + 1e-4).sqrt() - 1e-2).sum(1)
        return f, (f.abs() * norms).sum(1)

    def forward(self, x: Tensor) -> Tensor:
        p = self.p
        f, penalised = self.latents(x)
        residual = self.recipe.target_scale * x - (f @ p["w_dec"] + p["b_dec"])
        loss = (residual**2).sum(1).mean()
        if self.name not in SET_K:
            loss = loss + self.level * penalised.mean()
        z = (x - p["b_dec"]) @ p["w_enc"] + p["b_enc"]
        if self.name == "gated":
            by_gate = torch.relu(z) @ p["w_dec"].detach() + p["b_dec"].detach()
            loss = loss + ((self.recipe.target_scale * x - by_gate) ** 2).sum(1).mean()
        self.silent = torch.where((f != 0).any(0), 0, self.silent + 1)
        dead = self.silent >= self.recipe.silent_steps
        return loss + self.about_the_dead(z, residual.detach(), dead)

    def about_the_dead(self, z: Tensor, residual: Tensor, dead: Tensor) -> Tensor:
        if not dead.any():
            return torch.zeros(())
        if self.name in SET_K:
            its = torch.relu(z[:, dead])
            values, places = its.topk(min(WIDTH // 2, its.shape[1]), 1)
            f = torch.zeros_like(its).scatter(1, places, values)
            error = (residual - f @ self.p["w_dec"][dead]) ** 2
            return self.recipe.auxiliary * error.sum(1).mean()
        if self.recipe.dead != "ghost":
            return torch.zeros(())
        ghost = z[:, dead].exp() @ self.p["w_dec"][dead]
        scale = residual.norm(dim=1, keepdim=True) / 2 / ghost.norm(dim=1, keepdim=True)
        left = ((residual - scale.detach() * ghost) ** 2).sum(1).mean()
        return left * ((residual**2).sum(1).mean() / left).detach()


def start_of(name: str, recipe: Recipe, seed: int = 0) -> dict[str, Tensor]:
    """Parameters before any step."""
    still = replace(recipe, steps=1, learning_rate=0.0, dead="none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        ends = trained(name, batches(1), recipe=still, seeds=(seed,))
    return {one: p[0] for one, p in ends.parameters.items() if one != "threshold"}


def plainly(
    name: str, level: float, recipe: Recipe, given: list[Tensor], seed: int = 0
) -> tuple[Plain, list[float]]:
    """The plain loop: the module as it ends, and the losses."""
    model = Plain(name, level, start_of(name, recipe, seed), recipe)
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, betas=recipe.betas)
    first = torch.cat(given[: min(32, recipe.steps)])
    scale = WIDTH**0.5 / first.norm(dim=1).mean()
    losses = []
    for taken, x in enumerate(given[: recipe.steps]):
        up = (taken + 1) / (recipe.warm_up * recipe.steps)
        down = (recipe.steps - taken) / (recipe.cool_down * recipe.steps)
        optimiser.param_groups[0]["lr"] = recipe.learning_rate * min(1.0, up, down)
        loss = model(x * scale)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if recipe.decoder == "unit" or name in (*SET_K, "gated"):
            with torch.no_grad():
                rows = model.p["w_dec"]
                rows.div_(rows.norm(dim=1, keepdim=True))
    return model, losses


def assert_as_plain(
    name: str, ends: Autoencoders, recipe: Recipe, given: list[Tensor], place: int = 0
) -> Plain:
    level, seed = ends.penalties[place].item(), int(ends.seeds[place])
    model, losses = plainly(name, level, recipe, given, seed)
    for one, p in model.p.items():
        torch.testing.assert_close(ends.parameters[one][place], p.detach(), rtol=1e-4, atol=1e-4)
    assert ends.losses[0, place].item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    return model


@pytest.mark.parametrize("steps", [1, STEPS])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_trained_as_by_a_plain_loop(name: str, steps: int) -> None:
    recipe, given = replace(SHORT, steps=steps), batches()
    ends = trained(name, given, recipe=recipe, seeds=(0, 4))
    for place in range(2):
        assert_as_plain(name, ends, recipe, given, place)
    moved = (ends.parameters["w_enc"][0] - start_of(name, recipe)["w_enc"]).abs().max()
    assert moved > 5e-3 if steps == 1 else moved > 0.05


@pytest.mark.parametrize(
    "changed",
    [
        {"decoder": "unit"},
        {"target_scale": 0.5},
        {"initial_bias": -0.4},
        {"betas": (0.9, 0.999), "learning_rate": 0.003},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["relu", "prolu_relu", "jumprelu"])
def test_what_the_recipe_says_is_done(name: str, changed: dict[str, Any]) -> None:
    recipe = replace(SHORT, **changed)
    assert_as_plain(name, trained(name, recipe=recipe), recipe, batches())
    if "decoder" in changed:
        norms = trained(name, recipe=recipe).parameters["w_dec"].norm(dim=-1)
        torch.testing.assert_close(norms, torch.ones_like(norms))


def test_a_gate_learns_to_reconstruct_the_target_too() -> None:
    """What is to be reconstructed is `target_scale` times the input, by both paths of Gated."""
    recipe = replace(SHORT, target_scale=0.5)
    assert_as_plain("gated", trained("gated", recipe=recipe), recipe, batches())


def test_ghosts_haunt_as_by_a_plain_loop() -> None:
    recipe = replace(SHORT, dead="ghost", initial_bias=-1.5, silent_for=2 / STEPS)
    model = assert_as_plain("relu", trained(recipe=recipe), recipe, batches())
    without = trained(recipe=replace(recipe, dead="none"))
    assert not torch.allclose(without.parameters["w_dec"][0], model.p["w_dec"], atol=1e-3)


def test_topk_has_its_auxiliary_loss_whatever_is_said_about_the_dead() -> None:
    for name in SET_K:
        for dead in ("none", "resample", "ghost"):
            recipe = replace(SHORT, silent_for=1 / STEPS, auxiliary=0.5, dead=dead)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                # With k = 1 the first gradient is zero but for rounding, which Adam makes large.
                ends = trained(name, recipe=recipe, penalties=(2.0,))
            model = assert_as_plain(name, ends, replace(recipe, dead="none"), batches())
            assert not ends.redrawn.any()
        without, _ = plainly(name, 2.0, replace(recipe, auxiliary=0.0), batches())
        assert not torch.allclose(without.p["w_enc"], model.p["w_enc"], atol=1e-3)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_encoders_begin_as_transposes_of_decoders_of_norm_one(name: str) -> None:
    start = start_of(name, replace(SHORT, initial_bias=-0.25))
    torch.testing.assert_close(start["w_enc"], start["w_dec"].T)
    torch.testing.assert_close(start["w_dec"].norm(dim=1), torch.ones(LATENTS))
    assert start["b_enc"].tolist() == [-0.25] * LATENTS
    assert not start["b_dec"].any()
    other = start_of(name, SHORT, seed=1)
    assert (start["w_dec"] - other["w_dec"]).abs().max() > 0.1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_comes_out_the_same_alone_and_in_company(name: str) -> None:
    levels = (1.0, 3.0, 5.0) if name in SET_K else (0.0, 0.1, 0.4)
    whole = trained(name, penalties=levels, seeds=(4, 0))
    assert len(whole) == 6
    assert whole.penalties.tolist() == pytest.approx([one for one in levels for _ in range(2)])
    assert whole.seeds.tolist() == [4, 0] * 3
    for place in (1, 2, 5):
        alone = trained(name, penalties=(levels[place // 2],), seeds=(int(whole.seeds[place]),))
        assert_same(whole.pick(place), alone)
    apart = [torch.cat([p[i].flatten() for p in whole.parameters.values()]) for i in range(6)]
    for i, one in enumerate(apart):
        assert all((one - other).abs().max() > 1e-3 for other in apart[:i])


@pytest.mark.parametrize("name", ["relu", "prolu_relu", "gated", "jumprelu"])
def test_also_through_drawing_latents_anew(name: str) -> None:
    recipe, given = replace(REDRAWN, initial_bias=-2.0), batches(size=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        whole = trained(name, given, penalties=(0.05, 0.4), seeds=(3, 0), recipe=recipe)
        assert (whole.redrawn > 0).all()
        for place in range(4):
            level, seed = (0.05, 0.4)[place // 2], (3, 0)[place % 2]
            alone = trained(name, given, penalties=(level,), seeds=(seed,), recipe=recipe)
            assert_same(whole.pick(place), alone)


@pytest.mark.parametrize("name", ["relu", "topk", "batch_topk"])
@pytest.mark.parametrize("n_jobs", [2, 8])
def test_threads_make_no_difference(name: str, n_jobs: int) -> None:
    how: dict[str, Any] = {
        "penalties": (2.0, 3.0) if name in SET_K else (0.0, 0.2),
        "seeds": (0, 1, 2),
        "recipe": replace(REDRAWN, initial_bias=-0.8),
    }
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        one, several = trained(name, **how), trained(name, **how, n_jobs=n_jobs)
        if n_jobs > 6:
            several = trained(name, **{**how, "seeds": (0,)}, n_jobs=n_jobs)
            one = one.pick(0, 3)
    assert_same(several, one)
    assert torch.get_num_threads() == threads


def test_seeds_decide_and_the_global_generator_is_left_alone() -> None:
    how: dict[str, Any] = {"seeds": (1, 2), "recipe": replace(REDRAWN, initial_bias=-0.8)}
    tensor = torch.cat(batches())
    before = torch.get_rng_state()
    first = trained("relu", tensor, **how)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    again = trained("relu", tensor, **how)
    torch.set_rng_state(before)
    assert_same(first, again, 0.0)


def test_a_tensor_or_a_stream_may_be_given() -> None:
    same = torch.linspace(-1, 2, WIDTH).expand(40, WIDTH)
    by_tensor = trained("relu", same, batch_size=16)
    by_stream = trained("relu", (one for one in [same[:16]] * STEPS))
    assert_same(by_tensor, by_stream)
    truth = ground_truth(8, WIDTH, densities=(0.1, 0.4))
    by_truth = trained("relu", truth.stream(16, seed=2))
    by_list = trained("relu", list(islice(truth.stream(16, seed=2), STEPS + 3)))
    assert_same(by_truth, by_list)


def test_batches_of_a_tensor_are_drawn_from_all_of_it() -> None:
    """Every input is a latent's own, so that none that was never drawn is known."""
    inputs = 3 * torch.eye(WIDTH)
    recipe = replace(SHORT, steps=300, learning_rate=0.02)
    ends = trained("relu", inputs, recipe=recipe, penalties=(0.0,), batch_size=8)
    torch.testing.assert_close(ends(inputs)[0], inputs, rtol=0, atol=0.15)
    few = trained("relu", torch.cat(batches()), batch_size=2)
    many = trained("relu", torch.cat(batches()), batch_size=64)
    assert not torch.allclose(few.losses, many.losses)


@pytest.mark.parametrize("name", ["relu", "prolu_relu", "jumprelu", "topk"])
def test_planted_features_are_found(name: str) -> None:
    truth = ground_truth(8, 10, densities=(0.1, 0.2), noise=0.01, overlap=0.0)
    steps = 1_500 if name == "jumprelu" else 600
    recipe = Recipe(steps=steps, learning_rate=0.01, betas=(0.9, 0.99), re_warm=20, bandwidth=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # there are more latents than features
        ends = train_autoencoders(
            truth.stream(32),
            name,
            n_latents=16,
            penalties={"topk": (2.0,), "jumprelu": (1.0,)}.get(name, (0.2,)),
            recipe=recipe,
        )
    rows = torch.nn.functional.normalize(ends.parameters["w_dec"][0], dim=1)
    cosines = (truth.directions @ rows.T).amax(1)
    assert cosines.min() > 0.95


@pytest.mark.parametrize("name", ["relu", "prolu_relu", "topk"])
def test_units_of_the_activations_do_not_matter(name: str) -> None:
    given = batches()
    one = trained(name, given)
    for factor in (100.0, 0.01):
        other = trained(name, [factor * x for x in given])
        for key, p in one.parameters.items():
            torch.testing.assert_close(other.parameters[key], p, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(other.losses, one.losses, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(
            other(factor * given[0]) / factor, one(given[0]), rtol=1e-3, atol=1e-3
        )


def test_with_std_units_of_each_coordinate_do_not_matter() -> None:
    given, factors = batches(), torch.tensor([0.01, 1.0, 30.0, 1.0, 5.0, 0.2])
    recipe = replace(SHORT, normalise="std")
    one = trained("relu", given, recipe=recipe)
    other = trained("relu", [factors * x for x in given], recipe=recipe)
    for key, p in one.parameters.items():
        torch.testing.assert_close(other.parameters[key], p, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(
        other(factors * given[0]) / factors, one(given[0]), rtol=1e-3, atol=2e-3
    )


def test_activations_are_divided_by_what_is_said() -> None:
    given = batches(40)
    first = torch.cat(given)
    l2 = trained("relu", given, recipe=replace(SHORT, steps=40)).scale
    # the mean norm is that of the first batches, which is near that of all
    assert (first * l2).norm(dim=1).mean().item() == pytest.approx(WIDTH**0.5, rel=0.02)
    assert l2.unique().numel() == 1
    std = trained("relu", given, recipe=replace(SHORT, normalise="std", steps=40)).scale
    torch.testing.assert_close((first * std).std(0), torch.ones(WIDTH), rtol=0.05, atol=0)
    none = trained("relu", given, recipe=replace(SHORT, normalise="none")).scale
    assert none.tolist() == [1] * WIDTH


@pytest.mark.parametrize(
    ("normalise", "factor"), [("l2", 1.0), ("std", 1.0), ("none", 1.0), ("l2", 0.5), ("std", 0.5)]
)
def test_outputs_are_in_units_of_the_activations(normalise: str, factor: float) -> None:
    recipe = Recipe(
        steps=200,
        learning_rate=0.03,
        normalise=normalise,  # pyright: ignore[reportArgumentType]
        dead="none",
        target_scale=factor,
    )
    given = [4 * x for x in batches(200, 32)]
    ends = train_autoencoders(given, "relu", n_latents=16, penalties=(0.0,), recipe=recipe)
    x = given[-1]
    error = (ends(x)[0] - factor * x).square().sum() / (factor * x).square().sum()
    assert error < 0.05


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("row", [0, 5, 29])
def test_a_row_of_a_tensor_that_is_not_finite_is_named(row: int, bad: float) -> None:
    inputs = torch.ones(30, WIDTH)
    inputs[row, 2] = bad
    expected = rf"^activations: got a number that is not finite in row {row}; allowed are finite"
    with pytest.raises(ValueError, match=expected):
        trained("relu", inputs)


@pytest.mark.parametrize(("batch", "row"), [(0, 3), (1, 0), (20, 7), (35, 15)])
def test_a_row_of_a_later_batch_that_is_not_finite_is_named(batch: int, row: int) -> None:
    given = batches(40)
    given[batch][row, 1] = float("nan")
    given[batch][15, 1] = float("nan")
    expected = rf"^activations: got a number that is not finite in row {16 * batch + row}; allowed"
    with pytest.raises(ValueError, match=expected):
        trained("relu", given, recipe=replace(SHORT, steps=40))
    # what is never read is not looked at
    if batch == 35:
        trained("relu", given, recipe=replace(SHORT, steps=35))


def test_a_later_batch_of_another_width_is_named() -> None:
    given = [*batches(3), torch.ones(16, WIDTH + 1), *batches(40)]
    with pytest.raises(ValueError, match=r"^activations: got shape \(16, 7\); allowed is \(inputs"):
        trained("relu", given)


@pytest.mark.parametrize("count", [1, 23])
def test_too_few_batches_are_named(count: int) -> None:
    with pytest.raises(ValueError, match=rf"got {count}; allowed are at least as many .* 24"):
        trained("relu", batches(count))


def test_no_batches_are_named() -> None:
    with pytest.raises(ValueError, match=r"^activations: got no batch; allowed is one a step"):
        trained("relu", [])


def test_batches_are_not_read_beyond_the_steps() -> None:
    """An endless stream, and no more batches than steps."""
    read: list[int] = []
    endless = (read.append(1) or x for x in chain(batches(), batches()))
    trained("relu", endless)
    assert len(read) == STEPS


def test_what_was_given_is_left_alone() -> None:
    given = batches()
    before = [x.clone() for x in given]
    trained("relu", given)
    assert all(torch.equal(one, other) for one, other in zip(given, before, strict=True))


STORM = r"^relu, penalty 0\.1, seed {seed}: {share} of latents are dead; a lower penalty"


def test_a_storm_is_reported() -> None:
    recipe = replace(SHORT, initial_bias=-50.0, silent_for=0.5)
    with pytest.warns(RuntimeWarning, match=STORM.format(seed=0, share="100%")):
        ends = trained("relu", recipe=recipe)
    assert (ends.silent == STEPS).all()


def test_a_storm_is_more_than_half_of_the_latents() -> None:
    """Nothing learns; the latents that a single input does not turn on are dead."""
    x = torch.linspace(-1, 2, WIDTH).expand(4, WIDTH)
    recipe = replace(SHORT, learning_rate=0.0, steps=3, silent_for=1.0)
    with pytest.warns(RuntimeWarning) as warned:
        ends = trained("relu", [x] * 3, recipe=recipe, seeds=range(12))
    dead = (ends.parameters["w_dec"] @ x[0] <= 0).float().mean(1).tolist()
    assert 0.5 in dead
    assert (ends.silent == 3).float().mean(1).tolist() == dead
    expected = [seed for seed, share in enumerate(dead) if share > 0.5]
    assert 0 < len(expected) < 12
    said = [int(str(one.message).split("seed ")[1].split(":")[0]) for one in warned]
    assert said == expected


def test_latents_are_drawn_anew_at_inputs_just_seen() -> None:
    """The drawing is the last thing that happens."""
    recipe = replace(REDRAWN, resample_at=(1.0,), initial_bias=-2.2, warm_up=0.0, cool_down=0.0)
    given = batches()
    ends = trained("relu", given, recipe=recipe)
    count = int(ends.redrawn)
    p = {name: value[0] for name, value in ends.parameters.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        before = trained("relu", given, recipe=replace(recipe, dead="none"))
    dead = before.silent[0] >= recipe.silent_steps
    assert 0 < count == int(dead.sum()) < LATENTS
    assert (p["b_enc"] == 0).tolist() == dead.tolist()
    assert not ends.silent[0][dead].any()
    rows = torch.nn.functional.normalize(torch.cat(given[-16:]) * ends.scale - p["b_dec"], dim=1)
    nearest = (p["w_dec"][dead] @ rows.T).amax(1)
    torch.testing.assert_close(nearest, torch.ones(count), rtol=0, atol=1e-5)
    alive = before.parameters["w_dec"][0][~dead]
    torch.testing.assert_close(p["w_dec"][~dead], alive, rtol=1e-5, atol=1e-6)


def test_where_a_target_is_scaled_latents_are_drawn_where_it_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr(
        dead_latents, "resample", lambda step, dead, inputs, errors, *rest: seen.append(errors)
    )
    recipe = replace(
        REDRAWN, steps=1, learning_rate=0.0, resample_at=(1.0,), silent_for=1.0, target_scale=0.5
    )
    x = batches(1)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        ends = trained("relu", [x], recipe=recipe)
    missed = ends.scale * (0.5 * x - ends(x)[0])
    torch.testing.assert_close(seen[0][0], missed.square().sum(1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_who_diverges_is_named_and_the_others_go_on(n_jobs: int) -> None:
    recipe = replace(SHORT, steps=60)
    given = batches(60)
    alone = trained("relu", given, recipe=recipe, penalties=(0.1,), seeds=(0, 1))
    with pytest.warns(RuntimeWarning) as warned:
        ends = trained(
            "relu", given, recipe=recipe, penalties=(1e38, 0.1), seeds=(0, 1), n_jobs=n_jobs
        )
    said = sorted(str(one.message) for one in warned)
    assert [re.sub(r"step \d+ on.*", "", one) for one in said] == [
        f"relu, penalty 1e+38, seed {seed}: not finite from " for seed in (0, 1)
    ]
    assert ends.diverged == [True, True, False, False]
    assert all(p[:2].isnan().all() for p in ends.parameters.values())
    assert ends.losses[1, :2].isnan().all()
    for place in range(2):
        one, other = ends.pick(2 + place), alone.pick(place)
        assert_same(one, other)


def test_threads_of_which_one_has_none_left_are_joined() -> None:
    """Where all models of a thread diverge it stops early; its curves are as long as the others."""
    recipe = replace(SHORT, steps=120)
    given = batches(120)
    how: dict[str, Any] = {"recipe": recipe, "penalties": (1e38, 0.1)}
    with pytest.warns(RuntimeWarning, match="not finite"):
        one = trained("relu", given, **how)
    with pytest.warns(RuntimeWarning, match="not finite"):
        two = trained("relu", given, **how, n_jobs=2)
    assert_same(one, two)


def test_who_diverges_when_latents_are_drawn_leaves_the_others_alone() -> None:
    """One model's errors are no numbers at the step at which all draw dead latents anew."""
    recipe = replace(REDRAWN, steps=60, resample_at=(2 / 60,), silent_for=0.0, initial_bias=-1.2)
    given = [0.001 * x for x in batches(60)]
    given[0] = given[0] * 1e30
    with pytest.warns(RuntimeWarning, match="not finite"):
        ends = trained("relu", given, recipe=replace(recipe, normalise="none"))
    assert ends.diverged == [True]


def test_latents_that_can_be_drawn_nowhere_do_not_stop_the_run() -> None:
    """Where inputs are all 0 nothing is badly reconstructed, and everything is dead."""
    with pytest.warns(RuntimeWarning, match="100% of latents are dead"):
        ends = trained("relu", torch.zeros(40, WIDTH), recipe=REDRAWN)
    assert not ends.diverged[0]


def test_silence_is_counted_in_steps_since_a_latent_last_fired() -> None:
    x = torch.linspace(-1, 2, WIDTH)
    given = [x.expand(4, WIDTH)] * 5 + [-x.expand(4, WIDTH)] * 3
    recipe = replace(SHORT, learning_rate=0.0, steps=8)
    ends = trained("relu", given, recipe=recipe)
    on = ends.parameters["w_dec"][0] @ x > 0
    assert ends.silent[0].tolist() == [3 if one else 0 for one in on.tolist()]
    assert not ends.redrawn.any()


def test_the_result_says_what_was_trained() -> None:
    recipe = replace(SHORT, steps=101)
    ends = trained("gated", batches(101), recipe=recipe, penalties=(0.1, 0.2), seeds=(9, 2, 7))
    assert ends.architecture == "gated"
    assert ends.recipe == recipe
    assert (len(ends), ends.width, ends.n_latents) == (6, WIDTH, LATENTS)
    assert ends.parameters["w_enc"].shape == (6, WIDTH, LATENTS)
    assert ends.parameters["r_mag"].shape == (6, LATENTS)
    assert ends.losses.shape == (3, 6)
    assert ends.losses.isfinite().all()
    assert ends.seconds > 0
    assert ends.diverged == [False] * 6
    assert trained().recipe == SHORT


def test_batch_topk_has_the_mean_of_recent_cuts_as_its_threshold() -> None:
    recipe = replace(SHORT, learning_rate=0.0)
    given = batches()
    ends = trained("batch_topk", given, recipe=recipe, penalties=(2.0, 5.0))
    assert ends.parameters["threshold"].shape == (2,)
    for place, k in enumerate((2, 5)):
        cuts = []
        for x in given[-16:]:
            z = torch.relu(x * ends.scale @ ends.parameters["w_enc"][place])
            cuts.append(z.flatten().sort(descending=True).values[k * len(x)])
        expected = torch.stack(cuts).mean()
        torch.testing.assert_close(ends.parameters["threshold"][place], expected)
    mean = (ends.encode(torch.cat(given)) > 0).float().sum(-1).mean(1)
    assert mean.tolist() == pytest.approx([2, 5], rel=0.1)

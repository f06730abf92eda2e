"""The numbers of the chapter on the bias: against sums by hand, planted latents, planted faults."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from steering_core.publishing.claims import Measured
from steering_core.sparse_autoencoders import bias_measures as measures
from steering_core.sparse_autoencoders import bias_runs as runs
from steering_core.sparse_autoencoders import gates
from steering_core.sparse_autoencoders.bias_claims import CLAIMS
from steering_core.sparse_autoencoders.least_error import Situation
from steering_core.sparse_autoencoders.one_latent import TrainedLatents
from steering_core.sparse_autoencoders.response import Fitted

Parts = dict[str, Measured]
CLOSED: dict[str, Callable[[], Parts]] = {
    "IV-1": measures.noise_free,
    "IV-2": measures.one_magnitude,
    "IV-3": measures.other_magnitude,
    "IV-4": measures.drafted_formulas,
    "IV-7": measures.gate_identities,
    "IV-8": measures.no_gradient,
}
CELLS = list(itertools.product((0.5, 1.0, 2.0, 4.0), (0.0, 0.1, 0.25, 0.5, 0.9)))


def claimed(id: str) -> Any:
    return next(one for one in CLAIMS if one.id == id)


def values(parts: Parts) -> dict[str, float]:
    return {name: part.value for name, part in parts.items()}


@pytest.mark.parametrize("id", CLOSED)
def test_every_part_of_a_claim_is_measured(id: str) -> None:
    assert set(CLOSED[id]()) == set(claimed(id).parts)


def test_what_is_exact_says_so_and_counts_its_settings() -> None:
    for id in ("IV-1", "IV-2", "IV-3", "IV-4", "IV-7"):
        assert all(part.exact for part in CLOSED[id]().values())
    assert measures.noise_free()["error"].n == 4
    assert {n for _, n in measures.CELLS} == {s * share for s, share in CELLS}
    drafted = measures.drafted_formulas()
    assert (drafted["law"].n, drafted["only_at_one"].n, drafted["example"].n) == (20, 5, 1)


def test_errors_of_the_drafted_formulas_are_those_by_hand() -> None:
    got = values(measures.drafted_formulas())
    gaps = [(3 * s * abs(s - 1), 3 * abs(s * s - 1), s * (1 - share)) for s, share in CELLS]
    assert got["vector"] == pytest.approx(max(one / room for one, _, room in gaps))
    assert got["unit"] == pytest.approx(max(other / room for _, other, room in gaps))
    assert max(got["law"], got["only_at_one"]) < 1e-9
    assert got["example"] == pytest.approx(4.667 - 14 / 3)


def test_the_identity_of_the_gate_misses_by_q_times_what_s_lacks() -> None:
    got = values(measures.gate_identities())
    assert got["adds"] == pytest.approx(3 * (4 - 1))
    assert max(got["law"], got["adds_at_one"], got["slope"]) < 1e-9
    assert got["negative"] == -0.5


def faulty(right: Callable[..., Any], extra: float) -> Callable[..., Any]:
    """A response that is too large in deep noise, and between s and 2 s comes to be so."""

    def wrong(magnitude: Any, *, fitted_magnitude: float, noise: float, **kind: Any) -> Any:
        out = right(magnitude, fitted_magnitude=fitted_magnitude, noise=noise, **kind)
        m = np.asarray(magnitude)
        return out + extra * (np.clip(m / fitted_magnitude - 1, 0, 1) + (m < -0.8 * noise))

    return wrong


def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "response", faulty(measures.response, 0.25))
    assert measures.noise_free()["error"].value == pytest.approx(0.25)
    one = values(measures.one_magnitude())
    assert one["at_noise"] == pytest.approx(0.25)
    assert one["at_fitted"] == pytest.approx(0.0)
    other = values(measures.other_magnitude())
    assert other["example"] == pytest.approx(0.25)
    assert other["slope"] == pytest.approx(0.25 / 0.5)
    assert measures.drafted_formulas()["law"].value == pytest.approx(0.25)
    gate = values(measures.gate_identities())
    assert gate["law"] == pytest.approx(0.25)
    assert gate["slope"] >= 0.25 / 0.5 - 1e-9


def test_an_answer_that_misses_the_fitted_magnitude_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = measures.response
    monkeypatch.setattr(
        measures, "response", lambda *args, **setting: 1.1 * right(*args, **setting)
    )
    got = values(measures.one_magnitude())
    assert (got["at_fitted"], got["at_noise"]) == (pytest.approx(0.1 * 4), 0)
    monkeypatch.setattr(measures, "fit", lambda s, n: Fitted(2.3, -1.4))
    assert measures.one_magnitude()["example"].value == pytest.approx(0.5)


def test_slopes_are_taken_on_either_side_of_the_threshold() -> None:
    above, below = runs.slopes(lambda m: np.where(m > 0.5, m**2, -3 * m), 1.0, 0.5)
    np.testing.assert_allclose(below, -3)
    assert (above[0], above[-1]) == (pytest.approx(1.002), pytest.approx(20))


def hand_made(target: str, penalty: float, *ends: tuple[float, float, float, float]) -> Any:
    """Latents as though trained: s, n, norm and bias of each."""
    return TrainedLatents(
        tuple(Fitted(w, b) for _, _, w, b in ends),
        tuple(Situation(s, s, n) for s, n, _, _ in ends),
        torch.zeros(1, len(ends)),
        "relu",
        target,  # pyright: ignore[reportArgumentType]
        penalty,
    )


ONE, OTHER = (1.0, 0.5, 2.0, -1.0), (1.0, 0.5, 3.0, -2.0)
CLEAN = hand_made("clean", 0.0, ONE, OTHER, (2.0, 1.0, 2.0, -2.0), (2.0, 1.0, 2.2, -2.4))
NOISY = hand_made("noisy", 0.2, (1.0, 0.5, 1.01, -0.1), (2.0, 0.5, 0.98, -0.13))


def test_trained_norms_are_compared_as_the_rules_say() -> None:
    got = measures.found_by_training(CLEAN, NOISY)
    assert set(got) == set(claimed("IV-5").parts) - {"explained"}
    expected = {
        "clean": 0.5,
        "noisy": 1 - 1.01 / 2,
        "family": 0.0,
        "norms": (1.5 + 1.1) / 2,
        "norm_one": 0.02,
        "half_penalty": 0.03,
    }
    assert values(got) == pytest.approx(expected, abs=1e-12)
    assert (got["clean"].n, got["noisy"].n) == (4, 2)


def test_an_error_counts_over_the_power_of_its_own_situation() -> None:
    off = hand_made("clean", 0.0, ONE, (1.0, 0.5, 1.0, -5.0), (4.0, 1.0, 1.0, -1.0), ONE)
    situations = [(s, s) for s in (1.0, 1.0, 4.0, 1.0)]
    ends = runs.ends_table(off)
    assert ends["power"].tolist() == pytest.approx([0.1 * s * t for s, t in situations])
    assert ends["error"].tolist() == pytest.approx([0, 0.1, 0.1, 0])  # 3 for 4: a square of 1
    assert ends["drafted"].tolist() == pytest.approx([2, 2, 4 / 3, 2])


def test_training_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="clean, noisy: got targets noisy, clean"):
        measures.found_by_training(NOISY, CLEAN)
    lonely = hand_made("clean", 0.0, ONE, OTHER, (2.0, 1.0, 2.0, -2.0))
    with pytest.raises(ValueError, match="one start"):
        measures.found_by_training(lonely, NOISY)
    wide = TrainedLatents(
        (Fitted(1.0, 0.0),), (Situation(0.5, 1.5, 0.1),), torch.zeros(1, 1), "relu", "clean", 0.0
    )
    with pytest.raises(ValueError, match="vary"):
        runs.ends_table(wide)


def test_descent_ends_where_it_was_derived_to() -> None:
    ends: Any = runs.ends_table(runs.clean_latents()).assign(start=runs.STARTS * 6)
    assert (ends["weight"] * ends["s"] + ends["bias"] - ends["s"]).abs().max() < 0.02
    longest = ends[ends["start"] == 4].set_index(["s", "n"])["weight"]
    shortest = ends[ends["start"] == 0.5].set_index(["s", "n"])["weight"]
    assert (longest > shortest + 0.1).sum() >= 5
    noisy = runs.noisy_latents(penalty=0.15)  # lambda/2 is below all noises
    for latent in noisy.latents:
        assert (latent.weight, latent.bias) == pytest.approx((1.0, -0.075), abs=2e-3)


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    least = pd.DataFrame(
        {
            "r": [0.0, 0.1, 0.2, 0.0, 0.1],
            "n": [0.1, 0.1, 0.1, 0.2, 0.2],
            "power": [0.1, 0.2, 0.4, 0.1, 0.2],
            "relu": [0.0, 0.02, 0.02, 1e-12, 0.04],
            "scsae": [0.0, 0.0, 4e-9, 0.0, 0.0],
        }
    )
    trained = pd.DataFrame(
        {
            "gate": ["relu", "relu", "scsae", "scsae_multiplied"],
            "error": [0.021, 0.022, 0.001, 9.0],
            "relu": [0.02, 0.02, 0.02, 0.02],
        }
    )
    return least, trained


def test_latents_that_fell_silent_are_told_from_those_that_hear() -> None:
    ends = pd.DataFrame(
        {
            "s": 1.0,
            "n": 0.5,
            "start": [1.0, 2.0, 4.0],
            "weight": [1.01, 2.0, 2.5],
            "bias": [-0.08, -1.0, -1.5],
        }
    )
    row = runs.resting_places({0.1: ends}).iloc[0]
    assert row.tolist() == pytest.approx([0.1, 3, 2, 2, 0.01, 0.03])


def test_variable_magnitudes_by_hand() -> None:
    got = measures.variable_magnitudes(*tables())
    expected = {
        "relu_spread": (0.05, 3),
        "relu_binary": (1e-11, 2),
        "scsae": (1e-8, 5),
        "relu_trained": (1.1, 2),
        "scsae_trained": (0.05, 1),
    }
    assert {name: (pytest.approx(part.value), part.n) for name, part in got.items()} == expected
    assert set(got) == set(claimed("IV-6").parts)


@pytest.mark.parametrize("missing", ["r > 0", "r = 0", "relu", "scsae"])
def test_a_table_that_lacks_rows_is_named(missing: str) -> None:
    least, trained = tables()
    if missing.startswith("r "):
        least = least[(least["r"] > 0) != (missing == "r > 0")]
    else:
        trained = trained[trained["gate"] != missing]
    with pytest.raises(ValueError, match=f"no rows of {missing}"):
        measures.variable_magnitudes(least, trained)


def test_the_least_error_is_that_of_a_search_on_a_grid() -> None:
    (row,) = runs.least_errors((0.4,), (0.3,)).to_dict("records")
    magnitudes, noise = np.linspace(0.6, 1.4, 401), np.linspace(-0.3, 0.3, 401)
    w, b = np.meshgrid(np.linspace(1, 1.6, 61), np.linspace(-0.6, 0, 61))
    w, b = w[..., None], b[..., None]
    active = ((np.maximum(w * magnitudes + b, 0) - magnitudes) ** 2).mean(-1)
    searched = (0.1 * active + 0.9 * (np.maximum(w * noise + b, 0) ** 2).mean(-1)).min()
    assert row["relu"] == pytest.approx(searched, rel=0.03)
    assert row["power"] == pytest.approx(0.1 * (1 + 0.4**2 / 3))
    assert row["scsae"] == pytest.approx(0, abs=1e-12)
    assert (row["r"], row["n"]) == (0.4, 0.3)


def test_trained_errors_stand_beside_the_least_of_their_situation() -> None:
    situations = (runs.spread(0.2, 0.45), runs.spread(0.1, 0.45))
    latents = (Fitted(1.0, -0.45, "scsae"), Fitted(1.0, -9.0, "scsae"))
    one = TrainedLatents(latents, situations, torch.zeros(1, 2), "scsae", "clean", 0.0)
    columns = {"r": [0.1, 0.2, 0.2], "n": [0.45, 0.45, 0.1]}
    least: Any = pd.DataFrame(columns | {"power": [1.0, 2.0, 3.0], "relu": [4.0, 5.0, 6.0]})
    got = runs.trained_errors([one], least)
    assert got["relu"].tolist() == [5.0, 4.0]
    assert got["power"].tolist() == [2.0, 1.0]
    assert got["error"].tolist() == pytest.approx([0, 0.1 * (1 + 0.1**2 / 3)], abs=1e-12)
    with pytest.raises(ValueError, match="least lacks"):
        runs.trained_errors([one], least[least["r"] == 0.1])


def test_differences_in_the_bias_are_those_of_a_smooth_function() -> None:
    m, b = torch.tensor([0.5, -2.0, 3.0]), torch.tensor([1.0, -0.5, 0.25])
    got = runs.difference_in_bias(lambda m, b: m * b**2, m, b)
    torch.testing.assert_close(got, (2 * m * b).double(), rtol=1e-6, atol=1e-6)
    on = runs.difference_in_bias(gates.relu, m, b)
    torch.testing.assert_close(on, torch.tensor([1.0, 0, 1]).double())


@pytest.mark.parametrize("step", [0.0, -1e-5, float("nan")])
def test_a_step_must_lead_somewhere(step: float) -> None:
    with pytest.raises(ValueError, match="step"):
        runs.difference_in_bias(gates.relu, torch.ones(2), torch.ones(2), step)


def test_what_a_gate_hands_back_is_told_apart_by_argument() -> None:
    m, b, g = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0]), torch.tensor([1.0, -1.0])
    for_m, for_b = runs.pseudo_gradients(lambda m, b: m**2 * b, m, b, g)
    torch.testing.assert_close(for_m, 2 * m * b * g)
    torch.testing.assert_close(for_b, m**2 * g)
    assert m.grad is None


def test_definitions_are_those_of_the_table() -> None:
    m, b = torch.tensor([2.0, -0.5, 0.2]), torch.tensor([-1.0, 1.0, -1.0])
    g = torch.full((3,), 3.0)
    expected = {
        "scsae": ([3, 3, 0], [3, 3, 0]),
        "scsae_multiplied": ([3, 3, 0], [6, -1.5, 0]),
        "prolu_relu": ([3, 0, 0], [3, 0, 0]),
        "prolu_ste": ([9, 0, 0], [6, 0, 0]),
    }
    for name, pair in expected.items():
        got = measures.defined(name, m, b, g)
        assert [part.tolist() for part in got] == [pytest.approx(part) for part in pair], name


def test_a_gate_with_a_gradient_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = measures.no_gradient(400)
    assert right["flat"].value == 0
    assert right["flat"].interval == pytest.approx((0, 1 - 0.005 ** (1 / 400)))
    assert claimed("IV-8").rules["flat"].outcome(measures.no_gradient()["flat"]) == "holds"
    monkeypatch.setattr(gates, "scsae", gates.relu)
    assert measures.no_gradient(400)["flat"].value == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", ["scsae_multiplied", "prolu_relu", "prolu_ste"])
def test_a_wrong_pseudo_gradient_would_be_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert measures.no_gradient(400)["pseudo"].value < 1e-6
    monkeypatch.setattr(gates, name, gates.scsae)
    assert measures.no_gradient(400)["pseudo"].value > 0.1


def test_nothing_can_be_said_of_no_draws() -> None:
    with pytest.raises(ValueError, match="draws"):
        measures.no_gradient(0)


def test_the_map_of_errors_has_biases_in_rows() -> None:
    got = runs.error_map(
        Situation(1.0, 1.0, 0.5), np.array([1.0, 2.0]), np.array([0.0, -1.0, -9.0])
    )
    passed = 0.9 * 0.5**2 / 6  # noise x > 0, half of the time: E x^2 = n^2/3
    expected = [[passed / 0.1, (0.1 + 4 * passed) / 0.1], [1, 0], [1, 1]]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_the_table_of_gradients() -> None:
    table = runs.gradient_table(bias=-0.5, bandwidth=0.2)
    rows = {str(name): part for name, part in table.groupby("gate")}
    assert set(rows) == {
        "relu",
        "scsae",
        "scsae_multiplied",
        "prolu_relu",
        "prolu_ste",
        "jump_relu",
    }
    for name, part in rows.items():
        on = (part["m"] > 0.5).to_numpy(float)
        np.testing.assert_allclose(part["true_b"], on if name == "relu" else 0, atol=1e-9)
    near = (rows["jump_relu"]["m"] - 0.5).abs() < 0.1
    np.testing.assert_allclose(rows["jump_relu"]["for_b"], 2.5 * near)
    ste = rows["prolu_ste"].iloc[-1]
    assert (ste["m"], ste["for_m"], ste["for_b"]) == (2.0, 3.0, 2.0)

"""Autoencoders made by hand get the scores that they must have."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from steering_core.sparse_autoencoders import ARCHITECTURES, Autoencoders, GroundTruth, Recipe
from steering_core.sparse_autoencoders import Sample as Inputs
from steering_core.sparse_autoencoders.evaluate import evaluate, match

ITSELF = ["l0", "fvu", "cosine", "shrinkage", "dead"]
AGAINST = ["mcc", "precision", "recall", "f1"]


def planted(
    rows: Tensor | Sequence[Sequence[float]],  # (latents, d) or (M, latents, d)
    bias: float | Sequence[float] = 0.0,  # of all, or of each latent
    *,
    architecture: str = "relu",
    encoders: Tensor | None = None,  # (latents, d); the decoder's rows if None
    centre: Sequence[float] | None = None,
    scale: Sequence[float] | None = None,
    penalties: Sequence[float] = (1.0,),
    recipe: Recipe | None = None,
    **extra: Tensor,
) -> Autoencoders:
    """Autoencoders whose latents are known: decoders of these rows, encoders their transposes."""
    w_dec = torch.as_tensor(rows, dtype=torch.float32)
    w_dec = w_dec if w_dec.dim() == 3 else w_dec.expand(len(penalties), -1, -1)
    m, latents, d = w_dec.shape
    w_enc = w_dec if encoders is None else encoders.expand(m, -1, -1)
    recipe = recipe or Recipe(steps=100)
    more = ARCHITECTURES[architecture].extra(latents, recipe)
    if architecture == "batch_topk":
        more = {"threshold": torch.zeros(m)}
    else:
        more = {name: one.expand(m, -1).clone() for name, one in more.items()}
    return Autoencoders(
        architecture,
        {
            "w_enc": w_enc.mT.clone(),
            "b_enc": torch.as_tensor(bias).float().expand(m, latents).clone(),
            "w_dec": w_dec.clone(),
            "b_dec": torch.tensor(centre or [0.0] * d).expand(m, d).clone(),
            **more,
            **extra,
        },
        torch.tensor([float(one) for one in penalties]),
        torch.arange(m),
        torch.tensor(scale or [1.0] * d),
        recipe,
        torch.zeros(2, m),
        torch.zeros(m, latents, dtype=torch.int32),
        torch.zeros(m, dtype=torch.long),
        0.0,
    )


def truth_of(directions: Tensor, children: int = 0) -> GroundTruth:
    """Features of these directions."""
    return GroundTruth(
        directions,
        torch.full((len(directions),), 0.2),
        (0.5, 1.5),
        0.1,
        torch.ones(directions.shape[1]),
        children=children,
    )


def drawn(n: int, features: int, seed: int = 0) -> Tensor:
    """Magnitudes between 0.5 and 1.5, of which two thirds are 0."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.5, 1.5, (n, features)) * (rng.random((n, features)) < 1 / 3)
    return torch.tensor(size, dtype=torch.float32)


def only(table: pd.DataFrame) -> dict[str, Any]:
    (row,) = table.to_dict("records")
    return {str(name): value for name, value in row.items()}


EYE = torch.eye(4)
FEATURES = drawn(60, 4)
SAMPLE = Inputs(FEATURES @ EYE, FEATURES)
TRUTH = truth_of(EYE)


def test_what_is_perfect_has_perfect_scores() -> None:
    one = planted(EYE)
    some = FEATURES[(FEATURES > 0).any(1)]  # a cosine with nothing is 0
    row = only(evaluate(one, Inputs(some, some), TRUTH))
    assert list(row) == ["penalty", "seed", *ITSELF, *AGAINST]
    active = float((some > 0).sum(1).double().mean())
    assert row["l0"] == pytest.approx(active)
    assert (row["fvu"], row["dead"]) == (pytest.approx(0, abs=1e-10), 0)
    assert [row[name] for name in ("cosine", "shrinkage", *AGAINST)] == pytest.approx([1.0] * 6)


def test_without_truth_only_what_needs_none() -> None:
    row = only(evaluate(planted(EYE), SAMPLE.activations))
    assert list(row) == ["penalty", "seed", *ITSELF]


@pytest.mark.parametrize("c", [0.25, 0.8, 1.0, 1.5])
def test_shrinkage_is_the_factor_on_outputs(c: float) -> None:
    centre, scale = [1.0, -2.0, 0.5, 3.0], [2.0, 2.0, 2.0, 2.0]
    one = planted(c * EYE, encoders=EYE, centre=centre, scale=scale)
    x = (torch.tensor(centre) + FEATURES) / 2
    row = only(evaluate(one, Inputs(x, FEATURES), TRUTH))
    assert row["shrinkage"] == pytest.approx(c, rel=1e-5)
    variance = float((x - x.mean(0)).square().sum())
    wrong = (1 - c) ** 2 * float((FEATURES / 2).square().sum())
    assert row["fvu"] == pytest.approx(wrong / variance, rel=1e-4, abs=1e-8)
    assert row["mcc"] == pytest.approx(1), "lengths of decoder rows are of no account"
    assert row["f1"] == 1


def test_stretched_coordinates_are_given_back() -> None:
    scale = [0.1, 1.0, 2.0, 10.0]
    turned = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(0)))[0]
    one = planted(turned * torch.tensor(scale), encoders=turned / torch.tensor(scale), scale=scale)
    row = only(evaluate(one, Inputs(FEATURES @ turned, FEATURES), truth_of(turned)))
    assert [row["mcc"], row["shrinkage"]] == pytest.approx([1, 1], rel=1e-4)
    assert row["fvu"] < 1e-8


def test_error_cosine_and_sparsity_by_hand() -> None:
    x = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0], [0.5, 1.0]])
    one = planted([[1.0, 0.0], [0.0, 2.0]], [-1.0, -9.0], encoders=torch.eye(2))
    # Latents: (2, 0), (0, 0), (0, 0), (0, 0); outputs the same.
    row = only(evaluate(one, x))
    assert (row["l0"], row["dead"]) == (0.25, 0.5)
    assert row["cosine"] == pytest.approx(0.6 / 4)
    mean = x.mean(0)
    assert row["fvu"] == pytest.approx((1 + 16 + 1 + 1.25) / float((x - mean).square().sum()))
    assert row["shrinkage"] == pytest.approx(4 / 6)


def test_negative_latents_count_as_firing() -> None:
    one = planted(torch.eye(2), [1.0, -1.0], architecture="scsae")
    row = only(evaluate(one, torch.tensor([[-0.5, 0.5], [-0.25, -3.0]])))
    assert (row["l0"], row["dead"]) == (1.0, 0.5)


@pytest.mark.parametrize("k", [1, 3])
def test_where_k_is_set_so_many_fire(k: int) -> None:
    x = torch.rand(30, 4, generator=torch.Generator().manual_seed(0)) + 0.1
    assert only(evaluate(planted(EYE, architecture="topk", penalties=(k,)), x))["l0"] == k


def test_what_never_fires_is_a_sign_of_nothing() -> None:
    row = only(evaluate(planted(EYE, -99.0), SAMPLE, TRUTH))
    assert (row["l0"], row["dead"]) == (0, 1)
    assert [row[name] for name in AGAINST] == [pytest.approx(1), 0, 0, 0]


def test_signs_of_features_by_hand() -> None:
    # Latent 0: fires thrice, rightly twice of four. Latent 1: once, rightly, of one. Latent 2:
    # fires twice, wrongly. Latent 3: never.
    fires = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    there = torch.tensor([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [1, 0, 0, 0]])
    row = only(evaluate(planted(EYE), Inputs(fires.float(), there.float()), TRUTH))
    assert row["precision"] == pytest.approx((2 / 3 + 1 + 0 + 0) / 4)
    assert row["recall"] == pytest.approx((2 / 4 + 1 + 0 + 0) / 4)
    assert row["f1"] == pytest.approx((4 / 7 + 1 + 0 + 0) / 4)
    assert row["mcc"] == pytest.approx(1)


def counted(on: Tensor, active: Tensor) -> tuple[float, float, float]:
    """Precision, recall and F1, one input at a time."""
    right = wrong = missed = 0
    for fires, there in zip(on.tolist(), active.tolist(), strict=True):
        right += fires and there
        wrong += fires and not there
        missed += there and not fires
    precision = right / (right + wrong) if right + wrong else 0.0
    recall = right / (right + missed) if right + missed else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


@pytest.mark.parametrize("seed", range(3))
def test_signs_of_features_counted_one_by_one(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.nn.functional.normalize(torch.randn(5, 4, generator=generator), dim=1)
    directions = torch.nn.functional.normalize(torch.randn(7, 4, generator=generator), dim=1)
    features = drawn(80, 7, seed)
    noise = 0.1 * torch.randn(80, 4, generator=generator)
    sample = Inputs(features @ directions + noise, features)
    one = planted(rows, -0.3)
    row = only(evaluate(one, sample, truth_of(directions)))
    pairs = list(zip(*match(one, truth_of(directions)), strict=True))
    assert len(pairs) == 5
    acts = one.encode(sample.activations)[0]
    scores = [counted(acts[:, int(i)] > 0, features[:, int(j)] > 0) for i, j, _ in pairs]
    for name, expected in zip(AGAINST[1:], np.mean(scores, axis=0), strict=True):
        assert row[name] == pytest.approx(expected)
    cosines = [float(rows[int(i)] @ directions[int(j)]) for i, j, _ in pairs]
    assert row["mcc"] == pytest.approx(np.mean(cosines), rel=1e-5)


def test_pairs_have_the_largest_sum_of_cosines() -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(10):
        rows, directions = torch.nn.functional.normalize(
            torch.randn(2, 4, 3, generator=generator), dim=-1
        )
        latents, features, cosines = match(planted(rows), truth_of(directions))
        assert sorted(latents.tolist()) == sorted(features.tolist()) == [0, 1, 2, 3]
        table = (rows @ directions.T).tolist()
        best = max(sum(table[i][p[i]] for i in range(4)) for p in permutations(range(4)))
        assert float(cosines.sum()) == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(("latents", "features"), [(2, 4), (4, 2)])
def test_as_many_pairs_as_there_can_be(latents: int, features: int) -> None:
    i, j, cosines = match(planted(EYE[:latents]), truth_of(EYE[:features]))
    assert i.tolist() == j.tolist() == [0, 1]
    assert cosines == pytest.approx(1)


def test_the_order_of_latents_is_of_no_account() -> None:
    generator = torch.Generator().manual_seed(2)
    rows = torch.nn.functional.normalize(torch.randn(6, 4, generator=generator), dim=1)
    bias, order = -0.4 * torch.rand(6, generator=generator), [3, 0, 5, 1, 4, 2]
    before = evaluate(planted(rows, bias.tolist()), SAMPLE, TRUTH)
    after = evaluate(planted(rows[order], bias[order].tolist()), SAMPLE, TRUTH)
    pd.testing.assert_frame_equal(before, after, rtol=1e-5)


def test_each_has_the_row_that_it_has_alone() -> None:
    rows = torch.nn.functional.normalize(
        torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(3)), dim=-1
    )
    three = planted(rows, -0.2, penalties=(0.5, 1.0, 2.0))
    table = evaluate(three, SAMPLE, TRUTH)
    assert table["penalty"].tolist() == [0.5, 1.0, 2.0]
    assert table["seed"].tolist() == [0, 1, 2]
    for i in range(3):
        alone = evaluate(three.pick(i), SAMPLE, TRUTH)
        one: Any = table[i : i + 1].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, alone, rtol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_one_that_diverged_is_a_row_of_nan(architecture: str) -> None:
    two = planted(EYE, penalties=(1, 2), architecture=architecture)
    for one in two.parameters.values():
        one[1] = math.nan
    table: Any = evaluate(two, SAMPLE, TRUTH)
    assert table["penalty"].tolist() == [1, 2]
    assert table["seed"].tolist() == [0, 1]
    numbers = table[[*ITSELF, *AGAINST]]
    assert numbers.loc[1].isna().all()
    assert numbers.loc[0].notna().all()
    plain: Any = evaluate(two, SAMPLE.activations)[ITSELF]
    assert plain.isna().all(axis=1).tolist() == [False, True]


def test_features_of_another_number_are_refused() -> None:
    for features in (drawn(60, 5), drawn(60, 3)):
        with pytest.raises(ValueError, match=r"features: got shape .*allowed is \(60, 4\)"):
            evaluate(planted(EYE), Inputs(FEATURES, features), TRUTH)


def test_a_truth_larger_than_the_dictionary_is_fine() -> None:
    directions = torch.cat([EYE, torch.nn.functional.normalize(torch.ones(1, 4), dim=1)])
    features = torch.cat([FEATURES, torch.zeros(60, 1)], 1)
    row = only(evaluate(planted(EYE), Inputs(FEATURES, features), truth_of(directions)))
    assert (row["mcc"], row["f1"]) == (pytest.approx(1), 1)


def test_a_sample_and_its_truth_belong_together() -> None:
    with pytest.raises(ValueError, match="truth: got a Sample without truth"):
        evaluate(planted(EYE), SAMPLE)
    with pytest.raises(ValueError, match="truth: got truth without a Sample"):
        evaluate(planted(EYE), SAMPLE.activations, TRUTH)


def test_activations_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"activations: got shape \(60, 3\)"):
        evaluate(planted(EYE), FEATURES[:, :3])
    with pytest.raises(ValueError, match=r"activations: got shape \(0, 4\)"):
        evaluate(planted(EYE), FEATURES[:0])
    spoilt = FEATURES.clone()
    spoilt[7, 2] = math.nan
    with pytest.raises(ValueError, match="row 7"):
        evaluate(planted(EYE), spoilt)
    bare: Any = inspect.unwrap(evaluate)
    with pytest.raises(ValueError, match="activations: got list"):
        bare(planted(EYE), [[1.0] * 4])


def test_directions_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="autoencoders, truth: got 1 of width 4"):
        evaluate(planted(EYE), SAMPLE, truth_of(torch.eye(4, 5)))
    with pytest.raises(ValueError, match="autoencoders, truth: got 2 of width 4"):
        match(planted(EYE, penalties=(1, 2)), TRUTH)

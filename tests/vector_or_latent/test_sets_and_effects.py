"""Which set a latent tells, and what steering gains at each cost, on numbers that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from steering_core.steering.lexicon import GENRES
from steering_core.steering.material import SETS
from steering_core.vector_or_latent import Labelled, auroc
from steering_core.vector_or_latent.contrast import METHOD, contrast_aurocs, contrast_scores
from steering_core.vector_or_latent.detection import is_genre
from steering_core.vector_or_latent.directions import LATENTS
from steering_core.vector_or_latent.effects import (
    ALL,
    COSTS,
    costs,
    frontier,
    gain_table,
    gains_by_genre,
)
from steering_core.vector_or_latent.sets import best_sets, means_by_set, set_aurocs
from steering_core.vector_or_latent.steering_study import BY_TRIAL, OF_VECTORS, REPORTED

from ..steering.handmade import material_of, random_sets


def test_a_latent_tells_the_set_that_it_fires_on(labelled: Labelled) -> None:
    found = best_sets(labelled, labelled.latents[0])
    for g, genre in enumerate(GENRES):
        assert found.loc[3 + g, "set"] == genre
        assert found.loc[3 + g, "auroc"] == 1.0


def test_areas_of_sets_are_over_half_of_the_texts(labelled: Labelled) -> None:
    found: Any = set_aurocs(labelled, labelled.latents[1], "odd")
    assert list(found.columns) == list(SETS)
    owners, odd = np.array(labelled.set_of), labelled.half("odd")
    for name in SETS:
        values = labelled.latents[1].numpy()[odd]
        np.testing.assert_allclose(found[name], auroc(values, owners[odd] == name))


def test_the_set_is_chosen_on_even_texts_alone(labelled: Labelled) -> None:
    latents = labelled.latents.clone()
    latents[:, labelled.half("odd")] = 0.0
    silent = Labelled(labelled.material, labelled.layer, latents)
    before, after = (best_sets(one, one.latents[0]) for one in (labelled, silent))
    assert before["set"].tolist() == after["set"].tolist()
    assert set(after["auroc"]) == {0.5}


def test_means_over_the_texts_of_a_set(labelled: Labelled) -> None:
    found: Any = means_by_set(labelled, 0, [4, 3])
    assert list(found.index) == [4, 3]
    assert found.loc[3].to_dict() == {n: float(n == GENRES[0]) for n in SETS}


def test_the_contrast_is_of_even_texts_and_told_on_odd_ones(labelled: Labelled) -> None:
    even, odd = labelled.half("even"), labelled.half("odd")
    found: Any = contrast_aurocs(labelled, resamples=10, seed=3)
    assert set(found["method"]) == {METHOD}
    for genre in GENRES:
        target, x = is_genre(labelled, genre), labelled.activations().numpy()
        along = x @ (x[even & target].mean(0) - x[even & ~target].mean(0))
        np.testing.assert_allclose(contrast_scores(labelled, genre), along)
        rows: Any = found[found["genre"] == genre]
        assert rows["auroc"].iloc[0] == pytest.approx(float(auroc(along[odd], target[odd])))
        assert rows["auroc"].iloc[0] > 0.9, "a genre has five more in a coordinate"
        assert rows["draw"].tolist() == list(range(-1, 10))
    assert set(found["texts"]) == {odd.sum()}


def test_draws_of_the_contrast_follow_their_seed(labelled: Labelled) -> None:
    plain = Labelled(material_of(random_sets(seed=5)), labelled.layer, labelled.latents)
    one, again, other = (contrast_aurocs(plain, resamples=10, seed=s) for s in (3, 3, 4))
    assert one.equals(again)
    assert not one.equals(other)
    assert len(set(one.loc[one["genre"] == GENRES[0], "auroc"])) > 5


def swept(kind: str, seed: int, gain: float, nats: float, distinct: float = 1.0) -> pd.DataFrame:
    names = ["model", "kind", "seed", "target", "gain", "nats", "distinct"]
    rows = [("first", kind, seed, target, gain, nats, distinct) for target in GENRES]
    return pd.DataFrame(rows, columns=pd.Index(names))


def test_a_frontier_takes_the_best_at_each_cost() -> None:
    table = pd.concat(
        [
            swept("centred", 0, 1.0, np.log(1.5)),
            swept("centred", 0, 3.0, np.log(2.5)),
            swept("centred", 0, 9.0, np.log(1.2), distinct=0.5),
            swept("isolated", 0, -1.0, np.log(1.1)),
            swept("latent 1", 0, 1.0, np.log(1.5)),
            swept("latent 2", 0, 2.0, np.log(1.5)),
            swept("latent 2", 1, 4.0, np.log(3.0)),
            swept("eight latents", 0, 1.0, np.log(9.0)),
        ],
        ignore_index=True,
    )
    found: Any = frontier(table).set_index(["kind", "perplexity"])["gain"]
    assert len(found) == len(REPORTED) * len(COSTS)

    def at(kind: str, ratio: float) -> float:
        return float(found[kind][found[kind].index <= ratio].iloc[-1])

    assert (at("centred", 1.4), at("centred", 2.0), at("centred", 4.0)) == (0.0, 1.0, 3.0)
    assert at("isolated", 4.0) == 0.0
    assert at("latent 1", 4.0) == 1.0
    assert (at(BY_TRIAL, 2.0), at(BY_TRIAL, 4.0)) == (1.0, 3.0)  # the mean of two seeds
    assert at("eight latents", 4.0) == 0.0


@pytest.fixture(scope="module")
def ran() -> pd.DataFrame:
    """A kind gains its place towards sports, twice as much over latents' seed 1, and costs it."""
    rows = []
    for place, kind in enumerate(("none", *REPORTED)):
        for seed in range(1 if kind in ("none", *OF_VECTORS) else 2):
            for target in GENRES:
                for text in range(20):
                    gain = place * (1 + seed) * (target == "sports") + text % 3
                    rows.append(("first", kind, seed, "x", target, text, gain, 0.1 * place, 0.9))
    names = ["model", "kind", "seed", "source", "target", "text", "target_stems", "nats"]
    return pd.DataFrame(rows, columns=pd.Index([*names, "distinct"]))


def test_gains_by_genre_have_intervals_over_prompts(ran: pd.DataFrame) -> None:
    found = gains_by_genre(ran, "first")
    assert list(found) == list(REPORTED)
    for place, (kind, genres) in enumerate(found.items(), 1):
        gain = place * (1.0 if kind in OF_VECTORS else 1.5)
        assert set(genres) == {*GENRES, ALL}
        assert genres["sports"].value == pytest.approx(gain)
        assert genres["scifi"].value == 0
        assert genres[ALL].value == pytest.approx(gain / 4)
        assert (genres["sports"].n, genres[ALL].n) == (20, 20)
        # All prompts gain the same over their targets.
        assert genres[ALL].interval == pytest.approx((gain / 4, gain / 4))


def test_gains_are_told_with_and_without_shakespeare(ran: pd.DataFrame) -> None:
    table: Any = gain_table(ran, "first")
    assert list(table.index) == [*GENRES, "all four", "without Shakespeare"]
    for place, kind in enumerate(REPORTED, 1):
        gain = place * (1.0 if kind in OF_VECTORS else 1.5)
        assert table.loc["sports", kind] == pytest.approx(gain)
        assert table.loc["all four", kind] == pytest.approx(gain / 4)
        assert table.loc["without Shakespeare", kind] == pytest.approx(gain / 3)


def test_costs_are_over_the_unsteered(ran: pd.DataFrame) -> None:
    found: Any = costs(ran, "first")
    assert list(found.index) == list(REPORTED)
    np.testing.assert_allclose(found["perplexity"], np.exp(0.1 * np.arange(1, 6)))
    np.testing.assert_allclose(found["distinct-2"], 1.0)
    assert LATENTS[0] in found.index

"""What vectors decode to, beside sets of tokens in Python and texts copied as often as drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.steering import reading, top_tokens
from steering_core.steering.lexicon import stems
from steering_core.steering.material import Material
from steering_core.steering.reading import (
    STORY_GENRES,
    Reader,
    centred,
    decide,
    jaccard,
    mean_jaccard,
    most_frequent,
    projection_falls,
    sports,
    uncentred,
)
from steering_core.steering.reading_claims import CLAIMS
from steering_core.steering.resampling import (
    RESAMPLES,
    Spread,
    ends,
    resampled_counts,
    resampled_means,
    weighted_mean,
)

from ..language_model.conftest import LAYERS, TEXTS, WIDTH
from .handmade import drawn, material_of, random_sets, token_mean

CENTRE = drawn(LAYERS + 1, WIDTH, seed=5)
LEXICONS = {
    "fantasy": frozenset({"the", "door", "a"}),
    "scifi": frozenset({"star", "of"}),
    "sports": frozenset({"old", "and", "open"}),
    "shakespeare": frozenset({"s"}),
}


@pytest.fixture(scope="module")
def texts() -> dict[str, list[Tensor]]:
    return random_sets(layers=LAYERS + 1, d_model=WIDTH)


@pytest.fixture(scope="module")
def material(texts: dict[str, list[Tensor]]) -> Material:
    return material_of(texts, CENTRE)


@pytest.fixture
def reader(gpt2: TransformerBridge, material: Material, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """With lexicons of words that the tiny tokenizer has."""

    def lexicons(*, wide: bool = False) -> dict[str, frozenset[str]]:
        return LEXICONS if wide else {}

    monkeypatch.setattr(reading, "shipped_lexicons", lexicons)
    return Reader(gpt2, material)


@settings(deadline=None)
@given(
    st.lists(st.permutations(range(12)).map(lambda p: p[:5]), min_size=2, max_size=4),
)
def test_an_index_is_that_of_python_sets(columns: list[list[int]]) -> None:
    a, b = torch.tensor(columns), torch.tensor(columns[1:] + columns[:1])
    expected = [
        len(set(x) & set(y)) / len(set(x) | set(y))
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert jaccard(a, b).tolist() == pytest.approx(expected)
    assert jaccard(b, a).tolist() == pytest.approx(expected)
    assert (jaccard(a, a) == 1).all()
    drawn_again = a.expand(3, *a.shape)
    assert jaccard(drawn_again, b).tolist() == [pytest.approx(expected)] * 3


def test_the_mean_index_is_over_all_pairs() -> None:
    generator = np.random.default_rng(0)
    columns = {
        name: torch.tensor(np.array([generator.permutation(10)[:4] for _ in range(3)]))
        for name in "abcd"
    }
    expected = [
        np.mean(
            [
                len(set(a) & set(b)) / len(set(a) | set(b))
                for a, b in combinations([c[layer].tolist() for c in columns.values()], 2)
            ]
        )
        for layer in range(3)
    ]
    assert mean_jaccard(columns).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n", "middle"),
    [
        (2, [1]),
        (3, [1, 2]),
        (6, [2, 3, 4]),
        (12, [4, 5, 6, 7, 8]),
        (48, list(range(16, 33))),
        (1, []),
        (4, [2]),
        (7, [3, 4]),
    ],
)
def test_the_middle_third_is_from_a_third_to_two(
    n: int, middle: list[int], material: Material
) -> None:
    model: Any = Mock(spec=TransformerBridge)
    model.cfg = SimpleNamespace(n_layers=n)
    assert list(Reader(model, material).middle) == middle
    assert middle == [layer for layer in range(n + 1) if n <= 3 * layer <= 2 * n]


def test_a_token_of_a_lexicon_begins_a_word_whose_stem_is_there(reader: Reader) -> None:
    tokenizer = reader.model.tokenizer
    assert set(reader.in_lexicon) == set(LEXICONS)
    words = [tokenizer.decode([token]) for token in range(len(tokenizer))]
    for genre, lexicon in LEXICONS.items():
        expected = [
            float(word.startswith(" ") and any(stem in lexicon for stem in stems(word)))
            for word in words
        ]
        assert reader.in_lexicon[genre][: len(words)].tolist() == expected
    assert reader.in_lexicon["fantasy"][words.index(" the")] == 1
    assert reader.in_lexicon["fantasy"][words.index("a")] == 0  # within a word
    assert reader.in_lexicon["scifi"][words.index(" stars")] == 1


def test_columns_are_the_likeliest_tokens(reader: Reader) -> None:
    vectors = {name: drawn(LAYERS + 1, WIDTH, seed=i) for i, name in enumerate("ab")}
    columns = reader.columns(vectors, 5)
    words = reader.words(columns)
    for name, own in vectors.items():
        assert columns[name].shape == (LAYERS + 1, 5)
        assert words[name] == [top_tokens(reader.model, v, 5) for v in own]
    drawn_again = {name: torch.stack([v, -v, v]) for name, v in vectors.items()}
    again = reader.columns(drawn_again, 5)
    for name in vectors:
        assert torch.equal(again[name][0], columns[name])
        assert torch.equal(again[name][2], columns[name])
        assert not torch.equal(again[name][1], columns[name])


def unembedded(reader: Reader, words: Sequence[str]) -> Tensor:
    """A vector that makes some words likely, and the longer it is the more so."""
    tokens = [reader.model.tokenizer.encode(word)[-1] for word in words]
    rows = reading.unembedding(reader.model).detach().double()
    return torch.linalg.lstsq(rows[tokens], torch.ones(len(tokens), 1).double()).solution[:, 0]


PLANTED = {"fantasy": (" the", " door", " a"), "scifi": (" stars", " of"), "sports": (" and",)}


def test_planted_words_are_those_of_the_genre(
    reader: Reader, texts: dict[str, list[Tensor]]
) -> None:
    planted = {
        name: [text + 500 * unembedded(reader, PLANTED[name]) for text in texts[name]]
        for name in STORY_GENRES
    }
    own = Reader(reader.model, material_of(texts | planted, torch.zeros_like(CENTRE)))
    got = centred(own)
    for name, words in PLANTED.items():
        for layer in own.words(got.columns)[name]:
            assert set(words) <= set(layer)
    counts = [
        [
            sum(
                word.startswith(" ") and bool(stems(word) & LEXICONS[name])
                for word in own.words(got.columns)[name][layer]
            )
            for name in STORY_GENRES
        ]
        for layer in range(LAYERS + 1)
    ]
    spread = got.genre_words()
    assert spread.value.tolist() == pytest.approx(np.mean(counts, axis=1).tolist())
    assert spread.value.min() >= 2
    assert spread.n == 24
    without = centred(Reader(reader.model, material_of(texts, CENTRE))).genre_words()
    assert (without.value < spread.value).all()


def test_means_are_taken_as_they_are_or_less_a_centre(
    reader: Reader, texts: dict[str, list[Tensor]]
) -> None:
    other = drawn(LAYERS + 1, WIDTH, seed=9)
    for read, off in (
        (uncentred(reader), torch.zeros_like(CENTRE)),
        (centred(reader), CENTRE),
        (centred(reader, other), other),
    ):
        vectors = {name: torch.from_numpy(token_mean(texts[name])) - off for name in STORY_GENRES}
        expected = reader.columns(vectors)
        assert set(read.columns) == set(STORY_GENRES)
        for name in STORY_GENRES:
            assert torch.equal(read.columns[name], expected[name])


def test_how_alike_columns_are(reader: Reader) -> None:
    read = uncentred(reader)
    spread = read.alike()
    torch.testing.assert_close(spread.value, mean_jaccard(read.columns))
    assert spread.drawn.shape == (RESAMPLES, LAYERS + 1)
    tokens = read.columns["fantasy"]
    got = read.alike_with(tokens).value
    expected = [
        np.mean(
            [
                len(set(column) & set(row)) / len(set(column) | set(row))
                for column in (read.columns[name][layer].tolist() for name in STORY_GENRES)
            ]
        )
        for layer, row in enumerate(tokens.tolist())
    ]
    assert got.tolist() == pytest.approx(expected)


def test_a_draw_is_the_mean_of_texts_copied_as_often(
    texts: dict[str, list[Tensor]], material: Material
) -> None:
    counts = resampled_counts(8, np.random.default_rng(3), 6)
    assert counts.shape == (6, 8)
    assert (counts.sum(1) == 8).all()
    assert len({tuple(row) for row in counts.tolist()}) == 6
    got = weighted_mean(material, material.spans["sports"], counts)
    for row, mean in zip(counts.tolist(), got, strict=True):
        copies = [t for t, n in zip(texts["sports"], row, strict=True) for _ in range(int(n))]
        np.testing.assert_allclose(mean, token_mean(copies))


def test_draws_are_around_the_mean_and_differ_between_sets(material: Material) -> None:
    got = resampled_means(material, ("fantasy", "sports"), resamples=2000)
    again = resampled_means(material, ("fantasy", "sports"), resamples=2000)
    for name, means in got.items():
        assert torch.equal(means, again[name])
        error = means.std(0) / 2000**0.5
        off = (means.mean(0) - material.mean(name)).abs()
        assert (off < 8 * error + 0.05 * means.std(0)).all()  # a ratio is a little off
    other = resampled_means(material, ("sports", "fantasy"), resamples=2000)
    assert not torch.equal(other["sports"], got["sports"])


def spread_of(seed: int) -> Spread:
    value = drawn(4, seed=seed)
    return Spread(value, value + 0.1 * drawn(500, 4, seed=seed + 1), 30)


def test_a_spread_over_layers_is_their_mean() -> None:
    spread = spread_of(0)
    for layers in ([1, 2], range(1, 4), [3]):
        got = spread.over(layers)
        chosen = list(layers)
        assert got.value == pytest.approx(np.mean([spread.value[k].item() for k in chosen]))
        assert got.n == 30
        means = spread.drawn.numpy()[:, chosen].mean(1)
        assert got.interval == pytest.approx(tuple(np.quantile(means, [0.005, 0.995])))
        assert got.interval == ends(torch.from_numpy(means))


def test_a_band_is_each_layer_with_its_interval() -> None:
    spread = spread_of(0)
    value, low, high = spread.band
    assert torch.equal(value, spread.value)
    expected = np.quantile(spread.drawn.numpy(), [0.005, 0.995], axis=0)
    np.testing.assert_allclose(torch.stack([low, high]), expected)


def test_a_difference_is_taken_draw_by_draw() -> None:
    a, b = spread_of(0), spread_of(5)
    got = a - b
    assert torch.equal(got.value, a.value - b.value)
    assert torch.equal(got.drawn, a.drawn - b.drawn)
    assert got.n == 30
    nothing = (a - a).over(range(4))
    assert (nothing.value, nothing.interval) == (0.0, (0.0, 0.0))


def test_both_readings_of_sports_are_of_the_same_draws(
    reader: Reader, texts: dict[str, list[Tensor]]
) -> None:
    """With stories that are m and nothing else, the two are one."""
    stories = [CENTRE[:, None].expand(-1, 3, -1).clone() for _ in texts["stories"]]
    own = Reader(reader.model, material_of(texts | {"stories": stories}, CENTRE))
    isolated, less_mean = (sports(own, isolated=isolated) for isolated in (True, False))
    assert set(isolated.columns) == {"sports"}
    for both in ("columns", "drawn"):
        a, b = (getattr(read, both)["sports"] for read in (isolated, less_mean))
        assert torch.equal(a, b)
    drawn_again = isolated.drawn["sports"]
    assert any(not torch.equal(drawn_again[0], other) for other in drawn_again[1:])
    kept = isolated.genre_words() - less_mean.genre_words()
    assert kept.n == 18
    assert not kept.drawn.any()


def test_sports_is_read_less_stories_or_less_m(
    reader: Reader, texts: dict[str, list[Tensor]]
) -> None:
    mean, stories = (torch.from_numpy(token_mean(texts[n])) for n in ("sports", "stories"))
    for isolated, off in ((True, stories), (False, CENTRE)):
        expected = reader.columns({"sports": mean - off})["sports"]
        assert torch.equal(sports(reader, isolated=isolated).columns["sports"], expected)


def test_a_projection_falls_by_what_stories_share(reader: Reader) -> None:
    """Sports is 3 along (stories - m), of which stories are 2, and 4 across it."""
    sets = random_sets(layers=LAYERS + 1, d_model=WIDTH)
    along, across = torch.zeros(2, LAYERS + 1, WIDTH, dtype=torch.float64)
    along[:, 0], across[:, 1] = 1.0, 1.0

    def constant(mean: Tensor, n: int) -> list[Tensor]:
        return [mean[:, None].expand(-1, 4, -1).clone() for _ in range(n)]

    sets["stories"] = constant(CENTRE + 2 * along, 10)
    for share, falls in ((3.0, 2 / 3), (2.0, 1.0), (-2.0, -1.0), (1.0, 0.0)):
        sets["sports"] = constant(CENTRE + share * along + 4 * across, 8)
        got = projection_falls(Reader(reader.model, material_of(sets, CENTRE)))
        assert got.value.tolist() == pytest.approx([falls] * (LAYERS + 1))
        torch.testing.assert_close(got.drawn, got.value.expand_as(got.drawn))
        assert got.n == 18


def test_a_projection_beside_numpy(reader: Reader, texts: dict[str, list[Tensor]]) -> None:
    mean, stories, m = token_mean(texts["sports"]), token_mean(texts["stories"]), CENTRE.numpy()
    before, after = (
        np.abs(((mean - off) * (stories - m)).sum(-1)) / np.linalg.norm(stories - m, axis=-1)
        for off in (m, stories)
    )
    got = projection_falls(reader)
    np.testing.assert_allclose(got.value, 1 - after / before)
    assert (got.drawn.std(0) > 0).all()


def test_the_most_frequent_tokens_are_counted_without_the_first(
    gpt2: TransformerBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = {name: TEXTS[i:] for i, name in enumerate(STORY_GENRES)}
    monkeypatch.setattr(reading, "load_texts", sets.__getitem__)
    counts: Counter[int] = Counter()
    for own in sets.values():
        for text in own:
            counts.update(gpt2.tokenizer.encode(text, add_special_tokens=False)[1:])
    got = most_frequent(gpt2, 6).tolist()
    assert len(set(got)) == 6
    assert [counts[token] for token in got] == sorted(counts.values(), reverse=True)[:6]


def test_the_measures_that_decide_are_over_the_middle(reader: Reader) -> None:
    got = decide(reader)
    rules = {claim.id: set(claim.rules) for claim in CLAIMS}
    assert {id: set(parts) for id, parts in got.items()} == {
        id: rules[id] for id in ("I-3", "I-4", "I-5")
    }
    middle = list(reader.middle)
    assert 0 < len(middle) < LAYERS + 1
    words = [sports(reader, isolated=i).genre_words().value[middle].mean() for i in (True, False)]
    expected = {
        ("I-3", "jaccard"): mean_jaccard(uncentred(reader).columns)[middle].mean(),
        ("I-4", "jaccard"): mean_jaccard(centred(reader).columns)[middle].mean(),
        ("I-4", "of_genre"): centred(reader).genre_words().value[middle].mean(),
        ("I-5", "projection_falls"): projection_falls(reader).value[middle].mean(),
        ("I-5", "lexicon_kept"): words[0] - words[1],
    }
    for (id, part), value in expected.items():
        assert got[id][part].value == pytest.approx(float(value))
        assert got[id][part].interval is not None
        assert got[id][part].n == (18 if id == "I-5" else 24)

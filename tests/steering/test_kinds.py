"""Each kind of vector beside its formula in numpy, and a planted direction that they find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from steering_core.steering import kinds
from steering_core.steering.kinds import KINDS, logistic_direction
from steering_core.steering.material import SETS, Half, Material

from .handmade import (
    Texts,
    drawn,
    half_of,
    material_of,
    random_sets,
    sized,
    token_mean,
)

HALVES: tuple[Half, Half] = ("even", "odd")
AT_NORM = {
    "one_pair",
    "principal",
    "logistic",
    "whitened",
    "uncentred_at_norm",
    "isolated_at_norm",
    "of_all_texts_at_norm",
    "position_matched_at_norm",
}
CENTRE = drawn(3, 6, seed=5)  # of no set
MATCHED = {name: drawn(3, 6, seed=20 + i) for i, name in enumerate(SETS)}


@pytest.fixture(scope="module")
def texts() -> dict[str, list[Tensor]]:
    return random_sets()


@pytest.fixture(scope="module")
def material(texts: dict[str, list[Tensor]]) -> Material:
    return material_of(texts, CENTRE, MATCHED)


def each_mean(texts: Texts, name: str) -> np.ndarray:
    """(texts, layers, d_model)"""
    return np.array([token_mean([text]) for text in texts[name]])


def naive_along_mean(mean: np.ndarray) -> np.ndarray:
    m = CENTRE.numpy()
    return np.stack([(v @ c) / (c @ c) * c for v, c in zip(mean, m, strict=True)])


def naive_principal(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The eigenvector of the second moments of the differences, towards their mean."""
    found = []
    for differences in (ours - others).swapaxes(0, 1):
        direction = np.linalg.eigh(differences.T @ differences)[1][:, -1]
        found.append(direction * np.sign(direction @ differences.mean(0)))
    return np.stack(found)


def naive_whitened(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    found = []
    for a, b in zip(ours.swapaxes(0, 1), others.swapaxes(0, 1), strict=True):
        n, k = len(a), len(b)
        within = (n * np.cov(a.T, bias=True) + k * np.cov(b.T, bias=True)) / (n + k)
        within += 0.1 * np.trace(within) / len(within) * np.eye(len(within))
        found.append(np.linalg.inv(within) @ (a.mean(0) - b.mean(0)))
    return np.stack(found)


def naive_logistic(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Newton's method on standardised activations; the penalty spares the constant."""
    x = np.concatenate([ours, others])
    spread = x.std(0, ddof=1)
    z = np.column_stack([(x - x.mean(0)) / spread, np.ones(len(x))])
    y = np.r_[np.ones(len(ours)), np.zeros(len(others))]
    penalty = np.r_[np.ones(x.shape[1]), 0.0]
    w = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-z @ w))
        hessian = z.T @ (z * (p * (1 - p))[:, None]) + np.diag(penalty)
        w = w - np.linalg.solve(hessian, z.T @ (p - y) + penalty * w)
    return w[:-1] / spread


def expected(texts: Texts, kind: str, source: str, target: str, half: Half) -> np.ndarray:
    """What a kind should be, before it is brought to the norm of the centred vector."""
    everything = token_mean([text for own in texts.values() for text in own])
    mean = token_mean(texts[target])
    ours, neutral = each_mean(texts, target), each_mean(texts, "neutral")
    by_layer = range(ours.shape[1])
    formulas: dict[str, Callable[[], np.ndarray]] = {
        "uncentred": lambda: mean,
        "centred": lambda: mean - CENTRE.numpy(),
        "position_matched": lambda: mean - MATCHED[target].numpy(),
        "isolated": lambda: mean - token_mean(texts["stories"]),
        "introduced": lambda: mean - token_mean(half_of(texts[source], half)),
        "along_mean": lambda: naive_along_mean(mean),
        "of_all_texts": lambda: mean - everything,
        "one_pair": lambda: ours[0] - token_mean(half_of(texts[source], half)[:1]),
        "principal": lambda: naive_principal(ours, neutral),
        "logistic": lambda: np.stack([naive_logistic(ours[:, k], neutral[:, k]) for k in by_layer]),
        "whitened": lambda: naive_whitened(ours, neutral),
    }
    return formulas[kind.removesuffix("_at_norm")]()


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_its_formula(
    texts: dict[str, list[Tensor]], material: Material, kind: str, half: Half
) -> None:
    for source, target in (("fantasy", "sports"), ("shakespeare", "scifi")):
        formula = expected(texts, kind, source, target, half)
        if kind in AT_NORM:
            formula = sized(formula, token_mean(texts[target]) - CENTRE.numpy())
        tolerance = 1e-3 if kind == "logistic" else 1e-9
        got = KINDS[kind](material, source, target, half)
        np.testing.assert_allclose(got, formula, rtol=tolerance, atol=tolerance)


def test_every_kind_goes_by_its_name() -> None:
    assert all(getattr(kinds, name) is kind for name, kind in KINDS.items())
    assert set(KINDS) >= AT_NORM


@pytest.mark.parametrize("kind", sorted(AT_NORM))
def test_kinds_without_a_size_have_that_of_the_centred_vector(
    material: Material, kind: str
) -> None:
    norms = KINDS["centred"](material, "fantasy", "sports", "odd").norm(dim=-1)
    got = KINDS[kind](material, "fantasy", "sports", "odd").norm(dim=-1)
    torch.testing.assert_close(got, norms)


def test_only_pairs_depend_on_the_prompts_genre_and_half(material: Material) -> None:
    for name, kind in KINDS.items():
        made = [
            kind(material, "fantasy", "sports", "even"),
            kind(material, "fantasy", "sports", "odd"),
            kind(material, "scifi", "sports", "even"),
        ]
        same = [torch.equal(made[0], other) for other in made[1:]]
        assert same == [name not in ("introduced", "one_pair")] * 2, name


@pytest.mark.parametrize("kind", ["introduced", "one_pair"])
@pytest.mark.parametrize("half", HALVES)
def test_a_pair_is_of_one_half_of_the_source_alone(
    texts: dict[str, list[Tensor]], kind: str, half: Half
) -> None:
    before = KINDS[kind](material_of(texts, CENTRE), "fantasy", "sports", half)
    for changed, kept in (("odd", half == "even"), ("even", half == "odd")):
        own = [t + 9 * (i % 2 == (changed == "odd")) for i, t in enumerate(texts["fantasy"])]
        material = material_of(texts | {"fantasy": own}, CENTRE)
        after = KINDS[kind](material, "fantasy", "sports", half)
        assert torch.allclose(before, after) == kept, changed


def test_a_centre_that_is_not_there_is_refused(texts: dict[str, list[Tensor]]) -> None:
    bare = material_of(texts, CENTRE)
    for kind in ("position_matched", "position_matched_at_norm"):
        with pytest.raises(ValueError, match=r"^material: no centre that is matched to 'sports'"):
            KINDS[kind](bare, "fantasy", "sports", "odd")


# A direction planted in fantasy, beside an offset that all texts share.
WIDTH, SIGNAL, NUISANCE = 12, 0, 1
OFFSET = 4 * drawn(WIDTH, seed=3)


def planted(
    *, strength: float = 3.0, nuisance: float = 0.0, n: int = 60, seed: int = 0
) -> Material:
    """Texts whose means are noise around the offset; of fantasy along the first axis, too. The
    nuisance varies along the second, from text to text."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return 0.3 * torch.randn(*shape, WIDTH, generator=generator, dtype=torch.float64)

    def text(name: str) -> Tensor:
        own = draw()
        own[NUISANCE] *= 1 + nuisance / 0.3
        own[SIGNAL] += strength * (name == "fantasy")
        return OFFSET + own + draw(2, 4)

    texts = {name: [text(name) for _ in range(n)] for name in SETS}
    others = [text for name, own in texts.items() if name != "fantasy" for text in own]
    centre = torch.from_numpy(token_mean(others))
    return material_of(texts, centre, {"fantasy": centre})


def along(vectors: Tensor) -> list[float]:
    """Cosine with the planted axis at every layer."""
    return (vectors[:, SIGNAL] / vectors.norm(dim=-1)).tolist()


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("centred", 0.99),
        ("position_matched", 0.99),
        ("isolated", 0.99),
        ("introduced", 0.99),
        ("of_all_texts", 0.99),
        ("principal", 0.99),
        ("logistic", 0.85),
        ("whitened", 0.9),
        ("one_pair", 0.8),
    ],
)
def test_a_planted_direction_is_found(kind: str, least: float) -> None:
    material = planted()
    assert min(along(KINDS[kind](material, "sports", "fantasy", "odd"))) > least
    assert max(along(KINDS["uncentred"](material, "sports", "fantasy", "odd"))) < 0.6


@pytest.mark.parametrize("kind", [name for name in KINDS if "uncentred" not in name])
def test_a_vector_points_to_its_target_and_away_from_the_opposite(kind: str) -> None:
    if kind == "along_mean":
        return
    for strength in (3.0, -3.0):
        vectors = KINDS[kind](planted(strength=strength), "sports", "fantasy", "odd")
        assert np.sign(along(vectors)).tolist() == [np.sign(strength)] * 2


@pytest.mark.parametrize("kind", ["logistic", "whitened"])
def test_what_varies_much_within_texts_is_told_from_what_tells_them(kind: str) -> None:
    """In the centred vector the nuisance stays, as far as it happens not to cancel."""
    materials = [planted(strength=1.5, nuisance=12.0, n=30, seed=seed) for seed in range(6)]
    plain, found = (
        np.mean([along(KINDS[name](m, "sports", "fantasy", "odd")) for m in materials])
        for name in ("centred", kind)
    )
    assert found > 0.8
    assert plain < 0.75


def test_the_principal_direction_follows_what_varies_instead() -> None:
    material = planted(strength=1.5, nuisance=12.0, n=30)
    assert max(map(abs, along(KINDS["principal"](material, "sports", "fantasy", "odd")))) < 0.5


def test_a_logistic_direction_is_least_in_its_loss() -> None:
    ours, others = drawn(20, 4, seed=1) + 0.5, 2 * drawn(15, 4, seed=2)
    found = logistic_direction(ours, others).numpy()
    np.testing.assert_allclose(found, naive_logistic(ours.numpy(), others.numpy()), atol=1e-4)
    np.testing.assert_allclose(logistic_direction(others, ours), -found, atol=1e-4)


def test_a_logistic_direction_is_in_units_of_the_activations() -> None:
    """A dimension in other units, and an offset, change no margin."""
    ours, others = drawn(20, 4, seed=1) + 0.5, drawn(20, 4, seed=2)
    units = torch.tensor([1.0, 10.0, 0.1, 3.0], dtype=torch.float64)
    found = logistic_direction(ours, others)
    scaled = logistic_direction(ours * units + 7, others * units + 7)
    torch.testing.assert_close(scaled * units, found, rtol=1e-3, atol=1e-4)


def test_separable_texts_and_dead_dimensions_give_a_finite_direction() -> None:
    ours, others = 0.1 * drawn(10, 3, seed=1), 0.1 * drawn(10, 3, seed=2)
    ours[:, 0], others[:, 0] = 5.0, -5.0
    ours[:, 2] = others[:, 2] = 4.0
    found = logistic_direction(ours, others)
    assert found.isfinite().all()
    assert found[0] > 0
    assert found[2] == 0
    assert ((ours @ found).min() - (others @ found).max()) > 0

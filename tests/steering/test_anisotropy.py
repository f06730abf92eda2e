"""Each measure beside the same number taken the slow way, and on clouds whose answer is known."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from steering_core.language_model import residual_mean
from steering_core.steering import anisotropy
from steering_core.steering.anisotropy import ResidualSums, residual_sums, sample_activations

from ..language_model import naive
from ..language_model.conftest import CONTEXT, LAYERS, TEXTS, WIDTH
from .clouds import norm_share, pairwise_cosine, random_texts, sums_of, units

close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-5)
PARTS = ("tokens", "total", "unit", "norm", "square")
LENGTHS = [3, 1, 7, 4, 2]
LONGER = [text for text in TEXTS if len(text) > 8]  # of two tokens or more


def assert_same(got: ResidualSums, expected: ResidualSums) -> None:
    for part in PARTS:
        close(getattr(got, part), getattr(expected, part), msg=lambda m, part=part: f"{part}: {m}")


def test_sums_are_those_of_each_text_read_alone(model: TransformerBridge) -> None:
    each = naive.all_residuals(model, TEXTS)
    rest, first = residual_sums(model, TEXTS)
    assert_same(first, sums_of([text[:, :1] for text in each]))
    assert_same(rest + first, sums_of(each))
    assert rest.tokens.tolist() == [text.shape[1] - 1 for text in each]
    assert rest.n_texts == len(TEXTS)
    close(rest.mean, naive.mean(each, skip_first=True))
    close(rest.mean, residual_mean(model, TEXTS))
    close((rest + first).mean, residual_mean(model, TEXTS, skip_first=False))


def test_the_windows_of_a_long_text_are_one_text(gpt2: TransformerBridge) -> None:
    long = " ".join(TEXTS)
    row = naive.tokens(gpt2, long)
    windows = [naive.residuals(gpt2, part) for part in row.split(CONTEXT, dim=1)]
    assert len(windows) > 1
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than the context"):
        rest, first = residual_sums(gpt2, [long, TEXTS[0]])
    own = naive.all_residuals(gpt2, TEXTS[:1])[0]
    assert_same(rest, sums_of([torch.cat([w[:, 1:] for w in windows], 1), own[:, 1:]]))
    assert_same(first, sums_of([torch.cat([w[:, :1] for w in windows], 1), own[:, :1]]))


def test_dimensions_left_out_are_zero_before_anything_is_summed(gpt2: TransformerBridge) -> None:
    rest, _ = residual_sums(gpt2, LONGER)
    without = rest.largest_dimensions(3)
    each = [text[:, 1:] for text in naive.all_residuals(gpt2, LONGER)]
    zeroed = [text.masked_fill(without[:, None], 0.0) for text in each]
    assert_same(residual_sums(gpt2, LONGER, without=without)[0], sums_of(zeroed))
    nothing = torch.zeros(LAYERS + 1, WIDTH, dtype=torch.bool)
    assert_same(residual_sums(gpt2, LONGER, without=nothing)[0], rest)


def test_the_largest_dimensions_are_found_at_each_layer() -> None:
    texts = random_texts(LENGTHS, layers=2)
    for text in texts:
        text[0, :, 4] = 30.0
        text[1, :, 1] = -20.0
        text[1, :, 5] = 10.0
    sums = sums_of(texts)
    assert sums.largest_dimensions(1).nonzero().tolist() == [[0, 4], [1, 1]]
    assert sums.largest_dimensions(2)[1].nonzero().flatten().tolist() == [1, 5]
    assert sums.largest_dimensions(5).sum(1).tolist() == [5, 5]


def test_cosine_is_that_of_all_pairs_of_tokens_of_different_texts() -> None:
    texts = random_texts(LENGTHS)
    close(sums_of(texts).cosine, pairwise_cosine(texts, [1] * len(texts)), rtol=0, atol=1e-12)


def test_cosine_of_a_model_is_that_of_all_pairs(gpt2: TransformerBridge) -> None:
    each = [text[:, 1:] for text in naive.all_residuals(gpt2, LONGER)]
    close(residual_sums(gpt2, LONGER)[0].cosine, pairwise_cosine(each, [1] * len(each)))


copies = st.lists(st.integers(0, 3), min_size=5, max_size=5).filter(lambda w: sum(map(bool, w)) > 1)


@settings(deadline=None, max_examples=40)
@given(copies)
def test_copies_of_a_text_do_not_pair_with_each_other(copies: list[int]) -> None:
    texts = random_texts(LENGTHS)
    weights = torch.tensor([copies], dtype=torch.float64)
    sums = sums_of(texts)
    close(sums.cosines(weights)[0], pairwise_cosine(texts, copies), rtol=0, atol=1e-12)
    close(sums.norm_shares(weights)[0], norm_share(texts, copies), rtol=0, atol=1e-12)


def test_weights_are_resampled_row_by_row() -> None:
    sums = sums_of(random_texts(LENGTHS))
    weights = anisotropy.resample(5, resamples=8, seed=3) + 1
    together = sums.cosines(weights), sums.norm_shares(weights)
    for row in range(8):
        close(together[0][row], sums.cosines(weights[row : row + 1])[0])
        close(together[1][row], sums.norm_shares(weights[row : row + 1])[0])
    assert (
        sums.cosines(torch.tensor([[0.0, 0.0, 2.0, 0.0, 0.0]], dtype=torch.float64)).isnan().all()
    )


def test_norm_share_is_one_number_a_layer() -> None:
    texts = random_texts(LENGTHS)
    close(sums_of(texts).norm_share, norm_share(texts, [1] * len(texts)))


def independent(n: int, shift: float) -> list[Tensor]:
    """n texts of one token each, without a direction of their own."""
    normal = torch.randn(
        n, 1, 1, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    return list(normal + torch.tensor([shift, *[0.0] * 7], dtype=torch.float64))


def test_a_cloud_around_zero_has_cosine_zero() -> None:
    sums = sums_of(independent(4000, shift=0.0))
    assert abs(sums.cosine.item()) < 0.002
    assert sums.norm_share.item() < 0.05


def test_a_cloud_beside_zero_has_the_squared_length_of_its_mean_unit_vector() -> None:
    texts = independent(4000, shift=3.0)
    mean_unit = units(torch.cat(independent(4000, shift=3.0), 1)).mean(1)
    sums = sums_of(texts)
    assert sums.cosine.item() == pytest.approx(mean_unit.square().sum().item(), abs=1e-3)
    assert 0.5 < sums.cosine.item() < 0.7


def test_one_direction_has_cosine_one() -> None:
    direction = random_texts([1], layers=2)[0]
    texts = [direction * torch.full((1, n, 1), 2.0 + n, dtype=torch.float64) for n in LENGTHS]
    close(sums_of(texts).cosine, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-12)
    close(sums_of(texts).norm_share, torch.ones(2, dtype=torch.float64), rtol=0, atol=1e-12)


def test_pairs_within_a_text_count_for_nothing() -> None:
    """Texts of one direction each, and each at right angles to the others."""
    axes = torch.eye(4, dtype=torch.float64)
    sums = sums_of([axes[i].expand(1, 50, 4) for i in range(4)])
    assert sums.cosine.item() == pytest.approx(0.0, abs=1e-12)


def test_a_resample_draws_as_many_texts_as_there_are() -> None:
    before = torch.get_rng_state(), str(np.random.get_state())  # noqa: NPY002
    weights = anisotropy.resample(30, resamples=400, seed=5)
    assert weights.shape == (400, 30)
    assert (weights.sum(1) == 30).all()
    assert (weights >= 0).all()
    assert (weights == weights.round()).all()
    assert weights.mean(0).sub(1).abs().max() < 0.25
    assert torch.equal(weights, anisotropy.resample(30, resamples=400, seed=5))
    assert not torch.equal(weights, anisotropy.resample(30, resamples=400, seed=6))
    assert anisotropy.resample(2).shape == (anisotropy.RESAMPLES, 2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert str(np.random.get_state()) == before[1]  # noqa: NPY002


def test_the_interval_holds_99_percent_of_the_resamples() -> None:
    values = torch.stack([torch.arange(1001.0), -torch.arange(1001.0)], 1).double()
    low, high = anisotropy.interval(values.flip(0))
    close(low, torch.tensor([5.0, -995.0], dtype=torch.float64))
    close(high, torch.tensor([995.0, -5.0], dtype=torch.float64))


# Coverage: texts of 5 tokens that share most of their direction, around a common shift.
N_TEXTS, N_TOKENS, SIMULATIONS = 100, 5, 300


def correlated(n_texts: int, seed: int) -> Tensor:
    """(texts, tokens, 6), all texts of one population."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, 6, generator=generator, dtype=torch.float64)

    shift = torch.tensor([1.5, 0, 0, 0, 0, 0], dtype=torch.float64)
    return shift + draw(n_texts, 1) + 0.3 * draw(n_texts, N_TOKENS)


def one_layer(texts: Tensor) -> ResidualSums:
    """(texts, tokens, d_model) as the sums of one layer."""
    return ResidualSums(
        tokens=torch.full((len(texts),), float(texts.shape[1]), dtype=torch.float64),
        total=texts.sum(1)[None],
        unit=units(texts).sum(1)[None],
        norm=texts.norm(dim=-1).sum(1)[None],
        square=texts.square().sum((0, 1))[None],
    )


def test_the_interval_over_texts_covers_and_one_over_tokens_would_not() -> None:
    population = correlated(100_000, seed=10**6)
    truth = {
        ResidualSums.cosines: units(population).mean((0, 1)).square().sum(),
        ResidualSums.norm_shares: population.mean((0, 1)).norm() / population.norm(dim=-1).mean(),
    }
    over_texts = anisotropy.resample(N_TEXTS, resamples=400)
    over_tokens = anisotropy.resample(N_TEXTS * N_TOKENS, resamples=400)
    for measure, true in truth.items():
        covered = {"texts": 0, "tokens": 0}
        for seed in range(SIMULATIONS):
            texts = correlated(N_TEXTS, seed)
            for units_of, weights, sums in (
                ("texts", over_texts, one_layer(texts)),
                ("tokens", over_tokens, one_layer(texts.flatten(0, 1)[:, None])),
            ):
                low, high = anisotropy.interval(measure(sums, weights))
                covered[units_of] += bool(low[0] <= true <= high[0])
        assert covered["texts"] / SIMULATIONS >= 0.95, (measure, covered)
        assert covered["tokens"] / SIMULATIONS < 0.8, (measure, covered)


def test_drawn_activations_are_the_models_at_one_place_for_all_layers(
    model: TransformerBridge,
) -> None:
    drawn = sample_activations(model, LONGER, per_text=3, seed=1).unflatten(1, (-1, 3))
    assert drawn.shape == (LAYERS + 1, len(LONGER), 3, WIDTH)
    for text, own in zip(naive.all_residuals(model, LONGER), drawn.unbind(1), strict=True):
        away = (own[:, :, None].double() - text[:, None]).abs().amax(-1)  # (layers, 3, positions)
        places = away[LAYERS].argmin(-1)
        assert (away.gather(2, places.expand(LAYERS + 1, 3)[..., None]) < 1e-5).all()
        assert len(set(places.tolist())) == 3  # a token is drawn once
        assert 0 not in places.tolist()


def test_a_seed_draws_the_same_tokens(gpt2: TransformerBridge) -> None:
    before = torch.get_rng_state()
    one, again, other = (sample_activations(gpt2, LONGER, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    fewer = sample_activations(gpt2, LONGER[:2], seed=3)
    close(fewer, one[:, :2])  # whatever else is read
    close(sample_activations(gpt2, LONGER[0], seed=3), one[:, :1])


def test_every_token_but_the_first_can_be_drawn(gpt2: TransformerBridge) -> None:
    text = "Rain."
    length = naive.tokens(gpt2, text).shape[1]
    whole = sample_activations(gpt2, [text], per_text=length - 1)
    expected = naive.all_residuals(gpt2, [text])[0][:, 1:].float()
    close(whole[0].sort(0).values, expected[0].sort(0).values)
    with pytest.raises(ValueError, match=rf"texts\[1\]: {length - 1} tokens .* {length} are"):
        sample_activations(gpt2, [TEXTS[0], text], per_text=length)


def test_cosine_shares_are_those_of_all_pairs() -> None:
    x = torch.stack([text.flatten(0, 1)[:9] for text in random_texts([3, 3, 3], layers=3)])
    edges = np.linspace(-1, 1, 9)
    shares = anisotropy.cosine_shares(x, edges)
    assert shares.shape == (3, 8)
    np.testing.assert_allclose(shares.sum(1), 1)
    for layer in range(3):
        counts = [0] * 8
        for a, b in itertools.combinations(x[layer], 2):
            cosine = float(a @ b / (a.norm() * b.norm()))
            counts[int(np.searchsorted(edges, cosine, side="right")) - 1] += 1
        np.testing.assert_allclose(shares[layer], np.array(counts) / 36)


def test_cosine_shares_keep_the_ends_and_leave_the_rest_out() -> None:
    x = torch.tensor([[[1.0, 1, 1], [3.0, 3, 3], [-7.0, -7, -7]]])  # rounding takes these beyond 1
    assert anisotropy.cosine_shares(x, np.array([-1.0, 0.0, 1.0])).tolist() == [[2 / 3, 1 / 3]]
    assert anisotropy.cosine_shares(x, np.array([0.0, 1.0])).tolist() == [[1 / 3]]


def test_plane_of_mean_is_along_the_mean_and_most_variation() -> None:
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([0.5, 3.0, 1.0, 0.2], dtype=torch.float64)
    x = torch.randn(500, 4, generator=generator, dtype=torch.float64) * spread
    x += torch.tensor([5.0, 2.0, 0.0, 0.0], dtype=torch.float64)
    along, most = anisotropy.plane_of_mean(x, torch.tensor([2.0, 0, 0, 0], dtype=torch.float64))
    close(along, x[:, 0])
    assert torch.corrcoef(torch.stack([most, x[:, 1]]))[0, 1] > 0.99  # the sign is settled
    assert most.mean().item() == pytest.approx(2.0, abs=0.3)  # counted from zero, as `along` is
    close(
        anisotropy.plane_of_mean(x[torch.randperm(500, generator=generator)], x.mean(0))[1].std(),
        anisotropy.plane_of_mean(x, x.mean(0))[1].std(),
    )
    zero = torch.zeros_like(x[:1]), x.mean(0)
    assert [part.item() for part in anisotropy.plane_of_mean(*zero)] == [0.0, 0.0]


def test_spans_say_where_each_set_lies() -> None:
    sets = {"a": ["1", "2"], "none": [], "b": ["3"], "c": ["4", "5"]}
    texts = [text for own in sets.values() for text in own]
    spans = anisotropy.spans(sets)
    assert {name: texts[own] for name, own in spans.items()} == sets
    assert list(spans) == list(sets)
    assert anisotropy.spans({}) == {}


def test_mean_of_is_over_the_tokens_of_some_texts() -> None:
    texts = random_texts(LENGTHS)
    close(anisotropy.mean_of(sums_of(texts), slice(1, 4)), torch.cat(texts[1:4], 1).mean(1))


def test_agreement_is_the_cosine_of_each_two_means() -> None:
    means = [text[:, 0] for text in random_texts([1, 1, 1], layers=2)]
    agreement = anisotropy.mean_agreement(
        {"a": means[0], "b": 3 * means[0].float(), "c": means[1], "d": -means[2]}
    )
    assert agreement.shape == (2, 4, 4)
    cosine = torch.nn.functional.cosine_similarity
    close(agreement[:, 0, 1], torch.ones(2, dtype=torch.float64))
    close(agreement[:, 0, 2], cosine(means[0], means[1]))
    close(agreement[:, 2, 3], -cosine(means[1], means[2]))
    close(agreement, agreement.mT)


def test_off_diagonal_is_each_pair_once() -> None:
    matrix = torch.arange(18, dtype=torch.float64).reshape(2, 3, 3)
    assert anisotropy.off_diagonal(matrix).tolist() == [[1, 2, 5], [10, 11, 14]]


@pytest.mark.parametrize("k", [0, -1, 6, 7])
def test_a_k_that_leaves_nothing_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"^k: got {k}; 1 to 5 are allowed"):
        sums_of(random_texts([2, 2])).largest_dimensions(k)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "^texts: got none"),
        (["q", "z"], "^texts: 0 of 2 hold a token after the first; two are needed"),
        (["q", TEXTS[0]], "^texts: 1 of 2 hold"),
        (TEXTS[0], "^texts: 1 of 1 hold"),
        ([TEXTS[0], ""], r"^texts\[1\]: got an empty text"),
    ],
)
def test_texts_without_a_pair_are_refused(
    gpt2: TransformerBridge, texts: list[str] | str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        residual_sums(gpt2, texts)


@pytest.mark.parametrize("shape", [(LAYERS, WIDTH), (LAYERS + 1, WIDTH - 1), (1, WIDTH)])
def test_a_mask_of_another_shape_is_refused(
    gpt2: TransformerBridge, shape: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match=r"^without: got shape .*; \(4, 32\) is allowed"):
        residual_sums(gpt2, LONGER, without=torch.zeros(shape, dtype=torch.bool))


@pytest.mark.parametrize(
    ("texts", "per_text", "says"),
    [
        ([TEXTS[0], "q"], 1, r"^texts\[1\]: 0 tokens after the first; 1 are needed"),
        (["Rain."], 40, r"^texts\[0\]: \d+ tokens after the first; 40 are needed"),
        (TEXTS[:1], 0, "^per_text: got 0; 1 or more is allowed"),
        ([], 1, "^texts: got none"),
    ],
)
def test_texts_with_too_few_tokens_to_draw_are_refused(
    gpt2: TransformerBridge, texts: list[str], per_text: int, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        sample_activations(gpt2, texts, per_text=per_text)


def test_no_direction_and_no_pair_are_refused() -> None:
    with pytest.raises(ValueError, match="mean: got a vector of zero"):
        anisotropy.plane_of_mean(torch.ones(3, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="mean: got a vector of zero"):
        anisotropy.plane_of_mean(torch.ones(3, 2), torch.full((2,), torch.nan))
    with pytest.raises(ValueError, match="activations: got 1 a layer"):
        anisotropy.cosine_shares(torch.ones(2, 1, 4), np.array([-1.0, 1.0]))


def test_merged_texts_do_not_pair_with_each_other() -> None:
    units = torch.nn.functional.normalize(torch.randn(4, 3, generator=_generator()), dim=-1)
    sums = ResidualSums(
        tokens=torch.ones(4, dtype=torch.float64),
        total=units.double()[None],
        unit=units.double()[None],
        norm=torch.ones(1, 4, dtype=torch.float64),
        square=units.double().square().sum(0)[None],
    )
    merged = sums.merged(torch.tensor([0, 1, 2, 1]))
    cosines = units.double() @ units.double().T
    apart = [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]  # all but texts 1 and 3, which are one
    expected = sum(float(cosines[i, j]) for i, j in apart) / len(apart)
    assert merged.n_texts == 3
    assert float(merged.cosine[0]) == pytest.approx(expected)
    assert torch.allclose(merged.mean, sums.mean)


def test_groups_are_checked() -> None:
    sums = ResidualSums(
        *(torch.ones(shape, dtype=torch.float64) for shape in ((2,), (1, 2, 3), (1, 2, 3))),
        norm=torch.ones(1, 2, dtype=torch.float64),
        square=torch.ones(1, 3, dtype=torch.float64),
    )
    for bad in ([0], [0, 2]):
        with pytest.raises(ValueError, match="groups: got"):
            sums.merged(torch.tensor(bad))


def test_pairs_join_text_n_of_two_sets() -> None:
    sets = {"a": ["x", "y"], "b": ["z"], "c": ["u", "v"]}
    assert anisotropy.pairs(sets, "a", "c").tolist() == [0, 1, 2, 0, 1]
    with pytest.raises(ValueError, match="second: b has 1"):
        anisotropy.pairs(sets, "a", "b")
    with pytest.raises(ValueError, match="first: got 'q'"):
        anisotropy.pairs(sets, "q", "b")


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_of_a_long_text_one_window_is_sampled(gpt2: TransformerBridge) -> None:
    long = " ".join(TEXTS * 4)
    with pytest.warns(UserWarning, match="longer than the context"):
        drawn = sample_activations(gpt2, [long, TEXTS[0]], per_text=3)
    assert drawn.shape[1] == 6
    assert bool((drawn.norm(dim=-1) > 0).all())
    with pytest.warns(UserWarning, match="longer than the context"):
        assert torch.equal(drawn, sample_activations(gpt2, [long, TEXTS[0]], per_text=3))

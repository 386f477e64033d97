from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from espnet_soups.gradients.layer_conflict import LayerConflict, LayerProducts
from espnet_soups.gradients.layers import Columns

WIDTH, STEPS = 40, 16
LAYERS = [Columns(f"encoder.encoders.{n}", (n,), n * WIDTH, (n + 1) * WIDTH) for n in range(2)]
PLANTED = -0.3  # the cosine of every pair in the first layer; in the second one 0


def planted(size=3):
    """Gradients with equal norms and the planted cosines, [m, n]."""
    gram = np.full((size, size), PLANTED) + (1 - PLANTED) * np.eye(size)
    first = np.linalg.cholesky(gram) @ np.eye(size, WIDTH)
    return 6.0 * np.concatenate([first, np.eye(size, WIDTH)], axis=1)


def observe(seed, noise=1.0, steps=STEPS, signal=None):
    signal = planted() if signal is None else signal
    random, conflict = np.random.default_rng(seed), LayerConflict(LAYERS, len(signal))
    for _ in range(steps):
        halves = signal + noise * random.normal(size=(2, *signal.shape))
        conflict.add(*torch.tensor(halves), torch.ones(len(signal), dtype=torch.bool))
    return conflict


def by_numpy(conflict):
    """The mean cosine of each layer and its interval, with the jackknife written out."""
    products = torch.stack(conflict._products).numpy()
    upper = np.triu_indices(products.shape[2], 1)

    def mean_cosine(total):
        norms = np.sqrt(np.diagonal(total, axis1=1, axis2=2))
        return (total / norms[:, :, None] / norms[:, None, :])[:, upper[0], upper[1]].mean(axis=1)

    whole, steps = mean_cosine(products.sum(0)), len(products)
    without = np.array([mean_cosine(np.delete(products, s, 0).sum(0)) for s in range(steps)])
    error = np.sqrt((steps - 1) / steps * ((without - without.mean(0)) ** 2).sum(0))
    half = stats.t.ppf(0.975, steps - 1) * error
    return whole, whole - half, whole + half


def test_estimate_and_interval_equal_a_jackknife_written_out():
    conflict = observe(seed=1)
    found, expected = conflict.conflict("mean", 0.95), by_numpy(conflict)
    for own, reference in zip((found.value, found.low, found.high), expected, strict=True):
        np.testing.assert_allclose(own, reference, rtol=1e-9)


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_intervals_hold_the_planted_cosine_as_often_as_they_say(noise):
    inside = np.zeros(2)
    draws = 1000
    for seed in range(draws):
        found = observe(seed, noise).conflict("mean", 0.95)
        truth = torch.tensor([PLANTED, 0.0])
        inside += ((found.low <= truth) & (truth <= found.high)).numpy()
    assert (inside / draws >= 0.93).all(), inside
    assert (inside / draws <= 0.97).all(), inside


def test_the_noise_does_not_pull_cosines_towards_zero():
    values = [float(observe(seed, noise=2.0).conflict("mean", 0.95).value[0]) for seed in range(60)]
    assert np.nanmean(values) == pytest.approx(PLANTED, abs=0.04)


def test_the_worst_pair_is_found_and_its_interval_is_wider_than_one_pair_alone_would_have():
    signal = planted()
    signal[2, :WIDTH] = 6.0 * np.eye(3, WIDTH)[2]  # the third one is at right angles to the others
    conflict = observe(seed=2, signal=signal)
    worst, mean = conflict.conflict("worst", 0.95), conflict.conflict("mean", 0.95)
    assert float(worst.value[0]) == pytest.approx(float(conflict.cosines()[0, 0, 1]))
    assert worst.value[0] < mean.value[0]


def test_objectives_that_cannot_be_told_from_noise_take_no_part():
    signal = planted()
    signal[2] = 0.0
    conflict = observe(seed=8, signal=signal)
    found = conflict.conflict("mean", 0.95)
    torch.testing.assert_close(found.value, conflict.cosines()[:, 0, 1])
    nothing = observe(seed=4, signal=0.0 * signal).conflict("worst", 0.95)
    assert torch.isnan(nothing.value).all()
    assert not (nothing.high < 0).any(), "what is not known does not conflict"


def test_a_half_that_lacks_an_objective_adds_nothing_for_it():
    conflict = observe(seed=5)
    before = conflict.conflict("mean", 0.95).value
    assert torch.isfinite(before).all()
    halves = torch.zeros(2, 3, 2 * WIDTH).double()
    conflict.add(*halves, torch.zeros(3, dtype=torch.bool))
    after = conflict.conflict("mean", 0.95).value
    torch.testing.assert_close(after, before)


def test_a_selection_goes_on_from_what_a_checkpoint_holds():
    whole, part = observe(seed=6), LayerConflict(LAYERS, 3)
    part.restore(whole.state())
    assert part.steps == STEPS
    assert torch.equal(part.cosines(), whole.cosines())
    nothing = LayerConflict(LAYERS, 3).state()
    assert [list(value.shape) for value in nothing.values()] == [[0, 2, 3, 3], [0, 3, 3]]
    part.restore(nothing)
    assert part.steps == 0


def clear_written_out(squares, counts, confidence):
    """Whether a ratio of sums over blocks is above 0 by its t interval."""
    here = counts > 0
    squares, counts, blocks = squares[here], counts[here], here.sum()
    if blocks < 2:
        return False
    mean = squares.sum() / counts.sum()
    residuals = squares - mean * counts
    error = np.sqrt(blocks / (blocks - 1) * (residuals**2).sum()) / counts.sum()
    return mean / error > stats.t.ppf((1 + confidence) / 2, blocks - 1)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_pairs_take_part_whose_norms_are_both_clear_and_are_corrected_for_their_number(confidence):
    random, seen, upper = np.random.default_rng(11), set(), list(combinations(range(3), 2))
    for _ in range(60):
        counts = random.integers(0, 4, size=(7, 3)) * random.integers(1, 4, size=(7, 1))
        counts = np.minimum(counts[:, :, None], counts[:, None, :]).astype(float)
        gram = random.normal([[4, 1, 1], [1, 2, 1], [1, 1, 0.7]], 1.5, size=(7, 3, 3))
        products = (gram + gram.transpose(0, 2, 1)) / 2 * counts
        found = LayerProducts(torch.tensor(products)[:, None], torch.tensor(counts))
        clear = [
            clear_written_out(products[:, k, k], counts[:, k, k], confidence) for k in range(3)
        ]
        kept = [np.arange(7) != step for step in range(7)]
        without = np.array([cosine_of_sums(products[own], counts[own]) for own in kept])
        whole = cosine_of_sums(products, counts)
        finite = np.isfinite(whole) & np.isfinite(without).all(axis=0)
        known = [(i, j) for i, j in upper if clear[i] and clear[j] and finite[i, j]]
        seen.add(len(known))
        value = found.mean_conflict(confidence).value[0].item()
        mean = np.mean([whole[pair] for pair in known]) if known else np.nan
        assert value == pytest.approx(mean, nan_ok=True)
        worst, places = found.worst_conflict(confidence)
        if not known:
            assert places.tolist() == [[-1, -1]]
            assert torch.isnan(worst.value).all()
            continue
        t = stats.t.ppf(1 - (1 - confidence) / 2 / len(upper), 6)
        halves = {pair: t * np.sqrt(6 * np.var(without[(slice(None), *pair)])) for pair in known}
        pair = min(known, key=lambda pair: whole[pair] + halves[pair])
        assert tuple(places[0].tolist()) == pair
        ends = [float(end) for end in (worst.value, worst.low, worst.high)]
        assert ends == pytest.approx(
            [whole[pair], whole[pair] - halves[pair], whole[pair] + halves[pair]]
        )
    assert seen >= {1, 3}


def cosine_of_sums(products, counts):
    """Cosines of means, NaN where a mean square is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = products.sum(0) / counts.sum(0)
        norms = np.sqrt(np.diagonal(mean))
        return mean / np.outer(norms, norms)


def test_a_norm_of_exactly_zero_makes_no_infinite_cosine():
    products = torch.tensor([[0.0, 1.0], [1.0, 1.0]]).double().expand(4, 1, 2, 2)
    cosines = LayerProducts(products, torch.ones(4, 2, 2).double()).cosines()
    assert cosines[0, 1, 1] == 1.0
    assert cosines.isnan().sum() == 3


def test_a_step_that_is_not_finite_is_left_out():
    conflict, other = observe(0), observe(0)
    halves = torch.ones(2, 3, 2 * WIDTH)
    halves[0, 1, WIDTH] = torch.inf
    other.add(*halves, torch.ones(3, dtype=torch.bool))
    assert other.steps == STEPS
    assert str(other.conflict("mean", 0.95)) == str(conflict.conflict("mean", 0.95))

"""Products of different batches: against brute force, and intervals against planted gradients."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
import torch
from scipy import stats

from espnet_soups.gradients.batch_pairs import BatchPairs

COSINES = np.array([[1.0, -0.4, 0.3], [-0.4, 1.0, 0.0], [0.3, 0.0, 1.0]])
NORMS = np.array([1.0, 2.0, 0.5])
WIDTH = 60


def draw(random, batches, noise, shared=0.0):
    """Draw gradients with planted cosines and norms, noise, and noise that objectives share."""
    signal = np.zeros((3, WIDTH))
    signal[:, :3] = np.linalg.cholesky(COSINES) * NORMS[:, None]
    own = random.standard_normal((batches, 3, WIDTH)) * NORMS[:, None] * noise
    common = random.standard_normal((batches, 1, WIDTH)) * NORMS[:, None] * shared
    return torch.from_numpy(signal + (own + common) / WIDTH**0.5)


def relate(rows, present=None, groups=(((0, WIDTH),),)):
    """Go through the batches twice."""
    present = torch.ones(rows.shape[:2], dtype=torch.bool) if present is None else present
    rows = rows * present.unsqueeze(2)
    pairs = BatchPairs(groups, rows.shape[1])
    for batch, here in zip(rows, present, strict=True):
        pairs.add(batch, here)
    for batch in rows:
        pairs.compare(batch)
    return pairs.relations()


def mean_over_pairs(rows, present, columns):
    """The definition: the mean product over all ordered pairs of batches that differ."""
    size = rows.shape[1]
    found = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            products = [
                float(rows[a, i, columns] @ rows[b, j, columns])
                for a, b in permutations(range(len(rows)), 2)
                if present[a, i] and present[b, j]
            ]
            found[i, j] = np.mean(products)
    return found


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_estimates_are_means_over_all_pairs_of_batches_that_differ(missing):
    random = np.random.default_rng(1)
    rows = draw(random, 9, 0.5)
    present = torch.from_numpy(random.random((9, 3)) >= missing)
    groups = [[(0, 10), (30, WIDTH)], [(10, 30)]]
    found = relate(rows, present, groups)
    for group, spans in enumerate(groups):
        columns = torch.cat([torch.arange(*span) for span in spans])
        expected = mean_over_pairs(rows, present, columns)
        expected = (expected + expected.T) / 2
        assert found.square.value[group].numpy() == pytest.approx(np.diag(expected))
        known = found.clear[group].numpy()
        norms = np.sqrt(np.where(known, np.diag(expected), np.nan))
        assert found.cosine.value[group].numpy() == pytest.approx(
            expected / np.outer(norms, norms), nan_ok=True
        )
        ratio = norms[:, None] / norms
        assert found.norm_ratio.value[group].numpy() == pytest.approx(ratio, nan_ok=True)
        power = [
            float((rows[:, k][present[:, k]][:, columns] ** 2).sum(dim=1).mean()) for k in range(3)
        ]
        assert found.signal_share[group].numpy() == pytest.approx(np.diag(expected) / power)
    assert found.batches.tolist() == present.sum(dim=0).tolist()


def interval_written_out(statistic, rows, present, takes_part):
    """An interval by leaving out batches, numerical derivatives and a linear system.

    Args:
        statistic: A number computed from mean products, [m, m].
        rows: Of all batches, [n, m, N].
        present: Bool [n, m].
        takes_part: Whether a batch has a part in the statistic, bool [n].
    """
    columns, kept = slice(None), [a for a, part in enumerate(takes_part) if part]
    count, without = len(kept), np.arange(len(rows))
    mean = mean_over_pairs(rows, present, columns)
    left_out = [
        statistic(mean_over_pairs(rows[without != a], present[without != a], columns)) for a in kept
    ]
    jackknife = (count - 1) * np.var(left_out)
    added = []
    for a in range(len(rows)):
        neighbour = np.full((rows.shape[1],) * 2, np.nan)
        for i, j in product(range(rows.shape[1]), repeat=2):
            before = [b for b in range(a) if present[b, i]]
            if before and present[a, j]:
                neighbour[i, j] = float(rows[before[-1], i] @ rows[a, j])
        one_way = np.where(np.isnan(neighbour), neighbour.T, neighbour)
        towards = (one_way + one_way.T) / 2 - mean
        small = 1e-5
        added.append((statistic(mean + small * towards) - statistic(mean - small * towards)) / 2e-5)
    single = np.nanmean(np.square(added))
    pairs = count * (count - 1)
    batch, _ = np.linalg.solve([[4 / count, 4 / pairs], [2, 1]], [jackknife, single])
    batch = max(batch, 0.0)
    pair = min(max(single - 2 * batch, 0.0), single)
    error = np.sqrt(4 * batch / count + 2 * pair / pairs)
    value, t = statistic(mean), stats.t(count - 1)
    half = t.ppf(0.975) * error
    return value, value - half, value + half, 2 * t.sf(abs(value / error))


def symmetric_cosine(mean, i, j):
    return (mean[i, j] + mean[j, i]) / 2 / np.sqrt(mean[i, i] * mean[j, j])


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_intervals_equal_those_written_out(noise, missing):
    random = np.random.default_rng(10)
    rows = 0.1 * draw(random, 14, noise, shared=noise / 2)
    present = torch.from_numpy(random.random((14, 3)) >= missing)
    rows = rows * present.unsqueeze(2)
    found = relate(rows, present)
    assert found.clear.all()
    i, j = 2, 0
    either = (present[:, i] | present[:, j]).tolist()
    cases = [
        (found.square, (0, i), lambda mean: mean[i, i], present[:, i].tolist()),
        (found.cosine, (0, i, j), lambda mean: symmetric_cosine(mean, i, j), either),
        (found.norm_ratio, (0, i, j), lambda mean: np.log(mean[i, i] / mean[j, j]) / 2, either),
    ]
    if not missing:
        upper = list(combinations(range(3), 2))
        cases.append((found.mean_cosine, (0,), lambda mean: np.mean(
            [symmetric_cosine(mean, *pair) for pair in upper]), [True] * 14))  # fmt: skip
    for own, place, statistic, part in cases:
        *ends, p = interval_written_out(statistic, rows, present, part)
        ends = np.exp(ends) if own is found.norm_ratio else ends
        ours = [float(numbers[place]) for numbers in (own.value, own.low, own.high, own.p)]
        assert ours == pytest.approx([*ends, p], rel=1e-5)


@pytest.mark.parametrize(
    ("batches", "noise", "shared"), [(8, 1.0, 0.5), (16, 2.0, 1.0), (24, 3.0, 1.5)]
)
def test_intervals_cover_the_truth_in_93_to_97_of_100_draws(batches, noise, shared):
    random = np.random.default_rng(batches)
    draws, tail = 1000, np.triu_indices(3, 1)
    hits = {"cosine": np.zeros(3), "norm_ratio": np.zeros(3), "square": np.zeros(3)}
    known, mean = np.zeros(3), 0
    truth = {"cosine": COSINES[tail], "norm_ratio": (NORMS[:, None] / NORMS)[tail]}
    for _ in range(draws):
        found = relate(draw(random, batches, noise, shared))
        for name, true in truth.items():
            own = getattr(found, name)
            hits[name] += (own.low[0].numpy()[tail] <= true) & (true <= own.high[0].numpy()[tail])
        square = found.square
        hits["square"] += (square.low[0].numpy() <= NORMS**2) & (square.high[0].numpy() >= NORMS**2)
        known += np.isfinite(found.cosine.value[0].numpy()[tail])
        mean += bool(found.mean_cosine.low[0] <= COSINES[tail].mean() <= found.mean_cosine.high[0])
    assert (known > 0.98 * draws).all()
    shares = [hits["cosine"] / known, hits["norm_ratio"] / known, hits["square"] / draws]
    shares.append(np.array([mean / draws]))
    # 1.4 % is the standard error of two draws of 1,000 in 95 %, that of a mean of twelve is below
    assert 0.93 <= np.concatenate(shares).mean() <= 0.97
    assert np.concatenate(shares).min() >= 0.92
    assert np.concatenate(shares).max() <= 0.98


def test_noise_that_objectives_share_in_a_batch_makes_no_cosine():
    random, found = np.random.default_rng(3), []
    for _ in range(100):
        relations = relate(draw(random, 16, 0.2, shared=2.0))
        found.append(relations.cosine.value[0, 1, 2].item())
    rows = draw(random, 200, 0.2, shared=2.0)
    naive = torch.nn.functional.cosine_similarity(rows[:, 1], rows[:, 2], dim=1).mean()
    assert naive > 0.3  # what cosines of single batches would say
    assert np.isfinite(found).all()
    assert np.mean(found) == pytest.approx(0.0, abs=0.03)


def test_a_gradient_that_is_noise_alone_gets_no_number():
    rows = draw(np.random.default_rng(4), 10, 0.5)
    rows[:, 2] = torch.randn(10, WIDTH, generator=torch.Generator().manual_seed(5)).double()
    found = relate(rows)
    assert found.clear[0].tolist() == [True, True, False]
    assert found.cosine.value[0].isnan().tolist() == [
        [False, False, True], [False, False, True], [True, True, True]
    ]  # fmt: skip
    assert found.mean_cosine.value[0].item() == found.cosine.value[0, 0, 1].item()


def test_objectives_that_share_no_two_batches_get_no_number_and_others_keep_theirs():
    rows = draw(np.random.default_rng(6), 10, 0.5)
    present = torch.ones(10, 3, dtype=torch.bool)
    present[1:, 2] = False  # in one batch alone: no pair with itself
    found = relate(rows, present)
    alone = relate(rows[:, :2])
    assert found.clear[0].tolist() == [True, True, False]
    assert torch.equal(found.cosine.value[0, :2, :2], alone.cosine.value[0])
    assert torch.equal(found.cosine.low[0, 0, 1], alone.cosine.low[0, 0, 1])


def test_too_few_batches_are_refused_and_so_is_a_batch_that_was_not_added():
    with pytest.raises(ValueError, match="of 3 batches can be used, but an interval needs 4"):
        relate(draw(np.random.default_rng(7), 3, 0.5))
    assert relate(draw(np.random.default_rng(7), 4, 0.1)).clear.all()
    pairs, row = BatchPairs([[(0, 2)]], 1), torch.ones(1, 2)
    with pytest.raises(RuntimeError, match="added before"):
        pairs.compare(row)
    with pytest.raises(RuntimeError, match="added before"):
        pairs.direction(row, 0)
    pairs.add(row, torch.tensor([True]))
    pairs.compare(row)
    with pytest.raises(RuntimeError, match="added before"):
        pairs.compare(row)


def test_a_direction_holds_all_batches_but_one():
    rows = draw(np.random.default_rng(8), 5, 0.5)
    pairs = BatchPairs([[(0, WIDTH)]], 3)
    for batch in rows:
        pairs.add(batch, torch.ones(3, dtype=torch.bool))
    assert torch.allclose(pairs.direction(rows[2], 1), rows[[0, 1, 3, 4], 1].sum(dim=0))


def test_a_neighbour_is_the_batch_before_that_has_labels_of_an_objective():
    random = np.random.default_rng(9)
    rows, present = draw(random, 12, 0.5), torch.from_numpy(random.random((12, 3)) > 0.4)
    pairs = BatchPairs([[(0, WIDTH)]], 3)
    rows = rows * present.unsqueeze(2)
    for batch, here in zip(rows, present, strict=True):
        pairs.add(batch, here)
    for batch in rows:
        pairs.compare(batch)
    expected = np.full((12, 1, 3, 3), np.nan)
    for a in range(12):
        for i, j in product(range(3), repeat=2):
            before = [b for b in range(a) if present[b, i]]
            if before and present[a, j]:
                expected[a, 0, i, j] = float(rows[before[-1], i] @ rows[a, j])
    assert np.isnan(expected).any()
    np.testing.assert_allclose(torch.stack(pairs._neighbours).numpy(), expected)

"""What epochs show of layers: the same as of all steps at once, in memory that does not grow."""

import numpy as np
import pytest
import torch

from espnet_soups.gradients.layer_conflict import LayerConflict
from espnet_soups.gradients.layer_means import MOST_BLOCKS, LayerMeans
from espnet_soups.gradients.layers import Columns

NAMES = ["asr_en", "asr_fr", "st_fr_en"]
WIDTH = 30
GROUPS = {"encoder.encoders.0": [(0, WIDTH)], "encoder.encoders.1": [(WIDTH, 2 * WIDTH)]}
COSINE = -0.5  # of the last objective with the others, in the first layer


def draw(random, noise=1.0):
    """Draw the halves of a step."""
    signal = np.zeros((3, 2 * WIDTH))
    gram = np.array([[1.0, 0.2, COSINE], [0.2, 1.0, COSINE], [COSINE, COSINE, 1.0]])
    signal[:, :3] = 4 * np.linalg.cholesky(gram)
    signal[:, WIDTH : WIDTH + 3] = 4 * np.eye(3)
    return torch.from_numpy(signal + noise * random.standard_normal((2, 3, 2 * WIDTH)))


def observe(steps, seed=0, missing=0.0, **how):
    """Add so many steps; return the means, and every step."""
    random, means, taken = np.random.default_rng(seed), LayerMeans(), []
    for _ in range(steps):
        both = torch.from_numpy(random.random(3) >= missing)
        halves = draw(random, **how) * both.reshape(1, 3, 1)
        means.add(GROUPS, halves, both)
        taken.append((halves, both))
    return means, taken


@pytest.mark.parametrize("steps", [10, MOST_BLOCKS, 3 * MOST_BLOCKS + 5])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_cosines_are_ratios_of_means_over_the_steps_that_have_both(steps, missing):
    means, taken = observe(steps, missing=missing)
    found = means.describe(NAMES)["encoder.encoders.0"]["cosine"]
    products, counts = np.zeros((3, 3)), np.zeros((3, 3))
    for halves, both in taken:
        one, two = halves[:, :, :WIDTH].numpy()
        products += (one @ two.T + two @ one.T) / 2
        counts += np.outer(both, both)
    mean = products / counts
    expected = mean / np.sqrt(np.outer(np.diag(mean), np.diag(mean)))
    assert np.array(found) == pytest.approx(expected, abs=1e-4)


def test_as_long_as_each_step_is_a_block_the_numbers_are_those_of_a_selection():
    means, taken = observe(20)
    layers = [Columns(n, (), *spans[0]) for n, spans in GROUPS.items()]
    conflict = LayerConflict(layers, 3)
    for halves, both in taken:
        conflict.add(*halves, both)
    found = means.describe(NAMES)
    for statistic in ("mean", "worst"):
        expected = conflict.conflict(statistic, 0.95)
        for position, layer in enumerate(found.values()):
            ends = (expected.value[position], expected.low[position], expected.high[position])
            assert layer[statistic] == pytest.approx([float(x) for x in ends], abs=1e-4)


def test_the_pair_that_conflicts_most_is_named_and_its_interval_holds_the_planted_cosine():
    means, _ = observe(200)
    found = means.describe(NAMES)
    first = found["encoder.encoders.0"]
    assert first["pair"][1] == "st_fr_en"
    assert first["worst"][1] < COSINE < first["worst"][2] < 0
    low, high = found["encoder.encoders.1"]["mean"][1:]
    assert low < 0 < high


def test_intervals_of_blocks_hold_the_truth_as_often_as_those_of_steps():
    truth, inside, draws = (2 * COSINE + 0.2) / 3, 0, 200
    for seed in range(draws):
        means, _ = observe(2 * MOST_BLOCKS + 9, seed=seed, noise=2.0)
        _, low, high = means.describe(NAMES)["encoder.encoders.0"]["mean"]
        inside += low <= truth <= high
    assert 0.90 <= inside / draws <= 0.99  # 95 % with 1.5 % of standard error


def test_memory_does_not_grow_with_the_steps():
    means, _ = observe(1000)
    for blocks in means._layers.values():
        assert MOST_BLOCKS / 2 < len(blocks.products) <= MOST_BLOCKS
        *whole, last = (float(counts[0, 0]) for counts in blocks.counts)
        assert set(whole) == {16.0}, "blocks are alike, the last one may be under way"
        assert 0 < last <= 16
        assert sum(float(counts[0, 0]) for counts in blocks.counts) == 1000


def test_noise_alone_and_too_few_steps_get_no_number():
    assert observe(3)[0].describe(NAMES) == {}
    found = observe(30, noise=50.0)[0].describe(NAMES)["encoder.encoders.1"]
    assert found["pair"] is None
    assert np.isnan(found["mean"]).all()


def test_a_single_objective_has_no_pair_and_no_number():
    means = LayerMeans()
    for step in range(6):
        torch.manual_seed(step)
        means.add({"encoder.encoders.0": [(0, 4)]}, torch.randn(2, 1, 4), torch.tensor([True]))
    found = means.describe(["asr_fr"])["encoder.encoders.0"]
    assert found["pair"] is None
    assert np.isnan(found["mean"] + found["worst"]).all()


def test_a_step_that_is_not_finite_in_a_layer_is_left_out_there():
    whole, broken = observe(10)[0], LayerMeans()
    random = np.random.default_rng(0)
    for step in range(11):
        if step == 5:
            halves = torch.ones(2, 3, 2 * WIDTH)
            halves[1, 2, 0] = torch.inf
        else:
            random.random(3)
            halves = draw(random)
        broken.add(GROUPS, halves, torch.ones(3, dtype=torch.bool))
    first, second = broken.describe(NAMES).values()
    assert first == whole.describe(NAMES)["encoder.encoders.0"]
    assert second != whole.describe(NAMES)["encoder.encoders.1"]

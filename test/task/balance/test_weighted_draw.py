import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.task.balance.weighted_draw import WeightedDraw


@given(st.lists(st.floats(0.01, 100.0), min_size=2, max_size=60), st.integers(0, 999))
def test_a_pass_has_a_fixed_number_of_utterances_none_twice_and_none_longer_than_told(
    weights, seed
):
    random = np.random.RandomState(seed)
    frames = random.randint(1, 500, len(weights))
    draw = WeightedDraw(np.array(weights), frames)
    rows = draw.draw(np.ones(len(frames)), random)
    assert len(rows) == draw.number <= len(frames)
    assert len(set(rows.tolist())) == len(rows)
    assert (np.diff(frames[rows]) >= 0).all()
    assert (frames[rows] <= draw.longest()).all()


def test_an_utterance_comes_as_often_as_its_weight_says():
    random = np.random.RandomState(0)
    weights = np.array([4.0, 1.0, 2.0, 2.0, 1.0, 4.0, 0.5, 3.0])
    draw = WeightedDraw(weights, random.randint(1, 500, 8))
    times = np.zeros(8)
    for _ in range(20_000):
        times[draw.draw(np.ones(8), random)] += 1
    expected = weights * draw.number / weights.sum()
    # four standard deviations of a share of 20,000 draws
    assert np.abs(times / 20_000 - expected).max() < 4 * 0.5 / 20_000**0.5


def test_equal_weights_draw_everyone_and_take_no_random_number():
    frames = np.array([5, 3, 9])
    random, untouched = np.random.RandomState(1), np.random.RandomState(1)
    draw = WeightedDraw(np.full(3, 7.0), frames)
    assert draw.draw(np.ones(3), random).tolist() == [1, 0, 2]
    assert random.uniform() == untouched.uniform()

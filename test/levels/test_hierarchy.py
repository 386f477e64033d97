import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from espnet_soups.levels.hierarchy import Hierarchy


def penalised_gradients(levels, weights, penalties, gradients):
    """The gradient of F_k = l_k + sum_{q>p} (c_q/c_p) sum_j w_j l_j, written out in loops."""
    result = []
    for p, level in enumerate(levels):
        vectors = []
        for k in level:
            vector = gradients[k].copy()
            for q in range(p + 1, len(levels)):
                for j in levels[q]:
                    vector += penalties[q] / penalties[p] * weights[j] * gradients[j]
            vectors.append(vector)
        result.append(np.array(vectors))
    return result


@given(st.integers(0, 10_000), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_the_gram_of_a_level_is_that_of_its_penalised_gradients(seed, sizes):
    random = np.random.default_rng(seed)
    indices = random.permutation(sum(sizes))
    levels = [part.tolist() for part in np.split(indices, np.cumsum(sizes)[:-1])]
    weights = random.uniform(size=sum(sizes))
    penalties = np.concatenate([[1.0], random.uniform(0.1, 2.0, len(sizes) - 1)])
    first, second = random.normal(size=(2, sum(sizes), 7))
    hierarchy = Hierarchy(levels)
    expected_first = penalised_gradients(levels, weights, penalties, first)
    expected_second = penalised_gradients(levels, weights, penalties, second)
    for position, c in enumerate(penalties):
        matrix = hierarchy.penalise(position, torch.tensor(weights), torch.tensor(penalties))
        gram = (matrix @ torch.tensor(first @ second.T) @ matrix.T).numpy()
        expected = c**2 * expected_first[position] @ expected_second[position].T
        np.testing.assert_allclose(gram, expected, rtol=1e-9, atol=1e-9)


def test_a_tiny_penalty_above_a_large_one_makes_no_large_numbers():
    weights = torch.tensor([1.0, 0.5, 0.5, 0.5, 0.5])
    matrix = Hierarchy([[0], [1, 2], [3, 4]]).penalise(1, weights, torch.tensor([1.0, 0.02, 0.5]))
    assert float(matrix.max()) <= 0.5


def test_values_of_levels_are_spread_over_their_objectives():
    hierarchy = Hierarchy([[2, 0], [1]])
    assert hierarchy.spread(torch.tensor([1.0, 0.5])).tolist() == [1.0, 0.5, 1.0]
    assert hierarchy.uniform().tolist() == [0.5, 1.0, 0.5]


@given(st.integers(0, 10_000))
def test_the_distance_from_uniform_is_half_the_sum_of_all_differences(seed):
    weights = np.random.default_rng(seed).dirichlet([1.0] * 4)
    found = Hierarchy([[0, 1, 2, 3]]).distances(torch.tensor(weights))
    np.testing.assert_allclose(found, np.abs(weights - 0.25).sum() / 2)


def test_values_of_another_number_of_levels_are_refused():
    with pytest.raises(ValueError, match="zip"):
        Hierarchy([[0, 1], [2]]).spread(torch.ones(3))

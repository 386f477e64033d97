import numpy as np
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
    seen = {}

    losses = random.uniform(size=sum(sizes))
    seen_losses = {}

    def keep(position, level_weights, gram, level_losses):
        seen[position], seen_losses[position] = gram, level_losses
        return level_weights

    hierarchy.move(
        torch.tensor(weights),
        torch.tensor(penalties),
        torch.tensor(first @ second.T),
        torch.tensor(losses),
        torch.ones(sum(sizes), dtype=torch.bool),
        keep,
    )
    expected_losses = penalised_gradients(levels, weights, penalties, losses[:, None])
    for position, size in enumerate(sizes):
        if size > 1:  # a single objective has nothing to weigh
            gram = expected_first[position] @ expected_second[position].T
            np.testing.assert_allclose(seen[position], gram, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(seen_losses[position], expected_losses[position][:, 0])
        else:
            assert position not in seen


def test_a_level_rests_while_its_penalty_is_zero():
    hierarchy = Hierarchy([[0, 1], [2, 3]])
    weights = torch.full((4,), 0.5)
    moved = hierarchy.move(
        weights,
        torch.tensor([1.0, 0.0]),
        torch.eye(4),
        torch.zeros(4),
        torch.ones(4, dtype=torch.bool),
        lambda position, level_weights, gram, losses: torch.tensor([0.9, 0.1]),
    )
    torch.testing.assert_close(moved, torch.tensor([0.9, 0.1, 0.5, 0.5]))
    torch.testing.assert_close(weights, torch.full((4,), 0.5))


def test_an_absent_objective_keeps_its_weight_and_the_others_share_the_rest():
    hierarchy = Hierarchy([[0, 1, 2]])
    moved = hierarchy.move(
        torch.tensor([0.2, 0.5, 0.3]),
        torch.ones(1),
        torch.eye(3),
        torch.zeros(3),
        torch.tensor([True, False, True]),
        lambda position, weights, gram, losses: torch.tensor([0.0, weights.sum()]),
    )
    torch.testing.assert_close(moved, torch.tensor([0.0, 0.5, 0.5]))


def test_values_of_levels_are_spread_over_their_objectives():
    hierarchy = Hierarchy([[2, 0], [1]])
    assert hierarchy.spread(torch.tensor([1.0, 0.5])).tolist() == [1.0, 0.5, 1.0]
    assert hierarchy.sizes().tolist() == [2.0, 1.0]

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchjd.aggregation import MoDoWeighting

from espnet_soups.weighting.combiner import Shown
from espnet_soups.weighting.modo import MoDo


def move(combiner, weights, gram):
    return combiner(weights, Shown(gram, torch.zeros(len(gram))), {})[0]


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.001, 5), st.floats(0, 2))
def test_a_trajectory_agrees_with_torchjd(seed, size, gamma, rho):
    generator = torch.Generator().manual_seed(seed)
    reference, ours = MoDoWeighting(gamma, rho), MoDo(gamma, rho)
    weights = torch.full((size,), 1.0 / size, dtype=torch.float64)
    for _ in range(6):
        first, second = torch.randn(2, size, 5, generator=generator, dtype=torch.float64)
        gram = first @ second.T
        weights = move(ours, weights, gram)
        torch.testing.assert_close(weights, reference(gram), rtol=1e-9, atol=1e-10)


def test_no_step_size_means_static_weights():
    weights = torch.tensor([0.3, 0.7])
    torch.testing.assert_close(move(MoDo(gamma=0.0), weights, torch.randn(2, 2)), weights)


def test_a_strong_pull_leads_to_uniform_weights():
    combiner, weights = MoDo(gamma=0.1, rho=1.0), torch.tensor([0.9, 0.1])
    for _ in range(300):
        weights = move(combiner, weights, torch.zeros(2, 2))
    torch.testing.assert_close(weights, torch.tensor([0.5, 0.5]))


def test_the_mass_of_a_level_is_kept():
    assert float(move(MoDo(0.1), torch.tensor([0.1, 0.3]), torch.eye(2)).sum()) == pytest.approx(
        0.4
    )


@pytest.mark.parametrize("options", [{"gamma": -0.1}, {"rho": -1.0}])
def test_negative_options_are_refused(options):
    with pytest.raises(ValueError, match="not negative"):
        MoDo(**options)


@given(st.integers(0, 10_000), st.integers(1, 9))
def test_a_measurement_after_n_steps_counts_as_n_moves_with_it(seed, steps):
    generator = torch.Generator().manual_seed(seed)
    gram = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    weights, combiner = torch.full((3,), 1 / 3, dtype=torch.float64), MoDo(0.05, 0.1)
    expected = weights
    for _ in range(steps):
        expected = move(combiner, expected, gram)
    found = combiner(weights, Shown(gram, torch.zeros(3), steps=steps), {})[0]
    torch.testing.assert_close(found, expected)

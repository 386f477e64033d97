import numpy as np
import pytest
import torch

from espnet_soups.gradients.means import DISTINGUISHABLE, GradientMeans
from espnet_soups.gradients.products import HalfProducts, half_products

NOISE = 3.0  # the norm of the noise is some ten times that of the signal


def measure(signal, steps, seed=0, multipliers=None, absent=()):
    """Means over noisy halves of a fixed signal [m, n]."""
    random, size = np.random.default_rng(seed), len(signal)
    means = GradientMeans(size)
    here = torch.tensor([k not in absent for k in range(size)])
    weights = torch.full((size,), 1 / size).double() if multipliers is None else multipliers
    for _ in range(steps):
        rows = signal + NOISE * random.normal(size=(2, *signal.shape))
        rows[:, list(absent)] = 0.0
        means.add(half_products(*torch.tensor(rows)), here, weights)
    return means


def test_cosines_norms_and_shares_are_those_of_the_signal_whatever_the_noise():
    signal = np.random.default_rng(5).normal(size=(3, 50))
    signal[1] -= 0.8 * signal[0]
    means = measure(signal, steps=4000)
    norms = np.linalg.norm(signal, axis=1)
    np.testing.assert_allclose(means.norms(), norms, rtol=0.05)
    expected = signal @ signal.T / np.outer(norms, norms)
    np.testing.assert_allclose(means.cosines(), expected, atol=0.06)
    np.testing.assert_allclose(
        means.signal_shares(), norms**2 / (norms**2 + 50 * NOISE**2), rtol=0.1
    )


def test_a_norm_that_cannot_be_told_from_zero_is_not_given_a_number():
    signal = np.zeros((2, 50))
    signal[0] = 5.0
    means = measure(signal, steps=100, seed=3)
    assert torch.isfinite(means.norms()[0])
    assert torch.isnan(means.norms()[1])
    assert torch.isnan(means.cosines()[0, 1])


def test_an_objective_without_labels_in_both_halves_takes_no_part():
    means = measure(np.full((3, 20), 2.0), steps=50, absent=(1,))
    assert means.steps().tolist() == [[50, 0, 50], [0, 0, 0], [50, 0, 50]]
    assert torch.isnan(means.raised()[1])
    assert float(means.cosines()[0, 2]) == pytest.approx(1.0, abs=0.1)


def test_a_step_raises_an_objective_that_points_against_it():
    signal = np.zeros((3, 40))
    signal[0], signal[1], signal[2] = 8.0, 8.0, -8.0
    means = measure(signal, steps=60)
    assert means.raised().tolist() == [0.0, 0.0, 1.0]
    assert means.raised_any() == 1.0
    alone = torch.tensor([0.0, 0.0, 1.0]).double()
    assert measure(signal, 60, multipliers=alone).raised().tolist() == [1.0, 1.0, 0.0]


def test_without_a_measured_step_nothing_is_known():
    means = GradientMeans(2)
    assert np.isnan(means.raised_any())
    assert torch.isnan(means.norms()).all()


def test_a_norm_is_clear_from_two_standard_errors_of_its_mean_square():
    random, outcomes = np.random.default_rng(7), set()
    for _ in range(60):
        squares = random.normal(0.7, 1.5, size=9)
        means = GradientMeans(1)
        for square in squares:
            own = torch.tensor([[square]])
            means.add(HalfProducts(own, own, own), torch.tensor([True]), torch.ones(1).double())
        clear = squares.mean() > DISTINGUISHABLE * squares.std(ddof=1) / 3
        norm = np.sqrt(squares.mean()) if clear else np.nan
        assert means.norms().item() == pytest.approx(norm, nan_ok=True)
        outcomes.add(bool(clear))
    assert outcomes == {True, False}
    nothing = measure(np.zeros((1, 4)), steps=0)
    zero = torch.zeros(1, 1).double()
    nothing.add(HalfProducts(zero, zero, zero), torch.tensor([True]), torch.ones(1).double())
    assert torch.isnan(nothing.norms()).all(), "a norm of 0 is no norm to divide by"


def test_a_half_is_raised_by_what_the_step_on_the_other_half_does_to_it():
    means, cross = GradientMeans(2), torch.tensor([[0.5, -0.7], [0.1, 0.2]]).double()
    own = torch.eye(2).double()
    means.add(HalfProducts(cross, own, own), torch.tensor([True, True]), torch.ones(2).double())
    # C 1 = (-0.2, 0.3) and C^T 1 = (0.6, -0.5)
    assert means.raised().tolist() == [0.5, 0.5]
    assert means.raised_any() == 1.0
    means.add(HalfProducts(own / 2, own, own), torch.tensor([True, True]), torch.ones(2).double())
    assert means.raised().tolist() == [0.25, 0.25]
    assert means.raised_any() == 0.5
    nothing = torch.zeros(2, 2).double()
    means.add(HalfProducts(nothing, own, own), torch.tensor([True, True]), torch.ones(2).double())
    assert means.raised().tolist() == pytest.approx([0.5 / 3, 0.5 / 3]), "a slope of 0 is no rise"


def test_one_measured_step_has_norms():
    means, own = GradientMeans(1), torch.tensor([[4.0]]).double()
    means.add(HalfProducts(own, own, own), torch.tensor([True]), torch.ones(1).double())
    assert means.norms().tolist() == [2.0]

"""Log-spectral distances and deviations, beside NumPy's."""

import numpy as np
import pytest
import torch

from espnet_soups.losses.log_spectrum import deviations_over_frames, log_spectral_distances


def test_a_distance_is_the_root_mean_square_of_decibels():
    random = np.random.default_rng(0)
    powers, others = random.uniform(0.1, 9.0, (2, 3, 5, 4))
    found = log_spectral_distances(torch.tensor(np.log(powers)), torch.tensor(np.log(others)))
    decibels = 10 * np.log10(powers) - 10 * np.log10(others)
    np.testing.assert_allclose(found.numpy(), np.sqrt((decibels**2).mean(axis=-1)), rtol=1e-12)


def test_deviations_are_those_of_the_frames_of_each_utterance():
    random = np.random.default_rng(1)
    features = random.normal(3.0, 2.0, (3, 7, 4))
    lengths = [7, 4, 1]
    features[1, 4:], features[2, 1:] = 1e6, -1e6
    found = deviations_over_frames(torch.tensor(features), torch.tensor(lengths), 0.01)
    assert found.shape == (3, 1, 4)
    expected = [features[k, :length].std(axis=0) for k, length in enumerate(lengths)]
    expected[2][:] = 0.01
    np.testing.assert_allclose(found[:, 0].numpy(), expected, rtol=1e-6)  # shares are float32


@pytest.mark.parametrize("least", [0.5, 2.0])
def test_no_deviation_falls_below_the_least(least):
    features = torch.zeros(1, 6, 2, dtype=torch.float64)
    features[0, :, 1] = torch.tensor([10.0, -10.0] * 3)
    found = deviations_over_frames(features, torch.tensor([6]), least)
    assert found[0, 0].tolist() == pytest.approx([least, 10.0], rel=1e-6)

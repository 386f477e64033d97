"""What an epoch has shown is a mean over its steps."""

import torch

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.soup.epoch_means import EpochMeans


def test_weights_and_their_distances_from_uniform_are_means_over_steps():
    means, hierarchy = EpochMeans(Hierarchy([[0, 2], [1]])), Hierarchy([[0, 2], [1]])
    steps = torch.tensor([[0.5, 1.0, 0.5], [0.9, 1.0, 0.1], [0.2, 1.0, 0.8]]).double()
    for weights, penalty in zip(steps, (0.0, 0.5, 0.7), strict=True):
        means.add_step(weights, torch.tensor([1.0, penalty]).double())
    assert means.steps == 3
    torch.testing.assert_close(means.weights, steps.mean(dim=0))
    away = torch.stack([hierarchy.distances(weights) for weights in steps])
    torch.testing.assert_close(means.distances, away.mean(dim=0))
    torch.testing.assert_close(means.penalties, torch.tensor([1.0, 0.4]).double())

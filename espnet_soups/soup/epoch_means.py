"""Statistics of an epoch: weights, their distance from uniform, and gradients."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from espnet_soups.gradients.layer_means import LayerMeans
from espnet_soups.gradients.means import GradientMeans
from espnet_soups.levels.hierarchy import Hierarchy


class EpochMeans:
    """Means over the optimiser steps of an epoch.

    Args:
        hierarchy: The levels.

    Attributes:
        steps: Optimiser steps that were made.
        weights: Mean of the weights that were used, [m].
        distances: Mean distance of each level's weights from uniform, [P].
        penalties: Mean penalty of each level, [P].
        gradients: Statistics of those steps that were measured.
        layers: The same for each layer.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self._hierarchy = hierarchy
        self.steps = 0
        self.weights = torch.zeros(hierarchy.size, dtype=torch.float64)
        self.distances = torch.zeros(len(hierarchy.levels), dtype=torch.float64)
        self.penalties = torch.zeros(len(hierarchy.levels), dtype=torch.float64)
        self.gradients = GradientMeans(hierarchy.size)
        self.layers = LayerMeans()

    def add_step(self, weights: Tensor, penalties: Tensor) -> None:
        """Add a step.

        Args:
            weights: The weights that the step used, [m].
            penalties: The penalties that the step used, [P].
        """
        self.steps += 1
        self.weights = self.weights + (weights - self.weights) / self.steps
        away = self._hierarchy.distances(weights)
        self.distances = self.distances + (away - self.distances) / self.steps
        self.penalties = self.penalties + (penalties - self.penalties) / self.steps

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint inside an epoch needs."""
        return {
            "steps": self.steps,
            "weights": self.weights,
            "distances": self.distances,
            "penalties": self.penalties,
            "gradients": self.gradients.state(),
            "layers": self.layers.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Restore a state.

        Args:
            state: What `state` returned; its tensors are on the CPU.
        """
        self.steps, self.weights = state["steps"], state["weights"]
        self.distances, self.penalties = state["distances"], state["penalties"]
        self.gradients.restore(state["gradients"])
        self.layers.restore(state["layers"])

"""The state of a soup, from step to step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from espnet_soups.gradients.signal import RunningSignal
from espnet_soups.soup.level_weights import Weights
from espnet_soups.soup.penalty_clock import PenaltyState


@dataclass(frozen=True)
class SoupState:
    """Memory of a soup from step to step, beside its selection of layers.

    Each optimiser step replaces it; a skipped step leaves it unchanged.

    Attributes:
        weights: The weights of all levels, with the states of their combiners.
        norms: Running mean squares of the objectives' gradients.
        penalties: The penalties of all levels.
        since: Optimiser steps since the last measured one.
    """

    weights: Weights
    norms: RunningSignal
    penalties: PenaltyState
    since: int = 0

    def restarted(self) -> "SoupState":
        """Return the same state with new running means: rows of other layers have other norms."""
        weights = replace(self.weights, scale=self.weights.scale.restarted())
        return replace(self, weights=weights, norms=self.norms.restarted())

    def to_dict(self) -> dict[str, Any]:
        """Return the state that a checkpoint holds."""
        return {
            "weights": self.weights.values.clone(),
            "scale": self.weights.scale.state(),
            "combiner_states": [dict(own) for own in self.weights.states],
            "norms": self.norms.state(),
            "since": self.since,
            "penalties": self.penalties.c.clone(),
            "penalty_steps": self.penalties.growing_steps.clone(),
        }

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> "SoupState":
        """Return the state of a checkpoint; ESPnet loads checkpoints onto the GPU.

        Args:
            saved: What `to_dict` returned, on any device.
        """
        weights = Weights(
            saved["weights"].to("cpu", copy=True),
            tuple(_on_cpu(own) for own in saved["combiner_states"]),
            RunningSignal.restored(saved["scale"]),
        )
        penalties = PenaltyState(*_on_cpu(saved, "penalties", "penalty_steps").values())
        return SoupState(weights, RunningSignal.restored(saved["norms"]), penalties, saved["since"])


def _on_cpu(tensors: Mapping[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: tensors[name].to("cpu", copy=True) for name in names or tensors}

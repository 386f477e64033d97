"""The state of a soup in a checkpoint, stored inside that of its optimiser."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.soup.config import SoupConfig
from espnet_soups.soup.level_weights import Weights
from espnet_soups.soup.state import SoupState

KEY = "soup"  # where the state of the optimiser holds it


def units_of(config: SoupConfig) -> dict[str, Any]:
    """Return the settings that decide which quantities the running means average.

    Args:
        config: The settings of the soup.
    """
    layers = config.layers if isinstance(config.layers, str) else list(config.layers)
    units = {"gradient_norm": config.gradient_norm, "metric": config.metric, "layers": layers}
    if layers == "conflicting":
        units["stacks"] = list(config.selection_config.stacks)
    return units


@dataclass(frozen=True)
class Fitting:
    """Description of the soup that a state belongs to; a state of another run fits in part, or not.

    Attributes:
        names: Names of the objectives, in order.
        hierarchy: Their levels.
        combiners: Names of the combiners of the levels.
        moving: Whether each of them ever moves its weights.
        units: The result of `units_of`.
    """

    names: Sequence[str]
    hierarchy: Hierarchy
    combiners: Sequence[str]
    moving: Sequence[bool]
    units: Mapping[str, Any]

    def save(self, optimizer_state: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the state of an optimiser with that of a soup added.

        Args:
            optimizer_state: The state dict of the optimiser.
            own: The state of the soup.
        """
        described = {
            "levels": self._levels(),
            "combiners": list(self.combiners),
            "units": dict(self.units),
        }
        return {**optimizer_state, KEY: {**described, **own}}

    def find(self, optimizer_state: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """Separate the state of a soup with these levels from that of an optimiser.

        Args:
            optimizer_state: What `save` returned, from a checkpoint.

        Returns:
            (state of the soup, state of the optimiser).

        Raises:
            ValueError: If there is no soup, one with other levels, or one of an earlier engine.
        """
        saved: Mapping[str, Any] | None = optimizer_state.get(KEY)
        if saved is None or saved["levels"] != self._levels():
            found = "no soup (another trainer)" if saved is None else f"levels {saved['levels']}"
            raise ValueError(
                f"The checkpoint cannot be resumed: it holds {found}, but this run has levels"
                f" {self._levels()}. Use another `--output_dir`, or `--resume false`."
            )
        if "scale" not in saved:
            raise ValueError(
                "The checkpoint cannot be resumed: its weights come from the engine of an earlier"
                " release, which measured in another way. Use another `--output_dir`, or `--resume"
                " false`."
            )
        return saved, {key: value for key, value in optimizer_state.items() if key != KEY}

    def adopt(self, saved: Mapping[str, Any], first: Weights) -> SoupState:
        """Return a saved state, without the parts that do not fit this run.

        Args:
            saved: The state of the soup that `find` returned.
            first: The weights that this run would start with.
        """
        state = SoupState.from_dict(saved)
        if saved["units"] != self.units:
            logging.warning(
                f"Gradients were measured by {saved['units']} in the checkpoint, now by"
                f" {self.units}: running means start anew."
            )
            state = state.restarted()
        for position, (now, before) in enumerate(
            zip(self.combiners, saved["combiners"], strict=True)
        ):
            if now != before:
                logging.warning(
                    f"Level {position + 1} was weighed by {before} in the checkpoint, now by {now}:"
                    " it goes on from the weights alone, or from its own first ones if some are"
                    " negative or it never moves them."
                )
                members = self.hierarchy.levels[position]
                weights = _hand_over(state.weights, position, members, first)
                state = replace(state, weights=weights)
        values = state.weights.values.clone()
        for moves, members in zip(self.moving, self.hierarchy.levels, strict=True):
            if not moves:  # fixed weights are a setting, which may have changed
                values[members] = first.values[members]
        return replace(state, weights=replace(state.weights, values=values))

    def _levels(self) -> list[list[str]]:
        return [[self.names[index] for index in level] for level in self.hierarchy.levels]


def _hand_over(weights: Weights, position: int, members: list[int], first: Weights) -> Weights:
    """Return the weights with which another combiner takes over a level, without the old state."""
    values, states = weights.values.clone(), list(weights.states)
    states[position] = {}
    if (values[members] < 0).any():
        values[members] = first.values[members]
    return replace(weights, values=values, states=tuple(states))

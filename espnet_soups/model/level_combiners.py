"""The combiner of each level, with what it remembers."""

import logging
from collections.abc import Sequence

import torch
from torch import Tensor

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.weighting.combiner import Combiner, Shown, State


class LevelCombiners:
    """Moves the weights of all levels, each by its own combiner.

    Args:
        hierarchy: The levels.
        combiners: The combiner of each level, the top one first.

    Attributes:
        states: What each combiner remembers of the steps that were made.
    """

    def __init__(self, hierarchy: Hierarchy, combiners: Sequence[Combiner]) -> None:
        self.hierarchy = hierarchy
        self.combiners = list(combiners)
        self.states: list[State] = [{} for _ in combiners]
        self.measures = any(combiner.measures for combiner in combiners)
        self.needs_losses = any(combiner.needs_losses for combiner in combiners)
        by_gram = [float(c.moves and c.measures) for c in combiners]
        by_rest = [float(c.moves and not c.measures) for c in combiners]
        self._by_gram = hierarchy.spread(torch.tensor(by_gram)) > 0
        self._by_rest = hierarchy.spread(torch.tensor(by_rest)) > 0

    @property
    def names(self) -> list[str]:
        """Names of the combiners, the top level first."""
        return [combiner.name for combiner in self.combiners]

    def initial(self) -> Tensor:
        """Gives the weights that a run starts with, [m]."""
        weights = torch.zeros(self.hierarchy.size)
        for combiner, level in zip(self.combiners, self.hierarchy.levels, strict=True):
            weights[level] = combiner.initial(len(level))
        return weights

    def taking_part(self, present: Tensor, both: Tensor | None) -> Tensor:
        """Tells which objectives' weights can move in this step, bool [m].

        Args:
            present: Whether this step has a label of the objective, bool [m].
            both: Whether both batches have one; None: there are no two that were measured.
        """
        part = self._by_rest & present
        return part if both is None else part | (self._by_gram & both)

    def move(
        self,
        weights: Tensor,
        penalties: Tensor,
        gram: Tensor,
        losses: Tensor,
        taking_part: Tensor,
        epoch: int,
    ) -> tuple[Tensor, list[State]]:
        """Gives the next weights and what the combiners will remember if the step is made.

        Args:
            weights: Weights before this step, [m].
            penalties: Penalties of all levels, [P].
            gram: Inner products of the objectives' gradients, [m, m].
            losses: The objectives' losses, [m].
            taking_part: What `taking_part` gave, bool [m].
            epoch: From 1.
        """
        states = list(self.states)

        def move_level(position: int, own: Tensor, shown_gram: Tensor, shown: Tensor) -> Tensor:
            combiner = self.combiners[position]
            if combiner.complete and len(own) < len(self.hierarchy.levels[position]):
                return own
            matrix = (shown_gram + shown_gram.T) / 2 if combiner.symmetric else shown_gram
            moved, state = combiner(own, Shown(matrix, shown, epoch), states[position])
            if not torch.isfinite(moved).all():
                logging.warning(
                    f"{combiner.name} on level {position + 1} gave {moved.tolist()}: the weights"
                    " stay as they are in this step."
                )
                return own
            states[position] = state
            return moved

        moved = self.hierarchy.move(weights, penalties, gram, losses, taking_part, move_level)
        return moved, states

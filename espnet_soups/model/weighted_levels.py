"""The weights and the penalties of all levels: how they move, and what gates multiply with."""

from collections.abc import Sequence

import torch
from torch import Tensor

from espnet_soups.levels.hierarchy import Hierarchy
from espnet_soups.levels.penalty import PenaltySchedule, growing_in, penalties_at
from espnet_soups.model.level_combiners import LevelCombiners
from espnet_soups.weighting.combiner import Combiner, State


class WeightedLevels(torch.nn.Module):
    """Holds one weight per objective and one penalty per level.

    Args:
        hierarchy: The levels.
        combiners: The combiner of each level.
        schedules: The penalty schedule of each level; None for the top.
        by_size: Whether a level is multiplied with its number of objectives, so that uniform
            weights equal the plain sum.
    """

    weights: Tensor
    penalties: Tensor
    penalty_steps: Tensor

    def __init__(
        self,
        hierarchy: Hierarchy,
        combiners: Sequence[Combiner],
        schedules: Sequence[PenaltySchedule | None],
        by_size: bool,
    ) -> None:
        super().__init__()
        self.hierarchy = hierarchy
        self.combiners = LevelCombiners(hierarchy, combiners)
        self.schedules = list(schedules)
        self.by_size = by_size
        self.epoch = self.max_epoch = 1
        self.register_buffer("weights", self.combiners.initial(), persistent=False)
        self.register_buffer("penalties", torch.ones(len(schedules)), persistent=False)
        self.register_buffer("penalty_steps", torch.zeros(len(schedules)), persistent=False)

    @property
    def measures(self) -> bool:
        """Whether any level looks at gradients."""
        return self.combiners.measures

    def set_epoch(self, epoch: int, max_epoch: int) -> None:
        """Sets the penalties of an epoch, counted from 1."""
        self.epoch, self.max_epoch = epoch, max_epoch
        self._set_penalties()

    def count_step(self) -> None:
        """Sets the penalties after an optimiser step."""
        self.penalty_steps += self.penalty_steps.new_tensor(growing_in(self.schedules, self.epoch))
        self._set_penalties()

    def next_weights(
        self, gram: Tensor, losses: Tensor, present: Tensor, both: Tensor | None
    ) -> tuple[Tensor, list[State]] | None:
        """Gives the next weights, and what the combiners will remember.

        Args:
            gram: Inner products of the objectives' gradients, [m, m].
            losses: The objectives' losses, [m].
            present: Whether this step has a label of the objective, bool [m].
            both: Whether both batches of the Gram matrix have one; None: there is no such matrix.

        Returns:
            (weights [m], states); None: the matrix or a loss is not finite.
        """
        if not (torch.isfinite(gram).all() and torch.isfinite(losses).all()):
            return None
        moving = self.combiners.taking_part(present, both)
        return self.combiners.move(self.weights, self.penalties, gram, losses, moving, self.epoch)

    def set_weights(self, weights: Tensor, states: list[State]) -> None:
        """Sets what `next_weights` gave, once the step has been made."""
        self.weights.copy_(weights)
        self.combiners.states = states

    def multipliers(self, weights: Tensor) -> Tensor:
        """Gives what the gradient of each objective is multiplied with: c_p w_k, [m]."""
        scale = self.penalties
        if self.by_size:
            scale = scale * self.hierarchy.sizes().to(scale)
        return self.hierarchy.spread(scale) * weights

    def _set_penalties(self) -> None:
        steps = self.penalty_steps.tolist()
        values = penalties_at(self.schedules, self.epoch, self.max_epoch, steps)
        self.penalties.copy_(torch.tensor(values))

"""The penalties in the course of a training."""

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.levels.penalty import Penalties


@dataclass(frozen=True)
class PenaltyState:
    """State of the penalties.

    Attributes:
        c: The penalty of each level now, 1 at the top, [P].
        growing_steps: Optimiser steps of the epochs in which each level is not frozen, [P].
    """

    c: Tensor
    growing_steps: Tensor


class PenaltyClock:
    """Progress of the training, and the penalty of each level at this point.

    Args:
        penalties: The schedules of all levels.

    Attributes:
        begun: Whether this process has opened an epoch.
        epoch: The epoch, from 1.
    """

    def __init__(self, penalties: Penalties) -> None:
        self.penalties = penalties
        self.epoch = self.max_epoch = 1
        self.steps: int | None = None
        self.made = 0
        self.begun = False

    def initial(self) -> PenaltyState:
        """Return the penalties of a training that has not begun."""
        return self._after(torch.zeros(len(self.penalties.schedules), dtype=torch.float64))

    def open_epoch(
        self, before: PenaltyState, epoch: int, max_epoch: int, steps: int | None
    ) -> PenaltyState:
        """Return the penalties at the start of an epoch.

        Args:
            before: The penalties of the last step.
            epoch: The epoch, from 1.
            max_epoch: Epochs of the whole training.
            steps: Optimiser steps of an epoch; None if unknown, then penalties move between epochs
                only.
        """
        self.epoch, self.max_epoch, self.steps, self.made = epoch, max_epoch, steps, 0
        now = self._after(before.growing_steps)
        if not self.begun:
            self._warn(before.c, now.c)
        self.begun = True
        return now

    def count_step(self, before: PenaltyState) -> PenaltyState:
        """Return the penalties after an optimiser step.

        Args:
            before: The penalties of this step.
        """
        self.made += 1
        growing = torch.tensor(self.penalties.growing_in(self.epoch))
        return self._after(before.growing_steps + growing)

    def _after(self, growing_steps: Tensor) -> PenaltyState:
        # Never a whole epoch: penalties that grow between epochs do so when the next one opens.
        made = min(self.made / self.steps, 1.0 - 1e-6) if self.steps else 0.0
        done = self.epoch - 1 + made
        values = self.penalties.at(done, self.max_epoch, growing_steps.tolist())
        return PenaltyState(torch.tensor(values, dtype=torch.float64), growing_steps)

    def _warn(self, before: Tensor, now: Tensor) -> None:
        """Warn of penalties that end far from their `max`, or fall where a run was resumed."""
        for shortfall in self.penalties.shortfalls(self.max_epoch, self.steps):
            logging.warning(
                f"In {self.max_epoch} epochs {shortfall}: give it a `ramp`, a larger `increment`,"
                " or more epochs."
            )
        for level, (old, new) in enumerate(zip(before.tolist(), now.tolist(), strict=True), 1):
            if new < old - 1e-6:
                logging.warning(
                    f"The penalty of level {level} falls from {old:.3g} to {new:.3g}: the training"
                    f" has {self.max_epoch} epochs now, and the curve follows its fraction."
                )

"""The penalties as training goes on."""

import logging

import torch

from espnet_soups.levels.penalty import Penalties


class PenaltyClock:
    """Knows how far the training is, and the penalty of each level there.

    Args:
        penalties: The schedules of all levels.

    Attributes:
        begun: Whether this process has opened an epoch.
        epoch: From 1.
        c: The penalty of each level now, 1 at the top, [P].
        growing_steps: Optimiser steps of the epochs in which each level is not frozen, [P].
    """

    def __init__(self, penalties: Penalties) -> None:
        self.penalties = penalties
        self.growing_steps = torch.zeros(len(penalties.schedules), dtype=torch.float64)
        self.epoch = self.max_epoch = 1
        self.steps: int | None = None
        self.made = 0
        self.begun = False
        self._set()

    def open_epoch(self, epoch: int, max_epoch: int, steps: int | None) -> None:
        """Set the penalties of the start of an epoch.

        Args:
            epoch: From 1.
            max_epoch: Epochs of the whole training.
            steps: Optimiser steps of an epoch; None: not known, penalties move between epochs.
        """
        if not self.begun:
            for shortfall in self.penalties.shortfalls(max_epoch, steps):
                logging.warning(
                    f"In {max_epoch} epochs {shortfall}: give it a `ramp`, a larger `increment`,"
                    " or more epochs."
                )
        before = self.c
        self.epoch, self.max_epoch, self.steps, self.made = epoch, max_epoch, steps, 0
        self._set()
        for level, (old, new) in enumerate(zip(before.tolist(), self.c.tolist(), strict=True), 1):
            if new < old - 1e-6 and not self.begun:
                logging.warning(
                    f"The penalty of level {level} falls from {old:.3g} to {new:.3g}: the training"
                    f" has {max_epoch} epochs now, and the curve follows its fraction."
                )
        self.begun = True

    def count_step(self) -> None:
        """Set the penalties after an optimiser step."""
        self.made += 1
        self.growing_steps += torch.tensor(self.penalties.growing_in(self.epoch))
        self._set()

    def _set(self) -> None:
        # Never a whole epoch: what grows between epochs does so when the next one opens.
        made = min(self.made / self.steps, 1.0 - 1e-6) if self.steps else 0.0
        steps = self.growing_steps.tolist()
        values = self.penalties.at(self.epoch - 1 + made, self.max_epoch, steps)
        self.c = torch.tensor(values, dtype=torch.float64)

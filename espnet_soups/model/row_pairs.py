"""Which steps are measured, and which two of them make a pair, in `mode: pipelined`."""

import torch
from torch import Tensor


class RowPairs:
    """Pairs the rows of a step with those of the step before.

    Args:
        size: Number of objectives.
        refresh: Two neighbouring steps of every so many are measured; 1: all steps.

    Attributes:
        previous: Rows of the step before; None: none were kept, [m, n].
    """

    previous: Tensor | None

    def __init__(self, size: int, refresh: int) -> None:
        self.size, self.refresh = size, refresh
        self.forget()

    def forget(self) -> None:
        """Forgets all rows, as at the start of an epoch."""
        self.steps = 0
        self.previous = None
        self._present = torch.zeros(self.size, dtype=torch.bool)

    @property
    def due(self) -> bool:
        """Whether the next step is to be measured."""
        return self.steps % self.refresh < 2

    def pair(self, rows: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Gives the rows of a step with those of the step before; None: one of them lacks."""
        return None if rows is None or self.previous is None else (rows, self.previous)

    def both(self, present: Tensor) -> Tensor:
        """Tells which objectives are present in the step before, too, bool [m]."""
        return present & self._present

    def count_step(self, rows: Tensor | None, present: Tensor) -> None:
        """Ends a step that was made.

        Args:
            rows: Its rows, where they may be paired with those of the next step, [m, n].
            present: Which objectives had labels, bool [m].
        """
        paired = self.refresh > 1 and self.previous is not None
        self.previous = None if paired else rows
        self._present = present
        self.steps += 1

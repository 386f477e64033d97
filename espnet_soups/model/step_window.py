"""What the mini-batches of one optimiser step have shown so far, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.model.ranks import sum_over_ranks
from espnet_soups.weighting.combiner import State


@dataclass(frozen=True)
class Proposal:
    """What moves if the step is made.

    Attributes:
        moved: (next weights [m], what the combiners will remember); None: they stay.
        norms: (running means of the row norms, steps they have seen), both [m]; None: they stay.
    """

    moved: tuple[Tensor, list[State]] | None = None
    norms: tuple[Tensor, Tensor] | None = None


class StepWindow:
    """Adds up the mini-batches of an accumulation window.

    Args:
        size: Number of objectives.

    Attributes:
        rows: Mean rows, or None: nothing was measured, [m, n].
        pair: Rows of the two halves of the mini-batch, in `mode: exact`.
        present: Whether any mini-batch, on any rank, has a label of the objective, bool [m].
        micro_batches: How many mini-batches there were.
    """

    def __init__(self, size: int) -> None:
        self.rows: Tensor | None = None
        self.pair: tuple[Tensor, Tensor] | None = None
        self.present = torch.zeros(size, dtype=torch.bool)
        self.micro_batches = 0
        self._loss_sum: Tensor | None = None
        self._loss_count = torch.zeros(size)

    def add_presence(self, present: Tensor) -> None:
        """Adds which objectives have labels, bool [parts, m]."""
        self.present = self.present | present.any(dim=0)

    def add_losses(self, losses: Sequence[Sequence[Tensor]], present: Tensor) -> None:
        """Adds the share of this rank in the mean losses of each part, [parts][m]."""
        values = torch.stack([torch.stack(list(part)).detach() for part in losses]).sum(dim=0)
        self._loss_sum = values if self._loss_sum is None else self._loss_sum + values
        self._loss_count = self._loss_count + present.sum(dim=0)

    def add_rows(self, rows: Tensor) -> None:
        """Adds the rows of a mini-batch, divided by the number of mini-batches, [m, n]."""
        if self.rows is None:
            self.rows = rows
        else:
            self.rows += rows

    def losses(self) -> Tensor:
        """Gives the mean losses over all ranks; 0 where the objective is absent, [m]."""
        if self._loss_sum is None:
            return torch.zeros_like(self._loss_count)
        total = sum_over_ranks(self._loss_sum.clone())
        return total / self._loss_count.clamp(min=1).to(total)

"""Measurements of the mini-batches of one optimiser step so far."""

import torch
from torch import Tensor

from espnet_soups.ranks import summed_over_ranks


class StepWindow:
    """Sums over the mini-batches of an accumulation window.

    Args:
        size: Number of objectives.
        number: Mini-batches in a window.
        keeps_whole: Whether the rows of the whole step are needed beside those of its halves.

    Attributes:
        micro_batches: Number of mini-batches so far.
        halves: Mean rows of each of two independent halves, [m, n]; empty if not measured.
        whole: Mean rows of both halves together, by their label tokens, if they are needed and do
            not follow from the halves and `shares`, [m, n].
        present: Whether each half, on any rank, has a label of the objective, bool [2, m]; a step
            that is not measured counts as the first half.
        shares: Share of each half in the label tokens of the last mini-batch, if the whole is
            needed, [2, m].
    """

    def __init__(self, size: int, number: int = 1, keeps_whole: bool = False) -> None:
        self.number, self.keeps_whole = number, keeps_whole
        self.micro_batches = 0
        self.halves: list[Tensor] = []
        self.whole: Tensor | None = None
        self.shares: Tensor | None = None
        self._in_half = torch.zeros(2, size, dtype=torch.float64)
        self._in_any = torch.zeros(size, dtype=torch.float64)
        self._loss_sum = torch.zeros(size, dtype=torch.float64)

    @property
    def present(self) -> Tensor:
        """Presence of labels in each half, on any rank, bool [2, m]."""
        return self._in_half > 0

    def add_presence(self, present: Tensor) -> None:
        """Add the presence of labels in a mini-batch.

        Args:
            present: Whether each part has a label of the objective on any rank, bool [parts, m].
        """
        parts = min(2, len(present))
        self._in_half[:parts] += present[:parts]
        self._in_any += present.any(dim=0)

    def add_losses(self, losses: Tensor, here: Tensor) -> None:
        """Add the mean losses of a mini-batch.

        Args:
            losses: Mean loss of each objective, [m].
            here: Whether the mini-batch has a label of the objective, bool [m].
        """
        values = losses.detach().double().cpu()
        self._loss_sum += torch.where(here, values, torch.zeros_like(values))

    def add_rows(self, first: Tensor, second: Tensor, labels: Tensor) -> None:
        """Add the rows of the halves of a mini-batch.

        Args:
            first: Rows of the first half, [m, n].
            second: Rows of the second half, [m, n].
            labels: Label tokens of each half on all ranks, [2, m].
        """
        if self.keeps_whole:
            self.shares = (labels / labels.sum(dim=0).clamp(min=1)).double().cpu()
        if self.number == 1:
            self.halves = [first, second]
            return
        if not self.halves:
            self.halves = [torch.zeros_like(first), torch.zeros_like(second)]
        if self.whole is None and self.shares is not None:
            self.whole = torch.zeros_like(first)
        for position, rows in enumerate((first, second)):
            self.halves[position].add_(rows, alpha=1.0 / self.number)
            if self.whole is not None and self.shares is not None:
                share = self.shares[position].to(rows) / self.number
                self.whole.addcmul_(rows, share.unsqueeze(1).expand_as(rows))

    def close(self) -> None:
        """Sum the rows over all ranks, and make each half a mean over its own mini-batches.

        A half that lacks labels in some of the mini-batches has rows of zeros there, which would
        make its mean too short. Tensors that the step itself uses are not changed.
        """
        self.halves = [summed_over_ranks(rows) for rows in self.halves]
        if self.whole is not None:
            self.whole = summed_over_ranks(self.whole)
        for position, rows in enumerate(self.halves):
            longer = self._in_any / self._in_half[position].clamp(min=1)
            if self.number > 1 and bool((longer != 1).any()):
                rows.mul_(longer.to(rows).unsqueeze(1))

    @property
    def losses(self) -> Tensor:
        """The mean losses; 0 where the objective is absent, [m]."""
        return self._loss_sum / self._in_any.clamp(min=1)

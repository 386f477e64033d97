"""What the mini-batches of one optimiser step have shown so far."""

import torch
from torch import Tensor

from espnet_soups.model.ranks import sum_over_ranks


class StepWindow:
    """Adds up the mini-batches of an accumulation window.

    Args:
        size: Number of objectives.

    Attributes:
        halves: Mean rows of each of two independent halves, [m, n]; empty: not measured.
        present: Whether each half, on any rank, has a label of the objective, bool [2, m]; of steps
            that are not measured the first one counts.
        micro_batches: How many mini-batches there were.
    """

    def __init__(self, size: int) -> None:
        self.halves: list[Tensor] = []
        self.present = torch.zeros(2, size, dtype=torch.bool)
        self.micro_batches = 0
        self._labels = torch.zeros(2, size, dtype=torch.float64)
        self._loss_sum = torch.zeros(size, dtype=torch.float64)
        self._loss_count = torch.zeros(size, dtype=torch.float64)

    def add_labels(self, labels: Tensor, present: Tensor) -> None:
        """Add how many label tokens each part has on all ranks, both [parts, m]."""
        parts = min(2, len(labels))
        self.present[:parts] |= present[:parts]
        self._labels[:parts] += labels[:parts].double().cpu()

    def add_losses(self, losses: Tensor, here: Tensor) -> None:
        """Add the mean losses of a mini-batch, [m], of objectives with labels, bool [m]."""
        values = losses.detach().double().cpu()
        self._loss_sum += torch.where(here, values, torch.zeros_like(values))
        self._loss_count += here

    def add_rows(self, first: Tensor, second: Tensor, micro_batches: int) -> None:
        """Add the rows of the halves of one mini-batch of so many, both [m, n]."""
        share = 1.0 / micro_batches
        if not self.halves and micro_batches == 1:
            self.halves = [first, second]
        elif not self.halves:
            self.halves = [first * share, second * share]
        else:
            for half, rows in zip(self.halves, (first, second), strict=True):
                half.add_(rows, alpha=share)

    def sum_over_ranks(self) -> None:
        """Sum the rows over all ranks, in place."""
        for rows in self.halves:
            sum_over_ranks(rows)

    @property
    def shares(self) -> Tensor:
        """The share of each half in the label tokens of the step, [2, m]."""
        return self._labels / self._labels.sum(dim=0).clamp(min=1)

    @property
    def losses(self) -> Tensor:
        """The mean losses; 0 where the objective is absent, [m]."""
        return self._loss_sum / self._loss_count.clamp(min=1)

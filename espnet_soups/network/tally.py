"""Counts of the labels that each objective saw in an epoch, and of those that CTC cannot align."""

from collections.abc import Mapping, Sequence

import torch

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.ranks import sum_over_ranks


class LabelTally:
    """Counts of labels while training, so that nothing is left out silently.

    Args:
        names: Names of the objectives, in order.

    >>> tally = LabelTally(["asr_fr"])
    >>> tally.labels, tally.unalignable
    ([0], [0])
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.reset()

    def reset(self) -> None:
        """Set all counts to 0, as at the start of an epoch."""
        self.labels = [0] * len(self.names)
        self.unalignable = [0] * len(self.names)
        self.shortened = [0] * len(self.names)

    def epoch_state(self) -> dict[str, list[int]]:
        """Return the counts of this rank since `reset`."""
        kinds = ("labels", "unalignable", "shortened")
        return {kind: list(getattr(self, kind)) for kind in kinds}

    def restore_epoch(self, state: Mapping[str, list[int]]) -> None:
        """Restore the counts of an epoch.

        Args:
            state: What `epoch_state` returned.
        """
        for kind, counts in state.items():
            setattr(self, kind, list(counts))

    def add(self, losses: Sequence[LossSum]) -> None:
        """Add the labels of a mini-batch.

        Args:
            losses: The loss sum of each objective, in order.
        """
        for position, loss in enumerate(losses):
            self.labels[position] += loss.utterances
            self.unalignable[position] += loss.unalignable
            self.shortened[position] += loss.shortened

    def over_ranks(self, device: torch.device) -> dict[str, tuple[int, int]]:
        """Return (labels, unalignable labels) of each objective, summed over all ranks.

        Args:
            device: Device on which ranks communicate.
        """
        counts = torch.tensor([self.labels, self.unalignable], device=device)
        labels, unalignable = sum_over_ranks(counts).tolist()
        return dict(zip(self.names, zip(labels, unalignable, strict=True), strict=True))

    def shortened_over_ranks(self, device: torch.device) -> dict[str, int]:
        """Return the number of utterances that each objective used only a part of, over all ranks.

        Args:
            device: Device on which ranks communicate.
        """
        counts = sum_over_ranks(torch.tensor(self.shortened, device=device)).tolist()
        return dict(zip(self.names, counts, strict=True))

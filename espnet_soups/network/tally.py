"""How many labels each objective saw in an epoch, and how many CTC could not align."""

from collections.abc import Mapping, Sequence

import torch

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.ranks import sum_over_ranks


class LabelTally:
    """Count of labels while training, so that nothing is left out in silence.

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
        """Forget what was counted, as at the start of an epoch."""
        self.labels = [0] * len(self.names)
        self.unalignable = [0] * len(self.names)
        self.shortened = [0] * len(self.names)

    def epoch_state(self) -> dict[str, list[int]]:
        """Return what this rank has counted since `reset`."""
        kinds = ("labels", "unalignable", "shortened")
        return {kind: list(getattr(self, kind)) for kind in kinds}

    def restore_epoch(self, state: Mapping[str, list[int]]) -> None:
        """Go on counting from what `epoch_state` returned."""
        for kind, counts in state.items():
            setattr(self, kind, list(counts))

    def add(self, losses: Sequence[LossSum]) -> None:
        """Count the labels of a mini-batch, one loss sum per objective."""
        for position, loss in enumerate(losses):
            self.labels[position] += loss.utterances
            self.unalignable[position] += loss.unalignable
            self.shortened[position] += loss.shortened

    def over_ranks(self, device: torch.device) -> dict[str, tuple[int, int]]:
        """Return (labels, unalignable labels) of each objective, summed over all ranks."""
        counts = torch.tensor([self.labels, self.unalignable], device=device)
        labels, unalignable = sum_over_ranks(counts).tolist()
        return dict(zip(self.names, zip(labels, unalignable, strict=True), strict=True))

    def shortened_over_ranks(self, device: torch.device) -> dict[str, int]:
        """Return how many utterances each objective used in part, summed over all ranks."""
        counts = sum_over_ranks(torch.tensor(self.shortened, device=device)).tolist()
        return dict(zip(self.names, counts, strict=True))

"""What all ranks must know of a mini-batch before its losses can be averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.model.ranks import sum_over_ranks


@dataclass(frozen=True)
class GlobalCounts:
    """Counts over all ranks.

    Attributes:
        labels: Label tokens of each objective in each independent part, [parts, m].
        present: Whether there are any, bool [parts, m], on the CPU.
        finite: Whether the losses of an objective are finite, bool [m], on the CPU.
        utterances: Utterances on this rank, a scalar.
        share: Utterances on all ranks, divided by those on this one, a scalar.
    """

    labels: Tensor
    present: Tensor
    finite: Tensor
    utterances: Tensor
    share: Tensor


def count_over_ranks(sums: Sequence[Sequence[LossSum]], utterances: int) -> GlobalCounts:
    """Counts in one sum over the ranks.

    Args:
        sums: The losses of this rank, for each independent part of the mini-batch.
        utterances: Utterances on this rank.
    """
    counts = torch.stack([torch.stack([s.count for s in part]) for part in sums]).detach()
    losses = torch.stack([torch.stack([s.total.detach() for s in part]) for part in sums])
    broken = (~torch.isfinite(losses)).to(counts)
    own = counts.new_tensor([float(utterances)])
    totals = sum_over_ranks(torch.cat([counts.flatten(), broken.flatten(), own]))
    labels = totals[: counts.numel()].view_as(counts)
    known = totals[:-1].view(2, *counts.shape).cpu() > 0
    return GlobalCounts(labels, known[0], ~known[1].any(dim=0), own[0], totals[-1] / own[0])

"""What all ranks must know of a mini-batch before its losses can be averaged."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.ranks import sum_over_ranks


@dataclass(frozen=True)
class GlobalCounts:
    """Counts over all ranks.

    Attributes:
        labels: Label tokens of each objective in each independent part, [parts, m].
        present: Whether there are any, bool [parts, m], on the CPU.
        finite: Whether the losses of an objective are finite, bool [m], on the CPU.
        losses: Mean loss of each objective per label token; NaN: no label on any rank, [m].
        accuracies: Share of the label tokens that were right, where that was computed, [m].
        utterances: Utterances on this rank, a scalar.
        share: Utterances on all ranks, divided by those on this one, a scalar.
    """

    labels: Tensor
    present: Tensor
    finite: Tensor
    losses: Tensor
    accuracies: Tensor
    utterances: Tensor
    share: Tensor


def count_over_ranks(sums: Sequence[Sequence[LossSum]], utterances: int) -> GlobalCounts:
    """Counts in one sum over the ranks.

    Args:
        sums: The losses of this rank, for each independent part of the mini-batch.
        utterances: Utterances on this rank.
    """
    counts, totals, correct = (
        torch.stack([torch.stack([getattr(loss, name) for loss in part]) for part in sums]).detach()
        for name in ("count", "total", "correct")
    )
    broken = (~torch.isfinite(totals)).to(counts)
    # NaN: not computed, as where this rank has no label; then its labels do not count, either
    scored = (counts * ~torch.isnan(correct)).sum(dim=0)
    seen = torch.cat([totals.sum(dim=0), correct.nansum(dim=0), scored]).to(counts)
    own = counts.new_tensor([float(utterances)])
    parts = [counts.flatten(), broken.flatten(), seen, own]
    summed = sum_over_ranks(torch.cat(parts)).split([part.numel() for part in parts])
    labels = summed[0].view_as(counts)
    known = torch.stack(summed[:2]).view(2, *counts.shape).cpu() > 0
    total, right, scored = summed[2].view(3, -1)
    losses, accuracies = total / labels.sum(dim=0), right / scored  # absent: 0 / 0
    finite = ~known[1].any(dim=0)
    return GlobalCounts(labels, known[0], finite, losses, accuracies, own[0], summed[3][0] / own[0])

"""Counts that all ranks share before the losses of a mini-batch can be averaged."""

from collections.abc import Mapping, Sequence
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
        losses: Mean loss of each objective per label token; NaN if no rank has a label, [m], on
            the CPU.
        accuracies: Share of the label tokens that were correct, where that was computed, [m], on
            the CPU.
        watched: The further numbers of each objective by name, means over the label tokens of the
            parts that have one, on the CPU; NaN if none has.
        utterances: Utterances on this rank, a scalar.
        share: Utterances on all ranks, divided by those on this one, a scalar.
    """

    labels: Tensor
    present: Tensor
    finite: Tensor
    losses: Tensor
    accuracies: Tensor
    watched: Sequence[Mapping[str, Tensor]]
    utterances: Tensor
    share: Tensor


def count_over_ranks(
    sums: Sequence[Sequence[LossSum]], utterances: int, watched: Sequence[Sequence[str]]
) -> GlobalCounts:
    """Count labels and losses over all ranks, with a single reduction.

    What Python reads comes to the CPU at once: each number by itself would wait for a GPU.

    Args:
        sums: The losses of this rank, for each independent part of the mini-batch.
        utterances: Utterances on this rank.
        watched: Names of the further numbers that each objective reports.
    """
    counts, totals, correct = (
        torch.stack([torch.stack([getattr(loss, name) for loss in part]) for part in sums]).detach()
        for name in ("count", "total", "correct")
    )
    broken = (~torch.isfinite(totals)).to(counts)
    # NaN: not computed, as where this rank has no label; then its labels do not count, either
    scored = (counts * ~torch.isnan(correct)).sum(dim=0)
    seen = torch.cat([totals.sum(dim=0), correct.nansum(dim=0), scored]).to(counts)
    own = counts.new_full((1,), utterances)
    numbers, weights = _watched_sums(sums, counts, watched)
    parts = [counts.flatten(), broken.flatten(), seen, own, numbers, weights]
    sizes = [part.numel() for part in parts]
    everything = sum_over_ranks(torch.cat(parts))
    device, summed = everything.split(sizes), everything.cpu().split(sizes)
    known = torch.stack(summed[:2]).view(2, *counts.shape) > 0
    total, right, scored = summed[2].view(3, -1)
    losses = total / summed[0].view_as(counts).sum(dim=0)  # absent: 0 / 0
    means = iter(summed[4] / summed[5])  # absent: 0 / 0
    return GlobalCounts(
        labels=device[0].view_as(counts),
        present=known[0],
        finite=~known[1].any(dim=0),
        losses=losses,
        accuracies=right / scored,  # absent: 0 / 0
        watched=[{name: next(means) for name in names} for names in watched],
        utterances=own[0],
        share=device[3][0] / own[0],
    )


def _watched_sums(
    sums: Sequence[Sequence[LossSum]], counts: Tensor, watched: Sequence[Sequence[str]]
) -> tuple[Tensor, Tensor]:
    """Return the watched numbers summed by label tokens, and the tokens that have them, [N]."""
    values = [
        torch.stack([part[position].watched[name].detach() for part in sums]).to(counts)
        for position, names in enumerate(watched)
        for name in names
    ]
    if not values:
        return counts.new_zeros(0), counts.new_zeros(0)
    numbers = torch.stack(values)
    owners = [position for position, names in enumerate(watched) for _ in names]
    weights = counts.T[owners] * ~torch.isnan(numbers)
    products = torch.where(weights > 0, numbers * weights, 0.0)
    return products.sum(dim=1), weights.sum(dim=1)

"""What one mini-batch tells ESPnet's reporter, under readable names."""

from collections.abc import Sequence

import torch
from torch import Tensor

from espnet_soups.losses.loss_sum import LossSum
from espnet_soups.model.soup import Soup
from espnet_soups.objective import Objective


def step_stats(
    objectives: Sequence[Objective],
    sums: Sequence[Sequence[LossSum]],
    soup: Soup | None,
    reference: Tensor,
    with_accuracy: Sequence[bool],
) -> dict[str, Tensor]:
    """Gives the statistics of a mini-batch: the same keys in the same order on every rank.

    Args:
        objectives: The objectives, in order.
        sums: Their losses for each independent part of the mini-batch.
        soup: The soup while training; None: no weights are reported.
        reference: Any tensor on the device and in the dtype wanted.
        with_accuracy: Whether the accuracy of each objective is computed at all.

    Returns:
        `loss` (plain mean of the objectives, free of weights), `acc` (mean token accuracy),
        then `loss/<objective>`, `acc/<objective>`, `unalignable` (labels of this mini-batch that
        CTC left out), `lambda/<objective>` and `penalty/level<p>`. NaN: nothing to report.
    """
    losses, accuracies, unalignable = [], [], []
    for parts in zip(*sums, strict=True):
        count = torch.stack([part.count for part in parts]).sum()
        total = torch.stack([part.total.detach() for part in parts]).sum()
        correct = torch.stack([part.correct for part in parts]).nansum()
        unknown = total.new_full((), torch.nan)
        losses.append(total / count if count > 0 else unknown)
        accuracies.append(correct / count if count > 0 else unknown)
        unalignable.append(float(sum(part.unalignable for part in parts)))
    stats = {"loss": torch.stack(losses).nanmean()}
    scored = [value for value, known in zip(accuracies, with_accuracy, strict=True) if known]
    if scored:
        stats["acc"] = torch.stack(scored).nanmean()
    for objective, loss in zip(objectives, losses, strict=True):
        stats[f"loss/{objective.name}"] = loss
    for objective, accuracy, known in zip(objectives, accuracies, with_accuracy, strict=True):
        if known:
            stats[f"acc/{objective.name}"] = accuracy
    stats["unalignable"] = reference.new_tensor(sum(unalignable))
    if soup is not None:
        for name, weight in zip(soup.names, soup.weights, strict=True):
            stats[f"lambda/{name}"] = weight.detach().clone()
        for level, penalty in enumerate(soup.penalties[1:], start=2):
            stats[f"penalty/level{level}"] = penalty.detach().clone()
    return {key: value.detach().to(reference.dtype) for key, value in stats.items()}

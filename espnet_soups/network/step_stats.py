"""The numbers of a mini-batch for ESPnet's reporter, under readable names."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from espnet_soups.losses.global_counts import GlobalCounts
from espnet_soups.objectives.objective import Objective
from espnet_soups.soup.step import StepOutcome


def step_stats(
    objectives: Sequence[Objective],
    counted: GlobalCounts,
    outcome: StepOutcome | None,
    reference: Tensor,
    with_accuracy: Sequence[bool],
) -> dict[str, Tensor]:
    """Return the statistics of a mini-batch: the same keys in the same order on every rank.

    Losses, accuracies and watched numbers are those of all ranks together, so that ESPnet's average
    over the ranks does not change them.

    Args:
        objectives: The objectives, in order.
        counted: The result of `count_over_ranks`.
        outcome: The soup's result for the mini-batch; None if there is none, then no weights are
            reported.
        reference: Any tensor in the dtype of the result, which is on the CPU.
        with_accuracy: Whether the accuracy of each objective is computed at all.

    Returns:
        `loss` (plain mean of the objectives of the mini-batch, without weights), `acc` (mean
        accuracy of those that select a model; of all if none does), then `loss/<objective>`,
        `acc/<objective>`, `<objective>/<watched>`, `lambda/<objective>` (the weights that this
        mini-batch was trained with) and `penalty/level<p>`. NaN means nothing to report.
    """
    losses, accuracies = counted.losses, counted.accuracies
    stats = {"loss": losses.nanmean()}
    selecting = [objective.selects for objective in objectives]
    scored = [
        known and (own or not any(selecting))
        for known, own in zip(with_accuracy, selecting, strict=True)
    ]
    if any(scored):
        chosen = [own for own, known in zip(accuracies, scored, strict=True) if known]
        stats["acc"] = torch.stack(chosen).nanmean()
    for objective, loss in zip(objectives, losses, strict=True):
        stats[f"loss/{objective.name}"] = loss
    for objective, accuracy, known in zip(objectives, accuracies, with_accuracy, strict=True):
        if known:
            stats[f"acc/{objective.name}"] = accuracy
    for objective, numbers in zip(objectives, counted.watched, strict=True):
        for name, value in numbers.items():
            stats[f"{objective.name}/{name}"] = value
    if outcome is not None:
        for objective, weight in zip(objectives, outcome.weights, strict=True):
            stats[f"lambda/{objective.name}"] = weight
        for level, penalty in enumerate(outcome.penalties[1:], start=2):
            stats[f"penalty/level{level}"] = penalty
    return {key: value.detach().to(reference.dtype) for key, value in stats.items()}


def on_device(stats: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Return statistics on a device, by a single copy.

    Args:
        stats: Scalars of one dtype, by name.
        device: The device.
    """
    values = torch.stack(list(stats.values())).to(device)
    return dict(zip(stats, values, strict=True))

"""Measure how a step along one objective changes the losses of all, on unseen batches."""

from collections.abc import Sequence

import torch
from scipy import stats
from torch import Tensor
from torch.nn import Parameter

from espnet_soups.gradients.jackknife import Interval
from espnet_soups.network.msp_model import MSPModel
from espnet_soups.task.conflict.batches import MeasuredBatches


class StepEffects:
    """Maker of small steps that are undone, to measure their effect on all losses.

    Args:
        network: The model.
        parameters: The shared parameters, in the order of a row.
        batches: The batches.
        length: Length of a step, as a share of the norm of the parameters.

    Source:
        Task affinity: Fifty et al., "Efficiently Identifying Task Groupings for Multi-Task
        Learning", NeurIPS 2021. There the step and the loss are of one batch.
    """

    def __init__(
        self,
        network: MSPModel,
        parameters: Sequence[Parameter],
        batches: MeasuredBatches,
        length: float,
    ) -> None:
        self._network, self._parameters, self._batches = network, list(parameters), batches
        norm = torch.stack([p.detach().square().sum() for p in self._parameters]).sum().sqrt()
        self._length = length * float(norm)
        self._seen: list[Tensor] = []

    @torch.no_grad()
    def add(self, number: int, before: Tensor, directions: Sequence[Tensor | None]) -> None:
        """Measure on a batch how a step along each objective changes the losses.

        Args:
            number: Number of the batch.
            before: Its losses without a step, `(m,)`.
            directions: Sum of the gradients of each objective on other batches, `(n,)`; None: there
                are none.
        """
        effects = [
            torch.full_like(before, torch.nan)
            if direction is None or not bool(direction.any())
            else self._effect(number, before, direction)
            for direction in directions
        ]
        self._seen.append(torch.stack(effects))

    def affinity(self, confidence: float = 0.95) -> Interval:
        """Return the relative decrease of each loss, averaged over the batches, `(m, m)`.

        Rows are the objectives that were stepped along; above 0 the step helped. The intervals
        treat the batches as independent, although their directions have most gradients in common.

        Args:
            confidence: Level of the intervals, such as 0.95.
        """
        seen = torch.stack(self._seen)
        known = seen.isfinite()
        count = known.sum(dim=0).double()
        value = seen.nanmean(dim=0)
        spread = torch.where(known, seen - value, 0.0).square().sum(dim=0) / (count - 1)
        error = (spread / count).sqrt().where(count > 1, torch.nan)
        free = (count - 1).clamp(min=1).numpy()
        half = error * torch.from_numpy(stats.t.ppf((1 + confidence) / 2, free))
        p = 2 * torch.from_numpy(stats.t.sf((value / error).abs().numpy(), free))
        return Interval(value, value - half, value + half, p)

    def _effect(self, number: int, before: Tensor, direction: Tensor) -> Tensor:
        kept = [parameter.clone() for parameter in self._parameters]
        step = direction * (self._length / direction.norm())
        parts = step.split([parameter.numel() for parameter in self._parameters])
        for parameter, part in zip(self._parameters, parts, strict=True):
            parameter.sub_(part.view_as(parameter))
        after = self._batches.losses(self._network, number).values
        for parameter, before_step in zip(self._parameters, kept, strict=True):
            parameter.copy_(before_step)
        return (before - after) / before.abs()

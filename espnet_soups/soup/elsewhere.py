"""Layers on which the weights do not act: they follow uniform weights, or are not updated."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import Parameter

from espnet_soups.gradients.gate import Gates
from espnet_soups.gradients.rows import HALF_SCALE, in_half_precision
from espnet_soups.soup.layer_selection import LayerSelection


class Elsewhere:
    """The part of the backbone that does not feed the weights.

    Args:
        shared: All parameters of the backbone.
        layers: The selection of the layers that feed the weights.
        gates: The gates of the objectives.
    """

    def __init__(self, shared: Iterable[Parameter], layers: LayerSelection, gates: Gates) -> None:
        self._shared, self._layers, self._gates = list(shared), layers, gates

    @property
    def parameters(self) -> list[Parameter]:
        """Parameters of this part, given the layers that are selected now."""
        used = {id(parameter) for parameter in self._layers.used_parameters}
        return [parameter for parameter in self._shared if id(parameter) not in used]

    def left_alone(self, epoch: int, begin: int) -> list[Parameter]:
        """Return the parameters that `acts_on: measured_only` does not update.

        Args:
            epoch: The current epoch, from 1.
            begin: The epoch from which they are not updated.

        Returns:
            The parameters; none before epoch `begin`, or if no layer feeds the weights.
        """
        return self.parameters if epoch >= begin and self._layers.used_parameters else []

    def weigh(
        self, total: Tensor, losses: Sequence[Sequence[Tensor]], shares: Tensor, wanted: Tensor
    ) -> Tensor:
        """Return the loss to step on, whose gradients in this part have their own multipliers.

        Args:
            total: The loss of the mini-batch, a scalar.
            losses: The mean losses that it sums up, [parts, m].
            shares: Weight of each of them in the sum, [parts, m].
            wanted: Multipliers of the gradients in this part, in place of the gates, [m].
        """
        added = shares.double().cpu() * (wanted - self._gates.multipliers)
        with self._gates.opened():
            return weigh_elsewhere(total, losses, added, self.parameters)


def weigh_elsewhere(
    total: Tensor,
    losses: Sequence[Sequence[Tensor]],
    factors: Tensor,
    parameters: Sequence[Parameter],
) -> Tensor:
    """Return a loss that has other gradients on some shared parameters.

    The gates multiply all gradients that pass into the backbone. The difference for these
    parameters is added when the gradient of the loss arrives, so that accumulation, loss scales and
    DDP treat it like any other gradient. The gates must be open.

    Args:
        total: The loss of the mini-batch, a scalar.
        losses: For each part of the mini-batch, one scalar per objective, [parts, m].
        factors: Addition to the multiplier of each loss on these parameters, [parts, m].
        parameters: The parameters.

    Returns:
        The same loss, with the added gradients.
    """
    weighed = [
        loss * float(factor)
        for part, row in zip(losses, factors, strict=True)
        for loss, factor in zip(part, row, strict=True)
        if float(factor) != 0.0 and loss.requires_grad
    ]
    if not weighed or not parameters:
        return total
    scale = HALF_SCALE if in_half_precision(total.device.type) else 1.0
    with torch.autocast(total.device.type, enabled=False):
        found = torch.autograd.grad(
            scale * torch.stack(weighed).sum(), parameters, retain_graph=True, allow_unused=True
        )
    reached = [(p, g) for p, g in zip(parameters, found, strict=True) if g is not None]
    added = [gradient / scale for _, gradient in reached]
    result: Tensor = _Added.apply(added, total, *[parameter for parameter, _ in reached])
    return result


def leave_as_they_are(
    optimizer: torch.optim.Optimizer, left: Callable[[], Sequence[Parameter]]
) -> None:
    """Make an optimiser skip parameters, including their moments and weight decay.

    Args:
        optimizer: The optimiser.
        left: Callable that returns the parameters that the next step must not change.
    """

    def drop(*_: Any) -> None:
        for parameter in left():
            parameter.grad = None

    optimizer.register_step_pre_hook(drop)


class _Added(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, added: list[Tensor], total: Tensor, *_: Tensor) -> Tensor:
        ctx.added = added
        return total.view_as(total)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *arriving: Tensor) -> tuple[Tensor | None, ...]:
        added, ctx.added = ctx.added, []  # autograd would keep them as long as the loss lives
        scale = arriving[0]
        return None, scale, *[gradient * scale.to(gradient) for gradient in added]

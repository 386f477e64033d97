"""Gates between the encoder and the heads: identity forwards, a multiplier backwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


class Gates:
    """One gate per objective.

    The model returns the plain sum of the losses; behind the gates each head gets the gradient of
    its own loss, before them the backbone gets the weighted sum. The multiplier is looked up when
    the gradient arrives, so that weights that were found during `forward` already count.

    Args:
        size: Number of objectives.

    >>> gates = Gates(1)
    >>> gates.multipliers = torch.tensor([0.5])
    >>> x = torch.ones(1, requires_grad=True)
    >>> gates(x, 0).sum().backward()
    >>> x.grad
    tensor([0.5000])
    """

    def __init__(self, size: int) -> None:
        self.multipliers = torch.ones(size, dtype=torch.float64)
        self._open = False

    def __call__(self, values: Tensor, objective: int) -> Tensor:
        """Pass values through the gate of an objective.

        Args:
            values: Encoded features, any shape.
            objective: The objective, by its index.
        """
        return _Gate.apply(values, self, objective)  # type: ignore[no-any-return]

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open all gates: inside, gradients pass unweighted, as measuring needs them."""
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def weigh(self, gradient: Tensor, objective: int) -> Tensor:
        """Weigh a gradient on its way back: the one place where a multiplier is applied.

        Args:
            gradient: The gradient that arrives at the gate, any shape, or that of a loss whose rows
                the step reuses (`deposit.py`).
            objective: The objective, by its index.
        """
        if self._open:
            return gradient
        return gradient * float(self.multipliers[objective])


class _Gate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, gates: Gates, objective: int) -> Tensor:
        ctx.gates, ctx.objective = gates, objective
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.gates.weigh(gradients[0], ctx.objective), None, None

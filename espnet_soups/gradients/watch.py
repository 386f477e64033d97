"""Watch of passing gradients, which remembers the objectives with one that was not finite."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor


class GradientWatch:
    """Watch of the gradient of each objective where it enters the shared layers.

    It changes nothing, and does not wait for the device: its findings are read when a step has
    failed.

    Args:
        size: Number of objectives.

    >>> watch = GradientWatch(2)
    >>> x = torch.zeros(1, requires_grad=True)
    >>> (watch(x, 0) + torch.sqrt(watch(x, 1))).backward()
    >>> watch.broken(torch.device("cpu"))
    tensor([0., 1.])
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.forget()

    def forget(self) -> None:
        """Forget all findings, and watch again."""
        self._finite: dict[int, Tensor] = {}
        self._looking = True

    def stop(self) -> None:
        """Stop watching until `forget`: gradients that follow are spoiled on purpose."""
        self._looking = False

    def __call__(self, values: Tensor, objective: int) -> Tensor:
        """Return values unchanged; their gradient is then watched as that of the objective.

        Args:
            values: Encoded features, any shape.
            objective: The objective, by its index.
        """
        if not values.requires_grad:
            return values
        own = values.view_as(values)  # objectives of one language share the tensor itself
        look: Callable[[Tensor], None] = partial(self._look, objective)
        own.register_hook(look)
        return own

    def broken(self, device: torch.device) -> Tensor:
        """Return 1 for each objective with a gradient that was not finite on this rank, [m].

        Args:
            device: Device of the result.
        """
        flags = torch.zeros(self.size, device=device)
        for objective, finite in self._finite.items():
            flags[objective] = 1.0 - finite.to(flags)
        return flags

    def _look(self, objective: int, gradient: Tensor) -> None:
        if not self._looking:
            return
        finite = torch.isfinite(gradient).all()
        before = self._finite.get(objective)
        self._finite[objective] = finite if before is None else before & finite

"""Gradient rows: the gradient of each objective with respect to the measured parameters."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

# In float16 small gradients become 0, so losses are multiplied by this while rows are
# measured; a power of two rounds nothing, and it is divided out in the precision of the parameters.
HALF_SCALE = 1024.0


def measure_rows(
    losses: Sequence[Tensor], parameters: Sequence[Parameter], present: Sequence[bool]
) -> Tensor:
    """Measure the gradient of every objective; the graph stays for the backward pass.

    Differentiation stops at the lowest of the parameters, so that rows on the top layers of an
    encoder cost little. The gates must be open. Autocast is off, as in ESPnet's own backward pass:
    operations go back in the precision in which they went forward.

    Args:
        losses: One scalar per objective.
        parameters: The shared parameters to measure on, n numbers in all.
        present: Whether the objective has a label in this batch; if not, its row is zero.

    Returns:
        The rows G, in the dtype of the parameters, [m, n].
    """
    size = sum(parameter.numel() for parameter in parameters)
    rows = parameters[0].new_zeros(len(losses), size)
    scale = HALF_SCALE if in_half_precision(rows.device.type) else 1.0
    with torch.autocast(rows.device.type, enabled=False):
        for row, loss, here in zip(rows, losses, present, strict=True):
            if here and loss.requires_grad:  # a frozen head without a label on this rank: constant
                gradients = torch.autograd.grad(
                    loss * scale, parameters, retain_graph=True, allow_unused=True
                )
                fill_row(row, parameters, gradients)
    return rows if scale == 1.0 else rows.div_(scale)


def fill_row(row: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """Write gradients into a row; a layer that stochastic depth has left out stays zero.

    Args:
        row: The row to write to, zero so far, [n].
        parameters: The parameters, n numbers in all.
        gradients: The gradient of each parameter, of its shape; None where there is none. Further
            ones are ignored.
    """
    offset = 0
    for parameter, gradient in zip(parameters, gradients, strict=False):
        if gradient is not None:
            row[offset : offset + parameter.numel()] = gradient.reshape(-1)
        offset += parameter.numel()


def in_half_precision(device: str) -> bool:
    """Return True if autocast computes in float16, where small gradients need a loss scale.

    Args:
        device: Type of the device, such as `cuda`.
    """
    return torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) == torch.float16

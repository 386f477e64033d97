"""Padding to few sizes: oneDNN compiles each new shape, which takes longer than its product."""

import torch
from torch import Tensor

IN_A_DOUBLING = 16  # sizes between a power of two and the next; at most 6 % is padded


def round_up(rows: int) -> int:
    """Return the next larger one of few sizes.

    Args:
        rows: Number of rows.

    Returns:
        The smallest multiple of a sixteenth of the power of two below that is not less.

    >>> [round_up(rows) for rows in (0, 5, 33, 1562, 1600, 7340)]
    [0, 5, 34, 1600, 1600, 7424]
    """
    step = max(1, (1 << max(rows.bit_length() - 1, 0)) // IN_A_DOUBLING)
    return -(-rows // step) * step


def pad_rows(rows: Tensor) -> Tensor:
    """Return rows padded with zeros up to the next of few sizes.

    Args:
        rows: Any rows, [N, D].

    Returns:
        The padded rows, contiguous, [`round_up(N)`, D].
    """
    missing = round_up(rows.size(0)) - rows.size(0)
    return torch.nn.functional.pad(rows, (0, 0, 0, missing)) if missing else rows.contiguous()

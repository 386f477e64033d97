"""Positions of utterances as an index on the device of a batch."""

from collections.abc import Sequence

import torch
from torch import Tensor


def positions(rows: Sequence[int], device: torch.device) -> Tensor:
    """Return positions as an index; a GPU gets them while it goes on working.

    An ordinary copy to a GPU would wait until all earlier work is done; one from pinned memory does
    not.

    Args:
        rows: The positions.
        device: The device of the index.
    """
    index = torch.tensor(rows, dtype=torch.long)
    if device.type == "cuda":
        index = index.pin_memory()
    return index.to(device, non_blocking=True)

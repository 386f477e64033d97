"""Inner products of gradient rows, in full precision."""

import torch
from torch import Tensor


def cross_gram(first: Tensor, second: Tensor, first_scale: Tensor, second_scale: Tensor) -> Tensor:
    """Gives the inner products of two sets of rows, each row divided by a scale.

    Args:
        first: Rows G(z1), [m, n].
        second: Rows G(z2), [m, n].
        first_scale: What each row of the first set is divided by, [m].
        second_scale: What each row of the second set is divided by, [m].

    Returns:
        The cross Gram, at least float32, also under autocast, [m, m].
    """
    with torch.autocast(first.device.type, enabled=False):
        dtype = torch.promote_types(first.dtype, torch.float32)
        products = first.to(dtype) @ second.to(dtype).T
    return products / torch.outer(first_scale, second_scale).to(dtype)

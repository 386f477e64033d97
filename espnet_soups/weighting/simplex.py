"""Euclidean projection onto the probability simplex."""

import torch
from torch import Tensor


def project_to_simplex(vector: Tensor, mass: float = 1.0) -> Tensor:
    """Project a vector onto {w : w >= 0, sum(w) = mass}, in the Euclidean norm.

    Args:
        vector: Any real vector, [m].
        mass: Sum of the result, not negative.

    Returns:
        The nearest point of the simplex, [m].

    Raises:
        ValueError: If `mass` is negative or the vector is not finite.

    Source:
        Held, Wolfe and Crowder (1974): the threshold is found by sorting.

    >>> project_to_simplex(torch.tensor([0.9, 0.5]))
    tensor([0.7000, 0.3000])
    """
    if mass < 0:
        raise ValueError(f"`mass` must not be negative, but got {mass}.")
    if not torch.isfinite(vector).all():
        raise ValueError(f"`vector` must be finite, but got {vector.tolist()}.")
    descending = vector.sort(descending=True).values
    excess = descending.cumsum(0) - mass
    rank = torch.arange(1, vector.numel() + 1, dtype=vector.dtype, device=vector.device)
    kept = int((descending * rank > excess).sum().clamp(min=1))
    return (vector - excess[kept - 1] / kept).clamp(min=0)

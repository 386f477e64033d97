"""Cosines and norms of gradient rows, averaged over the steps of an epoch."""

import torch
from torch import Tensor

from espnet_soups.gradients.gram import cross_gram


class GradientMeans:
    """Adds up what each measured step showed.

    Args:
        size: Number of objectives.

    >>> means = GradientMeans(2)
    >>> means.add(torch.tensor([[3.0, 4.0], [4.0, 3.0]]))
    >>> means.norms()
    tensor([5., 5.], dtype=torch.float64)
    >>> means.add(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    >>> means.steps()
    tensor([[2, 1],
            [1, 1]])
    """

    def __init__(self, size: int) -> None:
        self._cosine_sum = torch.zeros(size, size, dtype=torch.float64)
        self._cosine_count = torch.zeros(size, size, dtype=torch.long)
        self._norm_sum = torch.zeros(size, dtype=torch.float64)
        self._norm_count = torch.zeros(size, dtype=torch.long)

    def add(self, rows: Tensor) -> None:
        """Adds the rows of a step, [m, n]; a row of zeros was not measured."""
        ones = rows.new_ones(len(rows))
        gram = cross_gram(rows, rows, ones, ones).double().cpu()
        norms = gram.diagonal().sqrt()
        cosine = gram / torch.outer(norms, norms)
        known = torch.isfinite(cosine)
        self._cosine_sum += torch.where(known, cosine, torch.zeros_like(cosine))
        self._cosine_count += known
        self._norm_sum += norms
        self._norm_count += norms > 0

    def cosines(self) -> Tensor:
        """Gives the mean cosine of every pair; NaN: never measured, [m, m]."""
        return self._cosine_sum / self._cosine_count

    def norms(self) -> Tensor:
        """Gives the mean norm of every row; NaN: never measured, [m]."""
        return self._norm_sum / self._norm_count

    def steps(self) -> Tensor:
        """Gives on how many steps the cosine of every pair was measured, long [m, m]."""
        return self._cosine_count.clone()

"""The penalised vector objective of each level, as small matrices."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Hierarchy:
    """Objectives on levels p = 1 (top) ... P, by their indices.

    Level p weighs `F_k = l_k + sum_{q>p} (c_q / c_p) sum_{j in q} w_j l_j`: its own objectives,
    each with the penalties of all lower levels added. As this is linear in the gradients, its Gram
    matrix is `A G1 G2^T A^T`, with a matrix A of one row per objective of the level. We use
    `B = c_p A`: the same vector up to one factor, and bounded where c_p is near 0.

    Args:
        levels: Indices of the objectives of each level, the top level first; each index once.

    Source:
        The penalty reformulation of the paper (one loop, no inner solve), for any P.

    >>> hierarchy = Hierarchy([[0, 1], [2]])
    >>> hierarchy.penalise(0, torch.tensor([0.5, 0.5, 1.0]), torch.tensor([1.0, 0.3]))
    tensor([[1.0000, 0.0000, 0.3000],
            [0.0000, 1.0000, 0.3000]])
    """

    def __init__(self, levels: Sequence[Sequence[int]]) -> None:
        self.levels = [list(level) for level in levels]
        self.size = sum(len(level) for level in self.levels)

    def spread(self, per_level: Tensor) -> Tensor:
        """Return the value of each objective's level, [m].

        Args:
            per_level: Values of the levels, the top one first, [P].
        """
        values = per_level.new_zeros(self.size)
        for level, value in zip(self.levels, per_level, strict=True):
            values[level] = value
        return values

    def uniform(self) -> Tensor:
        """Return weights that are equal within each level and sum to 1, float64 [m]."""
        sizes = [len(level) for level in self.levels]
        return self.spread(1.0 / torch.tensor(sizes, dtype=torch.float64))

    def distances(self, weights: Tensor) -> Tensor:
        """Return the total variation distance of each level's weights from uniform, [P].

        Args:
            weights: Weights of all objectives, which sum to 1 within each level, [m].

        >>> Hierarchy([[0, 1], [2]]).distances(torch.tensor([0.75, 0.25, 1.0]).double())
        tensor([0.2500, 0.0000], dtype=torch.float64)
        """
        away = (weights - self.uniform()).abs() / 2
        return torch.stack([away[level].sum() for level in self.levels])

    def penalise(self, position: int, weights: Tensor, penalties: Tensor) -> Tensor:
        """Return B of a level: c_p at its own objectives, c_q w_j below.

        Args:
            position: Position of the level, 0 for the top.
            weights: Weights of all objectives, [m].
            penalties: Penalties of all levels, 1 at the top, [P].

        Returns:
            The matrix, [m_p, m].
        """
        members = self.levels[position]
        matrix = weights.new_zeros(len(members), self.size)
        for row, member in enumerate(members):
            matrix[row, member] = penalties[position]
        for lower in range(position + 1, len(self.levels)):
            below = self.levels[lower]
            matrix[:, below] = penalties[lower] * weights[below]
        return matrix

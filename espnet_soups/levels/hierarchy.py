"""The penalised vector objective of each level, as small matrices."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

# Gives the next weights of a level, of the k objectives that are present:
# (position of the level, weights [k], Gram matrix [k, k], losses [k]) -> [k].
MoveWeights = Callable[[int, Tensor, Tensor, Tensor], Tensor]


class Hierarchy:
    """Objectives on levels p = 1 (top) ... P, by their indices.

    Level p weighs `F_k = l_k + sum_{q>p} (c_q / c_p) sum_{j in q} w_j l_j`: its own objectives,
    each with the penalties of all lower levels added. As this is linear in the gradients, its
    Gram matrix is `A G1 G2^T A^T`, with a matrix A of one row per objective of the level.

    Args:
        levels: Indices of the objectives of each level, the top level first; each index once.

    Source:
        The penalty reformulation of the paper (one loop, no inner solve), for any P.
    """

    def __init__(self, levels: Sequence[Sequence[int]]) -> None:
        self.levels = [list(level) for level in levels]
        self.size = sum(len(level) for level in self.levels)

    def spread(self, per_level: Tensor) -> Tensor:
        """Gives each objective the value of its level: [P] -> [m]."""
        values = per_level.new_zeros(self.size)
        for level, value in zip(self.levels, per_level, strict=True):
            values[level] = value
        return values

    def sizes(self) -> Tensor:
        """Gives the number of objectives of each level, [P]."""
        return torch.tensor([float(len(level)) for level in self.levels])

    def penalise(self, position: int, weights: Tensor, penalties: Tensor) -> Tensor:
        """Gives A of a level: 1 at its own objectives, (c_q / c_p) w_j below.

        Args:
            position: Position of the level, 0 for the top.
            weights: Weights of all objectives, [m].
            penalties: Penalties of all levels, 1 at the top, [P]; this level's is not 0.

        Returns:
            The matrix, [m_p, m].
        """
        members = self.levels[position]
        matrix = weights.new_zeros(len(members), self.size)
        for row, member in enumerate(members):
            matrix[row, member] = 1.0
        for lower in range(position + 1, len(self.levels)):
            share = penalties[lower] / penalties[position]
            matrix[:, self.levels[lower]] = share * weights[self.levels[lower]]
        return matrix

    def move(
        self,
        weights: Tensor,
        penalties: Tensor,
        gram: Tensor,
        losses: Tensor,
        present: Tensor,
        move_weights: MoveWeights,
    ) -> Tensor:
        """Moves the weights of every level that is awake.

        A level rests while its penalty is 0. Objectives that are absent keep their weight; the
        others share what remains.

        Args:
            weights: Weights before this step, [m].
            penalties: Penalties of all levels, [P].
            gram: Inner products of the objectives' gradients, cross Gram or symmetric, [m, m].
            losses: The objectives' losses, [m].
            present: Whether the objective takes part in this step, bool [m].
            move_weights: The combiner of each level.

        Returns:
            The weights after this step, [m]; those before it are left as they are.
        """
        moved = weights.clone()
        for position, members in enumerate(self.levels):
            active = [row for row, member in enumerate(members) if present[member]]
            if penalties[position] == 0 or len(active) < 2:
                continue
            matrix = self.penalise(position, weights, penalties)[active]
            level_gram = matrix @ gram @ matrix.T
            index = [members[row] for row in active]
            moved[index] = move_weights(position, weights[index], level_gram, matrix @ losses)
        return moved

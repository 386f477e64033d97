"""The contract of combiners: each moves the weights of one level by what a step has measured."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# A combiner's memory from step to step, by name. It is passed in and returned, never kept
# in the combiner: a step that is skipped leaves no trace, and a checkpoint holds all there is.
State = Mapping[str, Tensor]
LEAST_SUM = 0.1  # of weights of both signs, as a share of the sum of their sizes


@dataclass(frozen=True)
class Shown:
    """Measurements of one level in one step, on its m (penalised) objectives.

    Attributes:
        gram: Inner products of their gradients; zeros where the combiner measures none, [m, m].
        losses: Their losses; zeros where the combiner needs none, [m].
        epoch: Number of the epoch, from 1.
        steps: Optimiser steps since the weights could last move, including this one: a combiner
            with a step size per optimiser step moves that much further.
    """

    gram: Tensor
    losses: Tensor
    epoch: int = 1
    steps: int = 1


class Combiner(ABC):
    """Combiner that moves the weights of the objectives of one level.

    Attributes:
        name: Its name in YAML.
        moves: Whether it ever changes the weights.
        measures: Whether it looks at gradients. A combiner that does not is free.
        symmetric: Whether it needs a symmetric Gram matrix; if not, it gets the cross Gram G(z1)
            G(z2)^T of two independent batches as it is.
        needs_losses: Whether it looks at losses.
        complete: Whether it needs all objectives of its level; if one has no label in a step, the
            weights of the level stay as they are.
        remembers: Whether it has a state of its own, beside the weights.
    """

    name: str = ""
    moves: bool = True
    measures: bool = True
    symmetric: bool = False
    needs_losses: bool = False
    complete: bool = False
    remembers: bool = False

    def initial(self, size: int) -> Tensor:
        """Return the initial weights of a level, equal and with sum 1, [size].

        Args:
            size: Number of objectives of the level.
        """
        return torch.full((size,), 1.0 / size, dtype=torch.float64)

    @abstractmethod
    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights.

        Args:
            weights: The weights before this step, on the simplex of mass `weights.sum()`, [m].
            shown: The measurements of the level.
            state: The state that this combiner last returned; empty at first.

        Returns:
            (the next weights [m], whose sum is the same; the next state).
        """


def scale_to_mass(proposed: Tensor, weights: Tensor) -> Tensor:
    """Divide proposed weights, including negative ones, by their sum, and keep the old sum.

    The direction stays the one that the combiner proposed. If positive and negative weights almost
    cancel, no bounded factor leads there: then the weights stay as they are.

    Args:
        proposed: The weights that a combiner proposes, [m].
        weights: The weights before the step, [m].

    Returns:
        The new weights, [m].

    >>> scale_to_mass(torch.tensor([3.0, -1.0]), torch.tensor([0.3, 0.7]))
    tensor([ 1.5000, -0.5000])
    >>> scale_to_mass(torch.tensor([3.0, -2.9]), torch.tensor([0.3, 0.7]))
    tensor([0.3000, 0.7000])
    """
    moved, mass = proposed.to(weights), weights.sum()
    total = moved.sum()
    clear = total > 0 and total >= LEAST_SUM * moved.abs().sum()
    return moved / total * mass if clear and mass > 0 else weights


def keep_mass(proposed: Tensor, weights: Tensor) -> Tensor:
    """Clip proposed weights at zero and scale them to the sum of the old ones.

    If no proposed weight is positive, the weights stay as they are.

    Args:
        proposed: The weights that a combiner proposes, [m].
        weights: The weights before the step, [m].

    Returns:
        The new weights, [m].

    >>> keep_mass(torch.tensor([3.0, -1.0, 1.0]), torch.tensor([0.2, 0.2, 0.4]))
    tensor([0.6000, 0.0000, 0.2000])
    """
    clipped = proposed.to(weights).clamp(min=0)
    total = clipped.sum()
    return weights if total == 0 else clipped / total * weights.sum()

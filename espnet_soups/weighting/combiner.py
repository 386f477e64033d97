"""What a combiner is: it moves the weights of one level, given what the level shows in a step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

# What a combiner remembers from step to step, by name. It is passed in and given back, never kept
# in the combiner: a step that is skipped leaves no trace, and a checkpoint holds all there is.
State = Mapping[str, Tensor]
LEAST_SUM = 0.1  # of weights of both signs, as a share of the sum of their sizes


@dataclass(frozen=True)
class Shown:
    """What a level shows in one step, of its m (penalised) objectives.

    Attributes:
        gram: Inner products of their gradients; zeros where the combiner measures none, [m, m].
        losses: Their losses; zeros where the combiner needs none, [m].
        epoch: Number of the epoch, from 1.
        steps: Optimiser steps since the weights could last move, this one counted: a combiner with
            a step size per optimiser step moves that much further.
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
        symmetric: Whether it wants a symmetric Gram matrix; if not, it gets the cross Gram
            G(z1) G(z2)^T of two independent batches as it is.
        needs_losses: Whether it looks at losses.
        complete: Whether it needs all objectives of its level; where one has no label in a step,
            the level rests.
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
        """Return the weights that a level of `size` objectives starts with, [size]."""
        return torch.full((size,), 1.0 / size, dtype=torch.float64)

    @abstractmethod
    def __call__(self, weights: Tensor, shown: Shown, state: State) -> tuple[Tensor, State]:
        """Return the next weights.

        Args:
            weights: The weights before this step, on the simplex of mass `weights.sum()`, [m].
            shown: What the level shows.
            state: What this combiner gave back the last time; empty at first.

        Returns:
            (the next weights [m], whose sum is the same; the next state).
        """


def scale_to_mass(proposed: Tensor, weights: Tensor) -> Tensor:
    """Divide proposed weights, negative ones too, by their sum; [m] -> [m].

    The direction stays what the combiner has proposed, and the sum that of the weights before.
    Where positive and negative weights almost cancel out, no bounded factor leads there: then the
    weights stay.

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
    """Clip proposed weights at zero and scale them to the sum of the weights before; [m] -> [m].

    Where nothing positive is proposed, the weights stay.

    >>> keep_mass(torch.tensor([3.0, -1.0, 1.0]), torch.tensor([0.2, 0.2, 0.4]))
    tensor([0.6000, 0.0000, 0.2000])
    """
    clipped = proposed.to(weights).clamp(min=0)
    total = clipped.sum()
    return weights if total == 0 else clipped / total * weights.sum()

"""Messages between soup and model in one mini-batch: a plan before, an outcome after."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import Module


@dataclass(frozen=True)
class StepPlan:
    """Plan of a soup for a mini-batch, before it is encoded.

    Attributes:
        parts: Number of independent parts that it is dealt into.
        measured: Whether rows are measured on it.
        stepped_on: The parts that the step is made on: all, or the last of three.
        lowest: The lowest layer of the encoder that is measured; None if nothing is measured, or
            what is measured is not a layer of it or lies below.
    """

    parts: int
    measured: bool
    stepped_on: slice
    lowest: Module | None = None


@dataclass(frozen=True)
class StepOutcome:
    """Result of a soup for the losses of a mini-batch.

    Attributes:
        loss: The plain sum of the mean losses of the parts that are stepped on, a scalar. In the
            backward pass, each objective reaches the backbone with its weight.
        valid: Whether the step may be made: the measurements behind its weights are finite.
        weights: The weights that the step uses, [m].
        penalties: The penalties that the step uses, 1 at the top, [P].
    """

    loss: Tensor
    valid: bool
    weights: Tensor
    penalties: Tensor

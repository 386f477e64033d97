"""What passes between a soup and a model in one mini-batch: a plan before, an outcome after."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StepPlan:
    """What a soup wants of a mini-batch, before it is encoded.

    Attributes:
        parts: Into how many independent parts it is dealt.
        measured: Whether rows are measured on it.
        stepped_on: The parts that the step is made on: all, or the last of three.
    """

    parts: int
    measured: bool
    stepped_on: slice


@dataclass(frozen=True)
class StepOutcome:
    """What a soup has made of the losses of a mini-batch.

    Attributes:
        loss: The plain sum of the mean losses of the parts that are stepped on, a scalar.
            Backwards, each objective reaches the backbone by its weight.
        valid: Whether the step may be made: whether what its weights come from is finite.
        weights: The weights that it is made with, [m].
        penalties: The penalties that it is made with, 1 at the top, [P].
    """

    loss: Tensor
    valid: bool
    weights: Tensor
    penalties: Tensor

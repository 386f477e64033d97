"""A loss before it is averaged."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossSum:
    """The loss of one objective on some utterances, summed over label tokens.

    It is divided by the count over all ranks, so that an objective is a mean per label token,
    whatever the length of its labels and the number of its utterances.

    Attributes:
        total: Sum over the label tokens, a scalar with a graph.
        count: Number of label tokens, a float scalar.
        correct: How many of them were right (teacher forcing or greedy CTC); NaN: not computed.
        utterances: Number of utterances with a label.
        unalignable: Of these, how many CTC left out since their label is longer than their frames.
    """

    total: Tensor
    count: Tensor
    correct: Tensor
    utterances: int
    unalignable: int = 0

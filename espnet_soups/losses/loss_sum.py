"""A loss before it is averaged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import Parameter


@dataclass(frozen=True)
class LossSum:
    """The loss of one objective on some utterances, summed over label tokens.

    It is divided by the count over all ranks, so that an objective is a mean per label token
    (self-supervision: per predicted frame), whatever the length of its labels and the number of
    its utterances.

    Attributes:
        total: Sum over the label tokens, a scalar with a graph.
        count: Number of label tokens, a float scalar.
        correct: Number of correct ones (teacher forcing or greedy CTC); NaN if not computed.
        utterances: Number of utterances with a label.
        unalignable: Number of these that CTC left out, as their label is longer than their frames;
            in self-supervision, number of those that were too short.
        shortened: Number of those that took part with less audio than the settings ask for.
        watched: Further numbers to report, by name; the same names whatever the batch.
    """

    total: Tensor
    count: Tensor
    correct: Tensor
    utterances: int
    unalignable: int = 0
    shortened: int = 0
    watched: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def used(self) -> bool:
        """True if any utterance took part."""
        return self.utterances > self.unalignable


def add_sums(sums: Sequence[LossSum]) -> LossSum:
    """Add the losses of one objective on several groups of utterances.

    A single loss is returned unchanged. Watched numbers are averaged, with each group weighted by
    its labels. Groups of which nothing could be used enter the counts of utterances only.

    Args:
        sums: The loss of each group, at least one.
    """
    if len(sums) == 1:
        return sums[0]
    used = [loss for loss in sums if loss.used] or sums[:1]
    counts = torch.stack([loss.count for loss in used])
    shares = counts / counts.sum()
    return LossSum(
        total=torch.stack([loss.total for loss in used]).sum(),
        count=counts.sum(),
        correct=torch.stack([loss.correct for loss in used]).sum(),
        utterances=sum(loss.utterances for loss in sums),
        unalignable=sum(loss.unalignable for loss in sums),
        shortened=sum(loss.shortened for loss in sums),
        watched={
            name: (torch.stack([loss.watched[name] for loss in used]) * shares).sum()
            for name in sums[0].watched
        },
    )


def absent_sum(
    parameters: Iterable[Parameter],
    like: Tensor,
    utterances: int = 0,
    unalignable: int = 0,
    watched: Iterable[str] = (),
) -> LossSum:
    """Return a loss of zero that still touches every parameter, as DDP needs it.

    The zero gradient is the same on one rank and on many, so that momentum is, too.

    Args:
        parameters: Parameters of the head.
        like: Any tensor on the device and of the precision of the encoder output.
        utterances: Number of utterances with a label.
        unalignable: Number of utterances that were left out.
        watched: Names of the numbers that the head reports; they become NaN.
    """
    dtype = sum_dtype(like)
    zero = like.new_zeros((), dtype=dtype)
    unknown = like.new_full((), torch.nan, dtype=dtype)
    total = zero_touch(parameters, like)
    known = dict.fromkeys(watched, unknown)
    return LossSum(total, zero, unknown, utterances, unalignable, watched=known)


def zero_touch(parameters: Iterable[Parameter], like: Tensor) -> Tensor:
    """Return a zero whose gradient reaches every parameter that is trained, a scalar.

    Args:
        parameters: The parameters.
        like: Any tensor on the device and of the precision of the encoder output.
    """
    dtype = sum_dtype(like)
    total = like.new_zeros((), dtype=dtype)
    if torch.is_grad_enabled():
        for parameter in parameters:
            if parameter.requires_grad:
                total = total + 0.0 * parameter.sum().to(dtype)
    return total


def sum_dtype(values: Tensor) -> torch.dtype:
    """Return the dtype of sums and counts: at least float32, since bfloat16 counts to 256.

    Args:
        values: Any tensor whose values are summed.
    """
    return torch.promote_types(values.dtype, torch.float32)
